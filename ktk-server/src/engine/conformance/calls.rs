//! What people do in the laboratory: create, restart, cancel, delete, look.

use ktk_client::api::{
    ObjectRef, Phase, Pipeline, Task,
    attempt::{CompleteParams, FailParams, KeepaliveParams, ProgressParams},
    pipeline,
    restart::{AdoptParams, PlanRow, Planned, RestartParams, Restarted, Wanted},
    task::{self, CancelParams, DeleteParams, Deleted},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    build::Job,
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        adopt::AdoptTask,
        attempt::{EndExternal, KeepAlive, TellProgress},
        cancel::{CancelPipeline, CancelTask},
        create_pipeline::CreatePipeline,
        create_task::CreateTask,
        delete::{DeletePipeline, DeleteTask},
        read::{GetPipeline, GetTask, TaskTree},
        restart_many::PlanRestarts,
        restart_pipeline::RestartPipeline,
        restart_task::RestartTask,
    },
    model::row::TaskRow,
    store::Store,
};

/// A reference to an object of the default namespace.
pub fn named(name: &str) -> ObjectRef {
    ObjectRef::new("default", name)
}

/// Parameters of a restart.
pub fn restart(name: &str) -> RestartParams {
    RestartParams { reference: named(name), ..RestartParams::default() }
}

/// Parameters that take an old result back.
pub fn adopt(name: &str) -> AdoptParams {
    AdoptParams { reference: named(name), ..AdoptParams::default() }
}

/// Parameters that create a pipeline.
pub fn pipeline_params(object: Pipeline) -> pipeline::CreateParams {
    pipeline::CreateParams {
        object,
        params: Default::default(),
        request_id: None,
        caller_env: None,
        new_name_if_taken: false,
        dry_run: false,
    }
}

/// `task action`, a line for each row.
pub fn plan_text(plan: &[PlanRow]) -> Vec<String> {
    plan.iter().map(|row| format!("{} {}", row.task, row.action.as_str())).collect()
}

impl<S: Store> Lab<S> {
    pub async fn create_task(&mut self, params: task::CreateParams) -> Answer<Task> {
        let operation = CreateTask::new(self.engine.ask("tester"), params, self.engine.types(), Vec::new());
        Ok(self.write(operation.map_err(ktk_client::api::ApiError::from)?).await?.object)
    }

    pub async fn create(&mut self, job: Job) -> Answer<Task> {
        let object = job.task();
        self.create_task(task::CreateParams { object, request_id: None, caller_env: None, dry_run: false })
            .await
    }

    /// Creates a task that must be taken.
    pub async fn make(&mut self, job: Job) -> Uuid {
        self.create(job).await.unwrap().metadata.id.unwrap()
    }

    pub async fn create_pipeline(&mut self, params: pipeline::CreateParams) -> Answer<Pipeline> {
        let operation =
            CreatePipeline::new(self.engine.ask("tester"), params, &self.engine.types(), Vec::new());
        Ok(self.write(operation.map_err(ktk_client::api::ApiError::from)?).await?.object)
    }

    /// Creates a pipeline that must be taken.
    pub async fn make_pipeline(&mut self, object: Pipeline) -> Pipeline {
        self.create_pipeline(pipeline_params(object)).await.unwrap()
    }

    pub async fn restart_with(&mut self, params: RestartParams) -> Answer<Restarted<Task>> {
        let operation = RestartTask::new(self.engine.ask("tester"), params, self.engine.types())
            .map_err(ktk_client::api::ApiError::from)?;
        self.write(operation).await
    }

    pub async fn restart(&mut self, name: &str) -> Answer<Restarted<Task>> {
        self.restart_with(restart(name)).await
    }

    pub async fn adopt_with(&mut self, params: AdoptParams) -> Answer<Restarted<Task>> {
        let operation =
            AdoptTask::new(self.engine.ask("tester"), params).map_err(ktk_client::api::ApiError::from)?;
        self.write(operation).await
    }

    pub async fn adopt(&mut self, name: &str) -> Answer<Restarted<Task>> {
        self.adopt_with(adopt(name)).await
    }

    pub async fn restart_pipeline(&mut self, params: RestartParams) -> Answer<Restarted<Pipeline>> {
        let operation = RestartPipeline::new(self.engine.ask("tester"), params)
            .map_err(ktk_client::api::ApiError::from)?;
        self.write(operation).await
    }

    /// What many restarts would do, with what each would be refused for; nothing of it is there afterwards.
    pub async fn plan_restarts(&mut self, restarts: &[Wanted]) -> Answer<Vec<Answer<Vec<PlanRow>>>> {
        let restarts = restarts.iter().cloned().map(Ok).collect();
        let operation = PlanRestarts::new(self.engine.ask("tester"), restarts, &self.engine.types())?;
        let before = self.dump.clone();
        let plans = self.engine.write_or_rehearse(operation, true).await;
        self.check().await;
        assert!(self.dump == before, "a plan changes nothing");
        let answer = |planned| match planned {
            Planned::Plan(rows) => Ok(rows),
            Planned::Refused(error) => Err(error),
        };
        Ok(plans?.plans.into_iter().map(answer).collect())
    }

    pub async fn cancel(&mut self, name: &str) -> Answer<Task> {
        let params = CancelParams { reference: named(name), now: false, request_id: None };
        self.write(CancelTask { ask: self.engine.ask("tester"), params }).await
    }

