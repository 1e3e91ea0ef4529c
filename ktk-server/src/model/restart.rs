//! What a restart does to each task that depends on what is restarted.

use ktk_client::api::{
    Phase, Reason,
    restart::{Action, Cascade},
    task::RunIf,
};

use super::{
    row::TaskRow,
    settle::{Class, class_of},
};

/// What happens to a dependent of a task that is restarted or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The word of the plan.
    pub action: Action,
    /// Why.
    pub why: String,
    /// Whether its own dependents are affected in turn.
    pub spreads: bool,
}

impl Effect {
    /// Nothing happens to it.
    pub fn keep(why: impl Into<String>) -> Self {
        Self { action: Action::Keep, why: why.into(), spreads: false }
    }
}

/// Decides for the newest incarnation of a dependent; `upstream` names what it depends on.
pub fn effect(row: &TaskRow, upstream: &str, cascade: Cascade) -> Effect {
    let of = |action, why: String, spreads| Effect { action, why, spreads };
    match (row.phase, row.reason, cascade) {
        (Phase::Pending, Some(Reason::UpstreamFailed | Reason::WaitingForUpstream), _) => {
            of(Action::Continue, format!("was waiting for {upstream}"), true)
        }
        (Phase::Pending, _, _) => of(Action::Continue, format!("waits for {upstream} again"), true),
        (Phase::Running, _, Cascade::All) => {
            of(Action::Restart, format!("runs on {upstream}'s old outputs: again when it has ended"), true)
        }
        (Phase::Running, _, Cascade::Auto) => {
            of(Action::Decide, format!("runs on {upstream}'s old outputs: compared when it has ended"), true)
        }
        // One that ends without success leaves it waiting, and who waits goes on with what comes.
        (Phase::Running, _, Cascade::None) if row.is_for_each() => of(
            Action::Decide,
            format!("runs on {upstream}'s old outputs: again if an item of it fails"),
            true,
        ),
        (Phase::Running, _, Cascade::None) => {
            of(Action::Keep, format!("runs on {upstream}'s old outputs and finishes"), false)
        }
        (Phase::Cancelled, _, _) => of(Action::Keep, "was cancelled".into(), false),
        (_, _, Cascade::All) => of(Action::Restart, format!("needs {upstream}, --cascade=all"), true),
        (_, _, Cascade::None) => of(Action::Keep, "--cascade=none".into(), false),
        (_, _, Cascade::Auto) => match row.run_if {
            RunIf::Success => {
                of(Action::Decide, format!("runs again only if {upstream}'s outputs change"), true)
            }
            RunIf::Failure | RunIf::Always => {
                of(Action::Decide, format!("runs again only if {upstream} comes to something else"), true)
            }
        },
    }
}

/// Decides for a step with `forEach`, one of whose items is restarted.
pub fn item_effect(row: &TaskRow, item: &str, cascade: Cascade) -> Effect {
    let of = |action, why: String| Effect { action, why, spreads: true };
    match (row.phase, cascade) {
        (Phase::Pending | Phase::Running, _) => of(Action::Continue, format!("waits for {item}")),
        (Phase::Cancelled, _) => Effect::keep("was cancelled"),
        (Phase::Failed | Phase::Skipped, _) => Effect::keep("has no use for its items"),
        (Phase::Succeeded, Cascade::All) => {
            of(Action::Restart, format!("collects again with {item}, --cascade=all"))
        }
        (Phase::Succeeded, Cascade::None) => Effect::keep("--cascade=none"),
        (Phase::Succeeded, Cascade::Auto) => {
            of(Action::Decide, format!("collects again only if {item}'s outputs change"))
        }
    }
}

/// A need that is restarted, or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved<'n> {
    /// As the plan names it.
    pub name: &'n str,
    /// Whether it has put out something that can be compared.
    pub has_outputs: bool,
}

