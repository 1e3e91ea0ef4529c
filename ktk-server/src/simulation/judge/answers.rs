//! What callers were told, against what was committed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::{
    Judge,
    collecting::Removed,
    facts::{Call, FenceFact, ReportFact, Setting, SyncFact, Told},
};

/// What has been committed since the last answer.
#[derive(Default)]
pub struct Since {
    pub commits: u32,
    pub roots: BTreeSet<Uuid>,
    pub incarnations: BTreeSet<Uuid>,
    pub pipelines: BTreeSet<Uuid>,
    pub ended: BTreeSet<(Uuid, u32)>,
    /// Grants that came to their end.
    pub fences: BTreeSet<(Uuid, FenceFact)>,
    pub grants: BTreeSet<Uuid>,
    pub results: BTreeSet<Uuid>,
    pub deleted: BTreeSet<Uuid>,
    pub removed: Vec<Removed>,
    pub requests: BTreeSet<String>,
}

/// What became of each request.
#[derive(Default)]
pub struct Requests {
    /// How often it was carried out.
    done: BTreeMap<String, u32>,
    /// What it was answered with.
    answers: BTreeMap<String, Vec<Uuid>>,
}

impl Judge {
    pub(super) fn check_answer(&mut self, call: &Call) {
        self.verdict.calls += 1;
        match call {
            Call::CreateTask { request, by, told } => {
                self.effects(told, "a task");
                self.request(request, told.done().map(|(id, _)| vec![*id]));
                self.created(told, false);
                self.spoke(*by);
                self.check_maker(*by);
            }
            Call::Bad { told } => {
                self.effects(told, "bad input");
                let is_refused = matches!(told, Told::Refused(_));
                self.rule("S11", is_refused || *told == Told::Unknown, || format!("taken: {told:?}"));
                self.rule("S11", self.since.commits == 0, || "bad input had an effect".into());
            }
            Call::CreatePipeline { request, told } => {
                self.effects(told, "a pipeline");
                self.request(request, told.done().map(|(id, _)| vec![*id]));
                self.created(told, true);
            }
            Call::Restart { request, told } | Call::Adopt { request, told } => {
                self.effects(told, "a restart");
                self.request(request, told.done().map(|(id, _)| vec![*id]));
                self.no_roots();
                if let Told::Done((id, is_made)) = told {
                    self.restarted(*id, *is_made);
                }
            }
            Call::RestartPipeline { request, told } => {
                self.effects(told, "a pipeline's restart");
                let all = told.done().map(|(id, tasks)| [&[*id], &tasks[..]].concat());
                self.request(request, all);
                self.no_roots();
                if let Told::Done((id, _)) = told {
                    let is_there = self.pipelines.contains_key(id) || self.gone.contains(id);
                    self.rule("P01", is_there, || format!("restarted as {id}, which is not there"));
                    let made = self.since.pipelines.len();
                    self.rule("P33", made <= 1, || format!("{made} pipelines were made at once"));
                }
                for id in told.done().into_iter().flat_map(|(_, tasks)| tasks) {
                    let is_there = self.tasks.contains_key(id) || self.gone.contains(id);
                    self.rule("P01", is_there, || format!("restarted as {id}, which is not there"));
                }
            }
            Call::CancelTask { told } => {
                self.effects(told, "a cancel");
                self.no_roots();
                if let Told::Done(id) = told {
                    let task = self.tasks.get(id).cloned();
                    let stops = task.as_ref().is_none_or(|t| t.is_terminal() || t.stops_for_good());
                    self.rule("P20", stops, || format!("cancelled, and it is {task:?}"));
                }
            }
            Call::CancelPipeline { told } => {
                self.effects(told, "a cancel");
                self.no_roots();
                if let Told::Done(id) = told {
                    self.cancelled_pipeline(*id);
                }
            }
            Call::Delete { is_cascade, told } => self.deleted(*is_cascade, told),
            Call::Set { told } => self.set(told),
            Call::End { request, attempt, asks_for_retry, told } => {
                self.effects(told, "an end");
                self.no_roots();
                self.request(request, told.done().map(|id| vec![*id]));
                self.said_end(*attempt, *asks_for_retry, told);
            }
            Call::Identify { by, told } => self.identified(*by, told),
            Call::Say { by, attempt, told } => {
                self.effects(told, "a word");
                self.no_roots();
                self.spoke(*by);
                if let Told::Done(id) = told {
                    let task = self.tasks.get(id).map(|task| (task.phase, task.attempt));
                    let holds = task.is_some_and(|(phase, number)| {
                        phase == "Running" && attempt.is_none_or(|attempt| attempt == number)
                    });
                    self.rule("P16", holds, || format!("said of attempt {attempt:?}, there is {task:?}"));
                }
            }
            Call::Verdict { task, told } => {
                self.effects(told, "a verdict");
                self.only_items_of(*task);
                let task = self.tasks.get(task);
                let has = task.and_then(|task| self.specs.get(&task.id));
                let has = has.is_none_or(|spec| spec.when.is_some() || spec.has_expressions());
                self.rule("P02", has, || "values for what has no expressions".into());
            }
            Call::HookCalled { id } => self.called(*id),
            Call::HookSettled { told } => {
                self.effects(told, "a hook");
                self.no_roots();
            }
            Call::Get { told } => {
                self.effects(told, "a read");
                self.rule("P06", self.since.commits == 0, || "a read has written".into());
                if let Told::Done((id, version, phase)) = told {
                    let task = self.tasks.get(id).map(|task| (task.version, task.phase));
                    self.rule("P06", task == Some((*version, phase)), || {
                        format!("read {version} {phase}, there is {task:?}")
                    });
                }
            }
            Call::Wait { task, waits } => self.waits(*task, *waits),
            Call::Watch { after, told } => self.check_watch(*after, told),
            Call::Register { node, told } => {
                self.effects(told, "a registration");
                self.no_roots();
                if let Told::Done(generation) = told {
                    let known = self.nodes.get(node).map(|node| (node.generation, node.phase));
                    self.rule("P01", known == Some((*generation, "Ready")), || {
                        format!("registered as {generation}, there is {known:?}")
                    });
                }
            }
            Call::Sync(sync) => self.synced(sync),
            Call::Timer { at, is_through } => {
                self.no_roots();
                if *is_through {
                    self.check_times(*at);
                }
            }
            Call::Collect { at, retention } => {
                self.no_roots();
                self.check_collected_needs();
                self.check_collection_times(*at, retention);
            }
        }
        if let Some(deed) = deed(call) {
            *self.verdict.deeds.entry(deed).or_default() += 1;
        }
    }

