//! What `wait` waits for, and what an observed object says about it. Pure.

use std::{borrow::Cow, str::FromStr};

use ktk_client::api::{Phase, Reason};
use serde_json::Value;

use super::field::Expected;

/// One `--for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The end, whatever it is; a bad one counts as failure. What `wait` means without `--for`.
    End,
    /// Succeeded or was skipped.
    Succeeded,
    /// Failed, was cancelled, or waits behind a task that did.
    Failed,
    /// Ended, whatever the end.
    Finished,
    /// Runs.
    Running,
    /// Is gone.
    Delete,
    /// Exists.
    Create,
    /// A field has a value, or any.
    Field(Expected),
    /// One of these, which commas parted, holds.
    OneOf(Vec<Condition>),
}

impl Condition {
    /// The word after `--for=condition=`.
    fn word(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::End => "the end",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Finished => "Finished",
            Self::Running => "Running",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Field(expected) => return Cow::Owned(expected.to_string()),
            Self::OneOf(conditions) => {
                let words: Vec<_> = conditions.iter().map(Self::word).collect();
                return Cow::Owned(words.join(" or "));
            }
        })
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((word, expected)) = text.split_once('=')
            && word.eq_ignore_ascii_case("jsonpath")
        {
            return expected.parse().map(Self::Field);
        }
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "delete" => return Ok(Self::Delete),
            "create" => return Ok(Self::Create),
            _ => {}
        }
        let Some(name) = lower.strip_prefix("condition=") else {
            return Err(format!(
                "unrecognized condition: {text:?}: write condition=NAME, jsonpath=PATH, delete or create"
            ));
        };
        let conditions = name.split(',').map(Self::named).collect::<Result<Vec<_>, _>>()?;
        Ok(match <[Self; 1]>::try_from(conditions) {
            Ok([one]) => one,
            Err(several) => Self::OneOf(several),
        })
    }
}

impl Condition {
    fn named(name: &str) -> Result<Self, String> {
        let name = name.strip_suffix("=true").unwrap_or(name);
        // What jobs of kubectl are waited for by.
        if name == "complete" {
            return Ok(Self::Succeeded);
        }
        [Self::Succeeded, Self::Failed, Self::Finished, Self::Running]
            .into_iter()
            .find(|condition| condition.word().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                format!(
                    "unrecognized condition: {name:?}: it is one of Succeeded (or Complete), Failed, Finished, Running"
                )
            })
    }
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It does not exist yet.
    Absent,
    /// It is there.
    Present(Phase, Option<Reason>),
    /// It was there and is gone.
    Deleted,
}

impl Seen {
    fn is_settled_badly(self) -> bool {
        match self {
            Self::Present(Phase::Failed | Phase::Cancelled, _) => true,
            Self::Present(Phase::Pending, reason) => reason == Some(Reason::UpstreamFailed),
            _ => false,
        }
    }

    fn has_ended(self) -> bool {
        matches!(self, Self::Present(phase, _) if phase.is_terminal()) || self.is_settled_badly()
    }

    /// Whether it waits behind a task that failed.
    pub(crate) fn is_blocked(self) -> bool {
        self == Self::Present(Phase::Pending, Some(Reason::UpstreamFailed))
    }

    /// The state in words: `Failed (ExitCode)`.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Absent => "not there".to_owned(),
            Self::Present(phase, None) => phase.to_string(),
            Self::Present(phase, Some(reason)) => format!("{phase} ({reason})"),
            Self::Deleted => "deleted".to_owned(),
        }
    }
}

/// What an object says about a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Met,
    /// It does not hold yet.
    Open,
    /// It cannot come to hold any more.
    Lost,
}

/// Of several conditions of which one is enough.
fn best(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Lost, |best, verdict| match (best, verdict) {
        (Verdict::Met, _) | (_, Verdict::Met) => Verdict::Met,
        (Verdict::Open, _) | (_, Verdict::Open) => Verdict::Open,
        (Verdict::Lost, Verdict::Lost) => Verdict::Lost,
    })
}

