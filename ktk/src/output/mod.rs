//! Output formats. A machine format turns objects into text by one trait, a file each; tables
//! are made of the cells that `view` gives. Neither sees a client.

mod json;
mod jsonl;
mod name;
pub(crate) mod path;
pub(crate) mod sort;
pub(crate) mod table;
mod yaml;

use serde_json::{Value, json};

use crate::{error::CliError, suggest};

/// What `-o` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Nothing: what a person wants to see.
    #[default]
    Human,
    /// A table with more columns.
    Wide,
    /// JSON, indented.
    Json,
    /// YAML.
    Yaml,
    /// `TYPE/NAME` a line.
    Name,
    /// Pipelines with their steps and restarts.
    Tree,
    /// A pipeline's DAG for Graphviz.
    Dot,
    /// A pipeline's DAG for Mermaid.
    Mermaid,
}

const WORDS: [(&str, OutputFormat); 7] = [
    ("dot", OutputFormat::Dot),
    ("json", OutputFormat::Json),
    ("mermaid", OutputFormat::Mermaid),
    ("name", OutputFormat::Name),
    ("tree", OutputFormat::Tree),
    ("wide", OutputFormat::Wide),
    ("yaml", OutputFormat::Yaml),
];

/// Formats of `get`.
pub(crate) const LISTING: &[OutputFormat] = &[
    OutputFormat::Wide,
    OutputFormat::Json,
    OutputFormat::Yaml,
    OutputFormat::Name,
    OutputFormat::Tree,
    OutputFormat::Dot,
    OutputFormat::Mermaid,
];

/// Formats of commands that make or change something.
pub(crate) const CHANGE: &[OutputFormat] = &[OutputFormat::Json, OutputFormat::Yaml, OutputFormat::Name];

/// Formats of commands whose answer is no object with a name.
pub(crate) const DOCUMENT: &[OutputFormat] = &[OutputFormat::Json, OutputFormat::Yaml];

impl OutputFormat {
    /// Reads `-o`, in any case, among those that a command offers.
    ///
    /// # Errors
    /// Code 2, with the formats there are.
    pub(crate) fn parse(text: Option<&str>, offered: &[OutputFormat]) -> Result<Self, CliError> {
        let Some(text) = text else { return Ok(Self::Human) };
        let typed = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let Some((_, format)) = typed.filter(|(_, format)| offered.contains(format)) {
            return Ok(*format);
        }
        let allowed: Vec<_> = Self::words(offered).collect();
        let error = CliError::usage(format!(
            "unable to match a printer suitable for the output format {text:?}, allowed formats are: {}",
            allowed.join(",")
        ));
        Err(match suggest::nearest(text, allowed) {
            Some(near) => error.with_hint(format!("did you mean {near:?}?")),
            None => error,
        })
    }

    /// The words of some formats.
    pub(crate) fn words(offered: &[OutputFormat]) -> impl Iterator<Item = &'static str> {
        WORDS.iter().filter(|(_, format)| offered.contains(format)).map(|(word, _)| *word)
    }

    /// The machine format, where it is one.
    pub(crate) fn machine(self) -> Option<&'static dyn MachineFormat> {
        match self {
            Self::Json => Some(&json::Json),
            Self::Yaml => Some(&yaml::Yaml),
            Self::Name => Some(&name::Name),
            _ => None,
        }
    }

    /// The machine format of something that goes on: one object after the other.
    pub(crate) fn machine_stream(self) -> Option<&'static dyn MachineFormat> {
        match self {
            Self::Json => Some(&jsonl::JsonLines),
            other => other.machine(),
        }
    }
}

/// What goes into a machine format.
pub(crate) enum Document {
    /// The object itself.
    One(Value),
    /// What was listed: a `List`, also of one or none.
    Many(Vec<Value>),
}

impl Document {
    /// What was named: the bare object where it is one, a `List` of several.
    pub(crate) fn named(mut objects: Vec<Value>) -> Self {
        match objects.len() {
            1 => Self::One(objects.remove(0)),
            _ => Self::Many(objects),
        }
    }

    /// As one value, the many as a `List`.
    fn into_value(self) -> Value {
        match self {
            Self::One(object) => object,
            Self::Many(items) => {
                json!({"apiVersion": ktk_client::api::API_VERSION, "kind": "List", "items": items})
            }
        }
    }

    fn objects(&self) -> &[Value] {
        match self {
            Self::One(object) => std::slice::from_ref(object),
            Self::Many(objects) => objects,
        }
    }
}

/// A format that programs read: never coloured, and safe on a terminal.
pub(crate) trait MachineFormat {
    /// The whole document, its last line ended.
    ///
    /// # Errors
    /// Code 1 where an object cannot be written in this format.
    fn write(&self, document: Document) -> Result<String, CliError>;
}

/// The error of a value that a format has no words for.
fn unwritable(error: impl std::fmt::Display) -> CliError {
    CliError::failed(format!("cannot write the object: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_in_any_case_and_others_named() {
        assert_eq!(OutputFormat::parse(Some("JSON"), LISTING), Ok(OutputFormat::Json));
        assert_eq!(OutputFormat::parse(None, LISTING), Ok(OutputFormat::Human));
        let error = OutputFormat::parse(Some("jsn"), CHANGE).expect_err("no format");
        assert_eq!(
            error.lines(),
            [
                "error: unable to match a printer suitable for the output format \"jsn\", \
                 allowed formats are: json,name,yaml",
                "hint: did you mean \"json\"?",
            ]
        );
        assert_eq!(error.exit().code(), 2);
    }
}
