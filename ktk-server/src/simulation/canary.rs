//! Canaries: records in which something is wrong that must not be. A judge who lets one pass sees nothing.

use std::collections::BTreeSet;

use super::judge::facts::{Call, EntityFact, Entry, Fact, HookFact, Told};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// A commit that was acknowledged is not there.
    LostCommit,
    /// Something that was refused has been done all the same.
    RefusedAndDone,
    /// A version is given again.
    OldVersion,
    /// A task that has ended runs again.
    Resurrection,
    /// An attempt ends twice.
    TwoEnds,
    /// A fence is given again.
    OldFence,
    /// A worker is handed other outputs than there are.
    OtherOutputs,
    /// A watch leaves something out.
    SkippedChange,
    /// A result that does not count is acknowledged.
    StaleResult,
    /// A second incarnation lives.
    TwoLive,
    /// A task is left waiting.
    LeftWaiting,
    /// A repeated request has another answer.
    OtherAnswer,
    /// A task starts although its permits are not there.
    NoPermits,
    /// A task starts although its queue is paused.
    PausedQueue,
    /// A hook is written down twice.
    HookTwice,
    /// A worker is handed inputs that nothing made.
    OtherInputs,
    /// The token of an attempt that has ended opens.
    OpenToken,
}

pub const CANARIES: [Canary; 17] = [
    Canary::LostCommit,
    Canary::RefusedAndDone,
    Canary::OldVersion,
    Canary::Resurrection,
    Canary::TwoEnds,
    Canary::OldFence,
    Canary::OtherOutputs,
    Canary::SkippedChange,
    Canary::StaleResult,
    Canary::TwoLive,
    Canary::LeftWaiting,
    Canary::OtherAnswer,
    Canary::NoPermits,
    Canary::PausedQueue,
    Canary::HookTwice,
    Canary::OtherInputs,
    Canary::OpenToken,
];

