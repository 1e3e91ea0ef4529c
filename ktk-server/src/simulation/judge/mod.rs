//! The judge: replays what was committed, in order, against the promises. It is told facts and knows nothing of the
//! engine, its model or its stores; the numbers of its rules are those of the list of promises.

mod answers;
mod attempts;
mod collecting;
mod contexts;
pub mod facts;
mod hooks;
mod items;
mod lending;
mod limits;
mod line;
mod manifest;
mod needs;
mod rest;
mod speech;
mod state;
mod times;
mod unique;
pub mod values;
mod watches;
mod wholes;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

pub use self::answers::DEEDS;
use self::{
    answers::{Requests, Since},
    facts::{AttemptFact, Call, Entry, Fact, FenceFact, PipelineFact, TaskFact},
    hooks::Hooks,
    limits::Limits,
    manifest::{Spec, Whole},
};

/// Every rule that the judge has. Each must have been looked at in a suite, or the suite has proved nothing.
pub const RULES: [&str; 44] = [
    "P01 acknowledged, so it is there",
    "P02 nothing is invented",
    "P03 an error has no effect, no answer at most one",
    "P04 one request, one object",
    "P05 a pipeline is made whole",
    "P06 reads are of now",
    "P07 versions and epochs rise",
    "P09 legal steps",
    "P10 one end an attempt",
    "P11 attempts 1 to k within the limit",
    "P12 no attempt before its pause is over",
    "P13 a retry follows only what is retried",
    "P14 fences rise and only present nodes are granted",
    "P16 a stale report changes nothing",
    "P20 what is cancelled starts no more",
    "P22 what a clock ends, it ends in time",
    "P24 needs are as runIf asks",
    "P25 exactly the outputs of the newest",
    "P26 nothing waits that could go",
    "P28 no cycle",
    "P30 one live incarnation",
    "P31 the newest is the last",
    "P32 lineage is a tree",
    "P33 a raced restart makes one",
    "P35 permits held never exceed what there is",
    "P36 permits come back",
    "P38 nobody is passed for ever",
    "P44 a watch is whole and in order",
    "P52 what is needed is neither deleted nor collected",
    "P53 deleted stays deleted, and nobody waits for it",
    "P65 everything comes to rest",
    // Of the contract, by its sections.
    "S4 items are what their step's expression yields",
    "S4E equal items are kept, others are not",
    "S4R a step runs while an item of it can move",
    "S4C a step puts out what its items do, in order",
    "S4W a pipeline's steps wait for its permits and its key",
    "S4Q a step has its pipeline's queue and priority",
    "S2L a slot is lent only by who waits for what it made",
    "S6K a key is held once",
    "S6A who has the key is the answer",
    "S9 nothing is collected before its time",
    "S2 a hook is written once and called in order",
    "S6 queues keep their limits",
    "S11 bad input is refused",
];

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    /// The number of the entry.
    pub entry: usize,
    pub words: String,
}

/// What the judge found.
#[derive(Debug, Default)]
pub struct Verdict {
    pub violations: Vec<Violation>,
    /// How often each rule was looked at.
    pub looks: BTreeMap<&'static str, u64>,
    /// How often each kind of call was acknowledged.
    pub deeds: BTreeMap<&'static str, u64>,
    /// Calls that were acknowledged.
    pub acknowledged: u64,
    /// Calls that were made by people and workers, and those of them without an answer.
    pub calls: u64,
    pub unknown: u64,
}

/// Judges a record.
pub fn judge(entries: &[Entry]) -> Verdict {
    let mut judge = Judge { looks: vec![0; RULES.len()], ..Judge::default() };
    for (number, entry) in entries.iter().enumerate() {
        judge.entry = number;
        match entry {
            Entry::Start { epoch } => judge.start(*epoch),
            Entry::Commit { at, facts } => judge.commit(*at, facts),
            Entry::Call(call) => judge.call(call),
            Entry::Broken(words) => judge.rule("P65", false, || words.clone()),
            Entry::Rest => judge.rest(),
        }
        // What follows from a broken rule is no news.
        if judge.verdict.violations.len() > 3 {
            break;
        }
    }
    let looks = RULES.into_iter().zip(judge.looks).filter(|(_, looks)| *looks > 0);
    judge.verdict.looks = looks.collect();
    judge.verdict
}

/// A node as it was last written.
#[derive(Clone, Debug)]
struct Node {
    generation: u32,
    phase: &'static str,
    slots: u32,
    labels: BTreeMap<String, String>,
}

