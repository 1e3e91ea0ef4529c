//! Limits: permits and queues.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{EntityFact, TaskFact},
    line::{Line, rank},
    manifest::Limit,
};

/// What is known of limits.
#[derive(Default)]
pub struct Limits {
    semaphores: BTreeMap<String, u32>,
    pub queues: BTreeMap<String, Limit>,
    /// What was ever deleted, by kind and name.
    deleted: BTreeSet<(String, String)>,
    running: BTreeSet<Uuid>,
    pub waiting: BTreeSet<Uuid>,
    pub line: Line,
}

impl Limits {
    pub fn put(&mut self, entity: &EntityFact) {
        let limit = Limit::of(&entity.body).unwrap_or_default();
        match &*entity.kind {
            "Semaphore" => drop(self.semaphores.insert(entity.name.clone(), limit.permits)),
            "Queue" => drop(self.queues.insert(entity.name.clone(), limit)),
            _ => {}
        }
    }

    pub fn remove(&mut self, kind: &str, name: &str) {
        match kind {
            "Semaphore" => drop(self.semaphores.remove(name)),
            "Queue" => drop(self.queues.remove(name)),
            _ => {}
        }
        self.deleted.insert((kind.to_owned(), name.to_owned()));
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

    pub(super) fn wants(&self, task: Uuid) -> BTreeMap<String, u32> {
        self.specs.get(&task).map(|spec| spec.permits()).unwrap_or_default()
    }

    /// Whether what a task has to wait for is not there: it would wait for ever.
    pub(super) fn lacks_limit(&self, task: &TaskFact) -> bool {
        (task.queue != "default" && !self.limits.queues.contains_key(&task.queue))
            || self.asked(task.id).keys().any(|name| self.limits.permits(name).is_none())
    }

    /// The permits that a task asks for, or the items of a step.
    fn asked(&self, task: Uuid) -> BTreeMap<String, u32> {
        self.specs.get(&task).map(|spec| spec.asked()).unwrap_or_default()
    }

    /// Whether a limit that a task asks for was ever gone: then nothing restarts it.
    pub(super) fn has_lost_limit(&self, task: &TaskFact) -> bool {
        let is_lost = |kind: &str, name: &str| self.limits.deleted.contains(&(kind.into(), name.into()));
        is_lost("Queue", &task.queue) || self.asked(task.id).keys().any(|name| is_lost("Semaphore", name))
    }

    /// How many permits of a semaphore those hold that run.
    pub(super) fn held(&self, semaphore: &str) -> u32 {
        let by_tasks =
            self.limits.running.iter().filter_map(|task| self.wants(*task).get(semaphore).copied());
        by_tasks.sum::<u32>() + self.held_by_wholes(semaphore)
    }

    /// How many run in a queue on nodes.
    pub(super) fn running_in(&self, queue: &str) -> usize {
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
        }
        for (id, _) in &touched.passed {
            for semaphore in self.wholes.get(id).map(|whole| whole.permits()).unwrap_or_default().into_keys()
            {
                let (size, held) = (self.limits.permits(&semaphore), self.held(&semaphore));
                self.rule("P35", size.is_some_and(|size| held <= size), || {
                    format!("{held} permits of {semaphore} are held, there are {size:?}: pipeline {id}")
                });
            }
        }
        self.check_passed(at, touched);
        self.line_up();
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
