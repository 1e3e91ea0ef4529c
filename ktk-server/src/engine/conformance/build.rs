//! Short words for what tests make: jobs (tasks or steps) and pipelines of them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use ktk_client::api::{
    Pipeline, Reason, Task,
    jq::{ForEach, Jq},
    pipeline::{PipelineSpec, Step},
    task::{Affinity, RetrySpec, RunIf, SemaphoreUse, TaskSpec},
    worker::Outcome,
};
use serde_json::Value;

/// The handler that every job of these tests has, unless it is a process.
pub const HANDLER: &str = "job";

/// One task, or one step of a pipeline.
#[derive(Clone, Debug)]
pub struct Job {
    pub step: Step,
}

/// A job of this name.
pub fn job(name: &str) -> Job {
    Job { step: Step { name: name.into(), type_name: Some(HANDLER.into()), ..Step::default() } }
}

impl Job {
    pub fn needs<const N: usize>(mut self, needs: [&str; N]) -> Self {
        self.step.needs = needs.iter().map(|need| (*need).into()).collect();
        self
    }

    pub fn run_if(mut self, run_if: RunIf) -> Self {
        self.step.run_if = run_if;
        self
    }

    pub fn always(self) -> Self {
        self.run_if(RunIf::Always)
    }

    pub fn on_failure(self) -> Self {
        self.run_if(RunIf::Failure)
    }

    pub fn priority(mut self, priority: i32) -> Self {
        self.step.priority = Some(priority);
        self
    }

    pub fn run_after(mut self, at: Timestamp) -> Self {
        self.step.run_after = Some(at);
        self
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.step.labels.insert(key.into(), value.into());
        self
    }

    pub fn limit(mut self, limit: u32) -> Self {
        self.step.retry.get_or_insert_default().limit = Some(limit);
        self
    }

    /// Without jitter, so that a test knows when.
    pub fn backoff(mut self, seconds: u64) -> Self {
        let retry: &mut RetrySpec = self.step.retry.get_or_insert_default();
        retry.backoff = Some(Duration::from_secs(seconds).into());
        retry.jitter = Some(0.0);
        self
    }

    pub fn on_exit_codes(mut self, codes: &[i32]) -> Self {
        self.step.retry.get_or_insert_default().on_exit_codes = Some(codes.to_vec());
        self
    }

    pub fn deadline(mut self, seconds: u64) -> Self {
        self.step.deadline = Some(ktk_client::api::Duration::from_secs(seconds));
        self
    }

    pub fn keepalive(mut self, seconds: u64) -> Self {
        self.step.keepalive = Some(ktk_client::api::Duration::from_secs(seconds));
        self
    }

    pub fn timeout(mut self, seconds: u64) -> Self {
        self.step.timeout = Some(ktk_client::api::Duration::from_secs(seconds));
        self
    }

    /// Work of somebody else in the place of the handler.
    pub fn external(mut self) -> Self {
        self.step.type_name = None;
        self.step.external = TaskSpec::external().external;
        self
    }

    /// A type, or another handler, in the place of the handler.
    pub fn of_type(mut self, name: &str) -> Self {
        self.step.type_name = Some(name.into());
        self
    }

    /// A process in the place of the handler.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.step.type_name = None;
        self.step.run = TaskSpec::command(words.iter().copied()).run;
        self
    }

    pub fn queue(mut self, queue: &str) -> Self {
        self.step.queue = Some(queue.into());
        self
    }

    /// Adds permits of a semaphore.
    pub fn permits(mut self, semaphore: &str, permits: u32) -> Self {
        self.step.semaphores.push(SemaphoreUse::Several { name: semaphore.into(), permits });
        self
    }

    pub fn on_nodes(mut self, selector: &str) -> Self {
        self.step.node_selector = Some(selector.into());
        self
    }

    /// Prefers the node that ran what comes before it.
    pub fn near(mut self) -> Self {
        self.step.affinity = Some(Affinity::Execution);
        self
    }

    pub fn held(mut self) -> Self {
        self.step.hold = true;
        self
    }

    pub fn input(mut self, name: &str, value: Value) -> Self {
        self.step.inputs.insert(name.into(), value);
        self
    }

    /// A condition.
    pub fn when(mut self, jq: &str) -> Self {
        self.step.when = Some(Jq { jq: jq.into() });
        self
    }

    /// A task for each value.
    pub fn each(mut self, jq: &str) -> Self {
        self.step.for_each = Some(ForEach { jq: jq.into(), key: None });
        self
    }

    /// The same, with names.
    pub fn keyed(mut self, jq: &str, key: &str) -> Self {
        let key = Some(Jq { jq: key.into() });
        self.step.for_each = Some(ForEach { jq: jq.into(), key });
        self
    }

    /// An input that an expression makes.
    pub fn made(self, name: &str, jq: &str) -> Self {
        self.input(name, serde_json::json!({ "jq": jq }))
    }

    /// As a task of its own.
    pub fn task(&self) -> Task {
        let mut task = Task::new(self.step.name.clone(), self.step.task_spec(None));
        task.metadata.labels = self.step.labels.clone();
        task
    }
}

/// A pipeline of these jobs.
pub fn pipeline<const N: usize>(name: &str, jobs: [Job; N]) -> Pipeline {
    pipeline_of(name, jobs.into())
}

/// A pipeline of these jobs.
pub fn pipeline_of(name: &str, jobs: Vec<Job>) -> Pipeline {
    let steps = jobs.into_iter().map(|job| job.step).collect();
    Pipeline::new(name, PipelineSpec { steps, ..PipelineSpec::default() })
}

/// An end without outputs.
pub fn success() -> Outcome {
    Outcome::default()
}

/// An end with outputs.
pub fn outputs(value: Value) -> Outcome {
    let outputs: BTreeMap<String, Value> = serde_json::from_value(value).unwrap();
    Outcome { outputs: Some(outputs), ..Outcome::default() }
}

/// An end by an exit code.
pub fn exit(code: i32) -> Outcome {
    Outcome { reason: Some(Reason::ExitCode), exit_code: Some(code), ..Outcome::default() }
}

/// An end for another reason.
pub fn because(reason: Reason) -> Outcome {
    Outcome { reason: Some(reason), ..Outcome::default() }
}