/// What is known at a point of the record.
#[derive(Default)]
struct Judge {
    entry: usize,
    verdict: Verdict,
    /// How often each rule was looked at.
    looks: Vec<u64>,
    epoch: u64,
    version: u64,
    /// The latest time that the clock has shown: it may be set back after a pause was over.
    latest: i64,
    fence: FenceFact,
    tasks: BTreeMap<Uuid, TaskFact>,
    specs: BTreeMap<Uuid, Spec>,
    /// The incarnations of each context.
    contexts: BTreeMap<Uuid, BTreeMap<u32, Uuid>>,
    /// What each context needs.
    needs: BTreeMap<Uuid, BTreeSet<Uuid>>,
    /// The inputs of each item: a restart of one has its parent's.
    given: BTreeMap<Uuid, BTreeMap<String, serde_json::Value>>,
    /// The contexts of each pipeline.
    steps: BTreeMap<Uuid, BTreeSet<Uuid>>,
    pipelines: BTreeMap<Uuid, PipelineFact>,
    wholes: BTreeMap<Uuid, Whole>,
    /// When a pipeline set out, and began to run.
    began: BTreeMap<Uuid, (i64, Option<i64>)>,
    /// Attempts that wait for what they have made.
    waiting: BTreeSet<Uuid>,
    /// Under what cascade each task has settled.
    settled_under: BTreeMap<Uuid, &'static str>,
    /// Tasks that have not ended and have a key.
    keyed: BTreeSet<Uuid>,
    ever_cancelled: BTreeSet<Uuid>,
    nodes: BTreeMap<Uuid, Node>,
    limits: Limits,
    hooks: Hooks,
    /// Attempts whose end was told with the wish for another one.
    asked_again: BTreeSet<(Uuid, u32)>,
    outputs: BTreeMap<Uuid, String>,
    resolved: BTreeMap<Uuid, String>,
    attempts: BTreeMap<Uuid, Vec<AttemptFact>>,
    gone: BTreeSet<Uuid>,
    /// The present version of each object, and whether it is gone.
    current: BTreeMap<u64, (Uuid, bool)>,
    versions: BTreeMap<Uuid, u64>,
    requests: Requests,
    since: Since,
}

impl Judge {
    /// Notes that a rule was looked at, and whether it holds. The rule is named by its number.
    fn rule(&mut self, number: &str, holds: bool, words: impl FnOnce() -> String) {
        let is_it = |rule: &&str| rule.strip_prefix(number).is_some_and(|rest| rest.starts_with(' '));
        let place = RULES.iter().position(is_it).expect("a rule of the list");
        self.looks[place] += 1;
        if !holds {
            let rule = RULES[place];
            self.verdict.violations.push(Violation { rule, entry: self.entry, words: words() });
        }
    }

    fn start(&mut self, epoch: u64) {
        let before = std::mem::replace(&mut self.epoch, epoch);
        self.hooks.called.clear();
        // The streams that attempts held open are broken.
        self.waiting.clear();
        self.rule("P07", epoch > before, || format!("epoch {epoch} after {before}"));
    }

    fn commit(&mut self, at: i64, facts: &[Fact]) {
        self.latest = self.latest.max(at);
        let mut touched = contexts::Touched::default();
        let mut versions = BTreeSet::new();
        for fact in facts {
            self.apply(fact, &mut touched, &mut versions);
        }
        if let (Some(first), Some(last)) = (versions.first().copied(), versions.last().copied()) {
            let before = self.version;
            self.version = before.max(last);
            self.rule("P07", first > before, || format!("version {first} after {before}"));
        }
        self.fence = touched.fences.last().copied().unwrap_or_default().max(self.fence);
        self.check_contexts(&touched);
        self.check_pipelines(&touched);
        for task in &touched.granted {
            self.check_number(*task);
            self.check_grant(*task);
        }
        self.check_verdicts(&touched);
        self.check_steps(&touched);
        self.check_wholes(&touched);
        self.check_keys(&touched);
        self.check_slots(&touched);
        self.check_limits(at, &touched);
        self.check_hooks(&touched);
        self.check_wishes(&touched);
        self.check_new_needs(&touched);
        self.check_deleted(&touched);
        self.since.commits += 1;
    }

    fn call(&mut self, call: &Call) {
        self.check_answer(call);
        self.since = Since::default();
    }

    fn newest(&self, context: Uuid) -> Option<&TaskFact> {
        let (_, id) = self.contexts.get(&context)?.last_key_value()?;
        self.tasks.get(id)
    }
}