impl Canary {
    /// The rules that may find it.
    pub fn rules(self) -> &'static [&'static str] {
        match self {
            Self::LostCommit => &["P01"],
            Self::RefusedAndDone => &["P03"],
            Self::OldVersion => &["P07"],
            Self::Resurrection => &["P09"],
            Self::TwoEnds => &["P10"],
            Self::OldFence => &["P14"],
            Self::OtherOutputs => &["P25"],
            Self::SkippedChange => &["P44"],
            Self::StaleResult => &["P16"],
            Self::TwoLive => &["P30", "P31"],
            Self::LeftWaiting => &["P65"],
            Self::OtherAnswer => &["P04"],
            Self::NoPermits => &["P35"],
            Self::PausedQueue => &["S6"],
            Self::HookTwice => &["S2"],
            Self::OtherInputs => &["P25"],
            Self::OpenToken => &["P16"],
        }
    }

    /// Plants it at the last place where it fits; says whether there was one.
    pub fn plant(self, entries: &mut Vec<Entry>) -> bool {
        if self == Self::LostCommit {
            let made =
                |entry: &Entry| matches!(entry, Entry::Call(Call::CreateTask { told: Told::Done(_), .. }));
            let is_commit = |entry: &Entry| matches!(entry, Entry::Commit { .. });
            let place =
                (1..entries.len()).rev().find(|at| made(&entries[*at]) && is_commit(&entries[*at - 1]));
            return place.map(|at| entries.remove(at - 1)).is_some();
        }
        match self {
            Self::NoPermits => limit_before(entries, "\"gpu\"", ("Semaphore", "gpu"), r#"{"permits":0}"#),
            Self::PausedQueue => {
                limit_before(entries, r#""queue":"q""#, ("Queue", "q"), r#"{"paused":true}"#)
            }
            _ => (0..entries.len()).rev().any(|at| self.spoil(at, entries)),
        }
    }

    fn spoil(self, at: usize, entries: &mut [Entry]) -> bool {
        let before = at.checked_sub(1).map(|at| entries[at].clone());
        match &mut entries[at] {
            Entry::Commit { facts, .. } => facts_are_spoiled(self, facts),
            Entry::Call(call) => self.spoil_call(call, before.as_ref()),
            _ => false,
        }
    }

    fn spoil_call(self, call: &mut Call, before: Option<&Entry>) -> bool {
        let has_commit = matches!(before, Some(Entry::Commit { .. }));
        match (self, call) {
            (Self::RefusedAndDone, Call::CancelTask { told }) if has_commit && told.done().is_some() => {
                *told = Told::Refused("Conflict");
                true
            }
            (Self::SkippedChange, Call::Watch { told: Told::Done(page), .. }) => page.events.pop().is_some(),
            (Self::OtherOutputs, Call::Sync(sync)) => {
                let Told::Done((_, grants)) = &mut sync.told else { return false };
                let needs = grants.iter_mut().find_map(|grant| grant.needs.values_mut().next());
                needs.map(|value| *value = serde_json::json!("another")).is_some()
            }
            (Self::OtherInputs, Call::Sync(sync)) => {
                let Told::Done((_, grants)) = &mut sync.told else { return false };
                let first = grants.first_mut();
                first.map(|grant| grant.inputs.insert("ghost".into(), serde_json::json!(1))).is_some()
            }
            (Self::OpenToken, Call::Identify { told, .. }) if told.done().is_none() => {
                *told = Told::Done(());
                true
            }
            (Self::StaleResult, Call::Sync(sync)) if !has_commit || sync.reports.len() == 1 => {
                let Told::Done((accepted, _)) = &mut sync.told else { return false };
                let stale = accepted.iter_mut().find(|accepted| !**accepted);
                stale.map(|accepted| *accepted = true).is_some()
            }
            (Self::OtherAnswer, Call::CreateTask { told: Told::Done(id), .. }) if !has_commit => {
                *id = uuid::Uuid::from_u128(7);
                true
            }
            _ => false,
        }
    }
}

/// Changes a limit right before a task starts for the first time whose manifest has these words.
fn limit_before(entries: &mut Vec<Entry>, words: &str, (kind, name): (&str, &str), spec: &str) -> bool {
    let mut limited = BTreeSet::new();
    for at in 0..entries.len() {
        let Entry::Commit { at: time, facts } = &entries[at] else { continue };
        let starts = |fact: &Fact| match fact {
            Fact::Task(task) => task.phase == "Running" && task.node.is_some() && limited.contains(&task.id),
            _ => false,
        };
        if facts.iter().any(starts) {
            let fact = Fact::Entity(EntityFact {
                id: uuid::Uuid::from_u128(7),
                kind: kind.into(),
                name: name.into(),
                body: format!(r#"{{"spec":{spec}}}"#),
                version: 0,
            });
            let entry = Entry::Commit { at: *time, facts: vec![fact] };
            entries.insert(at, entry);
            return true;
        }
        for fact in facts {
            if let Fact::NewTask(task, body) = fact
                && body.contains(words)
            {
                limited.insert(task.id);
            }
        }
    }
    false
}

fn facts_are_spoiled(canary: Canary, facts: &mut Vec<Fact>) -> bool {
    for fact in facts.iter_mut() {
        match (canary, fact) {
            (Canary::OldVersion, Fact::Task(task)) => task.version = 1,
            (Canary::Resurrection, Fact::Task(task)) if task.phase == "Succeeded" => {
                let mut again = task.clone();
                again.version += 1_000_000;
                (again.phase, again.reason, again.digest) = ("Pending", Some("Queued"), None);
                facts.push(Fact::Task(again));
                return true;
            }
            (Canary::TwoEnds, Fact::Attempt(attempt)) => {
                let again = attempt.clone();
                facts.push(Fact::Attempt(again));
                return true;
            }
            (Canary::OldFence, Fact::Task(task)) if task.fence.is_some() => task.fence = Some((1, 0)),
            (Canary::TwoLive, Fact::NewTask(task, _)) if task.parent.is_some() && !task.is_terminal() => {
                let (mut again, body) = (task.clone(), String::new());
                again.id = uuid::Uuid::from_u128(7);
                again.incarnation += 1;
                again.version += 1_000_000;
                facts.push(Fact::NewTask(again, body));
                return true;
            }
            (Canary::HookTwice, Fact::Hook(hook)) if hook.moment != "onKeepalive" => {
                let again = HookFact { id: uuid::Uuid::from_u128(7), ..hook.clone() };
                facts.push(Fact::Hook(again));
                return true;
            }
            (Canary::LeftWaiting, Fact::Task(task)) if task.phase == "Succeeded" => {
                (task.phase, task.reason, task.digest) = ("Pending", Some("Backoff"), None);
            }
            _ => continue,
        }
        return true;
    }
    false
}
