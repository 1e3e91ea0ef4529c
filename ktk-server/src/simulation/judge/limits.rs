//! Limits: permits and queues, and the line in which tasks wait for permits.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{EntityFact, TaskFact},
    manifest::Limit,
};

/// A waiter may be passed this often, and for so many microseconds.
const TIMES: u32 = 64;
const LONG: i64 = 30_000_000;

/// What tasks have in common that stand in one line.
type Class = (String, BTreeMap<String, u32>, Option<String>, bool);

/// A place in the line.
type Rank = (Reverse<i32>, Option<i64>, Uuid);

/// The first of a line: how often it was passed, and since when.
#[derive(Clone, Debug)]
struct First {
    task: Uuid,
    rank: Rank,
    times: u32,
    since: Option<i64>,
}

/// What is known of limits.
#[derive(Default)]
pub struct Limits {
    semaphores: BTreeMap<String, u32>,
    queues: BTreeMap<String, Limit>,
    /// The smallest that each semaphore ever was, and the queues that were ever deleted.
    smallest: BTreeMap<String, u32>,
    deleted: BTreeSet<String>,
    running: BTreeSet<Uuid>,
    waiting: BTreeSet<Uuid>,
    line: BTreeMap<Class, First>,
}

fn rank(task: &TaskFact) -> Rank {
    (Reverse(task.priority), task.ready_at, task.id)
}

impl Limits {
    pub fn put(&mut self, entity: &EntityFact) {
        let limit = Limit::of(&entity.body).unwrap_or_default();
        if entity.kind == "Semaphore" {
            let smallest = self.smallest.entry(entity.name.clone()).or_insert(limit.permits);
            *smallest = limit.permits.min(*smallest);
        }
        match &*entity.kind {
            "Semaphore" => drop(self.semaphores.insert(entity.name.clone(), limit.permits)),
            "Queue" => drop(self.queues.insert(entity.name.clone(), limit)),
            _ => {}
        }
    }

    pub fn remove(&mut self, kind: &str, name: &str) {
        match kind {
            "Semaphore" => {
                self.semaphores.remove(name);
                self.smallest.insert(name.to_owned(), 0);
            }
            "Queue" => {
                self.queues.remove(name);
                self.deleted.insert(name.to_owned());
            }
            _ => {}
        }
    }

    pub fn note(&mut self, task: &TaskFact) {
        let is_waiting = task.reason == Some("Queued") && task.is_admitted;
        keep(&mut self.running, task.id, task.phase == "Running" && !task.is_for_each());
        keep(&mut self.waiting, task.id, is_waiting);
    }

    pub fn forget(&mut self, task: Uuid) {
        self.running.remove(&task);
        self.waiting.remove(&task);
    }

    pub fn permits(&self, semaphore: &str) -> Option<u32> {
        self.semaphores.get(semaphore).copied()
    }

    pub fn is_paused(&self, queue: &str) -> bool {
        self.queues.get(queue).is_some_and(|queue| queue.paused)
    }
}

fn keep(set: &mut BTreeSet<Uuid>, id: Uuid, is_in: bool) {
    if is_in {
        set.insert(id);
    } else {
        set.remove(&id);
    }
}

impl Judge {
    pub(super) fn is_external(&self, task: Uuid) -> bool {
        self.specs.get(&task).is_some_and(|spec| spec.is_external())
    }

    fn wants(&self, task: Uuid) -> BTreeMap<String, u32> {
        self.specs.get(&task).map(|spec| spec.permits()).unwrap_or_default()
    }

    /// Whether a limit that a task asks for was ever gone, or too small for it: then nothing restarts it.
    pub(super) fn has_lost_limit(&self, task: &TaskFact) -> bool {
        let smallest = |name: &String| self.limits.smallest.get(name).copied().unwrap_or_default();
        let whole = task.pipeline.and_then(|pipeline| self.wholes.get(&pipeline));
        let whole = whole.map(|whole| whole.permits()).unwrap_or_default();
        self.limits.deleted.contains(&task.queue)
            || self.wants(task.id).iter().chain(&whole).any(|(name, permits)| *permits > smallest(name))
    }

    /// How many permits of a semaphore those hold that run.
    pub(super) fn held(&self, semaphore: &str) -> u32 {
        let by_tasks =
            self.limits.running.iter().filter_map(|task| self.wants(*task).get(semaphore).copied());
        by_tasks.sum::<u32>() + self.held_by_wholes(semaphore)
    }

    /// How many run in a queue on nodes.
    fn running_in(&self, queue: &str) -> usize {
        let runs = |task: &&Uuid| {
            !self.is_external(**task) && self.tasks.get(*task).is_some_and(|task| task.queue == queue)
        };
        self.limits.running.iter().filter(runs).count()
    }

