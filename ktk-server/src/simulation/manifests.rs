//! What people ask for: tasks and pipelines with a little of everything, and some that must be refused.

use jiff::SignedDuration;
use ktk_client::api::{
    Duration, Pipeline, Task,
    hook::{HookSpec, HooksSpec},
    jq::Jq,
    pipeline::{PipelineSpec, Step},
    task::{RetrySpec, RunIf, SemaphoreUse, TaskSpec},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::json;

use super::{
    judge::values::{COUNT, NO_TWO, NOT_ONE},
    people::{HANDLER, PIPELINES, TASKS},
    world::World,
};

impl World {
    pub fn random_step(&mut self, name: &str) -> Step {
        let run_if = [RunIf::Success, RunIf::Success, RunIf::Success, RunIf::Failure, RunIf::Always];
        let mut step = Step {
            name: name.into(),
            type_name: Some(HANDLER.into()),
            run_if: *run_if.choose(&mut self.rng).expect("there are some"),
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
        self.limit_step(&mut step);
        self.time_step(&mut step);
        if self.one_in(5) {
            step.hooks = Some(self.random_hooks());
        }
        step
    }

    /// Queues, permits, nodes, and somebody who holds it.
    fn limit_step(&mut self, step: &mut Step) {
        match self.rng.random_range(0..16) {
            0..=3 => step.queue = Some("q".into()),
            4 => step.queue = Some("x".into()),
            _ => {}
        }
        for (name, permits) in [("gpu", 2), ("gpu", 1), ("licence", 1), ("y", 1)] {
            let odds = if name == "y" { 24 } else { 7 };
            if self.one_in(odds) && step.semaphores.iter().all(|used| used.name() != name) {
                step.semaphores.push(SemaphoreUse::Several { name: name.into(), permits });
            }
        }
        step.hold = self.one_in(16);
        if self.one_in(16) {
            step.node_selector = Some("zone=eu".into());
        }
    }

    /// Who does it, and how long it may take.
    fn time_step(&mut self, step: &mut Step) {
        if self.one_in(8) {
            step.type_name = None;
            step.node_selector = None;
            step.external = TaskSpec::external().external;
            step.timeout = self.one_in(2).then(|| Duration::from_secs(self.rng.random_range(1..30)));
        }
        if self.one_in(14) {
            step.deadline = Some(Duration::from_secs(self.rng.random_range(1..60)));
        }
        if self.one_in(10) {
            step.keepalive = Some(Duration::from_secs(self.rng.random_range(1..20)));
        }
        for (name, text) in [("count", COUNT), ("two", NO_TWO)] {
            if self.one_in(10) {
                step.inputs.insert(name.into(), json!({"jq": text}));
            }
        }
    }

    fn random_hooks(&mut self) -> HooksSpec {
        let mut hook =
            || self.one_in(2).then(|| HookSpec { command: vec!["notify".into()], ..HookSpec::default() });
        HooksSpec { on_start: hook(), on_keepalive: hook(), on_timeout: hook(), on_finish: hook() }
    }

    pub fn random_task(&mut self) -> Task {
        let name = *TASKS.choose(&mut self.rng).expect("there are some");
        let mut step = self.random_step(name);
        for _ in 0..self.rng.random_range(0..3) {
            let need = self.reference().name;
            if need != name && !step.needs.contains(&need) {
                step.needs.push(need);
            }
        }
        Task::new(name, with_something_to_fail(step).task_spec(None))
    }

    pub fn random_pipeline(&mut self) -> Pipeline {
        let name = *PIPELINES.choose(&mut self.rng).expect("there are some");
        let mut steps: Vec<Step> = Vec::new();
        for n in 0..self.rng.random_range(2..=6) {
            let mut step = self.random_step(&format!("s{n}"));
            for need in 0..n {
                if self.one_in(3) {
                    step.needs.push(format!("s{need}"));
                }
            }
            if self.one_in(8) {
                step.when = Some(Jq { jq: NOT_ONE.into() });
            }
            steps.push(with_something_to_fail(step));
        }
        let max_parallel = self.one_in(3).then(|| self.rng.random_range(1..3));
        let fail_fast = self.one_in(3);
        let mut spec = PipelineSpec { steps, max_parallel, fail_fast, ..PipelineSpec::default() };
        spec.params.insert("k".into(), json!(0));
        Pipeline::new(name, spec)
    }

    /// A task that nobody can run.
    pub fn bad_task(&mut self) -> Task {
        let mut step = self.random_step("bad");
        step.run_if = RunIf::Success;
        match self.rng.random_range(0..6) {
            0 => step.queue = Some("nosuch".into()),
            1 => step.semaphores.push(SemaphoreUse::Several { name: "gpu".into(), permits: 99 }),
            2 => (step.external, step.type_name) = (None, Some("nosuch".into())),
            3 => step.needs.push("bad".into()),
            4 => step.needs.push("nosuch".into()),
            _ => step.retry = Some(RetrySpec { limit: Some(1_000_000_000), ..RetrySpec::default() }),
        }
        Task::new("bad", step.task_spec(None))
    }

    /// A pipeline that cannot be.
    pub fn bad_pipeline(&mut self) -> Pipeline {
        let mut steps: Vec<Step> = (0..3).map(|n| self.random_step(&format!("s{n}"))).collect();
        steps.iter_mut().for_each(|step| step.run_if = RunIf::Success);
        match self.rng.random_range(0..4) {
            0 => {
                steps[0].needs.push("s2".into());
                steps[1].needs.push("s0".into());
                steps[2].needs.push("s1".into());
            }
            1 => steps[2].name = "s1".into(),
            2 => steps[1].needs.push("nosuch".into()),
            _ => steps[2].queue = Some("nosuch".into()),
        }
        Pipeline::new("bad", PipelineSpec { steps, ..PipelineSpec::default() })
    }
}

/// A `failure` step without needs is refused.
pub fn with_something_to_fail(mut step: Step) -> Step {
    if step.needs.is_empty() && step.run_if == RunIf::Failure {
        step.run_if = RunIf::Success;
    }
    step
}
