//! People who create, restart, cancel, delete and look, and ask again where they had no answer.

use jiff::SignedDuration;
use ktk_client::api::{
    Duration, ObjectRef, Pipeline, Task,
    list::Created,
    pipeline,
    pipeline::{PipelineSpec, Step},
    restart::{Cascade, RestartParams},
    task::{self, CancelParams, DeleteParams, RetrySpec, RunIf},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::json;
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, Told},
    watchers::Watcher,
    world::World,
};
use crate::engine::{
    cancel::{CancelPipeline, CancelTask},
    create_pipeline::CreatePipeline,
    create_task::CreateTask,
    delete::{DeletePipeline, DeleteTask},
    read::GetTask,
    restart_pipeline::RestartPipeline,
    restart_task::RestartTask,
};

/// The handler that every task has.
pub const HANDLER: &str = "job";

const TASKS: [&str; 5] = ["t0", "t1", "t2", "t3", "t4"];
const PIPELINES: [&str; 2] = ["p", "q"];

/// A request that may be made again.
#[derive(Clone, Debug)]
pub enum Request {
    Task(Box<Task>),
    Pipeline(Box<Pipeline>),
    Restart(RestartParams),
    RestartPipeline(RestartParams),
}

/// What people remember.
#[derive(Debug, Default)]
pub struct People {
    requests: u64,
    /// Requests without an answer, and some that have one and are made again all the same.
    pub pending: Vec<(String, Request)>,
    /// Names and ids that were seen.
    names: Vec<String>,
    ids: Vec<Uuid>,
    pub watchers: Vec<Watcher>,
}

impl World {
    /// Somebody does something.
    pub fn act(&mut self) {
        match self.rng.random_range(0..100) {
            0..=19 => self.create_task(),
            20..=29 => self.create_pipeline(),
            30..=54 => self.restart(),
            55..=62 => self.restart_pipeline(),
            63..=69 => self.cancel(),
            70..=72 => self.cancel_pipeline(),
            73..=77 => self.delete(),
            78..=86 => self.get(),
            87 => self.collect(),
            _ => self.repeat(),
        }
    }

    fn new_request(&mut self) -> String {
        self.people.requests += 1;
        format!("r{}", self.people.requests)
    }

    /// Makes a request under its id.
    pub fn request(&mut self, id: String, request: Request) {
        let request_id = Some(id.clone());
        let ask = self.engine.ask("somebody");
        let is_answered = match request.clone() {
            Request::Task(object) => {
                let params = task::CreateParams { object: *object, request_id, caller_env: None };
                let told = self.ask(CreateTask::new(ask, params, self.engine.types(), Vec::new()));
                let told = map(told, |answer: Created<Task>| answer.object);
                let told = map(told, |task| self.see(task.metadata.name(), task.metadata.id));
                let is_answered = told != Told::Unknown;
                self.record.add(Entry::Call(Call::CreateTask { request: id.clone(), told }));
                is_answered
            }
            Request::Pipeline(object) => {
                let params = pipeline::CreateParams {
                    object: *object.clone(),
                    params: Default::default(),
                    request_id,
                    caller_env: None,
                    new_name_if_taken: false,
                };
                let told = self.ask(CreatePipeline::new(ask, params, &self.engine.types(), Vec::new()));
                let told = map(told, |answer: Created<Pipeline>| {
                    for step in &object.spec.steps {
                        self.people.names.push(format!("{}.{}", object.metadata.name(), step.name));
                    }
                    answer.object.metadata.id.unwrap()
                });
                let is_answered = told != Told::Unknown;
                self.record.add(Entry::Call(Call::CreatePipeline { request: id.clone(), told }));
                is_answered
            }
            Request::Restart(params) => {
                let params = RestartParams { request_id, ..params };
                let told = self.ask(RestartTask::new(ask, params, self.engine.types()));
                let told = map(told, |answer: ktk_client::api::restart::Restarted<Task>| {
                    let object = answer.object;
                    (self.see(object.metadata.name(), object.metadata.id), answer.created)
                });
                let is_answered = told != Told::Unknown;
                self.record.add(Entry::Call(Call::Restart { request: id.clone(), told }));
                is_answered
            }
            Request::RestartPipeline(params) => {
                let params = RestartParams { request_id, ..params };
                let told = self.ask(RestartPipeline::new(ask, params));
                let told = map(told, |answer: ktk_client::api::restart::Restarted<Pipeline>| {
                    answer.restarted.iter().map(|task| task.id).collect()
                });
                let is_answered = told != Told::Unknown;
                self.record.add(Entry::Call(Call::RestartPipeline { request: id.clone(), told }));
                is_answered
            }
        };
        // Who had an answer may ask again all the same: a proxy, or a second click.
        if !is_answered || (!self.is_healed && self.one_in(8)) {
            self.people.pending.push((id, request));
        }
    }

    fn see(&mut self, name: &str, id: Option<Uuid>) -> Uuid {
        let id = id.expect("every object has an id");
        if !self.people.names.iter().any(|seen| seen == name) {
            self.people.names.push(name.to_owned());
        }
        self.people.ids.push(id);
        id
    }

