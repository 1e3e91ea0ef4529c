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

/// Events in a row that say the same of the same object.
pub(crate) struct Folded<'a> {
    /// The last of them.
    pub(crate) last: &'a Event,
    first: Timestamp,
    count: usize,
}

impl Folded<'_> {
    /// `45s`, or `70m (x3 over 80m)`.
    pub(crate) fn seen(&self, now: Timestamp) -> Cell {
        let last = age::age(Some(self.last.at), now);
        match self.count {
            1 => Cell::new(last),
            count => Cell::new(format!("{last} (x{count} over {})", age::age(Some(self.first), now))),
        }
    }

    fn takes(&self, event: &Event) -> bool {
        let what = |event: &Event| {
            let object = &event.object;
            (event.severity, object.id, object.incarnation, event.reason.clone(), event.by.clone())
        };
        what(self.last) == what(event) && self.last.message == event.message
    }
}

/// Each event for itself.
pub(crate) fn each(events: &[Event]) -> Vec<Folded<'_>> {
    events.iter().map(|event| Folded { last: event, first: event.at, count: 1 }).collect()
}

/// Events oldest first, those in a row that say the same as one.
pub(crate) fn fold(events: &[Event]) -> Vec<Folded<'_>> {
    let mut folded: Vec<Folded<'_>> = Vec::new();
    for event in events {
        match folded.last_mut() {
            Some(before) if before.takes(event) => {
                before.last = event;
                before.count += 1;
            }
            _ => folded.push(Folded { last: event, first: event.at, count: 1 }),
        }
    }
    folded
}

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
    let rows = fold(events).into_iter().map(|folded| {
        let event = folded.last;
        vec![
            severity_cell(event.severity),
            Cell::new(event.reason.clone()),
            folded.seen(moment.now),
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
    fn what_says_the_same_again_is_one_row() {
        let again = |at: &str| Event { at: at.parse().expect("a time"), ..event() };
        let other = Event { message: "exit code 2".into(), ..again("2026-11-22T11:59:50Z") };
        let events = [
            again("2026-11-22T10:40:00Z"),
            again("2026-11-22T10:45:00Z"),
            again("2026-11-22T10:50:00Z"),
            other,
        ];
        let seen: Vec<_> =
            fold(&events).iter().map(|folded| folded.seen(moment().now).text().to_owned()).collect();
        assert_eq!(seen, ["70m (x3 over 80m)", "10s"]);
        assert_eq!(each(&events).len(), 4);
    }

    #[test]
    fn an_event_is_a_row() {
        let texts: Vec<_> =
            cells(&event(), moment().now, true).iter().map(|cell| cell.text().to_owned()).collect();
        assert_eq!(texts, ["45s", "Warning", "Failed", "task/test-web@2", "exit code 1", "local.g1"]);
    }
}
