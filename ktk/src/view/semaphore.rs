//! Semaphores: cells and the describe page.

use jiff::Timestamp;
use ktk_client::api::{Event, Semaphore};

use super::{Column, Moment, age, column, describe::Page, event, wide};
use crate::ui::Cell;

/// The columns of semaphores.
pub(crate) const COLUMNS: &[Column] =
    &[column("NAME"), column("PERMITS"), column("HELD"), column("WAITING"), column("AGE"), wide("ID")];

/// The cells of a semaphore.
pub(crate) fn cells(semaphore: &Semaphore, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let count = |count: Option<u64>| count.map_or_else(Cell::none, |count| Cell::new(count.to_string()));
    let mut cells = vec![
        Cell::new(semaphore.metadata.name().to_owned()),
        Cell::new(semaphore.spec.permits.to_string()),
        count(semaphore.status.as_ref().map(|status| status.held)),
        count(semaphore.status.as_ref().map(|status| status.waiting)),
        Cell::new(age::age(semaphore.metadata.created_at, now)),
    ];
    if is_wide {
        cells.push(semaphore.metadata.id.map_or_else(Cell::none, |id| Cell::new(id.to_string())));
    }
    cells
}

/// The describe page of a semaphore.
pub(crate) fn describe(semaphore: &Semaphore, events: Option<&[Event]>, moment: &Moment) -> Page {
    let mut page = Page::default();
    page.field("Name", semaphore.metadata.name().to_owned());
    page.optional("ID", semaphore.metadata.id.map(|id| id.to_string()));
    page.map("Labels", &semaphore.metadata.labels);
    page.map("Annotations", &semaphore.metadata.annotations);
    page.time("Created", semaphore.metadata.created_at, moment);
    page.field("Permits", semaphore.spec.permits.to_string());
    if let Some(status) = &semaphore.status {
        page.field("Held", status.held.to_string());
        page.field("Waiting", status.waiting.to_string());
        let age = |since| Cell::new(age::age(since, moment.now));
        let holders = status.holders.iter().map(|holder| {
            let permits = Cell::new(holder.permits.to_string());
            vec![
                Cell::new(holder.task.clone()),
                Cell::new(holder.namespace.clone()),
                permits,
                age(holder.since),
            ]
        });
        page.table("Holders", &["Task", "Namespace", "Permits", "Age"], holders.collect());
        let waiters = status.waiters.iter().map(|waiter| {
            let (permits, priority) = (waiter.permits.to_string(), waiter.priority.to_string());
            vec![
                Cell::new(waiter.task.clone()),
                Cell::new(waiter.namespace.clone()),
                Cell::new(permits),
                Cell::new(priority),
                age(waiter.since),
            ]
        });
        page.table("Waiters", &["Task", "Namespace", "Permits", "Priority", "Age"], waiters.collect());
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

    fn semaphore() -> Semaphore {
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Semaphore",
            "metadata": {"name": "gpu", "createdAt": "2026-11-22T11:00:00Z"},
            "spec": {"permits": 2},
            "status": {"held": 2, "waiting": 1,
                "holders": [{"namespace": "ci", "task": "a@1", "permits": 2, "since": "2026-11-22T11:59:50Z"}],
                "waiters": [{"namespace": "ci", "task": "b@3", "permits": 1, "priority": 5,
                    "since": "2026-11-22T11:59:58Z"}]}
        }))
        .expect("a semaphore")
    }

    #[test]
    fn a_semaphore_is_a_row() {
        let texts: Vec<_> =
            cells(&semaphore(), moment().now, false).iter().map(|c| c.text().to_owned()).collect();
        assert_eq!(texts, ["gpu", "2", "2", "1", "60m"]);
    }

    #[test]
    fn holders_and_waiters_are_described_in_order() {
        let expected = "\
Name:         gpu
Labels:       <none>
Annotations:  <none>
Created:      Sun, 22 Nov 2026 11:00:00 +0000 (60m ago)
Permits:      2
Held:         2
Waiting:      1
Holders:
  Task   Namespace   Permits   Age
  ----   ---------   -------   ---
  a@1    ci          2         10s
Waiters:
  Task   Namespace   Permits   Priority   Age
  ----   ---------   -------   --------   ---
  b@3    ci          1         5          2s
";
        assert_eq!(describe(&semaphore(), None, &moment()).render(false), expected);
    }
}