    /// Something that is there, or was: by name, by `name@N`, by id.
    fn reference(&mut self) -> ObjectRef {
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

    fn random_step(&mut self, name: &str) -> Step {
        let run_if = [RunIf::Success, RunIf::Success, RunIf::Success, RunIf::Failure, RunIf::Always];
        let mut step = Step {
            name: name.into(),
            type_name: Some(HANDLER.into()),
            run_if: *run_if.choose(&mut self.rng).unwrap(),
            priority: Some(self.rng.random_range(0..3)),
            ..Step::default()
        };
        let limit = match self.rng.random_range(0..6) {
            0 => Some(0),
            1 | 2 => Some(2),
            3 => Some(1),
            _ => None,
        };
        if limit.is_some() || self.one_in(3) {
            let codes = if self.one_in(4) { Some(vec![75]) } else { None };
            let backoff = self.one_in(2).then(|| Duration::from_secs(self.rng.random_range(1..6)));
            step.retry = Some(RetrySpec { limit, backoff, on_exit_codes: codes, ..RetrySpec::default() });
        }
        if self.one_in(8) {
            let wait = SignedDuration::from_secs(self.rng.random_range(1..30));
            step.run_after = Some(self.now() + wait);
        }
        step
    }

    fn create_task(&mut self) {
        let name = *TASKS.choose(&mut self.rng).unwrap();
        let mut step = self.random_step(name);
        for _ in 0..self.rng.random_range(0..3) {
            let need = self.reference().name;
            if need != name && !step.needs.contains(&need) {
                step.needs.push(need);
            }
        }
        let step = with_something_to_fail(step);
        let request = Request::Task(Box::new(Task::new(name, step.task_spec(None))));
        let id = self.new_request();
        self.request(id, request);
    }

    fn create_pipeline(&mut self) {
        let name = *PIPELINES.choose(&mut self.rng).unwrap();
        let mut steps: Vec<Step> = Vec::new();
        for n in 0..self.rng.random_range(2..=6) {
            let mut step = self.random_step(&format!("s{n}"));
            for need in 0..n {
                if self.one_in(3) {
                    step.needs.push(format!("s{need}"));
                }
            }
            steps.push(with_something_to_fail(step));
        }
        let max_parallel = self.one_in(3).then(|| self.rng.random_range(1..3));
        let fail_fast = self.one_in(3);
        let spec = PipelineSpec { steps, max_parallel, fail_fast, ..PipelineSpec::default() };
        let id = self.new_request();
        self.request(id, Request::Pipeline(Box::new(Pipeline::new(name, spec))));
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
        let id = self.new_request();
        self.request(id, Request::Restart(params));
    }

    fn restart_pipeline(&mut self) {
        let name = *PIPELINES.choose(&mut self.rng).unwrap();
        let from_step = self.one_in(2).then(|| format!("s{}", self.rng.random_range(0..6)));
        let params = RestartParams {
            reference: ObjectRef::new("default", name),
            cascade: if self.one_in(3) { Cascade::All } else { Cascade::Auto },
            force: from_step.is_some() && self.one_in(4),
            from_step,
            ..RestartParams::default()
        };
        let id = self.new_request();
        self.request(id, Request::RestartPipeline(params));
    }

    fn cancel(&mut self) {
        let params = CancelParams { reference: self.reference(), now: self.one_in(3) };
        let told = self.ask(Ok(CancelTask { ask: self.engine.ask("somebody"), params }));
        let told = map(told, |task: Task| task.metadata.id.unwrap());
        self.record.add(Entry::Call(Call::CancelTask { told }));
    }

    fn cancel_pipeline(&mut self) {
        let reference = ObjectRef::new("default", *PIPELINES.choose(&mut self.rng).unwrap());
        let params = CancelParams { reference, now: self.one_in(3) };
        let told = self.ask(Ok(CancelPipeline { ask: self.engine.ask("somebody"), params }));
        let told = map(told, |pipeline: Pipeline| pipeline.metadata.id.unwrap());
        self.record.add(Entry::Call(Call::CancelPipeline { told }));
    }

    fn delete(&mut self) {
        let now = self.one_in(3);
        let ask = self.engine.ask("somebody");
        let told = if self.one_in(3) {
            let reference = ObjectRef::new("default", *PIPELINES.choose(&mut self.rng).unwrap());
            let told = self.ask(Ok(DeletePipeline {
                ask,
                params: DeleteParams { reference, now, ..DeleteParams::default() },
            }));
            map(told, |deleted: task::Deleted<Pipeline>| (deleted.object.metadata.id.unwrap(), deleted.gone))
        } else {
            let reference = self.reference();
            let told = self.ask(Ok(DeleteTask {
                ask,
                params: DeleteParams { reference, now, ..DeleteParams::default() },
            }));
            map(told, |deleted: task::Deleted<Task>| (deleted.object.metadata.id.unwrap(), deleted.gone))
        };
        self.record.add(Entry::Call(Call::Delete { told }));
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

/// A `failure` step without needs is refused.
fn with_something_to_fail(mut step: Step) -> Step {
    if step.needs.is_empty() && step.run_if == RunIf::Failure {
        step.run_if = RunIf::Success;
    }
    step
}

pub fn map<A, B>(told: Told<A>, to: impl FnOnce(A) -> B) -> Told<B> {
    match told {
        Told::Done(answer) => Told::Done(to(answer)),
        Told::Refused(reason) => Told::Refused(reason),
        Told::Unknown => Told::Unknown,
    }
}
