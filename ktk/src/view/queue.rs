//! Queues: cells and the describe page.

use jiff::Timestamp;
use ktk_client::api::{Event, Queue};

use super::{Column, Moment, age, column, describe::Page, event, wide};
use crate::ui::{Cell, Tone};

/// The columns of queues.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("STATUS"),
    column("WAITING"),
    column("RUNNING"),
    column("MAX-RUNNING"),
    column("AGE"),
    wide("ID"),
];

/// The cells of a queue.
pub(crate) fn cells(queue: &Queue, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let (word, tone) = status(queue);
    let count = |count: Option<u64>| count.map_or_else(Cell::none, |count| Cell::new(count.to_string()));
    let mut cells = vec![
        Cell::new(queue.metadata.name().to_owned()),
        Cell::toned(word, tone),
        count(queue.status.as_ref().map(|status| status.waiting)),
        count(queue.status.as_ref().map(|status| status.running)),
        count(queue.spec.max_running.map(u64::from)),
        queue.metadata.created_at.map_or_else(Cell::none, |at| Cell::new(age::age(Some(at), now))),
    ];
    if is_wide {
        cells.push(queue.metadata.id.map_or_else(Cell::none, |id| Cell::new(id.to_string())));
    }
    cells
}

fn status(queue: &Queue) -> (&'static str, Tone) {
    let running = queue.status.as_ref().map_or(0, |status| status.running);
    match queue.spec.max_running {
        _ if queue.spec.paused => ("Paused", Tone::Waiting),
        Some(max) if running >= u64::from(max) => ("Full", Tone::Running),
        _ => ("Open", Tone::Good),
    }
}

/// The describe page of a queue.
pub(crate) fn describe(queue: &Queue, events: Option<&[Event]>, moment: &Moment) -> Page {
    let (word, tone) = status(queue);
    let mut page = Page::default();
    page.field("Name", queue.metadata.name().to_owned());
    page.optional("ID", queue.metadata.id.map(|id| id.to_string()));
    page.map("Labels", &queue.metadata.labels);
    page.map("Annotations", &queue.metadata.annotations);
    if queue.metadata.created_at.is_some() {
        page.time("Created", queue.metadata.created_at, moment);
    }
    page.toned("Status", word, tone);
    page.field("Max Running", queue.spec.max_running.map_or("<none>".to_owned(), |max| max.to_string()));
    if let Some(status) = &queue.status {
        page.field("Waiting", status.waiting.to_string());
        page.field("Running", status.running.to_string());
    }
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::tests::moment;

    fn queue(spec: serde_json::Value) -> Queue {
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Queue",
            "metadata": {"name": "gpu", "createdAt": "2026-11-22T11:00:00Z"},
            "spec": spec, "status": {"waiting": 7, "running": 2}
        }))
        .expect("a queue")
    }

    #[test]
    fn a_queue_is_a_row() {
        for (spec, status, max) in [
            (json!({}), "Open", "<none>"),
            (json!({"maxRunning": 2}), "Full", "2"),
            (json!({"paused": true, "maxRunning": 3}), "Paused", "3"),
        ] {
            let cells = cells(&queue(spec), moment().now, false);
            let texts: Vec<_> = cells.iter().map(|cell| cell.text().to_owned()).collect();
            assert_eq!(texts, ["gpu", status, "7", "2", max, "60m"]);
        }
    }

    #[test]
    fn a_queue_is_described() {
        let expected = "\
Name:         gpu
Labels:       <none>
Annotations:  <none>
Created:      Sun, 22 Nov 2026 11:00:00 +0000 (60m ago)
Status:       Open
Max Running:  <none>
Waiting:      7
Running:      2
";
        assert_eq!(describe(&queue(json!({})), None, &moment()).render(false), expected);
    }
}
