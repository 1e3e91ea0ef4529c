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
    }
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}
