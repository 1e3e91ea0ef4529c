//! Output formats. A machine format turns objects into text by one trait, a file each; tables
//! are made of the cells that `view` gives. Neither sees a client.

mod columns;
mod json;
mod jsonl;
pub mod jsonpath;
mod name;
pub(crate) mod sort;
pub(crate) mod table;
mod template;
mod word;
mod yaml;

use std::io;

use serde_json::{Value, json};

pub(crate) use self::{
    columns::Columns,
    template::Template,
    word::{CHANGE, DOCUMENT, LISTING, Word, words},
};
use self::{jsonpath::Missing, word::ReadFile};
use crate::error::CliError;

/// What `-o` asks for. What was typed with it lives as long as the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Nothing: what a person wants to see.
    #[default]
    Human,
    /// A table with more columns.
    Wide,
    /// JSON, indented.
    Json,
    /// JSON, an object a line.
    JsonLines,
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
    /// What a JSONPath template makes of it.
    Template(&'static Template),
    /// A table of columns that were typed.
    Columns(&'static Columns),
}

impl OutputFormat {
    /// Reads `-o`, in any case, among those that a command offers.
    ///
    /// # Errors
    /// Code 2, with the formats there are.
    pub(crate) fn parse(text: Option<&str>, offered: &[Word]) -> Result<Self, CliError> {
        // No command offers a file that has no reader for it.
        Self::parse_with(text, offered, Missing::Allowed, |_| Err(io::ErrorKind::Unsupported.into()))
    }

    /// The same; `missing` is what a template makes of fields that are not there, `read` reads the file of one.
    ///
    /// # Errors
    /// Code 2, with the formats there are.
    pub(crate) fn parse_with(
        text: Option<&str>,
        offered: &[Word],
        missing: Missing,
        read: ReadFile,
    ) -> Result<Self, CliError> {
        let Some(text) = text else { return Ok(Self::Human) };
        let (word, value) = word::read(text, offered)?;
        Ok(match word {
            Word::Wide => Self::Wide,
            Word::Json => Self::Json,
            Word::JsonLines => Self::JsonLines,
            Word::Yaml => Self::Yaml,
            Word::Name => Self::Name,
            Word::Tree => Self::Tree,
            Word::Dot => Self::Dot,
            Word::Mermaid => Self::Mermaid,
            Word::JsonPath | Word::JsonPathFile | Word::JsonPathAsJson => {
                let text = word::template(word, value, read)?;
                let is_json = word == Word::JsonPathAsJson;
                Self::Template(Box::leak(Box::new(Template::parse(&text, is_json, missing)?)))
            }
            Word::CustomColumns | Word::CustomColumnsFile => {
                let text = word::template(word, value, read)?;
                let columns = match word {
                    Word::CustomColumns => Columns::parse(&text)?,
                    _ => Columns::parse_file(&text)?,
                };
                Self::Columns(Box::leak(Box::new(columns)))
            }
        })
    }

    /// The machine format, where it is one.
    pub(crate) fn machine(self) -> Option<&'static dyn MachineFormat> {
        match self {
            Self::Json => Some(&json::Json),
            Self::JsonLines => Some(&jsonl::JsonLines),
            Self::Yaml => Some(&yaml::Yaml),
            Self::Name => Some(&name::Name),
            Self::Template(template) => Some(template),
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

    /// Whether it shows objects whole, and not the few fields that tables have.
    pub(crate) fn needs_whole_objects(self) -> bool {
        matches!(self, Self::Json | Self::JsonLines | Self::Yaml | Self::Template(_) | Self::Columns(_))
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
    pub(crate) fn into_value(self) -> Value {
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
                "error: unable to match a printer suitable for the output format \"jsn\", allowed formats are: \
                 json,jsonpath,jsonpath-as-json,name,yaml",
                "hint: did you mean \"json\"?",
            ]
        );
        assert_eq!(error.exit().code(), 2);
    }

    #[test]
    fn what_a_format_takes_is_read_with_it() {
        for (typed, why) in [
            ("jsonpath", "template format specified but no template given"),
            ("JSONPATH=", "template format specified but no template given"),
            ("custom-columns=", "custom-columns format specified but no custom columns given"),
            ("json=x", "the output format json takes no value"),
            ("jsonpath={.metadata.name", "error parsing jsonpath {.metadata.name, unclosed action"),
            ("go-template={{.metadata.name}}", "go-template is not offered: ktk has no Go templates"),
            ("templatefile=x", "templatefile is not offered: ktk has no Go templates"),
            (
                "custom-columns=NAME",
                "unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>",
            ),
        ] {
            let error = OutputFormat::parse(Some(typed), LISTING).expect_err(typed);
            assert_eq!((error.lines()[0].as_str(), error.exit().code()), (&*format!("error: {why}"), 2));
        }
        assert!(matches!(OutputFormat::parse(Some("JSONPATH={.a}"), LISTING), Ok(OutputFormat::Template(_))));
        assert!(OutputFormat::parse(Some("custom-columns=A:.a"), CHANGE).is_err());
    }
}
