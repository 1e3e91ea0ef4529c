//! What a restart answered, of a task or of a pipeline, and what is said of it.

use ktk_client::{
    Client,
    api::{
        Metadata, ObjectRef, Phase, Pipeline, Reason, Task,
        restart::{PlanRow, RestartParams, Restarted, RestartedTask},
    },
};
use serde_json::Value;

use crate::{
    commands::{made, selection::Named},
    error::CliError,
    kinds::Kind,
};

/// An answer of either kind of object.
pub(super) struct Answer {
    kind: Kind,
    metadata: Metadata,
    phase: String,
    message: Option<String>,
    /// Whether it lives and is being stopped.
    is_stopping: bool,
    /// The new task, the one that was restarted already, or the pipeline.
    pub(super) object: Value,
    /// Whether this call made something.
    pub(super) created: bool,
    restarted: Vec<RestartedTask>,
    /// What was or would be done to each task.
    pub(super) plan: Vec<PlanRow>,
}

/// Asks the server.
pub(super) async fn restart(
    client: &Client,
    named: &Named,
    params: RestartParams,
) -> Result<Answer, CliError> {
    match named.kind {
        Kind::Pipeline => Answer::of_pipeline(client.pipelines().restart_with(params).await?),
        _ => Answer::of_task(client.tasks().restart_with(params).await?),
    }
}

impl Answer {
    fn of_task(answer: Restarted<Task>) -> Result<Self, CliError> {
        let status = answer.object.status.as_ref();
        Ok(Self {
            kind: Kind::Task,
            metadata: answer.object.metadata.clone(),
            phase: status.map_or(String::new(), |status| status.phase.to_string()),
            message: None,
            is_stopping: false,
            object: made::value(&answer.object)?,
            created: answer.created,
            restarted: answer.restarted,
            plan: answer.plan,
        })
    }

    fn of_pipeline(answer: Restarted<Pipeline>) -> Result<Self, CliError> {
        let status = answer.object.status.as_ref();
        Ok(Self {
            kind: Kind::Pipeline,
            metadata: answer.object.metadata.clone(),
            phase: status.map_or(String::new(), |status| status.phase.to_string()),
            message: status.and_then(|status| status.message.clone()),
            is_stopping: status.is_some_and(|status| status.reason == Some(Reason::Stopping)),
            object: made::value(&answer.object)?,
            created: answer.created,
            restarted: answer.restarted,
            plan: answer.plan,
        })
    }

    /// What this call made or set going, by its id.
    pub(super) fn made(&self) -> Option<ObjectRef> {
        let id = self.metadata.id.filter(|_| self.created)?;
        Some(ObjectRef::new(self.metadata.namespace(), id.to_string()))
    }

    /// The task that was restarted already, where it has not begun since.
    pub(super) fn waiting(&self, force: bool) -> Option<String> {
        let is_pending = self.kind == Kind::Task && self.phase == Phase::Pending.as_str();
        (is_pending && !self.created && !force)
            .then(|| format!("{}@{}", self.metadata.name(), self.metadata.incarnation()))
    }

    /// What to say of it.
    pub(super) fn lines(&self, force: bool, all: bool) -> Vec<String> {
        let name = self.metadata.name();
        if all {
            return vec![self.whole_line()];
        }
        if !self.restarted.is_empty() && self.created {
            return self
                .restarted
                .iter()
                .map(|task| {
                    let (name, number, parent) = (&task.name, task.incarnation, task.parent_incarnation);
                    format!("task/{name}@{number} created (restart of {name}@{parent})")
                })
                .collect();
        }
        if self.kind == Kind::Pipeline {
            if force {
                // It is about one step, and that still runs.
                return vec![format!(
                    "pipeline/{name}: the step is cancelled, and restarted when it has ended"
                )];
            }
            let why =
                self.message.clone().unwrap_or_else(|| "nothing in it failed or was cancelled".to_owned());
            return vec![format!("nothing to restart: pipeline/{name} is {}: {why}", self.phase)];
        }
        let this = format!("{name}@{}", self.metadata.incarnation());
        vec![match (self.created, force) {
            (true, _) => format!("task/{this} created"),
            (false, true) => {
                format!("task/{this} is {}: it is cancelled, and restarted when it has ended", self.phase)
            }
            (false, false) => format!("already restarted as {this}, {}", self.phase),
        }]
    }
}

impl Answer {
    /// What to say of a restart of the whole.
    fn whole_line(&self) -> String {
        let this = format!("{}@{}", self.metadata.name(), self.metadata.incarnation());
        let was_restarted = self.metadata.restart.as_ref().is_some_and(|place| place.parent_id.is_some());
        match (self.created, self.phase.as_str()) {
            (true, _) => format!("pipeline/{this} created, all steps run again"),
            (false, _) if self.is_stopping => {
                format!("pipeline/{this} is {}: it is cancelled, and restarted when it has ended", self.phase)
            }
            (false, _) if was_restarted => format!("already restarted as {this}, {}", self.phase),
            (false, phase) => format!("pipeline/{this} is {phase}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(kind: Kind, created: bool, restarted: Value) -> Answer {
        let metadata = json!({"name": "test-web", "restart": {
            "contextId": "01936f2e-8c00-7000-8000-000000000001", "incarnation": 2}});
        Answer {
            kind,
            metadata: serde_json::from_value(metadata).expect("metadata"),
            phase: "Running".into(),
            message: None,
            is_stopping: false,
            object: Value::Null,
            created,
            restarted: serde_json::from_value(restarted).expect("restarted tasks"),
            plan: Vec::new(),
        }
    }

    fn restarted(name: &str) -> Value {
        json!({"id": "01936f2e-8c00-7000-8000-000000000002", "name": name, "incarnation": 3, "parentIncarnation": 2})
    }

    #[test]
    fn each_restarted_task_has_a_line() {
        let answer = answer(Kind::Pipeline, true, json!([restarted("p.a"), restarted("p.b")]));
        assert_eq!(
            answer.lines(false, false),
            ["task/p.a@3 created (restart of p.a@2)", "task/p.b@3 created (restart of p.b@2)"]
        );
    }

    #[test]
    fn what_was_restarted_already_is_said() {
        assert_eq!(
            answer(Kind::Task, false, json!([])).lines(false, false),
            ["already restarted as test-web@2, Running"]
        );
        assert_eq!(
            answer(Kind::Pipeline, false, json!([])).lines(false, false),
            ["nothing to restart: pipeline/test-web is Running: nothing in it failed or was cancelled"]
        );
    }
}
