//! People who create, restart, adopt, cancel, delete and look, and ask again where they had no answer.

use ktk_client::api::{
    ObjectRef, Pipeline, Task,
    attempt::{CompleteParams, FailParams, KeepaliveParams},
    pipeline,
    restart::{AdoptParams, Cascade, RestartParams},
    task::{self, CancelParams, DeleteParams},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::json;
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, Speaker, Told},
    requests::Request,
    watchers::Watcher,
    world::World,
};
use crate::engine::{
    attempt::KeepAlive,
    cancel::{CancelPipeline, CancelTask},
    create_pipeline::CreatePipeline,
    create_task::CreateTask,
    delete::{DeletePipeline, DeleteTask},
    operation::By,
    read::GetTask,
    restart_task::RestartTask,
};

/// The handler that every task has.
pub const HANDLER: &str = "job";

pub const TASKS: [&str; 5] = ["t0", "t1", "t2", "t3", "t4"];
pub const PIPELINES: [&str; 2] = ["p", "q"];

/// What people remember.
#[derive(Debug, Default)]
pub struct People {
    pub requests: u64,
    /// Requests without an answer, and some that have one and are made again all the same.
    pub pending: Vec<(String, Request)>,
    /// Names and ids that were seen.
    names: Vec<String>,
    ids: Vec<Uuid>,
    pub watchers: Vec<Watcher>,
    /// Attempts whose token was looked at, and who have said nothing yet.
    pub speakers: Vec<(By, Speaker)>,
}

impl World {
    /// Somebody does something.
    pub fn act(&mut self) {
        match self.rng.random_range(0..100) {
            0..=16 => {
                let task = self.random_task();
                self.request_new(Request::Task(Box::new(task), None));
            }
            17..=24 => {
                let pipeline = self.random_pipeline();
                self.request_new(Request::Pipeline(Box::new(pipeline)));
            }
            25..=43 => self.restart(),
            44..=51 => self.restart_pipeline(),
            52..=55 => self.adopt(),
            56..=60 => self.cancel(),
            61..=62 => self.cancel_pipeline(),
            63..=67 => self.delete(),
            68..=73 => self.limit(),
            74..=78 => self.end_external(),
            79..=80 => self.ask_for_the_impossible(),
            81..=85 => self.speak(),
            86..=90 => self.get(),
            91 => self.collect(),
            _ => self.repeat(),
        }
    }

    pub fn see(&mut self, name: &str, id: Option<Uuid>) -> Uuid {
        let id = id.expect("every object has an id");
        self.see_name(name);
        self.people.ids.push(id);
        id
    }

    pub fn see_name(&mut self, name: &str) {
        if !self.people.names.iter().any(|seen| seen == name) {
            self.people.names.push(name.to_owned());
        }
    }

    /// Something that is there, or was: by name, by `name@N`, by id.
    pub fn reference(&mut self) -> ObjectRef {
        let name = match self.rng.random_range(0..4) {
            0 => self.people.ids.choose(&mut self.rng).map(Uuid::to_string),
            1 => {
                let incarnation = self.rng.random_range(1..4);
                self.people.names.choose(&mut self.rng).map(|name| format!("{name}@{incarnation}"))
            }
            _ => self.people.names.choose(&mut self.rng).cloned(),
        };
        ObjectRef::new("default", name.unwrap_or_else(|| "t0".to_owned()))
    }

    fn restart(&mut self) {
        let cascades = [Cascade::Auto, Cascade::Auto, Cascade::All, Cascade::None];
        let mut params = RestartParams {
            reference: self.reference(),
            cascade: *cascades.choose(&mut self.rng).unwrap(),
            force: self.one_in(4),
            if_newest: self.one_in(8).then_some(1),
            ..RestartParams::default()
        };
        if self.one_in(4) {
            params.changes.insert("inputs.width".into(), json!(self.rng.random_range(0..2)));
        }
        if self.one_in(12) {
            params.changes.insert("queue".into(), json!("q"));
        }
        self.request_new(Request::Restart(params));
    }

    fn restart_pipeline(&mut self) {
        let name = *PIPELINES.choose(&mut self.rng).unwrap();
        let name = if self.one_in(8) { format!("{name}@1") } else { name.to_owned() };
        let from_step = self.one_in(3).then(|| format!("s{}", self.rng.random_range(0..6)));
        let all = from_step.is_none() && self.one_in(2);
        let mut params = RestartParams {
            reference: ObjectRef::new("default", name),
            cascade: if self.one_in(3) { Cascade::All } else { Cascade::Auto },
            force: (all || from_step.is_some()) && self.one_in(3),
            all,
            from_step,
            ..RestartParams::default()
        };
        if all && self.one_in(3) {
            params.changes.insert("params.k".into(), json!(self.rng.random_range(0..2)));
        }
        self.request_new(Request::RestartPipeline(params));
    }

    fn adopt(&mut self) {
        let reference = match self.people.ids.choose(&mut self.rng) {
            Some(id) => ObjectRef::new("default", id.to_string()),
            None => self.reference(),
        };
        self.request_new(Request::Adopt(AdoptParams { reference, ..AdoptParams::default() }));
    }

