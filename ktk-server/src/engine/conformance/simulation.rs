//! One random history: pipelines and tasks, then whatever people, workers and clocks may do to them, in any
//! order. Every operation is followed by all checks of the laboratory.

use std::{collections::BTreeSet, time::Duration};

use ktk_client::api::{
    ErrorReason, Phase, Pipeline, Reason,
    apply::ApplyParams,
    attempt::{CompleteParams, FailParams},
    restart::{AdoptParams, Cascade, RestartParams},
    task::{DeleteParams, RunIf},
    worker::{Grant, Outcome, SyncParams},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use uuid::Uuid;

use super::{
    amends, applies,
    build::{Job, because, exit, job, outputs, pipeline_of, success},
    calls::{adopt, named, restart},
    lab::{Answer, Lab},
    promise,
};
use crate::{engine::collector, store::Store};

const PIPELINES: [&str; 2] = ["p", "q"];
const TASKS: [&str; 4] = ["t0", "t1", "t2", "t3"];

/// A history that goes on as its seed says.
pub struct Simulation<S: Store> {
    pub lab: Lab<S>,
    rng: StdRng,
    /// Grants that were given at any time: some of them are reported late.
    given: Vec<Grant>,
    /// Pipelines that were cancelled at any time.
    pub cancelled: BTreeSet<Uuid>,
    /// Whether some steps are tasks for each of several values.
    with_items: bool,
}

impl<S: Store> Simulation<S> {
    pub async fn new(store: S, seed: u64, with_items: bool) -> Self {
        let mut lab = Lab::seeded(store.clone(), 0).await;
        if lab.dump.queues.is_empty() {
            lab.make_queue("q", Some(2)).await;
            lab.make_semaphore("gpu", 2).await;
            lab.make_semaphore("licence", 1).await;
        }
        // As every other history begins.
        lab.pause_queue("q", false).await;
        lab.scale("gpu", 2).await;
        let lab = Lab::seeded(store, seed).await;
        let mut simulation = Self {
            lab,
            rng: StdRng::seed_from_u64(seed),
            given: Vec::new(),
            cancelled: BTreeSet::new(),
            with_items,
        };
        for name in PIPELINES {
            simulation.make_pipeline(name).await;
        }
        for name in TASKS {
            simulation.make_task(name).await;
        }
        simulation
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_range(0..n) == 0
    }

    fn random_job(&mut self, name: &str) -> Job {
        let run_if = [RunIf::Success, RunIf::Success, RunIf::Failure, RunIf::Always];
        let mut job = job(name).run_if(*run_if.choose(&mut self.rng).unwrap());
        job = job.priority(self.rng.random_range(0..3));
        if self.one_in(4) {
            job = job.queue("q");
        }
        for (semaphore, permits) in [("gpu", 2), ("gpu", 1), ("licence", 1)] {
            if self.one_in(6) && job.step.semaphores.iter().all(|used| used.name() != semaphore) {
                job = job.permits(semaphore, permits);
            }
        }
        if self.one_in(12) {
            job = job.held();
        }
        job = match self.rng.random_range(0..6) {
            0 => job.limit(0),
            1 | 2 => job.limit(2).backoff(5),
            _ => job,
        };
        if self.one_in(6) {
            job = job.made("n", "[.needs[] | objects] | length");
        }
        match self.rng.random_range(0..12) {
            0 => job.deadline(self.rng.random_range(1..60)),
            1 => job.keepalive(self.rng.random_range(1..20)),
            2 => job.external(),
            3 => job.external().timeout(self.rng.random_range(1..30)),
            _ => job,
        }
    }

    async fn make_pipeline(&mut self, name: &str) {
        let count = self.rng.random_range(2..=6);
        let mut jobs: Vec<Job> = Vec::new();
        for n in 0..count {
            let mut job = self.random_job(&format!("s{n}"));
            if self.with_items && self.one_in(5) {
                let sum = "([.needs[] | objects | .n // 0] | add // 0)";
                job = job.each(&format!("range(3 - {sum})"));
                job = job.made("n", if self.one_in(2) { ".item" } else { "[.item, [.needs[] | objects]]" });
            }
            if self.one_in(6) {
                job = job.when("[.needs[] | objects] | length != 1");
            }
            for need in 0..n {
                if self.one_in(3) {
                    job.step.needs.push(format!("s{need}"));
                }
            }
            jobs.push(with_something_to_fail(job));
        }
        let mut object: Pipeline = pipeline_of(name, jobs);
        object.spec.fail_fast = self.one_in(3);
        object.spec.max_parallel = if self.one_in(3) { Some(self.rng.random_range(1..3)) } else { None };
        let params = super::calls::pipeline_params(object);
        expected(self.lab.create_pipeline(params).await, &[ErrorReason::AlreadyExists]);
    }

    async fn make_task(&mut self, name: &str) {
        let mut job = self.random_job(name);
        for _ in 0..self.rng.random_range(0..3) {
            let need = self.reference();
            if need != name && !job.step.needs.contains(&need) {
                job.step.needs.push(need);
            }
        }
        let job = with_something_to_fail(job);
        expected(self.lab.create(job).await, &[ErrorReason::AlreadyExists, ErrorReason::Invalid]);
    }

    /// Something that is there, or was.
    fn reference(&mut self) -> String {
        let rows: Vec<(String, u32)> =
            self.lab.dump.tasks.values().map(|row| (row.name.clone(), row.incarnation)).collect();
        let Some((name, incarnation)) = rows.choose(&mut self.rng).cloned() else { return "t0".into() };
        if self.one_in(3) { format!("{name}@{incarnation}") } else { name }
    }

    fn outcome(&mut self) -> Outcome {
        match self.rng.random_range(0..12) {
            0..=2 => success(),
            3 => outputs(json!({})),
            4 | 5 => outputs(json!({"n": 1})),
            6 => outputs(json!({"n": 2})),
            7 => because(Reason::Interrupted),
            8 => because(Reason::SpawnError),
            _ => exit(1),
        }
    }

    /// The next thing that happens.
    pub async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..=24 => self.claim().await,
            25..=54 => self.report().await,
            55..=57 => self.report_late().await,
            58..=59 => self.limit().await,
            60..=69 => self.restart().await,
            70..=71 => self.adopt().await,
            72..=75 => self.restart_pipeline().await,
            76..=80 => self.cancel().await,
            81..=83 => self.delete().await,
            84..=86 => self.lab.register().await,
            87 => self.lose_node().await,
            88..=89 => self.lose_an_answer().await,
            90..=94 => self.lab.advance(Duration::from_secs(self.rng.random_range(1..10))).await,
            95 if self.one_in(2) => self.collect().await,
            95 => self.speak().await,
            96 => {
                let name = *PIPELINES.choose(&mut self.rng).unwrap();
                self.make_pipeline(name).await;
            }
            _ => {
                let name = *TASKS.choose(&mut self.rng).unwrap();
                self.make_task(name).await;
            }
        }
    }

    /// The collector has its turn, with any retention.
    async fn collect(&mut self) {
        let retention = ["0s", "30s", "5s,failed=none", "4", "none,succeeded=0s,skipped=1"];
        let retention = retention.choose(&mut self.rng).unwrap();
        self.lab.engine.set_retention(retention.parse().unwrap());
        let before = self.lab.dump.clone();
        collector::pass(&self.lab.engine).await.unwrap();
        self.lab.check().await;
        promise::kept_by_collecting(&before, &self.lab.dump);
    }

    async fn claim(&mut self) {
        let free = self.rng.random_range(1..4);
        let grants = self.lab.claim(free).await;
        self.given.extend(grants);
    }

    async fn report(&mut self) {
        let mut ends = Vec::new();
        for _ in 0..self.rng.random_range(1..3) {
            if let Some(grant) = self.lab.held.choose(&mut self.rng).cloned() {
                self.lab.held.retain(|held| held.fence != grant.fence);
                ends.push((grant, self.outcome()));
            }
        }
        let accepted = self.lab.report_all(ends).await;
        assert!(accepted.iter().all(|counts| *counts), "the end of what runs counts");
    }

    /// A result that comes late, again, or after all.
    async fn report_late(&mut self) {
        let Some(grant) = self.given.choose(&mut self.rng).cloned() else { return };
        let runs = self.lab.dump.tasks.get(&grant.task).is_some_and(|row| row.fence == Some(grant.fence));
        let outcome = self.outcome();
        let before = self.lab.dump.clone();
        let counts = self.lab.report(grant.clone(), outcome.clone()).await;
        if runs {
            assert!(counts, "the end of what runs counts");
            return;
        }
        // What was reported before in the same words, and with the outputs that were kept, is acknowledged again, as
        // its answer may have been lost.
        let kept = before.results.get(&grant.task).and_then(|row| row.outputs.as_deref());
        let kept: Option<serde_json::Value> = kept.map(|text| serde_json::from_str(text).unwrap());
        let brings_what_was_kept = before.tasks.get(&grant.task).is_none_or(|row| {
            let is_about_result = row.phase == Phase::Succeeded && row.attempt == grant.attempt;
            !is_about_result || outcome.outputs.as_ref().map(|outputs| json!(outputs)) == kept
        });
        let is_repeated = before.attempts.iter().any(|attempt| {
            (attempt.task_id, attempt.number) == (grant.task, grant.attempt)
                && (attempt.reason == outcome.reason
                    || is_of_the_clock(attempt.reason, attempt.exit_code, &outcome))
        });
        assert_eq!(counts, is_repeated && brings_what_was_kept, "a stale result never counts");
        let now = &self.lab.dump;
        assert_eq!((&now.tasks, &now.results), (&before.tasks, &before.results), "it changes nothing");
    }

    async fn restart(&mut self) {
        let name = self.reference();
        let cascades = [Cascade::Auto, Cascade::Auto, Cascade::All, Cascade::None];
        let cascade = *cascades.choose(&mut self.rng).unwrap();
        let params = RestartParams { cascade, force: self.one_in(4), ..restart(&name) };
        let params = RestartParams { dry_run: self.one_in(8), ..params };
        let before = self.lab.dump.clone();
        let answer = self.lab.restart_with(params.clone()).await;
        if let Ok(answer) = &answer {
            let is_now = answer.created && !params.dry_run;
            promise::kept_by_restart(&answer.plan, is_now, &before, &self.lab.dump);
        }
        expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
    }

    async fn adopt(&mut self) {
        let params = AdoptParams { dry_run: self.one_in(8), ..adopt(&self.reference()) };
        let before = self.lab.dump.clone();
        let answer = self.lab.adopt_with(params.clone()).await;
        if let Ok(answer) = &answer {
            let is_now = answer.created && !params.dry_run;
            promise::kept_by_restart(&answer.plan, is_now, &before, &self.lab.dump);
        }
        expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
    }

    async fn restart_pipeline(&mut self) {
        let name = *PIPELINES.choose(&mut self.rng).unwrap();
        let from_step = if self.one_in(2) { Some(format!("s{}", self.rng.random_range(0..6))) } else { None };
        let cascade = if self.one_in(3) { Cascade::All } else { Cascade::Auto };
        let all = from_step.is_none() && self.one_in(2);
        let force = (all || from_step.is_some()) && self.one_in(3);
        let name = if self.one_in(6) { format!("{name}@1") } else { name.to_owned() };
        let params = RestartParams { from_step, cascade, force, all, ..restart(&name) };
        expected(self.lab.restart_pipeline(params).await, &[ErrorReason::Conflict, ErrorReason::NotFound]);
    }

    /// Somebody holds or lets go, pauses or resumes, scales. Never below what a task may ask for.
    async fn limit(&mut self) {
        let held = self.one_in(2);
        match self.rng.random_range(0..7) {
            6 => {
                let name = self.reference();
                let task = applies::any(&name, &mut self.rng, self.lab.now());
                let answer = self.lab.apply_with(ApplyParams::new(task)).await;
                expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound, ErrorReason::Invalid]);
            }
            4..6 => {
                let (name, members) = (self.reference(), amends::any(&mut self.rng, self.lab.now()));
                let answer = self.lab.amend(&name, members).await;
                expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound, ErrorReason::Invalid]);
            }
            0 => self.lab.pause_queue("q", held).await,
            1 => self.lab.scale("gpu", self.rng.random_range(2..4)).await,
            2 => {
                let name = *PIPELINES.choose(&mut self.rng).unwrap();
                let answer = self.lab.hold_pipeline(name, held).await;
                expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
            }
            _ => {
                let name = self.reference();
                let answer = self.lab.hold(&name, held).await;
                expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
            }
        }
    }

    async fn cancel(&mut self) {
        if self.one_in(3) {
            let name = *PIPELINES.choose(&mut self.rng).unwrap();
            let now = self.one_in(3);
            let answer = self.lab.cancel_pipeline(name, now).await;
            self.cancelled.extend(answer.iter().filter_map(|pipeline| pipeline.metadata.id));
            expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
        } else {
            let name = self.reference();
            expected(self.lab.cancel(&name).await, &[ErrorReason::Conflict, ErrorReason::NotFound]);
        }
    }

    async fn delete(&mut self) {
        if self.one_in(4) {
            let name = *PIPELINES.choose(&mut self.rng).unwrap();
            let now = self.one_in(3);
            let answer = self.lab.delete_pipeline(name, now).await;
            self.cancelled.extend(answer.iter().filter_map(|deleted| deleted.object.metadata.id));
            expected(answer, &[ErrorReason::Conflict, ErrorReason::NotFound]);
        } else {
            let name = self.reference();
            let reference = super::calls::named(&name);
            let params = DeleteParams { reference, cascade: self.one_in(3), ..DeleteParams::default() };
            expected(self.lab.delete_with(params).await, &[ErrorReason::Conflict, ErrorReason::NotFound]);
        }
    }

    /// Something is said of an attempt, whether it runs or not.
    async fn speak(&mut self) {
        let name = self.reference();
        let refused = [ErrorReason::Conflict, ErrorReason::NotFound];
        match self.rng.random_range(0..4) {
            0 => expected(self.lab.keepalive(&name).await, &refused),
            1 => expected(self.lab.progress(&name, 50.0, "half way").await, &refused),
            2 => {
                let (reference, outputs) = (named(&name), self.outcome().outputs);
                let params = CompleteParams { reference, outputs, ..CompleteParams::default() };
                expected(self.lab.complete(params).await, &refused);
            }
            _ => {
                let (reference, retry) = (named(&name), self.one_in(2));
                let params = FailParams { reference, retry, ..FailParams::default() };
                expected(self.lab.fail_external(params).await, &refused);
            }
        }
    }

    async fn lose_node(&mut self) {
        self.lab.lose_node().await;
        self.lab.register().await;
    }

    /// A claim whose answer never arrives, and the call that finds out.
    async fn lose_an_answer(&mut self) {
        let running = self.lab.held.len() as u32;
        let mut lost = self.lab.sync(SyncParams { free: 2, running, ..SyncParams::default() }).await.grants;
        let held = self.lab.held.iter().map(|grant| grant.fence).collect();
        let params = SyncParams { running, resync: true, held, ..SyncParams::default() };
        let mut again = self.lab.sync(params).await.grants;
        lost.sort_by_key(|grant| grant.fence);
        again.sort_by_key(|grant| grant.fence);
        // A token is drawn anew: only the digest of the first was kept.
        let bare = |grants: &[Grant]| -> Vec<Grant> {
            grants.iter().map(|grant| Grant { token: None, ..grant.clone() }).collect()
        };
        assert_eq!(bare(&again), bare(&lost), "granted again as it was");
        self.lab.held.extend(again);
    }
}