    /// An error has had no effect.
    fn effects<T>(&mut self, told: &Told<T>, what: &str) {
        let commits = self.since.commits;
        match told {
            Told::Done(_) => self.verdict.acknowledged += 1,
            Told::Unknown => {
                self.verdict.unknown += 1;
                self.rule("P03", commits <= 1, || format!("{what} took effect {commits} times"));
            }
            Told::Refused(reason) => {
                self.rule("P03", commits == 0, || format!("{what} was refused ({reason}) and had an effect"));
            }
        }
    }

    /// A request is carried out once and has one answer.
    fn request(&mut self, request: &str, answer: Option<Vec<Uuid>>) {
        let done = self.requests.done.entry(request.to_owned()).or_default();
        *done += self.since.commits;
        let done = *done;
        self.rule("P04", done <= 1, || format!("request {request} was carried out {done} times"));
        let Some(answer) = answer else { return };
        let first = self.requests.answers.entry(request.to_owned()).or_insert_with(|| answer.clone()).clone();
        self.rule("P04", first == answer, || format!("request {request} came to {first:?} and {answer:?}"));
    }

    /// Roots are made where somebody creates something, and nowhere else.
    fn no_roots(&mut self) {
        let roots = self.since.roots.clone();
        self.rule("P02", roots.is_empty(), || format!("nobody asked for {roots:?}"));
    }

    fn created(&mut self, told: &Told<(Uuid, bool)>, is_pipeline: bool) {
        let Since { roots, pipelines, .. } = &self.since;
        let (roots, pipelines) = (roots.clone(), pipelines.clone());
        let is_one =
            if is_pipeline { pipelines.len() <= 1 } else { pipelines.is_empty() && roots.len() <= 1 };
        self.rule("P02", is_one, || format!("one was asked for: {roots:?} {pipelines:?}"));
        if let Told::Done((id, false)) = told {
            let is_none = roots.is_empty() && pipelines.is_empty();
            self.rule("S6A", is_none, || format!("{id} is the answer, and {roots:?} was made"));
            return self.answered_by_holder(*id);
        }
        if let Told::Done((id, true)) = told {
            let is_there = match is_pipeline {
                true => self.pipelines.contains_key(id),
                false => self.tasks.contains_key(id),
            };
            let made = if is_pipeline { pipelines.contains(id) } else { roots.contains(id) };
            let holds = made || (self.since.commits == 0 && (is_there || self.gone.contains(id)));
            self.rule("P01", holds, || format!("{id} was acknowledged and is not there"));
        }
    }

