//! Canaries: records in which something is wrong that must not be. A judge who lets one pass sees nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::facts::{Call, EntityFact, Entry, Fact, HookFact, ItemFact, TaskFact, Told};

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
    /// An item stands in another place.
    OtherPlace,
    /// An item that is as it was runs again.
    EqualItem,
    /// A step runs although no item of it can move.
    IdleStep,
    /// A step puts out something else than its items.
    OtherCollection,
    /// A step starts although its pipeline waits for its permits.
    NoSeats,
    /// A step is in another queue than its pipeline.
    OtherQueue,
    /// A node runs more than it has slots.
    NoSlots,
    /// Two have one key.
    KeyTwice,
    /// Somebody is the answer who does not have the key.
    OtherHolder,
    /// Something is collected before its time.
    TooEarly,
}

pub const CANARIES: [Canary; 27] = [
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
    Canary::OtherPlace,
    Canary::EqualItem,
    Canary::IdleStep,
    Canary::OtherCollection,
    Canary::NoSeats,
    Canary::OtherQueue,
    Canary::NoSlots,
    Canary::KeyTwice,
    Canary::OtherHolder,
    Canary::TooEarly,
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
            Self::OtherAnswer => &["P04", "P01"],
            Self::NoPermits => &["P35"],
            Self::PausedQueue => &["S6"],
            Self::HookTwice => &["S2"],
            Self::OtherInputs => &["P25"],
            Self::OpenToken => &["P16"],
            Self::OtherPlace => &["S4 "],
            Self::EqualItem => &["S4E"],
            Self::IdleStep => &["S4R", "P09", "P53"],
            Self::OtherCollection => &["S4C", "P25"],
            Self::NoSeats => &["S4W"],
            Self::OtherQueue => &["S4Q"],
            Self::NoSlots => &["S2L"],
            Self::KeyTwice => &["S6K"],
            Self::OtherHolder => &["S6A"],
            Self::TooEarly => &["S9"],
        }
    }

    /// Plants it at the last place where it fits; says whether there was one.
    pub fn plant(self, entries: &mut Vec<Entry>) -> bool {
        if self == Self::LostCommit {
            let made = |entry: &Entry| match entry {
                Entry::Call(Call::CreateTask { told: Told::Done((id, true)), .. }) => Some(*id),
                _ => None,
            };
            let makes = |entry: &Entry, id: uuid::Uuid| match entry {
                Entry::Commit { facts, .. } => {
                    facts.iter().any(|fact| matches!(fact, Fact::NewTask(task, _) if task.id == id))
                }
                _ => false,
            };
            let place = (1..entries.len())
                .rev()
                .find(|at| made(&entries[*at]).is_some_and(|id| makes(&entries[*at - 1], id)));
            return place.map(|at| entries.remove(at - 1)).is_some();
        }
        match self {
            Self::NoPermits => limit_before(entries, "\"gpu\"", ("Semaphore", "gpu"), r#"{"permits":0}"#),
            Self::PausedQueue => {
                limit_before(entries, r#""queue":"q""#, ("Queue", "q"), r#"{"paused":true}"#)
            }
            Self::NoSeats => no_seats(entries),
            Self::LeftWaiting => left_waiting(entries),
            Self::NoSlots => no_slots(entries),
            Self::EqualItem => (1..entries.len()).rev().any(|at| {
                matches!(entries[at], Entry::Call(Call::Verdict { .. })) && equal_item(&mut entries[at - 1])
            }),
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
            (Self::OtherHolder, Call::CreateTask { told: Told::Done((id, false)), .. }) if has_commit => {
                *id = uuid::Uuid::from_u128(7);
                true
            }
            (Self::TooEarly, Call::Collect { at, retention: "0s" | "20s" }) => {
                *at = 0;
                let is_gone = |fact: &Fact| matches!(fact, Fact::GonePipeline(_));
                matches!(before, Some(Entry::Commit { facts, .. }) if facts.iter().any(is_gone))
            }
            (Self::OtherAnswer, Call::CreateTask { told: Told::Done((id, _)), .. }) if !has_commit => {
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

/// A task of which nothing is written later has not succeeded, but waits for another attempt.
fn left_waiting(entries: &mut [Entry]) -> bool {
    let commits = entries.iter().filter_map(|entry| match entry {
        Entry::Commit { facts, .. } => Some(facts),
        _ => None,
    });
    let mut successes: BTreeMap<uuid::Uuid, usize> = BTreeMap::new();
    for fact in commits.flatten() {
        if let Fact::Task(task) = fact
            && task.phase == "Succeeded"
        {
            *successes.entry(task.id).or_default() += 1;
        }
    }
    let mut seen = BTreeSet::new();
    for entry in entries.iter_mut().rev() {
        let Entry::Commit { facts, .. } = entry else { continue };
        for fact in facts.iter_mut().rev() {
            match fact {
                Fact::GoneTask(id) => drop(seen.insert(*id)),
                Fact::Task(task) if seen.insert(task.id) && successes.get(&task.id) == Some(&1) => {
                    (task.phase, task.reason, task.digest) = ("Pending", Some("Backoff"), None);
                    return true;
                }
                _ => {}
            }
        }
    }
    false
}

/// The pipeline of a step that starts has not taken its permits.
fn no_seats(entries: &mut [Entry]) -> bool {
    let (mut started, mut holds, mut found) = (BTreeSet::new(), BTreeSet::new(), None);
    for entry in entries.iter() {
        let Entry::Commit { facts, .. } = entry else { continue };
        for fact in facts {
            match fact {
                Fact::Pipeline(row) if row.stand == Some("holds") => drop(holds.insert(row.id)),
                Fact::Task(task) if task.node.is_some() && started.insert((task.id, task.fence)) => {
                    found = found.or(task.pipeline.filter(|pipeline| holds.contains(pipeline)));
                }
                _ => {}
            }
        }
    }
    let facts = entries.iter_mut().filter_map(|entry| match entry {
        Entry::Commit { facts, .. } => Some(facts),
        _ => None,
    });
    for fact in facts.flatten() {
        if let Fact::Pipeline(row) = fact
            && Some(row.id) == found
            && row.stand == Some("holds")
        {
            row.stand = Some("waits");
        }
    }
    found.is_some()
}

/// No node has a slot.
fn no_slots(entries: &mut [Entry]) -> bool {
    for entry in entries.iter_mut() {
        let Entry::Commit { facts, .. } = entry else { continue };
        for fact in facts {
            if let Fact::Node { slots, .. } = fact {
                *slots = 0;
            }
        }
    }
    let has_grant = |entry: &Entry| match entry {
        Entry::Commit { facts, .. } => {
            facts.iter().any(|fact| matches!(fact, Fact::Task(task) if task.node.is_some()))
        }
        _ => false,
    };
    entries.iter().any(has_grant)
}

/// An item that its step has kept is made anew.
fn equal_item(entry: &mut Entry) -> bool {
    let Entry::Commit { facts, .. } = entry else { return false };
    let parents: BTreeSet<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::NewTask(task, _) => task.parent,
            _ => None,
        })
        .collect();
    let lasting = lasting(facts);
    let kept = facts.iter_mut().enumerate().find_map(|(at, fact)| match fact {
        Fact::Task(task) if task.is_present_item() && task.is_good() && !parents.contains(&task.id) => {
            (lasting.get(&task.id) == Some(&at)).then_some(task)
        }
        _ => None,
    });
    let Some(kept) = kept else { return false };
    let next = TaskFact {
        id: uuid::Uuid::from_u128(7),
        parent: Some(kept.id),
        incarnation: kept.incarnation + 1,
        version: kept.version + 1_000_000,
        phase: "Pending",
        reason: Some("Queued"),
        digest: None,
        attempt: 0,
        ..kept.clone()
    };
    kept.newest = false;
    facts.push(Fact::NewTask(next, String::new()));
    true
}

/// Changes a new task in every row that a commit writes of it.
fn new_is_spoiled(
    facts: &mut [Fact],
    fits: impl Fn(&TaskFact) -> bool,
    spoil: impl Fn(&mut TaskFact),
) -> bool {
    let id = facts.iter().find_map(|fact| match fact {
        Fact::NewTask(task, _) if task.parent.is_none() && fits(task) => Some(task.id),
        _ => None,
    });
    for fact in facts {
        if let Fact::NewTask(task, _) | Fact::Task(task) = fact
            && Some(task.id) == id
        {
            spoil(task);
        }
    }
    id.is_some()
}

/// Where the last row of each task is that a commit leaves there.
fn lasting(facts: &[Fact]) -> BTreeMap<uuid::Uuid, usize> {
    let mut found = BTreeMap::new();
    for (at, fact) in facts.iter().enumerate() {
        match fact {
            Fact::NewTask(task, _) | Fact::Task(task) => drop(found.insert(task.id, at)),
            Fact::GoneTask(id) => drop(found.remove(id)),
            _ => {}
        }
    }
    found
}

fn facts_are_spoiled(canary: Canary, facts: &mut Vec<Fact>) -> bool {
    match canary {
        Canary::OtherQueue => {
            let is_step = |task: &TaskFact| task.pipeline.is_some() && task.item.is_none();
            return new_is_spoiled(facts, is_step, |task| task.queue = "ghost".into());
        }
        Canary::OtherPlace => {
            let spoil = |task: &mut TaskFact| {
                task.item = task.item.map(|item| ItemFact { index: item.index + 1, ..item });
            };
            return new_is_spoiled(facts, |task| task.item.is_some(), spoil);
        }
        _ => {}
    }
    let lasting = lasting(facts);
    let stays = |at: usize, task: &TaskFact| task.newest && lasting.get(&task.id) == Some(&at);
    let has_collected: BTreeSet<uuid::Uuid> = facts
        .iter()
        .enumerate()
        .filter_map(|(at, fact)| match fact {
            Fact::Task(task) if task.phase == "Succeeded" && stays(at, task) => Some(task.id),
            _ => None,
        })
        .collect();
    for (at, fact) in facts.iter_mut().enumerate() {
        match (canary, fact) {
            (Canary::OldVersion, Fact::Task(task)) => task.version = 1,
            (Canary::Resurrection, Fact::Task(task)) if task.phase == "Succeeded" && stays(at, task) => {
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
            (Canary::TwoLive, Fact::NewTask(task, _))
                if task.parent.is_some() && !task.is_terminal() && stays(at, task) =>
            {
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
            (Canary::IdleStep, Fact::Task(task))
                if task.phase == "Succeeded" && task.is_expanded == Some(true) && stays(at, task) =>
            {
                (task.phase, task.digest) = ("Running", None);
            }
            (Canary::OtherCollection, Fact::Result { task, outputs: Some(text), .. })
                if text.starts_with('[') && has_collected.contains(task) =>
            {
                *text = "[7]".into();
            }
            (Canary::KeyTwice, Fact::NewTask(task, _))
                if task.key.as_ref().is_some_and(|key| !key.waits && !key.is_until_start)
                    && !task.is_terminal()
                    && stays(at, task) =>
            {
                let id = uuid::Uuid::from_u128(7);
                let version = task.version + 1_000_000;
                let other =
                    TaskFact { id, context: id, parent: None, incarnation: 1, version, ..task.clone() };
                facts.push(Fact::NewTask(other, String::new()));
                return true;
            }
            _ => continue,
        }
        return true;
    }
    false
}
