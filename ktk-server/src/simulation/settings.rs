//! People who limit what starts, and let it go: they hold, pause, scale, make and delete.

use ktk_client::api::{
    ObjectRef, Queue, Semaphore, Task, entity::CreateParams, queue::QueueSpec, semaphore::ScaleParams,
};
use rand::{RngExt, seq::IndexedRandom};

use super::{
    judge::facts::{Call, Entry, Setting, Told},
    people::{PIPELINES, map},
    world::{World, ready},
};
use crate::engine::{
    conformance::dump::ReadAll,
    entity::{CreateEntity, DeleteEntity},
    hold::{HoldPipeline, HoldTask, PauseQueue},
    semaphore::ScaleSemaphore,
};

fn named(name: &str) -> ObjectRef {
    ObjectRef::new("default", name)
}

impl World {
    /// What is there when a history begins.
    pub fn make_limits(&mut self) {
        self.make_queue("q", Some(2));
        self.make_semaphore("gpu", 2);
        self.make_semaphore("licence", 1);
        self.make_semaphore("seats", 2);
    }

    fn make_queue(&mut self, name: &str, max_running: Option<u32>) {
        let object = Queue::new(name, QueueSpec { paused: false, max_running });
        let ask = self.engine.ask("somebody");
        let told =
            self.ask(CreateEntity::new(ask, CreateParams { object, request_id: None, dry_run: false }));
        self.set(map(told, |_| Setting::Other));
    }

    fn make_semaphore(&mut self, name: &str, permits: u32) {
        let object = Semaphore::new(name, permits);
        let ask = self.engine.ask("somebody");
        let told =
            self.ask(CreateEntity::new(ask, CreateParams { object, request_id: None, dry_run: false }));
        self.set(map(told, |_| Setting::Other));
    }

    fn set(&mut self, told: Told<Setting>) {
        self.record.add(Entry::Call(Call::Set { told }));
    }

    /// Somebody changes what limits others.
    pub fn limit(&mut self) {
        let is_on = self.one_in(2);
        match self.rng.random_range(0..10) {
            0 | 1 => self.pause_queue("q", is_on),
            2 => {
                let paused = self.one_in(3);
                self.pause_queue("default", paused);
            }
            3 | 4 => {
                let permits = self.rng.random_range(0..4);
                let semaphore = if self.one_in(3) { "seats" } else { "gpu" };
                self.scale(semaphore, permits);
            }
            5 => {
                let name = *PIPELINES.choose(&mut self.rng).expect("there are some");
                self.hold_pipeline(named(name), is_on);
            }
            6 | 7 => {
                let reference = self.reference();
                self.hold(reference, is_on);
            }
            8 if is_on => self.make_queue("x", None),
            8 => {
                let told = self.ask(Ok(DeleteEntity::<Queue>::new(self.engine.ask("somebody"), named("x"))));
                self.set(map(told, |_| Setting::Other));
            }
            _ if is_on => self.make_semaphore("y", 1),
            _ => {
                let ask = self.engine.ask("somebody");
                let told = self.ask(Ok(DeleteEntity::<Semaphore>::new(ask, named("y"))));
                self.set(map(told, |_| Setting::Other));
            }
        }
    }

    fn pause_queue(&mut self, queue: &str, paused: bool) {
        let ask = self.engine.ask("somebody");
        let told = self.ask(Ok(PauseQueue { ask, reference: named(queue), paused }));
        self.set(map(told, |_| Setting::Paused { queue: queue.to_owned(), paused }));
    }

    fn scale(&mut self, semaphore: &str, permits: u32) {
        let params = ScaleParams { reference: named(semaphore), permits, request_id: None };
        let told = self.ask(Ok(ScaleSemaphore { ask: self.engine.ask("somebody"), params }));
        self.set(map(told, |_| Setting::Permits { semaphore: semaphore.to_owned(), permits }));
    }

    fn hold(&mut self, reference: ObjectRef, held: bool) {
        let told = self.ask(Ok(HoldTask { ask: self.engine.ask("somebody"), reference, held }));
        self.set(map(told, |task: Task| {
            let task = task.metadata.id.expect("every object has an id");
            Setting::TaskHeld { task, held }
        }));
    }

    fn hold_pipeline(&mut self, reference: ObjectRef, held: bool) {
        let told = self.ask(Ok(HoldPipeline { ask: self.engine.ask("somebody"), reference, held }));
        self.set(map(told, |_| Setting::Other));
    }

    /// Nobody holds anything up any more; says whether somebody did.
    pub fn let_go(&mut self) -> bool {
        let dump = ready(self.engine.read(ReadAll)).expect("the store can be read");
        let mut has_moved = false;
        for (name, spec) in &dump.queues {
            if spec.paused {
                self.pause_queue(name, false);
                has_moved = true;
            }
        }
        for semaphore in ["gpu", "seats"] {
            if dump.permits[semaphore] < 2 {
                self.scale(semaphore, 2);
                has_moved = true;
            }
        }
        for row in dump.pipelines.values().filter(|row| row.rare.held && !row.phase.is_terminal()) {
            self.hold_pipeline(named(&row.id.to_string()), false);
            has_moved = true;
        }
        for row in dump.tasks.values().filter(|row| row.rare.held && !row.phase.is_terminal()) {
            self.hold(named(&row.id.to_string()), false);
            has_moved = true;
        }
        has_moved
    }
}