/// An attempt that a clock ended is acknowledged again whatever its process made of that.
fn is_of_the_clock(reason: Option<Reason>, exit_code: Option<i32>, outcome: &Outcome) -> bool {
    matches!(reason, Some(Reason::KeepaliveLost | Reason::DeadlineExceeded))
        && exit_code == outcome.exit_code
        && outcome.signal.is_none()
}

/// A `failure` step without needs is refused.
fn with_something_to_fail(mut job: Job) -> Job {
    if job.step.needs.is_empty() && job.step.run_if == RunIf::Failure {
        job.step.run_if = RunIf::Success;
    }
    job
}

/// Done, or refused for a reason that such a call may be refused for.
fn expected<T>(answer: Answer<T>, reasons: &[ErrorReason]) {
    if let Err(error) = answer {
        assert!(reasons.contains(&error.reason), "refused for no good reason: {error:?}");
    }
}

/// How many histories each part has, and how long each is.
pub fn extent<S: Store>(store: &S) -> (u64, usize) {
    // Every change of a store on a disk waits for it.
    let seeds = if store.info().kind == "memory" { 80 } else { 2 };
    (if is_long_run() { seeds * 30 } else { seeds }, 40)
}

#[expect(clippy::disallowed_methods, reason = "only the length of a test depends on it")]
fn is_long_run() -> bool {
    std::env::var_os("KTK_TESTS_LONG").is_some_and(|value| value == "1")
}
