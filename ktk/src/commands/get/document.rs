//! How `ktk get` writes objects that are not rows of a table.

use serde_json::{Value, json};

use crate::{
    commands::jq::Filter,
    error::CliError,
    output::{Document, OutputFormat},
};

/// The format, and what is made of the objects before.
pub(super) struct Shape {
    format: OutputFormat,
    jq: Option<Filter>,
}

impl Shape {
    /// The format that was asked for; a filter takes what JSON shows.
    pub(super) fn new(format: OutputFormat, jq: Option<&str>) -> Result<Self, CliError> {
        Ok(Self { format, jq: Filter::of(jq, format)? })
    }

    pub(super) fn format(&self) -> OutputFormat {
        self.format
    }

    /// Whether it is one of the tables that a type has.
    pub(super) fn is_table(&self) -> bool {
        self.jq.is_none() && matches!(self.format, OutputFormat::Human | OutputFormat::Wide)
    }

    pub(super) fn needs_whole_objects(&self) -> bool {
        self.jq.is_some() || self.format.needs_whole_objects()
    }

    /// A document as text.
    pub(super) fn write(&self, document: Document) -> Result<String, CliError> {
        match (&self.jq, self.format.machine()) {
            (Some(filter), _) => filter.write(&document.into_value()),
            (None, Some(machine)) => machine.write(document),
            (None, None) => Ok(String::new()),
        }
    }

    /// One object of those that come one by one, and what has happened to it where that is shown.
    pub(super) fn write_next(&self, object: Value, event: Option<&str>) -> Result<String, CliError> {
        let object = match event.filter(|_| self.format != OutputFormat::Name) {
            Some(event) => json!({"type": event, "object": object}),
            None => object,
        };
        match (&self.jq, self.format.machine_stream()) {
            (Some(filter), _) => filter.write(&object),
            (None, Some(machine)) => machine.write(Document::One(object)),
            (None, None) => Ok(String::new()),
        }
    }
}