impl Condition {
    /// What an object, as it is now, says about this condition. `whole` is the object itself, where
    /// a condition asks for a field.
    pub(crate) fn judge(&self, seen: Seen, whole: Option<&Value>) -> Verdict {
        let met = match self {
            Self::OneOf(conditions) => {
                return best(conditions.iter().map(|condition| condition.judge(seen, whole)));
            }
            Self::End | Self::Succeeded => {
                matches!(seen, Seen::Present(Phase::Succeeded | Phase::Skipped, _))
            }
            Self::Failed => seen.is_settled_badly(),
            Self::Finished => seen.has_ended(),
            Self::Running => matches!(seen, Seen::Present(Phase::Running, _)),
            Self::Delete => matches!(seen, Seen::Absent | Seen::Deleted),
            Self::Create => matches!(seen, Seen::Present(..)),
            Self::Field(expected) => {
                matches!(seen, Seen::Present(..)) && whole.is_some_and(|object| expected.is_met_by(object))
            }
        };
        let may_come_after_the_end = match self {
            Self::Delete => true,
            Self::Field(expected) => expected.may_come_after_the_end(),
            _ => false,
        };
        match seen {
            _ if met => Verdict::Met,
            Seen::Deleted => Verdict::Lost,
            Seen::Absent => Verdict::Open,
            Seen::Present(..) if seen.has_ended() && !may_come_after_the_end => Verdict::Lost,
            Seen::Present(..) => Verdict::Open,
        }
    }
}

/// All the `--for` of a command and how they are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// In the order given; never empty.
    pub(crate) conditions: Vec<Condition>,
    /// One is enough.
    pub(crate) any: bool,
}

impl Goal {
    /// What is waited for: the end where nothing is said.
    pub(crate) fn new(conditions: Vec<Condition>, any: bool) -> Self {
        let conditions = if conditions.is_empty() { vec![Condition::End] } else { conditions };
        Self { conditions, any }
    }

