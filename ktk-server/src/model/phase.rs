//! The one table of a task's life: phase × event. No cell is empty: an event that a phase does
//! not take is refused, never ignored.

use ktk_client::api::{Phase, Reason};

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A need can move again, or has not ended yet.
    Wait,
    /// A need ended without success.
    UpstreamFail,
    /// Nothing but `runAfter` holds it back.
    Schedule,
    /// Somebody holds it.
    Hold,
    /// It is ready for a slot.
    Queue,
    /// A worker took it.
    Grant,
    /// A running attempt was told to stop.
    Stop,
    /// The attempt ended, another follows after a pause.
    Retry,
    /// The attempt ended through no fault of its own; another follows at once.
    Requeue,
    /// Its items run in its place.
    Expand,
    /// None of its items can move, and one ended without success.
    ItemFail,
    /// The attempt ended well.
    Succeed,
    /// It ended for good, for this reason.
    Fail(Reason),
    /// Somebody, or its pipeline, ended it.
    Cancel(Reason),
    /// It need not run.
    Skip(Reason),
}

/// One of each event, for whoever walks the table.
pub const EVENTS: [Event; 15] = [
    Event::Wait,
    Event::UpstreamFail,
    Event::Schedule,
    Event::Hold,
    Event::Queue,
    Event::Grant,
    Event::Stop,
    Event::Retry,
    Event::Requeue,
    Event::Expand,
    Event::ItemFail,
    Event::Succeed,
    Event::Fail(Reason::ExitCode),
    Event::Cancel(Reason::ByUser),
    Event::Skip(Reason::NotNeeded),
];

/// An event that a phase does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {phase} takes no {event:?}")]
pub struct Refused {
    /// The phase.
    pub phase: Phase,
    /// The event.
    pub event: Event,
}

/// What an event makes of a phase.
///
/// # Errors
/// [`Refused`] for every cell in which the phase does not take the event.
pub fn next(phase: Phase, event: Event) -> Result<(Phase, Option<Reason>), Refused> {
    use Phase::{Cancelled, Failed, Pending, Running, Skipped, Succeeded};
    let refused = Err(Refused { phase, event });
    match (phase, event) {
        (Pending, Event::Wait) => Ok((Pending, Some(Reason::WaitingForUpstream))),
        (Pending, Event::UpstreamFail) => Ok((Pending, Some(Reason::UpstreamFailed))),
        (Pending, Event::Schedule) => Ok((Pending, Some(Reason::Scheduled))),
        (Pending, Event::Hold) => Ok((Pending, Some(Reason::Held))),
        (Pending, Event::Queue) => Ok((Pending, Some(Reason::Queued))),
        (Pending, Event::Grant | Event::Expand) => Ok((Running, None)),
        (Pending, Event::Fail(reason)) => Ok((Failed, Some(reason))),
        (Pending, Event::Cancel(reason)) => Ok((Cancelled, Some(reason))),
        (Pending, Event::Skip(reason)) => Ok((Skipped, Some(reason))),
        (Pending, Event::Stop | Event::Retry | Event::Requeue | Event::ItemFail | Event::Succeed) => refused,

        (Running, Event::Stop) => Ok((Running, Some(Reason::Stopping))),
        (Running, Event::Retry) => Ok((Pending, Some(Reason::Backoff))),
        (Running, Event::Requeue) => Ok((Pending, Some(Reason::Queued))),
        (Running, Event::ItemFail) => Ok((Pending, Some(Reason::UpstreamFailed))),
        (Running, Event::Succeed) => Ok((Succeeded, None)),
        (Running, Event::Fail(reason)) => Ok((Failed, Some(reason))),
        (Running, Event::Cancel(reason)) => Ok((Cancelled, Some(reason))),
        (
            Running,
            Event::Wait
            | Event::UpstreamFail
            | Event::Schedule
            | Event::Hold
            | Event::Queue
            | Event::Grant
            | Event::Expand
            | Event::Skip(_),
        ) => refused,

        (Succeeded | Failed | Cancelled | Skipped, _) => refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table once more, as people read it: `.` refused, otherwise the phase that follows.
    const TABLE: [(Phase, [&str; 15]); 6] = [
        (Phase::Pending, ["P", "P", "P", "P", "P", "R", ".", ".", ".", "R", ".", ".", "F", "C", "K"]),
        (Phase::Running, [".", ".", ".", ".", ".", ".", "R", "P", "P", ".", "P", "S", "F", "C", "."]),
        (Phase::Succeeded, ["."; 15]),
        (Phase::Failed, ["."; 15]),
        (Phase::Cancelled, ["."; 15]),
        (Phase::Skipped, ["."; 15]),
    ];

    fn letter(phase: Phase) -> &'static str {
        match phase {
            Phase::Pending => "P",
            Phase::Running => "R",
            Phase::Succeeded => "S",
            Phase::Failed => "F",
            Phase::Cancelled => "C",
            Phase::Skipped => "K",
        }
    }

    #[test]
    fn every_cell_is_as_the_table_says() {
        for (phase, row) in TABLE {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                match next(phase, event) {
                    Ok((after, reason)) => {
                        assert_eq!(letter(after), expected, "{phase} × {event:?}");
                        assert_eq!(
                            reason.is_none(),
                            matches!(event, Event::Grant | Event::Expand | Event::Succeed)
                        );
                    }
                    Err(refused) => {
                        assert_eq!(expected, ".", "{phase} × {event:?}");
                        assert_eq!(refused, Refused { phase, event });
                    }
                }
            }
        }
    }

    #[test]
    fn a_terminal_phase_has_no_way_out() {
        for phase in Phase::ALL.iter().filter(|phase| phase.is_terminal()) {
            assert!(EVENTS.iter().all(|event| next(*phase, *event).is_err()), "{phase}");
        }
    }

    #[test]
    fn every_reason_belongs_to_the_phase_it_is_stored_with() {
        let pending = [
            Reason::WaitingForUpstream,
            Reason::UpstreamFailed,
            Reason::Scheduled,
            Reason::Held,
            Reason::Backoff,
            Reason::Queued,
        ];
        for phase in [Phase::Pending, Phase::Running] {
            for event in EVENTS {
                if let Ok((Phase::Pending, reason)) = next(phase, event) {
                    assert!(pending.contains(&reason.expect("a pending task has a reason")));
                }
            }
        }
    }
}
