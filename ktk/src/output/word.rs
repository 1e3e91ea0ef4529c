//! The words of `-o`, and which of them a command offers.

use std::io;

use crate::{error::CliError, suggest};

/// What is typed for a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    CustomColumns,
    CustomColumnsFile,
    Dot,
    Json,
    JsonLines,
    JsonPath,
    JsonPathAsJson,
    JsonPathFile,
    Mermaid,
    Name,
    Tree,
    Wide,
    Yaml,
}

/// Reads a file as text.
pub(crate) type ReadFile = fn(&str) -> io::Result<String>;

/// Sorted, as they are listed.
const WORDS: [(&str, Word); 13] = [
    ("custom-columns", Word::CustomColumns),
    ("custom-columns-file", Word::CustomColumnsFile),
    ("dot", Word::Dot),
    ("json", Word::Json),
    ("jsonl", Word::JsonLines),
    ("jsonpath", Word::JsonPath),
    ("jsonpath-as-json", Word::JsonPathAsJson),
    ("jsonpath-file", Word::JsonPathFile),
    ("mermaid", Word::Mermaid),
    ("name", Word::Name),
    ("tree", Word::Tree),
    ("wide", Word::Wide),
    ("yaml", Word::Yaml),
];

/// What kubectl has and ktk has not.
const GO_TEMPLATES: [&str; 4] = ["go-template", "go-template-file", "template", "templatefile"];

/// Formats of `get`.
pub(crate) const LISTING: &[Word] = &[
    Word::CustomColumns,
    Word::CustomColumnsFile,
    Word::Dot,
    Word::Json,
    Word::JsonLines,
    Word::JsonPath,
    Word::JsonPathAsJson,
    Word::JsonPathFile,
    Word::Mermaid,
    Word::Name,
    Word::Tree,
    Word::Wide,
    Word::Yaml,
];

/// Formats of commands that make or change something.
pub(crate) const CHANGE: &[Word] =
    &[Word::Json, Word::JsonPath, Word::JsonPathAsJson, Word::Name, Word::Yaml];

/// Formats of commands whose answer is no object with a name.
pub(crate) const DOCUMENT: &[Word] = &[Word::Json, Word::JsonPath, Word::JsonPathAsJson, Word::Yaml];

impl Word {
    /// Whether something stands behind it, after `=`.
    fn takes_value(self) -> bool {
        use Word::{CustomColumns, CustomColumnsFile, JsonPath, JsonPathAsJson, JsonPathFile};
        matches!(self, CustomColumns | CustomColumnsFile | JsonPath | JsonPathAsJson | JsonPathFile)
    }
}

/// The words of some formats, as completion offers them.
pub(crate) fn words(offered: &[Word]) -> impl Iterator<Item = String> {
    let offered = WORDS.iter().filter(|(_, word)| offered.contains(word));
    offered.map(|(text, word)| format!("{text}{}", if word.takes_value() { "=" } else { "" }))
}

/// Reads `WORD` or `WORD=VALUE`.
pub(super) fn read<'t>(text: &'t str, offered: &[Word]) -> Result<(Word, Option<&'t str>), CliError> {
    let (typed, value) = match text.split_once('=') {
        Some((typed, value)) => (typed, Some(value)),
        None => (text, None),
    };
    let known =
        WORDS.iter().find(|(known, word)| known.eq_ignore_ascii_case(typed) && offered.contains(word));
    if let Some((known, word)) = known {
        return match value {
            Some(_) if !word.takes_value() => {
                Err(CliError::usage(format!("the output format {known} takes no value")))
            }
            value => Ok((*word, value)),
        };
    }
    if let Some(known) = GO_TEMPLATES.iter().find(|known| known.eq_ignore_ascii_case(typed)) {
        let error = CliError::usage(format!("{known} is not offered: ktk has no Go templates"));
        return Err(error.with_hint("use -o jsonpath='{.metadata.name}': ktk help jsonpath"));
    }
    let allowed: Vec<_> =
        WORDS.iter().filter(|(_, word)| offered.contains(word)).map(|(known, _)| *known).collect();
    let error = CliError::usage(format!(
        "unable to match a printer suitable for the output format {typed:?}, allowed formats are: {}",
        allowed.join(",")
    ));
    Err(match suggest::nearest(typed, allowed) {
        Some(near) => error.with_hint(format!("did you mean {near:?}?")),
        None => error,
    })
}

/// The template that stands behind a word, or in the file that it names.
pub(super) fn template(word: Word, value: Option<&str>, read: ReadFile) -> Result<String, CliError> {
    let is_columns = matches!(word, Word::CustomColumns | Word::CustomColumnsFile);
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(CliError::usage(match is_columns {
            true => "custom-columns format specified but no custom columns given",
            false => "template format specified but no template given",
        }));
    };
    match word {
        Word::JsonPathFile | Word::CustomColumnsFile => read(value).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                _ => error.to_string(),
            };
            CliError::usage(format!("error reading --template {value}, open {value}: {why}"))
        }),
        _ => Ok(value.to_owned()),
    }
}
