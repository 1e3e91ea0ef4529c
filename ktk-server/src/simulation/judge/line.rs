//! The line in which tasks and pipelines wait for permits, and how often and for how long they are passed in it.

use std::{cmp::Reverse, collections::BTreeMap};

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{PipelineFact, TaskFact},
};

/// A waiter may be passed this often, and for so many microseconds.
const TIMES: u32 = 64;
const LONG: i64 = 30_000_000;

/// What those have in common who stand in one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    queue: String,
    permits: BTreeMap<String, u32>,
    selector: Option<String>,
    kind: Kind,
}

/// Who starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Node,
    Nobody,
    Pipeline,
}

/// A place in the line.
pub type Rank = (Reverse<i32>, Option<i64>, Uuid);

/// The first of each line.
pub type Line = BTreeMap<Class, First>;

/// How often it was passed, and since when.
#[derive(Clone, Debug)]
pub struct First {
    rank: Rank,
    times: u32,
    since: Option<i64>,
}

pub fn rank(task: &TaskFact) -> Rank {
    (Reverse(task.priority), task.ready_at, task.id)
}

impl Judge {
    pub(super) fn rank_of_whole(&self, row: &PipelineFact) -> Rank {
        let priority = self.wholes.get(&row.id).and_then(|whole| whole.priority).unwrap_or(0);
        (Reverse(priority), row.stands_since, row.id)
    }

    /// Those who stood ahead of who has begun, share a semaphore with it and now find too few left, were passed.
    pub(super) fn check_passed(&mut self, at: i64, touched: &Touched) {
        let tasks = touched.granted.iter().filter_map(|id| self.tasks.get(id));
        let running = tasks.filter(|task| task.phase == "Running" && !self.is_of_holder(task));
        // Who starts by itself has begun with what ended: whoever is claimed for in the same commit, after it.
        let mut takers: Vec<(bool, Rank, BTreeMap<String, u32>)> =
            running.map(|task| (task.node.is_some(), rank(task), self.wants(task.id))).collect();
        takers.extend(touched.passed.iter().filter_map(|(id, rank)| {
            let holds = self.pipelines.get(id)?.stand == Some("holds");
            Some((false, *rank, self.wholes.get(id).filter(|_| holds)?.permits()))
        }));
        takers.retain(|(.., permits)| !permits.is_empty());
        takers.sort();
        // What was free before any of them began.
        let mut free: BTreeMap<String, i64> = BTreeMap::new();
        for (name, permits) in takers.iter().flat_map(|(.., permits)| permits) {
            *free.entry(name.clone()).or_insert_with(|| self.free(name)) += i64::from(*permits);
        }
        for (_, rank, permits) in takers {
            for (name, permits) in &permits {
                *free.entry(name.clone()).or_default() -= i64::from(*permits);
            }
            self.pass(at, rank, &permits, &free);
        }
    }

    /// Whether its pipeline, or an attempt that made it, holds permits until it has ended: it waits behind nobody.
    fn is_of_holder(&self, task: &TaskFact) -> bool {
        let whole = task.pipeline.and_then(|pipeline| self.pipelines.get(&pipeline));
        let maker = task.spawned_by.and_then(|maker| self.tasks.get(&maker));
        whole.is_some_and(|row| row.stand == Some("holds"))
            || maker
                .filter(|maker| maker.phase == "Running")
                .is_some_and(|maker| !self.wants(maker.id).is_empty() || self.is_of_holder(maker))
    }

    /// One has begun, and this is left.
    fn pass(&mut self, at: i64, taker: Rank, permits: &BTreeMap<String, u32>, free: &BTreeMap<String, i64>) {
        let left = |name: &String| free.get(name).copied().unwrap_or_else(|| self.free(name));
        let lacks = |class: &Class| class.permits.iter().any(|(name, needs)| left(name) < i64::from(*needs));
        let passed: Vec<(Class, First)> = (self.limits.line.iter())
            .filter(|(class, first)| {
                first.rank < taker
                    && class.permits.keys().any(|name| permits.contains_key(name))
                    && lacks(class)
                    && self.still_waits(first.rank.2)
                    && self.could_start(class)
            })
            .map(|(class, first)| (class.clone(), first.clone()))
            .collect();
        for (class, first) in passed {
            let is_long = first.since.is_some_and(|since| at.saturating_sub(since) >= LONG);
            let holds = first.times < TIMES && !is_long;
            self.rule("P38", holds, || format!("{taker:?} has passed {first:?} of {class:?}"));
            let first = self.limits.line.get_mut(&class).expect("it was just there");
            first.times += 1;
            first.since.get_or_insert(at);
        }
    }

    fn free(&self, semaphore: &str) -> i64 {
        i64::from(self.limits.permits(semaphore).unwrap_or_default()) - i64::from(self.held(semaphore))
    }

    fn still_waits(&self, id: Uuid) -> bool {
        self.limits.waiting.contains(&id)
            || self.pipelines.get(&id).is_some_and(|row| row.stand == Some("waits"))
    }

    /// Whether nothing but permits holds those of a line back.
    fn could_start(&self, class: &Class) -> bool {
        let limit = self.limits.queues.get(&class.queue).cloned().unwrap_or_default();
        let has_place = limit.max_running.is_none_or(|max| self.running_in(&class.queue) < max as usize);
        let fits = |labels: &BTreeMap<String, String>| {
            class.selector.as_ref().is_none_or(|text| {
                text.split_once('=').is_some_and(|(key, value)| labels.get(key).is_some_and(|is| is == value))
            })
        };
        let has_node = || self.nodes.values().any(|node| node.phase == "Ready" && fits(&node.labels));
        !limit.paused && (class.kind != Kind::Node || (has_place && has_node()))
    }

    /// The first of each line, after a commit.
    pub(super) fn line_up(&mut self) {
        let mut firsts: BTreeMap<Class, Rank> = BTreeMap::new();
        let mut stand = |class: Class, rank: Rank| {
            let place = firsts.entry(class).or_insert(rank);
            *place = rank.min(*place);
        };
        for id in &self.limits.waiting {
            let (Some(task), Some(spec)) = (self.tasks.get(id), self.specs.get(id)) else { continue };
            let permits = spec.permits();
            if !permits.is_empty() {
                let kind = if spec.is_external() { Kind::Nobody } else { Kind::Node };
                let (queue, selector) = (task.queue.clone(), spec.node_selector.clone());
                stand(Class { queue, permits, selector, kind }, rank(task));
            }
        }
        for row in self.pipelines.values().filter(|row| row.stand == Some("waits")) {
            let Some(whole) = self.wholes.get(&row.id) else { continue };
            let queue = whole.queue.clone().unwrap_or_else(|| "default".to_owned());
            let (permits, selector, kind) = (whole.permits(), None, Kind::Pipeline);
            stand(Class { queue, permits, selector, kind }, self.rank_of_whole(row));
        }
        let line = std::mem::take(&mut self.limits.line);
        for (class, rank) in firsts {
            let known = line.get(&class).filter(|first| first.rank == rank).cloned();
            self.limits.line.insert(class, known.unwrap_or(First { rank, times: 0, since: None }));
        }
    }
}
