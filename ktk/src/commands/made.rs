//! What a command made or changed, for programs: the objects as `get` would print them, several
//! as a `List`.

use serde::Serialize;
use serde_json::Value;

use crate::{
    context::Context,
    error::CliError,
    output::{Document, OutputFormat},
    ui::{Cell, Widths, lay_out},
};

/// The objects, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Made {
    objects: Vec<Value>,
}

/// An object as JSON.
pub(crate) fn value(object: &impl Serialize) -> Result<Value, CliError> {
    serde_json::to_value(object).map_err(|error| CliError::failed(format!("cannot read an object: {error}")))
}

impl Made {
    /// Takes an object; `created` stands beside its `metadata`.
    pub(crate) fn add(&mut self, mut object: Value, created: Option<bool>) {
        if let (Some(created), Value::Object(fields)) = (created, &mut object) {
            fields.insert("created".to_owned(), created.into());
        }
        self.objects.push(object);
    }

    /// Prints all of them, where a format for programs was asked for.
    pub(crate) fn print(self, format: OutputFormat, cx: &Context) -> Result<(), CliError> {
        match format.machine() {
            Some(machine) if !self.objects.is_empty() => {
                cx.ui.print_document(&machine.write(Document::named(self.objects))?)
            }
            _ => Ok(()),
        }
    }
}

/// What became of an object that was asked for: without its being new, it holds the unique key of what was to be.
pub(crate) fn outcome(created: bool) -> &'static str {
    if created { "created" } else { "unchanged: it holds the unique key" }
}

/// Prints rows as a table, the titles among them.
pub(crate) fn print_rows(rows: &[Vec<Cell>], cx: &Context) -> Result<(), CliError> {
    let mut widths = Widths::default();
    widths.measure(rows);
    cx.ui.print(&lay_out(rows, &widths, cx.ui.stdout_has_color()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn created_stands_beside_the_metadata() {
        let mut made = Made::default();
        made.add(json!({"kind": "Task", "metadata": {"name": "a"}}), Some(true));
        made.add(json!({"kind": "Pipeline", "metadata": {"name": "p"}}), None);
        assert_eq!(made.objects[0]["created"], json!(true));
        assert_eq!(made.objects[1].get("created"), None);
    }
}