    fn restarted(&mut self, id: Uuid, is_made: bool) {
        let is_there = self.tasks.contains_key(&id) || self.gone.contains(&id);
        self.rule("P01", is_there, || format!("restarted as {id}, which is not there"));
        let Some(context) = self.tasks.get(&id).map(|task| task.context) else { return };
        let (tasks, since) = (&self.tasks, &self.since);
        let of_context = since
            .incarnations
            .iter()
            .filter(|id| tasks.get(id).is_some_and(|t| t.context == context))
            .count();
        // An answer that is given again says what it said first.
        let holds = of_context <= 1 && (is_made || of_context == 0);
        self.rule("P33", holds, || format!("restarted as {id} (made: {is_made}): {of_context} were made"));
    }

    fn cancelled_pipeline(&mut self, id: Uuid) {
        if !self.pipelines.contains_key(&id) {
            return;
        }
        let contexts = self.steps.get(&id).cloned().unwrap_or_default();
        for context in contexts {
            let Some(task) = self.newest(context).cloned() else { continue };
            let stops = task.is_terminal() || task.stops_for_good() || task.run_if == "always";
            self.rule("P20", stops, || format!("its pipeline was cancelled: {task:?}"));
        }
    }

    fn deleted(&mut self, is_cascade: bool, told: &Told<(Uuid, bool)>) {
        self.effects(told, "a deletion");
        self.no_roots();
        let Told::Done((id, is_gone)) = told else { return };
        if !is_cascade && !is_gone {
            self.is_not_waited_for(*id);
        }
        let task = self.tasks.get(id).filter(|task| !task.is_stub).map(|task| task.is_going);
        let pipeline = self.pipelines.get(id).map(|pipeline| pipeline.is_going);
        let going = task.or(pipeline);
        let holds = match is_gone {
            true => going.is_none(),
            // An older member of the context may have been named: its newest goes.
            false => going.is_some(),
        };
        self.rule("P01", holds, || format!("deleted (gone: {is_gone}): {going:?}"));
    }

    /// What is to go, and goes alone, has nobody who waits for it.
    fn is_not_waited_for(&mut self, id: Uuid) {
        let own: BTreeSet<Uuid> = match self.tasks.get(&id) {
            Some(task) => [task.context].into(),
            None => self.steps.get(&id).cloned().unwrap_or_default(),
        };
        let waits = |dependent: &Uuid| {
            !own.contains(dependent)
                && self.newest(*dependent).is_some_and(|task| !task.is_terminal() && !task.is_going)
        };
        let waiting = self.needs.iter().filter(|(dependent, _)| waits(dependent));
        let waiting = waiting.filter(|(_, needs)| !needs.is_disjoint(&own)).map(|(dependent, _)| *dependent);
        let waiting: Vec<Uuid> = waiting.collect();
        self.rule("P52", waiting.is_empty(), || format!("{waiting:?} wait for {id}, which goes"));
    }

    /// What was set is so.
    fn set(&mut self, told: &Told<Setting>) {
        self.effects(told, "a setting");
        self.no_roots();
        let Told::Done(setting) = told else { return };
        let holds = match setting {
            Setting::Permits { semaphore, permits } => self.limits.permits(semaphore) == Some(*permits),
            Setting::Paused { queue, paused } => self.limits.is_paused(queue) == *paused,
            Setting::TaskHeld { task, held } => {
                self.tasks.get(task).is_none_or(|task| task.is_terminal() || task.is_held == *held)
            }
            Setting::Other => true,
        };
        self.rule("P01", holds, || format!("it was set and is not so: {setting:?}"));
    }

    fn synced(&mut self, sync: &SyncFact) {
        self.effects(&sync.told, "a worker's call");
        self.no_roots();
        for (index, report) in sync.reports.iter().enumerate() {
            let accepted =
                sync.told.done().map(|(accepted, _)| accepted.get(index).copied().unwrap_or(false));
            self.reported(report, accepted);
        }
        let grants = sync.told.done().map(|(_, grants)| grants.as_slice()).unwrap_or_default();
        for grant in grants {
            let task = self.tasks.get(&grant.task).cloned();
            let holds = task.as_ref().is_some_and(|task| {
                (task.fence, task.attempt) == (Some(grant.fence), grant.attempt)
                    && task.node == Some(sync.node)
            });
            self.rule("P01", holds, || format!("granted {grant:?}, there is {task:?}"));
            self.check_handed(grant);
        }
    }