    /// Who was granted fits into every limit, and has passed nobody for too long.
    pub(super) fn check_limits(&mut self, at: i64, touched: &Touched) {
        let mut granted: Vec<TaskFact> =
            touched.granted.iter().filter_map(|id| self.tasks.get(id)).cloned().collect();
        granted.sort_by_key(rank);
        for task in &granted {
            let wants = self.wants(task.id);
            for (semaphore, permits) in &wants {
                let (size, held) = (self.limits.permits(semaphore), self.held(semaphore));
                self.rule("P35", size.is_some_and(|size| held <= size), || {
                    format!(
                        "{held} permits of {semaphore} are held, there are {size:?}: {task:?} took {permits}"
                    )
                });
            }
            let queue = self.limits.queues.get(&task.queue).cloned().unwrap_or_default();
            self.rule("S6", !queue.paused, || format!("its queue is paused: {task:?}"));
            if let Some(max) = queue.max_running.filter(|_| !self.is_external(task.id)) {
                let running = self.running_in(&task.queue);
                self.rule("S6", running <= max as usize, || {
                    format!("{running} run in {}, which takes {max}: {task:?}", task.queue)
                });
            }
            self.check_passed(at, task, &wants);
        }
        for id in &touched.passed {
            for semaphore in self.wholes.get(id).map(|whole| whole.permits()).unwrap_or_default().into_keys()
            {
                let (size, held) = (self.limits.permits(&semaphore), self.held(&semaphore));
                self.rule("P35", size.is_some_and(|size| held <= size), || {
                    format!("{held} permits of {semaphore} are held, there are {size:?}: pipeline {id}")
                });
            }
        }
        self.line_up();
    }

    /// Those who stood ahead of a task that was granted, and who share a semaphore with it, were passed.
    fn check_passed(&mut self, at: i64, task: &TaskFact, wants: &BTreeMap<String, u32>) {
        if wants.is_empty() {
            return;
        }
        let place = rank(task);
        let ahead: Vec<(Class, First)> = (self.limits.line.iter())
            .filter(|((_, needs, ..), first)| {
                first.rank < place && needs.keys().any(|name| wants.contains_key(name))
            })
            .map(|(class, first)| (class.clone(), first.clone()))
            .collect();
        for (class, first) in ahead {
            if !self.limits.waiting.contains(&first.task) || !self.could_start(&class) {
                continue;
            }
            let is_long = first.since.is_some_and(|since| at.saturating_sub(since) >= LONG);
            let holds = first.times < TIMES && !is_long;
            self.rule("P38", holds, || format!("{task:?} has passed {first:?} of {class:?}"));
            let first = self.limits.line.get_mut(&class).expect("it was just there");
            first.times += 1;
            first.since.get_or_insert(at);
        }
    }

    /// Whether nothing but permits holds tasks of a line back.
    fn could_start(&self, (queue, _, selector, is_external): &Class) -> bool {
        let limit = self.limits.queues.get(queue).cloned().unwrap_or_default();
        let has_place =
            *is_external || limit.max_running.is_none_or(|max| self.running_in(queue) < max as usize);
        let fits = |labels: &BTreeMap<String, String>| {
            selector.as_ref().is_none_or(|text| {
                text.split_once('=').is_some_and(|(key, value)| labels.get(key).is_some_and(|is| is == value))
            })
        };
        let has_node = self.nodes.values().any(|node| node.phase == "Ready" && fits(&node.labels));
        !limit.paused && has_place && (*is_external || has_node)
    }

    /// The first of each line, after a commit.
    fn line_up(&mut self) {
        let mut firsts: BTreeMap<Class, Rank> = BTreeMap::new();
        for id in &self.limits.waiting {
            let (Some(task), Some(spec)) = (self.tasks.get(id), self.specs.get(id)) else { continue };
            let permits = spec.permits();
            if permits.is_empty() {
                continue;
            }
            let class = (task.queue.clone(), permits, spec.node_selector.clone(), spec.is_external());
            let (place, at) = (firsts.entry(class).or_insert(rank(task)), rank(task));
            *place = at.min(*place);
        }
        let line = std::mem::take(&mut self.limits.line);
        for (class, rank) in firsts {
            let known = line.get(&class).filter(|first| first.rank == rank).cloned();
            let new = || First { task: rank.2, rank, times: 0, since: None };
            self.limits.line.insert(class, known.unwrap_or_else(new));
        }
    }

    /// At the end nobody holds anything.
    pub(super) fn check_permits_are_back(&mut self) {
        let names: Vec<String> = self.limits.semaphores.keys().cloned().collect();
        for name in names {
            let held = self.held(&name);
            self.rule("P36", held == 0, || format!("{held} permits of {name} are still held"));
        }
    }
}