    /// Somebody says how an external task ended, or that it is alive.
    fn end_external(&mut self) {
        let reference = self.reference();
        let attempt = self.one_in(4).then(|| self.rng.random_range(1..3));
        match self.rng.random_range(0..6) {
            0 => {
                let params = KeepaliveParams { reference: Some(reference), attempt, request_id: None };
                let told = self.ask(Ok(KeepAlive { ask: self.engine.ask("somebody"), params }));
                self.said(None, attempt, told);
            }
            1 | 2 => {
                let retry = self.one_in(2);
                let params = FailParams { reference, attempt, retry, ..FailParams::default() };
                self.request_new(Request::Fail(params));
            }
            _ => self.complete(reference, attempt),
        }
    }

    pub fn complete(&mut self, reference: ObjectRef, attempt: Option<u32>) {
        let outputs = match self.rng.random_range(0..4) {
            0 => None,
            1 => Some(json!({})),
            n => Some(json!({"n": n - 1})),
        };
        let outputs = outputs.map(|outputs| serde_json::from_value(outputs).unwrap());
        self.request_new(Request::Complete(CompleteParams { reference, attempt, outputs, request_id: None }));
    }

    /// What nobody can do is refused, and changes nothing.
    fn ask_for_the_impossible(&mut self) {
        let ask = self.engine.ask("somebody");
        let told = match self.rng.random_range(0..5) {
            0 | 1 => {
                let params = task::CreateParams {
                    object: self.bad_task(),
                    request_id: None,
                    caller_env: None,
                    dry_run: false,
                };
                let told = self.ask(CreateTask::new(ask, params, self.engine.types(), Vec::new()));
                map(told, |made| made.object.metadata.id.unwrap())
            }
            2 | 3 => {
                let params = pipeline::CreateParams {
                    object: self.bad_pipeline(),
                    params: Default::default(),
                    request_id: None,
                    caller_env: None,
                    new_name_if_taken: false,
                    dry_run: false,
                };
                let told = self.ask(CreatePipeline::new(ask, params, &self.engine.types(), Vec::new()));
                map(told, |made| made.object.metadata.id.unwrap())
            }
            _ => {
                let mut params = RestartParams { reference: self.reference(), ..RestartParams::default() };
                params.changes.insert("nosuch".into(), json!(1));
                let told = self.ask(RestartTask::new(ask, params, self.engine.types()));
                map(told, |made| made.object.metadata.id.unwrap())
            }
        };
        self.record.add(Entry::Call(Call::Bad { told }));
    }

    fn cancel(&mut self) {
        let params = CancelParams { reference: self.reference(), now: self.one_in(3), request_id: None };
        let told = self.ask(Ok(CancelTask { ask: self.engine.ask("somebody"), params }));
        let told = map(told, |task: Task| task.metadata.id.unwrap());
        self.record.add(Entry::Call(Call::CancelTask { told }));
    }

    fn cancel_pipeline(&mut self) {
        let reference = ObjectRef::new("default", *PIPELINES.choose(&mut self.rng).unwrap());
        let params = CancelParams { reference, now: self.one_in(3), request_id: None };
        let told = self.ask(Ok(CancelPipeline { ask: self.engine.ask("somebody"), params }));
        let told = map(told, |pipeline: Pipeline| pipeline.metadata.id.unwrap());
        self.record.add(Entry::Call(Call::CancelPipeline { told }));
    }

    fn delete(&mut self) {
        let (now, cascade) = (self.one_in(3), self.one_in(3));
        let ask = self.engine.ask("somebody");
        let told = if self.one_in(3) {
            let reference = ObjectRef::new("default", *PIPELINES.choose(&mut self.rng).unwrap());
            let params = DeleteParams { reference, now, cascade, ..DeleteParams::default() };
            let told = self.ask(Ok(DeletePipeline { ask, params }));
            map(told, |deleted: task::Deleted<Pipeline>| (deleted.object.metadata.id.unwrap(), deleted.gone))
        } else {
            let reference = self.reference();
            let params = DeleteParams { reference, now, cascade, ..DeleteParams::default() };
            let told = self.ask(Ok(DeleteTask { ask, params }));
            map(told, |deleted: task::Deleted<Task>| (deleted.object.metadata.id.unwrap(), deleted.gone))
        };
        self.record.add(Entry::Call(Call::Delete { is_cascade: cascade, told }));
    }

    fn get(&mut self) {
        let reference = self.reference();
        let told = self.look(GetTask { ask: self.engine.ask("somebody"), reference });
        let told = map(told, |task: Task| {
            let phase = task.status.as_ref().unwrap().phase.as_str();
            (task.metadata.id.unwrap(), task.metadata.version.unwrap(), phase)
        });
        self.record.add(Entry::Call(Call::Get { told }));
    }

    /// A request is made again.
    pub fn repeat(&mut self) {
        if self.people.pending.is_empty() {
            return self.get();
        }
        let index = self.rng.random_range(0..self.people.pending.len());
        let (id, request) = self.people.pending.swap_remove(index);
        self.request(id, request);
    }
}

pub fn map<A, B>(told: Told<A>, to: impl FnOnce(A) -> B) -> Told<B> {
    match told {
        Told::Done(answer) => Told::Done(to(answer)),
        Told::Refused(reason) => Told::Refused(reason),
        Told::Unknown => Told::Unknown,
    }
}