    /// The report of the attempt that runs counts; any other changes nothing.
    fn reported(&mut self, report: &ReportFact, accepted: Option<bool>) {
        let key = (report.task, report.attempt);
        let has_ended = self.since.ended.contains(&key);
        let was_current = self.since.fences.contains(&(report.task, report.fence));
        let task = self.tasks.get(&report.task);
        let still_runs = task.is_some_and(|task| task.fence == Some(report.fence));
        if was_current {
            let counts = has_ended && accepted != Some(false);
            return self.rule("P16", counts, || format!("the end of what ran did not count: {report:?}"));
        }
        if still_runs {
            return self
                .rule("P16", accepted.is_none(), || format!("the end of what runs was lost: {report:?}"));
        }
        let ends = self.attempts.get(&report.task);
        let is_repeated = ends.into_iter().flatten().any(|end| {
            // What a clock ended has ended for that, whatever its process made of it.
            let is_same = end.reason == report.reason
                || matches!(end.reason, Some("KeepaliveLost" | "DeadlineExceeded"));
            (end.number, end.exit_code) == (report.attempt, report.exit_code) && is_same
        });
        let brings_what_was_kept = match task {
            Some(task) if task.phase == "Succeeded" && task.attempt == report.attempt => {
                let kept = self.outputs.get(&report.task).filter(|_| task.digest.is_some());
                let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(text).ok());
                kept == report.outputs
            }
            _ => true,
        };
        // With its pipeline it may be gone in this very commit.
        let is_gone = self.since.deleted.contains(&report.task);
        let may_count = is_gone || is_repeated && brings_what_was_kept;
        let holds = !has_ended && (accepted != Some(true) || may_count);
        self.rule("P16", holds, || format!("a stale report counted ({accepted:?}): {report:?}"));
    }
}

/// All that is done in histories, by the names that [`deed`] gives.
pub const DEEDS: [&str; 21] = [
    "waits for what was made",
    "tasks made",
    "tasks made by attempts",
    "pipelines made",
    "bad input",
    "restarts",
    "adoptions",
    "restarts of pipelines",
    "cancels",
    "cancels of pipelines",
    "deletions",
    "deletions with cascade",
    "semaphores scaled",
    "queues paused or resumed",
    "tasks held or let go",
    "pipelines held, limits made and deleted",
    "ends told",
    "tokens shown",
    "signs of life",
    "expressions",
    "hooks called",
];

/// The name of what was acknowledged.
fn deed(call: &Call) -> Option<&'static str> {
    let (name, is_done) = match call {
        Call::CreateTask { by: None, told, .. } => ("tasks made", told.done().is_some()),
        Call::CreateTask { told, .. } => ("tasks made by attempts", told.done().is_some()),
        Call::CreatePipeline { told, .. } => ("pipelines made", told.done().is_some()),
        Call::Bad { told } => ("bad input", told.done().is_none()),
        Call::Restart { told, .. } => ("restarts", told.done().is_some_and(|(_, is_made)| *is_made)),
        Call::Adopt { told, .. } => ("adoptions", told.done().is_some_and(|(_, is_made)| *is_made)),
        Call::RestartPipeline { told, .. } => ("restarts of pipelines", told.done().is_some()),
        Call::CancelTask { told } => ("cancels", told.done().is_some()),
        Call::CancelPipeline { told } => ("cancels of pipelines", told.done().is_some()),
        Call::Delete { is_cascade: true, told } => ("deletions with cascade", told.done().is_some()),
        Call::Delete { told, .. } => ("deletions", told.done().is_some()),
        Call::Set { told } => match told.done()? {
            Setting::Permits { .. } => ("semaphores scaled", true),
            Setting::Paused { .. } => ("queues paused or resumed", true),
            Setting::TaskHeld { .. } => ("tasks held or let go", true),
            Setting::Other => ("pipelines held, limits made and deleted", true),
        },
        Call::End { told, .. } => ("ends told", told.done().is_some()),
        Call::Identify { told, .. } => ("tokens shown", told.done().is_some()),
        Call::Say { told, .. } => ("signs of life", told.done().is_some()),
        Call::Verdict { told, .. } => ("expressions", told.done().is_some()),
        Call::HookCalled { .. } => ("hooks called", true),
        Call::Wait { waits, .. } => ("waits for what was made", *waits),
        Call::Get { .. } | Call::Watch { .. } | Call::Register { .. } | Call::Sync(_) => return None,
        Call::HookSettled { .. } | Call::Timer { .. } | Call::Collect { .. } => return None,
    };
    is_done.then_some(name)
}
