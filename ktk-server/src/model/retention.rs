//! What may be collected: how long what has ended is kept, by its own `ttlAfterFinished` and by the server's retention.

mod grammar;
#[cfg(test)]
mod laws;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Duration, Phase};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clocks::{later, own_time};

/// How long the server keeps what has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of every phase that has no limit of the same sort of its own.
    all: Limits,
    /// What was said of one phase: it stands in place of the general limit of the same sort.
    phases: BTreeMap<Phase, Own>,
}

/// `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Limits {
    age: Option<Duration>,
    count: Option<u64>,
}

/// `None`: nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Own {
    age: Option<Option<Duration>>,
    count: Option<Option<u64>>,
}

impl Default for Retention {
    fn default() -> Self {
        let age = Duration::from_secs(30 * 86_400);
        Self { all: Limits { age: Some(age), count: Some(100_000) }, phases: BTreeMap::new() }
    }
}

/// What is collected as a whole: a task with all its incarnations, or a pipeline with all of its own and their tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its newest incarnation.
    pub id: Uuid,
    pub phase: Phase,
    /// When its newest incarnation ended.
    pub at: Timestamp,
    /// Its own `ttlAfterFinished`.
    pub ttl: Option<Duration>,
    /// How many tasks it is.
    pub tasks: u64,
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Its own `ttlAfterFinished`.
    Ttl(Duration),
    /// The server's retention by age, of this phase or of all.
    Age(Option<Phase>, Duration),
    /// The server's retention by count, of this phase or of all.
    Count(Option<Phase>, u64),
}

/// A time that passed and of which nobody knows whether it did: the clock jumped, or the machine was off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Jump {
    /// What ended before this is kept for so much longer.
    pub at: Timestamp,
    pub by: SignedDuration,
    /// Whether it was the clock alone: the machine counted less time meanwhile. Otherwise nobody was there to count,
    /// and a `ttlAfterFinished`, which somebody asked for, is taken at the clock's word.
    pub is_proved: bool,
}

impl Jump {
    /// Both jumps, the earlier one as far as it still counts.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        let earlier = earlier.filter(|earlier| earlier.counts(self.at));
        let by = earlier.map_or(self.by, |earlier| self.by.saturating_add(earlier.by));
        Self { by, is_proved: self.is_proved || earlier.is_some_and(|earlier| earlier.is_proved), ..self }
    }

    /// Whether it still keeps anything; not once the clock has been put back.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.at <= now && now < later(self.at, std::time::Duration::try_from(self.by).unwrap_or_default())
    }

    fn keeps(&self, ended: &Ended, rule: Rule) -> bool {
        ended.at < self.at && (self.is_proved || !matches!(rule, Rule::Ttl(_)))
    }
}

impl Retention {
    /// No limit at all.
    pub fn none() -> Self {
        Self { all: Limits::default(), phases: BTreeMap::new() }
    }

    /// When the time of something is over, and by which rule: the earliest. Never, where `None`.
    pub fn until(&self, ended: &Ended, jump: Option<&Jump>) -> Option<(Timestamp, Rule)> {
        let ttl = ended.ttl.map(|ttl| (Rule::Ttl(ttl), own_time(ended.at, ttl)));
        let age =
            self.age_of(ended.phase).map(|(phase, age)| (Rule::Age(phase, age), later(ended.at, age.get())));
        let due = [ttl, age].into_iter().flatten().map(|(rule, due)| {
            let shift = jump.filter(|jump| jump.keeps(ended, rule)).map(|jump| jump.by).unwrap_or_default();
            (later(due, std::time::Duration::try_from(shift).unwrap_or_default()), rule)
        });
        due.min()
    }

    /// What goes because there is too much of it: beginning with what ended first, until no more than the limit is
    /// left of each sort. What makes a sort exceed its limit stays: the newest is never lost for being large.
    pub fn over(&self, ended: &[Ended]) -> BTreeMap<Uuid, Rule> {
        let mut sorts: BTreeMap<Rule, Vec<&Ended>> = BTreeMap::new();
        for one in ended {
            if let Some((phase, count)) = self.count_of(one.phase) {
                sorts.entry(Rule::Count(phase, count)).or_default().push(one);
            }
        }
        let mut over = BTreeMap::new();
        for (rule, mut of_sort) in sorts {
            let Rule::Count(_, limit) = rule else { continue };
            of_sort.sort_by_key(|one| std::cmp::Reverse((one.at, one.id)));
            let mut newer: u64 = 0;
            for one in of_sort {
                if newer >= limit {
                    over.insert(one.id, rule);
                }
                newer = newer.saturating_add(one.tasks);
            }
        }
        over
    }

    /// How many tasks may end until something is too much again, if this is what stays: of the sort that has the least
    /// room.
    pub fn room(&self, stays: &[Ended]) -> Option<u64> {
        let mut sorts: BTreeMap<(Option<Phase>, u64), u64> = BTreeMap::new();
        for phase in Phase::ALL {
            sorts.extend(self.count_of(*phase).map(|sort| (sort, 0)));
        }
        for one in stays {
            if let Some(tasks) = self.count_of(one.phase).and_then(|sort| sorts.get_mut(&sort)) {
                *tasks = tasks.saturating_add(one.tasks);
            }
        }
        sorts.into_iter().map(|((_, limit), tasks)| limit.saturating_sub(tasks)).min()
    }

    /// All that goes now, but for what something unfinished needs. First what is past its time, then of the rest
    /// what is too much.
    pub fn plan(
        &self,
        ended: &[Ended],
        needed: &BTreeSet<Uuid>,
        now: Timestamp,
        jump: Option<&Jump>,
    ) -> BTreeMap<Uuid, Rule> {
        let is_past = |one: &Ended| self.until(one, jump).filter(|(due, _)| *due <= now);
        let is_free = |one: &Ended| !needed.contains(&one.id);
        let past = ended.iter().filter(|one| is_free(one));
        let past: BTreeMap<Uuid, Rule> =
            past.filter_map(|one| is_past(one).map(|(_, rule)| (one.id, rule))).collect();
        let rest: Vec<Ended> = ended.iter().filter(|one| !past.contains_key(&one.id)).copied().collect();
        let mut over = self.over(&rest);
        over.retain(|id, _| !needed.contains(id));
        past.into_iter().chain(over).collect()
    }

    /// The shortest time for which the retention keeps anything.
    pub fn least_age(&self) -> Option<Duration> {
        let own = self.phases.values().filter_map(|own| own.age.flatten());
        own.chain(self.all.age).min()
    }

    /// The smallest number of tasks above which something may be too much.
    pub fn least_count(&self) -> Option<u64> {
        let own = self.phases.values().filter_map(|own| own.count.flatten());
        own.chain(self.all.count).min()
    }

    fn age_of(&self, phase: Phase) -> Option<(Option<Phase>, Duration)> {
        match self.phases.get(&phase).and_then(|own| own.age) {
            Some(own) => own.map(|age| (Some(phase), age)),
            None => self.all.age.map(|age| (None, age)),
        }
    }

    fn count_of(&self, phase: Phase) -> Option<(Option<Phase>, u64)> {
        match self.phases.get(&phase).and_then(|own| own.count) {
            Some(own) => own.map(|count| (Some(phase), count)),
            None => self.all.count.map(|count| (None, count)),
        }
    }
}
