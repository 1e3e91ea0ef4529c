//! Events: cells, and the last section of every describe page.

use jiff::Timestamp;
use ktk_client::api::{Event, event::Severity};

use super::{Column, Moment, age, column, describe::Page, wide};
use crate::{
    kinds::KINDS,
    ui::{Cell, Tone},
};

/// The columns of events.
pub(crate) const COLUMNS: &[Column] =
    &[column("LAST SEEN"), column("TYPE"), column("REASON"), column("OBJECT"), column("MESSAGE"), wide("BY")];

/// The cells of an event.
pub(crate) fn cells(event: &Event, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(age::age(Some(event.at), now)),
        severity_cell(event.severity),
        Cell::new(event.reason.clone()),
        Cell::new(object(event)),
        Cell::new(event.message.clone()),
    ];
    if is_wide {
        cells.push(by_cell(event));
    }
    cells
}

fn severity_cell(severity: Severity) -> Cell {
    match severity {
        Severity::Normal => Cell::new("Normal"),
        Severity::Warning => Cell::toned("Warning", Tone::Waiting),
    }
}

fn by_cell(event: &Event) -> Cell {
    if event.by.is_empty() { Cell::none() } else { Cell::new(event.by.clone()) }
}

/// `task/test-web@2`: the incarnation where it is not the first.
fn object(event: &Event) -> String {
    let object = &event.object;
    let kind =
        KINDS.iter().find(|row| row.manifest == object.kind).map_or(object.kind.as_str(), |row| row.singular);
    match object.incarnation {
        0 | 1 => format!("{kind}/{}", object.name),
        incarnation => format!("{kind}/{}@{incarnation}", object.name),
    }
}

/// The `Events:` of a describe page, oldest first.
pub(super) fn section(page: &mut Page, events: &[Event], moment: &Moment) {
    let rows = events.iter().map(|event| {
        vec![
            severity_cell(event.severity),
            Cell::new(event.reason.clone()),
            Cell::new(age::age(Some(event.at), moment.now)),
            by_cell(event),
            Cell::new(object(event)),
            Cell::new(event.message.clone()),
        ]
    });
    page.table("Events", &["Type", "Reason", "Age", "From", "Object", "Message"], rows.collect());
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::tests::moment;

    pub(in crate::view) fn event() -> Event {
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Event", "metadata": {"name": "test-web.1"},
            "at": "2026-11-22T11:59:15Z", "type": "Warning", "reason": "Failed",
            "object": {"kind": "Task", "id": "01936f2e-8c00-7000-8000-000000000001", "name": "test-web", "incarnation": 2},
            "by": "local.g1", "message": "exit code 1"
        }))
        .expect("an event")
    }

    #[test]
    fn an_event_is_a_row() {
        let texts: Vec<_> =
            cells(&event(), moment().now, true).iter().map(|cell| cell.text().to_owned()).collect();
        assert_eq!(texts, ["45s", "Warning", "Failed", "task/test-web@2", "exit code 1", "local.g1"]);
    }
}
