//! Calls with a request id: they are made again by whoever had no answer, and sometimes by who had one.

use ktk_client::api::{
    Pipeline, Task,
    attempt::{CompleteParams, FailParams},
    list::Created,
    pipeline,
    restart::{AdoptParams, RestartParams, Restarted},
    task,
};
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, Speaker, Told},
    people::map,
    world::World,
};
use crate::engine::{
    adopt::AdoptTask, attempt::EndExternal, create_pipeline::CreatePipeline, create_task::CreateTask,
    operation::By, restart_pipeline::RestartPipeline, restart_task::RestartTask,
};

/// A request that may be made again.
#[derive(Clone, Debug)]
pub enum Request {
    /// A task, of an attempt where one asks.
    Task(Box<Task>, Option<(By, Speaker)>),
    Pipeline(Box<Pipeline>),
    Restart(RestartParams),
    RestartPipeline(RestartParams),
    Adopt(AdoptParams),
    Complete(CompleteParams),
    Fail(FailParams),
}

impl World {
    pub fn new_request(&mut self) -> String {
        self.people.requests += 1;
        format!("r{}", self.people.requests)
    }

    /// Somebody asks for something new.
    pub fn request_new(&mut self, request: Request) {
        let id = self.new_request();
        self.request(id, request);
    }

    /// Makes a request under its id.
    pub fn request(&mut self, id: String, request: Request) {
        let is_answered = match request.clone() {
            Request::Task(object, by) => self.ask_for_task(&id, *object, by),
            Request::Pipeline(object) => self.ask_for_pipeline(&id, *object),
            Request::Restart(params) => self.ask_for_restart(&id, params),
            Request::RestartPipeline(params) => self.ask_for_restart_of_pipeline(&id, params),
            Request::Adopt(params) => self.ask_to_adopt(&id, params),
            Request::Complete(params) => {
                let params = CompleteParams { request_id: Some(id.clone()), ..params };
                let attempt = params.attempt;
                let told = self.ask(EndExternal::complete(self.engine.ask("somebody"), params));
                self.told_end(&id, attempt, false, told)
            }
            Request::Fail(params) => {
                let params = FailParams { request_id: Some(id.clone()), ..params };
                let (attempt, retry) = (params.attempt, params.retry);
                let told = self.ask(EndExternal::fail(self.engine.ask("somebody"), params));
                self.told_end(&id, attempt, retry, told)
            }
        };
        // Who had an answer may ask again all the same: a proxy, or a second click.
        if !is_answered || (!self.is_healed && self.one_in(8)) {
            self.people.pending.push((id, request));
        }
    }

    fn ask_for_task(&mut self, id: &str, object: Task, by: Option<(By, Speaker)>) -> bool {
        let (name, speaker) = match by {
            Some((by, speaker)) => (by, Some(speaker)),
            None => (By::from("somebody"), None),
        };
        let params =
            task::CreateParams { object, request_id: Some(id.to_owned()), caller_env: None, dry_run: false };
        let ask = self.engine.ask(name);
        let told = self.ask(CreateTask::new(ask, params, self.engine.types(), Vec::new()));
        let told = map(told, |Created { object, created }: Created<Task>| {
            (self.see(object.metadata.name(), object.metadata.id), created)
        });
        self.answered(told, |request, told| Call::CreateTask { request, by: speaker, told }, id)
    }

    fn ask_for_pipeline(&mut self, id: &str, object: Pipeline) -> bool {
        let params = pipeline::CreateParams {
            object: object.clone(),
            params: Default::default(),
            request_id: Some(id.to_owned()),
            caller_env: None,
            new_name_if_taken: false,
            dry_run: false,
        };
        let ask = self.engine.ask("somebody");
        let told = self.ask(CreatePipeline::new(ask, params, &self.engine.types(), Vec::new()));
        let told = map(told, |answer: Created<Pipeline>| {
            for step in &object.spec.steps {
                let name = format!("{}.{}", object.metadata.name(), step.name);
                if let Some(each) = &step.for_each {
                    let first = if each.key.is_some() { "k0" } else { "0" };
                    self.see_name(&format!("{name}.{first}"));
                }
                self.see_name(&name);
            }
            (answer.object.metadata.id.expect("every object has an id"), answer.created)
        });
        self.answered(told, |request, told| Call::CreatePipeline { request, told }, id)
    }

    fn ask_for_restart(&mut self, id: &str, params: RestartParams) -> bool {
        let params = RestartParams { request_id: Some(id.to_owned()), ..params };
        let ask = self.engine.ask("somebody");
        let told = self.ask(RestartTask::new(ask, params, self.engine.types()));
        let told = self.restarted(told);
        self.answered(told, |request, told| Call::Restart { request, told }, id)
    }

    fn ask_to_adopt(&mut self, id: &str, params: AdoptParams) -> bool {
        let params = AdoptParams { request_id: Some(id.to_owned()), ..params };
        let told = self.ask(AdoptTask::new(self.engine.ask("somebody"), params));
        let told = self.restarted(told);
        self.answered(told, |request, told| Call::Adopt { request, told }, id)
    }

    fn restarted(&mut self, told: Told<Restarted<Task>>) -> Told<(Uuid, bool)> {
        map(told, |answer| {
            (self.see(answer.object.metadata.name(), answer.object.metadata.id), answer.created)
        })
    }

    fn ask_for_restart_of_pipeline(&mut self, id: &str, params: RestartParams) -> bool {
        let params = RestartParams { request_id: Some(id.to_owned()), ..params };
        let told = self.ask(RestartPipeline::new(self.engine.ask("somebody"), params));
        let told = map(told, |answer: Restarted<Pipeline>| {
            let pipeline = answer.object.metadata.id.expect("every object has an id");
            (pipeline, answer.restarted.iter().map(|task| task.id).collect())
        });
        self.answered(told, |request, told| Call::RestartPipeline { request, told }, id)
    }

    fn told_end(&mut self, id: &str, attempt: Option<u32>, asks_for_retry: bool, told: Told<Task>) -> bool {
        let told = map(told, |task| task.metadata.id.expect("every object has an id"));
        self.answered(told, |request, told| Call::End { request, attempt, asks_for_retry, told }, id)
    }

    /// Takes down an answer; says whether it was one.
    fn answered<A>(&mut self, told: Told<A>, call: impl FnOnce(String, Told<A>) -> Call, id: &str) -> bool {
        let is_answered = !matches!(told, Told::Unknown);
        self.record.add(Entry::Call(call(id.to_owned(), told)));
        is_answered
    }
}