    pub async fn cancel_pipeline(&mut self, name: &str, now: bool) -> Answer<Pipeline> {
        let params = CancelParams { reference: named(name), now, request_id: None };
        self.write(CancelPipeline { ask: self.engine.ask("tester"), params }).await
    }

    pub async fn delete(&mut self, name: &str) -> Answer<Deleted<Task>> {
        self.delete_with(DeleteParams { reference: named(name), ..DeleteParams::default() }).await
    }

    pub async fn delete_with(&mut self, params: DeleteParams) -> Answer<Deleted<Task>> {
        self.write(DeleteTask { ask: self.engine.ask("tester"), params }).await
    }

    pub async fn delete_pipeline(&mut self, name: &str, now: bool) -> Answer<Deleted<Pipeline>> {
        let params = DeleteParams { reference: named(name), now, ..DeleteParams::default() };
        self.write(DeletePipeline { ask: self.engine.ask("tester"), params }).await
    }

    pub async fn complete(&mut self, params: CompleteParams) -> Answer<Task> {
        let operation = EndExternal::complete(self.engine.ask("tester"), params);
        self.write(operation.map_err(ktk_client::api::ApiError::from)?).await
    }

    /// Says of every external task that it is done; whether there was one.
    pub async fn complete_externals(&mut self) -> bool {
        let runs = |row: &&TaskRow| row.is_external() && row.phase == Phase::Running;
        let found: Vec<(String, u32)> =
            self.dump.tasks.values().filter(runs).map(|row| (row.id.to_string(), row.attempt)).collect();
        for (name, attempt) in &found {
            let outputs = serde_json::from_value(json!({"n": attempt % 2})).unwrap();
            let params = CompleteParams { reference: named(name), outputs, ..CompleteParams::default() };
            self.complete(params).await.unwrap();
        }
        !found.is_empty()
    }

    pub async fn fail_external(&mut self, params: FailParams) -> Answer<Task> {
        let operation = EndExternal::fail(self.engine.ask("tester"), params);
        self.write(operation.map_err(ktk_client::api::ApiError::from)?).await
    }

    pub async fn keepalive(&mut self, name: &str) -> Answer<Task> {
        let params = KeepaliveParams { reference: Some(named(name)), ..KeepaliveParams::default() };
        self.write(KeepAlive { ask: self.engine.ask("tester"), params }).await
    }

    pub async fn progress(&mut self, name: &str, percent: f64, message: &str) -> Answer<Task> {
        let (reference, message) = (Some(named(name)), Some(message.to_owned()));
        let params = ProgressParams { reference, percent, message, ..ProgressParams::default() };
        let operation = TellProgress::new(self.engine.ask("tester"), params);
        self.write(operation.map_err(ktk_client::api::ApiError::from)?).await
    }

    pub async fn get(&self, name: &str) -> Answer<Task> {
        self.read(GetTask { ask: self.engine.ask("tester"), reference: named(name) }).await
    }

    pub async fn get_pipeline(&self, name: &str) -> Answer<Pipeline> {
        self.read(GetPipeline { ask: self.engine.ask("tester"), reference: named(name) }).await
    }

    /// `Pending/Queued`, `Succeeded`, or the reason of the error.
    pub async fn state(&self, name: &str) -> String {
        match self.get(name).await {
            Ok(task) => {
                let status = task.status.unwrap();
                state(status.phase.as_str(), status.reason.map(|reason| reason.as_str()))
            }
            Err(error) => error.reason.to_string(),
        }
    }

    /// `Running`, `Failed`, or the reason of the error.
    pub async fn pipeline_state(&self, name: &str) -> String {
        match self.get_pipeline(name).await {
            Ok(pipeline) => {
                let status = pipeline.status.unwrap();
                state(status.phase.as_str(), status.reason.map(|reason| reason.as_str()))
            }
            Err(error) => error.reason.to_string(),
        }
    }

    /// The newest state of every task, for messages.
    pub fn states(&self) -> Vec<String> {
        let state = |row: &&crate::model::row::TaskRow| {
            let state = state(row.phase.as_str(), row.reason.map(|reason| reason.as_str()));
            format!("{}@{} {state}", row.name, row.incarnation)
        };
        self.dump.newest().values().map(state).collect()
    }

    /// `x@2 <- x@1 Succeeded`, a line for each incarnation.
    pub async fn tree(&self, name: &str) -> Vec<String> {
        let ask = self.engine.ask("tester");
        let tree = self.read(TaskTree { ask, reference: named(name) }).await.unwrap();
        let names: std::collections::BTreeMap<Uuid, String> =
            tree.items.iter().map(|task| (task.metadata.id.unwrap(), task.incarnation_name())).collect();
        let line = |task: &Task| {
            let status = task.status.as_ref().unwrap();
            let state = state(status.phase.as_str(), status.reason.map(|reason| reason.as_str()));
            let parent = task.metadata.restart.as_ref().unwrap().parent_id;
            let parent = parent.map_or("-", |parent| names[&parent].as_str());
            format!("{} <- {parent} {state}", task.incarnation_name())
        };
        tree.items.iter().map(line).collect()
    }
}

fn state(phase: &str, reason: Option<&str>) -> String {
    reason.map_or(phase.to_owned(), |reason| format!("{phase}/{reason}"))
}
