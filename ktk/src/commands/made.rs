//! What a command made or changed, in the formats for programs: the objects as `get` would
//! print them, several as a `List`.

use clap::ValueEnum;
use ktk_client::api::API_VERSION;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    context::Context,
    error::CliError,
    kinds::Kind,
    ui::{Cell, Widths, escape, lay_out},
};

/// The formats of what was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// TYPE/NAME, one a line
    Name,
    /// Indented JSON
    Json,
    /// YAML
    Yaml,
}

/// The objects, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Made {
    objects: Vec<(Kind, Value)>,
}

/// An object as JSON.
pub(crate) fn value(object: &impl Serialize) -> Result<Value, CliError> {
    serde_json::to_value(object).map_err(|error| CliError::failed(format!("cannot write an object: {error}")))
}

impl Made {
    /// Takes an object; `created` stands beside its `metadata`.
    pub(crate) fn add(&mut self, kind: Kind, mut object: Value, created: Option<bool>) {
        if let (Some(created), Value::Object(fields)) = (created, &mut object) {
            fields.insert("created".to_owned(), created.into());
        }
        self.objects.push((kind, object));
    }

    /// Prints all of them.
    pub(crate) fn print(self, format: Format, cx: &Context) -> Result<(), CliError> {
        if format == Format::Name {
            return self.names().iter().try_for_each(|name| cx.ui.println(&escape(name)));
        }
        match self.objects.len() {
            0 => Ok(()),
            1 => self.objects.iter().try_for_each(|(_, object)| print_value(object, format, cx)),
            _ => print_value(&self.list(), format, cx),
        }
    }

    fn names(&self) -> Vec<String> {
        let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
        self.objects.iter().map(|(kind, object)| format!("{kind}/{}", name(object).unwrap_or_default())).collect()
    }

    fn list(self) -> Value {
        let items: Vec<Value> = self.objects.into_iter().map(|(_, object)| object).collect();
        json!({"apiVersion": API_VERSION, "kind": "List", "items": items})
    }
}

/// Prints a value as JSON or YAML, keys sorted.
pub(crate) fn print_value(value: &Value, format: Format, cx: &Context) -> Result<(), CliError> {
    let unwritable = |error: &dyn std::fmt::Display| CliError::failed(format!("cannot write the result: {error}"));
    match format {
        Format::Yaml => cx.ui.print(&serde_saphyr::to_string(value).map_err(|error| unwritable(&error))?),
        Format::Name | Format::Json => {
            let mut text = Vec::new();
            let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut text, indented))
                .map_err(|error| unwritable(&error))?;
            text.push(b'\n');
            cx.ui.print_bytes(&text)
        }
    }
}

/// Prints a table; nothing where it has no rows.
pub(crate) fn print_table(titles: &[&'static str], rows: Vec<Vec<Cell>>, cx: &Context) -> Result<(), CliError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = vec![titles.iter().map(|title| Cell::new(*title)).collect()];
    table.extend(rows);
    let mut widths = Widths::default();
    widths.measure(&table);
    cx.ui.print(&lay_out(&table, &widths, cx.ui.stdout_has_color()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_stands_beside_the_metadata() {
        let mut made = Made::default();
        made.add(Kind::Task, json!({"kind": "Task", "metadata": {"name": "a"}}), Some(true));
        made.add(Kind::Pipeline, json!({"kind": "Pipeline", "metadata": {"name": "p"}}), None);
        assert_eq!(made.names(), ["task/a", "pipeline/p"]);
        let list = made.list();
        assert_eq!(list["items"][0]["created"], json!(true));
        assert_eq!(list["items"][1].get("created"), None);
        assert_eq!(list["kind"], json!("List"));
    }
}
