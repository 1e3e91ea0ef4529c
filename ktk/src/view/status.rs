//! Phases and reasons as cells: the only coloured words of a table.

use ktk_client::api::{Phase, Reason};

use crate::ui::{Cell, Tone};

/// What a phase means, together with its reason.
pub(crate) fn tone(phase: Phase, reason: Option<Reason>) -> Tone {
    match (phase, reason) {
        (Phase::Pending, Some(Reason::UpstreamFailed | Reason::Held)) => Tone::Waiting,
        (Phase::Pending, _) => Tone::Plain,
        (Phase::Running, Some(Reason::Stopping)) => Tone::Waiting,
        (Phase::Running, _) => Tone::Running,
        (Phase::Succeeded, _) => Tone::Good,
        (Phase::Failed, _) => Tone::Bad,
        (Phase::Cancelled | Phase::Skipped, _) => Tone::Dim,
    }
}

/// The STATUS cell.
pub(crate) fn phase_cell(phase: Option<Phase>, reason: Option<Reason>) -> Cell {
    match phase {
        Some(phase) => Cell::toned(phase.as_str(), tone(phase, reason)),
        None => Cell::new("<unknown>"),
    }
}

/// The REASON cell.
pub(crate) fn reason_cell(reason: Option<Reason>) -> Cell {
    reason.map_or_else(Cell::none, |reason| Cell::new(reason.as_str()))
}