/// Why a finished dependent may run again, or collect its items again: what decides are all its needs that move.
pub fn why_decided(row: &TaskRow, needs: &[Moved<'_>], collects: bool) -> String {
    let silent = needs.iter().find(|need| !need.has_outputs);
    match (row.run_if, silent) {
        (_, _) if collects => format!("collects again only if {} outputs change", either(needs, "'s")),
        (RunIf::Success, Some(Moved { name, .. })) => {
            format!("runs again if {name} succeeds: it put out nothing to compare")
        }
        (RunIf::Success, None) => format!("runs again only if {} outputs change", either(needs, "'s")),
        (RunIf::Failure | RunIf::Always, _) => {
            format!("runs again only if {} comes to something else", either(needs, ""))
        }
    }
}

/// The first two of them, and whether there are others.
fn either(needs: &[Moved<'_>], ending: &str) -> String {
    let name = |need: &Moved<'_>| format!("{}{ending}", need.name);
    match needs {
        [a, b, _, ..] => format!("{}, {} or another need{ending}", name(a), name(b)),
        [a, b] => format!("{} or {}", name(a), name(b)),
        _ => needs.iter().map(name).collect(),
    }
}

/// What happens to an item of a step that is expanded again, in the words of the plan; whether it stays where it is equal.
pub fn why_item(row: &TaskRow, step: &str, stays: bool) -> String {
    match &row.rare.item {
        Some(item) if item.gone => format!("runs again only if {step} has it again"),
        _ if class_of(row) == Class::Good && stays => {
            format!("runs again only if {step} gives it other inputs")
        }
        _ => format!("runs again if {step} still has it"),
    }
}

/// Why a task is restarted, in the words of the plan.
pub fn why(row: &TaskRow) -> String {
    let phase = row.phase.as_str().to_lowercase();
    match (row.reason, row.exit_code) {
        (Some(Reason::ExitCode), Some(code)) => format!("{phase}: exit code {code}"),
        (Some(Reason::Signal), _) => match &row.message {
            Some(message) => format!("{phase}: {message}"),
            None => format!("{phase}: a signal"),
        },
        (Some(reason), _) => format!("{phase}: {reason}"),
        (None, _) => format!("asked for ({phase})"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::store::conformance::rows::task as task_row;

    const CASCADES: [Cascade; 3] = [Cascade::Auto, Cascade::All, Cascade::None];

    fn row() -> impl Strategy<Value = TaskRow> {
        let run_ifs = vec![RunIf::Success, RunIf::Failure, RunIf::Always];
        let reasons = prop::option::of(select(Reason::ALL));
        (select(Phase::ALL), reasons, select(run_ifs)).prop_map(|(phase, reason, run_if)| {
            let mut row = task_row(1);
            (row.phase, row.reason, row.run_if) = (phase, reason, run_if);
            row
        })
    }

    #[test]
    fn all_needs_that_move_decide() {
        let need = |name| Moved { name, has_outputs: true };
        let mut row = task_row(1);
        row.run_if = RunIf::Success;
        for (needs, words) in [
            (&[need("x")][..], "x's outputs change"),
            (&[need("x"), need("y")], "x's or y's outputs change"),
            (&[need("x"), need("y"), need("z")], "x's, y's or another need's outputs change"),
        ] {
            assert_eq!(why_decided(&row, needs, false), format!("runs again only if {words}"));
            assert_eq!(why_decided(&row, needs, true), format!("collects again only if {words}"));
        }
        let silent = Moved { name: "y", has_outputs: false };
        let words = "runs again if y succeeds: it put out nothing to compare";
        assert_eq!(why_decided(&row, &[need("x"), silent], false), words);
        row.run_if = RunIf::Always;
        let words = "runs again only if x or y comes to something else";
        assert_eq!(why_decided(&row, &[need("x"), silent], false), words);
    }

    proptest! {
        #[test]
        fn what_was_cancelled_is_kept_and_ends_the_cascade(row in row(), cascade in select(&CASCADES[..])) {
            let effect = effect(&TaskRow { phase: Phase::Cancelled, ..row }, "x", cascade);
            prop_assert_eq!((effect.action, effect.spreads), (Action::Keep, false));
        }

        #[test]
        fn what_waits_goes_on_under_every_cascade(row in row(), cascade in select(&CASCADES[..])) {
            let effect = effect(&TaskRow { phase: Phase::Pending, ..row }, "x", cascade);
            prop_assert_eq!((effect.action, effect.spreads), (Action::Continue, true));
        }

        #[test]
        fn what_has_begun_is_restarted_compared_or_kept_as_was_asked(row in row()) {
            prop_assume!(!matches!(row.phase, Phase::Pending | Phase::Cancelled));
            let action = |cascade| effect(&row, "x", cascade).action;
            prop_assert_eq!(action(Cascade::All), Action::Restart);
            prop_assert_eq!(action(Cascade::Auto), Action::Decide);
            prop_assert_eq!(action(Cascade::None), Action::Keep);
        }

        #[test]
        fn only_what_is_kept_ends_the_cascade(row in row(), cascade in select(&CASCADES[..])) {
            let effect = effect(&row, "upstream", cascade);
            prop_assert_eq!(effect.spreads, effect.action != Action::Keep);
            prop_assert_ne!(effect.action, Action::Adopt);
            prop_assert!(!effect.why.is_empty());
        }
    }
}