    /// Whether it takes the whole object to judge, with all its fields.
    pub(crate) fn needs_whole(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Field(_)))
    }

    /// Whether an object that is not there yet is waited for in any case.
    pub(crate) fn waits_for_creation(&self) -> bool {
        self.conditions.contains(&Condition::Create)
    }

    /// Whether an object that is not there is what is wanted.
    pub(crate) fn accepts_absence(&self) -> bool {
        match self.any {
            true => self.conditions.contains(&Condition::Delete),
            false => self.conditions.first() == Some(&Condition::Delete),
        }
    }

    /// Judges one object. `done` counts the conditions that have held so far, one after the other.
    pub(crate) fn judge(&self, done: &mut usize, seen: Seen, whole: Option<&Value>) -> Verdict {
        if self.any {
            return best(self.conditions.iter().map(|condition| condition.judge(seen, whole)));
        }
        while let Some(condition) = self.conditions.get(*done) {
            match condition.judge(seen, whole) {
                Verdict::Met => *done += 1,
                verdict => return verdict,
            }
        }
        Verdict::Met
    }

    /// Why the goal is out of reach, after the object's name: `is Failed (ExitCode)`.
    pub(crate) fn loss_text(&self, seen: Seen) -> String {
        if seen == Seen::Deleted {
            return "was deleted while it was waited for".to_owned();
        }
        let good = [Condition::End, Condition::Succeeded];
        if self.conditions.iter().any(|condition| good.contains(condition)) {
            return format!("is {}", seen.text());
        }
        let words: Vec<_> = self.conditions.iter().map(|condition| condition.word()).collect();
        format!("is {}: {} cannot be met any more", seen.text(), words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENDING: Seen = Seen::Present(Phase::Pending, Some(Reason::Queued));
    const BLOCKED: Seen = Seen::Present(Phase::Pending, Some(Reason::UpstreamFailed));
    const RUNNING: Seen = Seen::Present(Phase::Running, None);
    const SUCCEEDED: Seen = Seen::Present(Phase::Succeeded, None);
    const SKIPPED: Seen = Seen::Present(Phase::Skipped, Some(Reason::NotNeeded));
    const FAILED: Seen = Seen::Present(Phase::Failed, Some(Reason::ExitCode));
    const CANCELLED: Seen = Seen::Present(Phase::Cancelled, Some(Reason::ByUser));
    const ALL: [Seen; 9] =
        [Seen::Absent, PENDING, RUNNING, SUCCEEDED, SKIPPED, FAILED, CANCELLED, BLOCKED, Seen::Deleted];

    #[test]
    fn conditions_are_read_whatever_their_case() {
        for (text, condition) in [
            ("condition=Succeeded", Condition::Succeeded),
            ("condition=succeeded=true", Condition::Succeeded),
            ("Condition=FAILED", Condition::Failed),
            ("condition=Finished", Condition::Finished),
            ("condition=Running", Condition::Running),
            ("condition=complete", Condition::Succeeded),
            ("condition=Complete,Failed", Condition::OneOf(vec![Condition::Succeeded, Condition::Failed])),
            ("delete", Condition::Delete),
            ("create", Condition::Create),
        ] {
            assert_eq!(text.parse(), Ok(condition), "{text}");
        }
        for text in [
            "bogus",
            "condition=bogus",
            "condition=",
            "",
            "condition=Running=false",
            "condition=Failed,",
            "jsonpath=",
            "jsonpath",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_state_is_judged() {
        use Verdict::{Lost as L, Met as M, Open as O};
        for (condition, verdicts) in [
            // Absent, pending, running, succeeded, skipped, failed, cancelled, blocked, deleted
            (Condition::End, [O, O, O, M, M, L, L, L, L]),
            (Condition::Succeeded, [O, O, O, M, M, L, L, L, L]),
            (Condition::Failed, [O, O, O, L, L, M, M, M, L]),
            (Condition::Finished, [O, O, O, M, M, M, M, M, L]),
            (Condition::Running, [O, O, M, L, L, L, L, L, L]),
            (Condition::Delete, [M, O, O, O, O, O, O, O, M]),
            (Condition::Create, [O, M, M, M, M, M, M, M, L]),
            (Condition::OneOf(vec![Condition::Succeeded, Condition::Failed]), [O, O, O, M, M, M, M, M, L]),
        ] {
            assert_eq!(ALL.map(|seen| condition.judge(seen, None)), verdicts, "{condition:?}");
        }
    }

    #[test]
    fn several_conditions_hold_one_after_the_other() {
        let goal = Goal::new(vec![Condition::Running, Condition::Delete], false);
        let mut done = 0;
        assert_eq!(goal.judge(&mut done, PENDING, None), Verdict::Open);
        assert_eq!(goal.judge(&mut done, RUNNING, None), Verdict::Open);
        assert_eq!(done, 1);
        assert_eq!(goal.judge(&mut done, FAILED, None), Verdict::Open);
        assert_eq!(goal.judge(&mut done, Seen::Deleted, None), Verdict::Met);
    }

    #[test]
    fn any_needs_one_and_is_lost_when_all_are() {
        let goal = Goal::new(vec![Condition::Succeeded, Condition::Failed], true);
        assert_eq!(goal.judge(&mut 0, RUNNING, None), Verdict::Open);
        assert_eq!(goal.judge(&mut 0, FAILED, None), Verdict::Met);
        assert_eq!(goal.judge(&mut 0, SUCCEEDED, None), Verdict::Met);
        assert_eq!(goal.judge(&mut 0, Seen::Deleted, None), Verdict::Lost);
    }

    #[test]
    fn absence_is_fine_only_where_deletion_is_wanted() {
        assert!(Goal::new(vec![Condition::Delete], false).accepts_absence());
        assert!(!Goal::new(vec![Condition::Create, Condition::Delete], false).accepts_absence());
        assert!(Goal::new(vec![Condition::Failed, Condition::Delete], true).accepts_absence());
        assert!(!Goal::new(vec![], false).accepts_absence());
        assert!(Goal::new(vec![Condition::Create], false).waits_for_creation());
    }
}
