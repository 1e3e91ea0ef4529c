//! Task types: cells and the describe page.

use jiff::Timestamp;
use ktk_client::api::{Event, TaskType, http::HttpSpec, shell};
use serde_json::Value;

use super::{Column, Moment, age, column, describe::Page, event, wide};
use crate::ui::Cell;

/// The columns of task types.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("VERSION"),
    column("NEWEST"),
    column("EXECUTOR"),
    column("SOURCE"),
    column("AGE"),
    wide("ALIASES"),
    wide("ID"),
];

/// The cells of a version of a type.
pub(crate) fn cells(task_type: &TaskType, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let spec = &task_type.spec;
    let or_none = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
    let newest = task_type.status.as_ref().map(|status| if status.newest { "yes" } else { "no" });
    let mut cells = vec![
        Cell::new(task_type.metadata.name().to_owned()),
        Cell::new(spec.version.to_string()),
        or_none(newest.map(str::to_owned)),
        Cell::new(executor(task_type).to_owned()),
        or_none(spec.source.clone()),
        Cell::new(age::age(task_type.metadata.created_at, now)),
    ];
    if is_wide {
        cells.push(or_none((!spec.aliases.is_empty()).then(|| spec.aliases.join(","))));
        cells.push(or_none(task_type.metadata.id.map(|id| id.to_string())));
    }
    cells
}

fn executor(task_type: &TaskType) -> &'static str {
    let spec = &task_type.spec;
    match (&spec.run, &spec.http, &spec.external) {
        (Some(_), ..) => "process",
        (None, Some(_), _) => "request",
        (None, None, Some(_)) => "external",
        (None, None, None) => "handler",
    }
}

/// The describe page of a version of a type.
pub(crate) fn describe(task_type: &TaskType, events: Option<&[Event]>, moment: &Moment) -> Page {
    let spec = &task_type.spec;
    let mut page = Page::default();
    page.field("Name", task_type.metadata.name().to_owned());
    page.field("Version", spec.version.to_string());
    page.optional("Newest", task_type.status.as_ref().map(|status| status.newest.to_string()));
    page.optional("ID", task_type.metadata.id.map(|id| id.to_string()));
    page.values("Aliases", spec.aliases.iter().cloned());
    page.optional("Source", spec.source.clone());
    page.map("Labels", &task_type.metadata.labels);
    page.map("Annotations", &task_type.metadata.annotations);
    page.time("Created", task_type.metadata.created_at, moment);
    page.field("Executor", executor(task_type).to_owned());
    page.optional("Command", spec.run.as_ref().map(|run| shell::line(&run.command)));
    page.optional("Request", spec.http.as_ref().map(HttpSpec::line));
    let defaults = serde_json::to_value(&spec.defaults).unwrap_or_default();
    if let Value::Object(defaults) = defaults {
        page.values("Defaults", defaults.iter().map(|(name, value)| format!("{name}={value}")));
    }
    page.optional("Inputs", spec.inputs.as_ref().map(Value::to_string));
    page.optional("Outputs", spec.outputs.as_ref().map(Value::to_string));
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}
