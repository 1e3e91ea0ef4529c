//! What people ask for: tasks and pipelines with a little of everything, and some that must be refused.

use jiff::SignedDuration;
use ktk_client::api::{
    Duration, Pipeline, Task,
    hook::{HookSpec, HooksSpec},
    jq::{ForEach, Jq},
    pipeline::{PipelineSpec, Step},
    task::{RetrySpec, RunIf, SemaphoreUse, TaskSpec},
    unique::{HeldWhile, OnConflict, UniqueSpec},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::json;

use super::{
    judge::values::{COUNT, EACH, ITEM, ITEM_AND_SUM, KEY, NO_TWO, NOT_ONE},
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
        if self.one_in(8) {
            let key = format!("key{}", self.rng.random_range(0..3));
            step.unique = Some(self.random_key(key));
        }
        if self.one_in(3) {
            step.priority = None;
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
        if self.one_in(8) {
            step.semaphores.push(SemaphoreUse::Several { name: "seats".into(), permits: 1 });
        }
        let mut spec = with_something_to_fail(step).task_spec(None);
        spec.ttl_after_finished = self.random_ttl();
        Task::new(name, spec)
    }

    fn random_ttl(&mut self) -> Option<Duration> {
        self.one_in(6).then(|| Duration::from_secs(self.rng.random_range(0..60)))
    }

    /// One of few keys, in any mode.
    fn random_key(&mut self, key: String) -> UniqueSpec {
        let modes = [OnConflict::Reject, OnConflict::Return, OnConflict::Replace, OnConflict::Replace];
        let on_conflict = *modes.choose(&mut self.rng).expect("there are some");
        let held_while = if self.one_in(4) { HeldWhile::Pending } else { HeldWhile::Unfinished };
        UniqueSpec { key, held_while, on_conflict }
    }

    /// What holds for a pipeline as a whole.
    fn random_whole(&mut self, spec: &mut PipelineSpec) {
        spec.ttl_after_finished = self.random_ttl();
        spec.queue = self.one_in(6).then(|| "q".into());
        spec.priority = self.one_in(6).then(|| self.rng.random_range(0..3));
        if self.one_in(8) {
            spec.timeout = Some(Duration::from_secs(self.rng.random_range(1..60)));
        }
        if self.one_in(8) {
            spec.deadline = Some(Duration::from_secs(self.rng.random_range(1..90)));
        }
        if self.one_in(4) {
            let permits = self.rng.random_range(1..=2);
            spec.semaphores.push(SemaphoreUse::Several { name: "seats".into(), permits });
        }
        spec.unique = self.one_in(4).then(|| self.random_key("whole".into()));
        spec.hooks = self.one_in(5).then(|| self.random_hooks());
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
            if self.one_in(4) {
                self.make_items(&mut step);
            }
            steps.push(with_something_to_fail(step));
        }
        let max_parallel = self.one_in(3).then(|| self.rng.random_range(1..3));
        let fail_fast = self.one_in(3);
        let mut spec = PipelineSpec { steps, max_parallel, fail_fast, ..PipelineSpec::default() };
        spec.params.insert("k".into(), json!(0));
        self.random_whole(&mut spec);
        Pipeline::new(name, spec)
    }

    /// A step becomes a task for each value.
    fn make_items(&mut self, step: &mut Step) {
        // Keys would have to differ by item.
        step.unique = None;
        let key = self.one_in(3).then(|| Jq { jq: KEY.into() });
        step.for_each = Some(ForEach { jq: EACH.into(), key });
        let text = if self.one_in(2) { ITEM } else { ITEM_AND_SUM };
        if !self.one_in(4) {
            step.inputs.insert("item".into(), json!({"jq": text}));
        }
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
