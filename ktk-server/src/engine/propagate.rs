//! What follows when a task's state changes: its dependents wait, go on or are skipped, its
//! pipeline moves, places under `maxParallel` are given on, `failFast` trips. All of it is part
//! of the transaction that made the change.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{Phase, Reason, event::Severity, restart::Cascade, task::RunIf, worker::Outcome};
use uuid::Uuid;

use super::{
    error::EngineResult,
    rerun::Rerun,
    unit::{ClassChange, Unit},
};
use crate::{
    limits,
    model::{
        phase::Event,
        pipeline,
        row::{StopWish, TaskRow},
        settle::{self, Class, Decision},
    },
    mutants,
    store::Tx,
};

impl<T: Tx> Unit<'_, T> {
    /// Lets everything follow that follows, until nothing does.
    pub async fn settle(&mut self) -> EngineResult<()> {
        loop {
            if !self.changes.is_empty() {
                self.tell_changes().await?;
            } else if let Some(rerun) = self.reruns.pop_front() {
                self.rerun(rerun).await?;
            } else if let Some(unneeded) = self.unneeded.pop_first() {
                // After the reruns: what looks settled may be about to run again.
                self.skip_unneeded(unneeded).await?;
            } else if let Some(pipeline) = self.trips.pop_first() {
                // After the reruns: what failed on old outputs and runs again has not failed for good.
                self.trip(pipeline).await?;
            } else if let Some((namespace, key)) = self.keys.pop_first() {
                self.hand_on_key(&namespace, &key).await?;
            } else if let Some((namespace, key)) = self.whole_keys.pop_first() {
                self.hand_on_whole(&namespace, &key).await?;
            } else if let Some(pipeline) = self.freed.pop_first() {
                self.give_places(pipeline).await?;
            } else if let Some(pipeline) = self.touched.pop_first() {
                self.rephase(pipeline).await?;
            } else if let Some(external) = self.externals.pop_first() {
                // After all restarts, those of whole pipelines too: what starts takes what its needs are in the end.
                self.start_external(external).await?;
            } else if std::mem::take(&mut self.looks_for_externals) {
                self.start_limited_externals().await?;
            } else if let Some(happened) = self.happened.pop_front() {
                self.write_hook(happened).await?;
            } else if let Some(doomed) = self.doomed.pop_first() {
                self.remove_if_ended(doomed).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Settles, then writes all of it.
    pub async fn finish(&mut self) -> EngineResult<()> {
        self.settle().await?;
        self.flush().await
    }

    /// Tells the dependents of all changes so far.
    pub(super) async fn tell_changes(&mut self) -> EngineResult<()> {
        let changes: Vec<ClassChange> = self.changes.drain(..).collect();
        self.tell_dependents(&changes).await
    }

    async fn tell_dependents(&mut self, changes: &[ClassChange]) -> EngineResult<()> {
        let contexts: Vec<Uuid> = changes.iter().map(|change| change.context).collect();
        let mut dependents: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for row in self.tx.dependents(&contexts).await? {
            dependents.entry(row.need).or_default().push(row.dependent);
        }
        let all: Vec<Uuid> = dependents.values().flatten().copied().collect();
        self.load_newest(&all).await?;
        let mut told = BTreeSet::new();
        for change in changes {
            for dependent in dependents.get(&change.context).map_or(&[][..], Vec::as_slice) {
                if mutants::lives("M6") && !told.insert(*dependent) {
                    continue;
                }
                self.tell(*dependent, *change).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn tell(&mut self, dependent: Uuid, change: ClassChange) -> EngineResult<()> {
        let Some(row) = self.newest_of(dependent) else { return Ok(()) };
        if row.is_for_each() && self.is_item(change.context) {
            let id = row.id;
            return Box::pin(self.tell_step(id, change)).await;
        }
        let (id, phase, run_if) = (row.id, row.phase, row.run_if);
        if phase.is_terminal() {
            let has_settled = match run_if {
                RunIf::Success => change.after == Class::Good,
                RunIf::Failure | RunIf::Always => change.after != Class::Live,
            };
            // Where somebody wanted that nothing follows, nothing is even compared.
            let follows = self.newest_of(change.context).is_none_or(|need| need.cascade != Cascade::None);
            if has_settled && follows && phase != Phase::Cancelled {
                self.reruns.push_back(Rerun::IfChanged(id));
            }
            return Ok(());
        }
        let row = self.task_mut(id)?;
        match change.before {
            Class::Live => row.live_needs -= 1,
            Class::Bad => row.bad_needs -= 1,
            Class::Good => {}
        }
        match change.after {
            Class::Live => row.live_needs += 1,
            Class::Bad => row.bad_needs += 1,
            Class::Good => {}
        }
        self.reconsider(id).await
    }

    /// Lets a pending task do what its needs allow now.
    pub async fn reconsider(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?;
        if row.phase != Phase::Pending {
            return Ok(());
        }
        if row.rare.for_each.as_ref().is_some_and(|each| each.is_expanded) {
            return Box::pin(self.look_upstream(id)).await;
        }
        let decision = settle::decision(row);
        if matches!(decision, Decision::Wait | Decision::UpstreamFailed) {
            self.forget_values(id)?;
        }
        let row = self.task(id)?;
        match decision {
            Decision::Wait if row.reason != Some(Reason::WaitingForUpstream) => {
                self.task_mut(id)?.ready_at = None;
                self.transit(id, Event::Wait).await
            }
            Decision::UpstreamFailed if row.reason != Some(Reason::UpstreamFailed) => {
                self.task_mut(id)?.ready_at = None;
                self.transit(id, Event::UpstreamFail).await
            }
            Decision::NotNeeded => {
                self.unneeded.insert(id);
                Ok(())
            }
            Decision::Go if waits_for_needs(row) => self.make_ready(id).await,
            _ => Ok(()),
        }
    }

    /// A `failure` step whose needs have all come to a good end, if that is still so.
    async fn skip_unneeded(&mut self, id: Uuid) -> EngineResult<()> {
        let Some(row) = self.tasks.get(&id) else { return Ok(()) };
        if row.phase != Phase::Pending || settle::decision(row) != Decision::NotNeeded {
            return Ok(());
        }
        self.take_needs(&[id]).await?;
        self.skip(id, Reason::NotNeeded).await
    }

    /// Queues a task whose needs are settled, or lets it wait for its values, its time, or whoever holds it.
    pub async fn make_ready(&mut self, id: Uuid) -> EngineResult<()> {
        if self.waits_for_values(id)? {
            // An adopted result can turn a failure into a success at once.
            if self.task(id)?.reason == Some(Reason::UpstreamFailed) {
                self.transit(id, Event::Wait).await?;
            }
            return Ok(());
        }
        let row = self.task(id)?;
        match row.start_at() {
            _ if row.rare.held => self.transit(id, Event::Hold).await,
            Some(at) if at > self.now => self.transit(id, Event::Schedule).await,
            _ => self.transit(id, Event::Queue).await,
        }
    }

    /// `failFast`: what has not ended and does not wait for a failure is cancelled.
    async fn trip(&mut self, pipeline_id: Uuid) -> EngineResult<()> {
        let row = self.pipeline(pipeline_id).await?;
        if !row.fail_fast || row.tripped {
            return Ok(());
        }
        let tasks = self.tasks_of(pipeline_id).await?;
        if !tasks.iter().any(|task| settle::class_of(task) == Class::Bad) {
            return Ok(());
        }
        let row = self.pipeline_mut(pipeline_id).await?;
        row.tripped = true;
        let row = row.clone();
        self.pipeline_event(
            &row,
            Severity::Warning,
            "FailFast",
            "a step failed: the others are cancelled".into(),
        );
        let waiting = self.behind_failed_items(&tasks).await?;
        for task in tasks {
            let waits_for_it = waiting.contains(&task.context_id);
            if task.run_if == RunIf::Success && settle::class_of(&task) == Class::Live && !waits_for_it {
                self.stop_task(task.id, StopWish { reason: Reason::PipelineCancelled, now: false }).await?;
            }
        }
        Ok(())
    }

    /// Steps that wait for an item that failed while others of it can still move, and what waits for those steps.
    async fn behind_failed_items(&mut self, tasks: &[TaskRow]) -> EngineResult<BTreeSet<Uuid>> {
        let has_failed = |row: &&TaskRow| row.rare.for_each.as_ref().is_some_and(|each| each.bad > 0);
        let mut open: Vec<Uuid> = tasks.iter().filter(has_failed).map(|row| row.context_id).collect();
        let mut found: BTreeSet<Uuid> = open.iter().copied().collect();
        while !open.is_empty() {
            let edges = self.tx.dependents(&open).await?;
            let dependents: Vec<Uuid> = edges.iter().map(|edge| edge.dependent).collect();
            self.load_newest(&dependents).await?;
            let waits = |context: &Uuid| {
                self.newest_of(*context).is_some_and(|row| row.run_if == RunIf::Success)
                    && found.insert(*context)
            };
            open = dependents.into_iter().filter(waits).collect();
        }
        Ok(found)
    }

    /// Cancels a task that is pending, tells a running one to stop.
    pub async fn stop_task(&mut self, id: Uuid, wish: StopWish) -> EngineResult<()> {
        let row = self.task(id)?.clone();
        if row.phase.is_terminal() {
            // It went with its step.
            return Ok(());
        }
        if row.phase != Phase::Running {
            self.task_mut(id)?.message = Some(stop_words(wish.reason, self.by));
            return self.transit(id, Event::Cancel(wish.reason)).await;
        }
        let Some(wish) = settle::harder_stop(row.stop, wish) else { return Ok(()) };
        if mutants::lives("M21") {
            self.effects.stops = true;
            return Ok(());
        }
        self.transit(id, Event::Stop).await?;
        let row = self.task_mut(id)?;
        row.stop = Some(wish);
        row.keep_clocks();
        let row = row.clone();
        self.effects.stops = true;
        if row.is_for_each() {
            return self.stop_items(row.context_id, wish).await;
        }
        if row.is_external() {
            // Nothing runs that would have to end first.
            self.end_attempt(&row, Outcome::default()).await?;
        }
        Ok(())
    }

    /// Newest tasks of a pipeline as they are now, changes of this operation included.
    pub async fn tasks_of(&mut self, pipeline: Uuid) -> EngineResult<Vec<TaskRow>> {
        self.flush().await?;
        let rows = self.tx.pipeline_tasks(pipeline).await?;
        for row in &rows {
            self.adopt(row.clone());
        }
        Ok(rows)
    }

    /// Takes the newest tasks of a pipeline into the working set, once.
    pub(super) async fn load_tasks_of(&mut self, pipeline: Uuid) -> EngineResult<Vec<Uuid>> {
        if self.whole.insert(pipeline) {
            self.flush().await?;
            for row in self.tx.pipeline_tasks(pipeline).await? {
                self.adopt(row);
            }
        }
        let within = self.tasks.values().filter(|row| row.newest && row.pipeline_id == Some(pipeline));
        Ok(within.map(|row| row.id).collect())
    }

    /// Gives free places under `maxParallel` to those who wait for them.
    async fn give_places(&mut self, pipeline_id: Uuid) -> EngineResult<()> {
        let row = self.pipeline(pipeline_id).await?;
        let max = row.max_parallel;
        let free = max.map_or(limits::PAGE, |max| max.saturating_sub(row.admitted) as usize);
        if free == 0 || row.is_barred() {
            return Ok(());
        }
        self.flush().await?;
        // Who waits for the end of whom it replaces takes no place meanwhile.
        let mut left_out = 0;
        let next = loop {
            let mut rows = self.tx.gated(pipeline_id, free + left_out).await?;
            let found = rows.len();
            rows.retain(|row| !row.waits_for_key());
            if rows.len() >= free || found < free + left_out {
                rows.truncate(free);
                break rows;
            }
            left_out = found - rows.len();
        };
        if max.is_none() && next.len() == free {
            // There may be more.
            self.freed.insert(pipeline_id);
        }
        for row in next {
            let id = self.adopt(row);
            self.task_mut(id)?.admitted = true;
            if max.is_some() {
                self.pipeline_mut(pipeline_id).await?.admitted += 1;
            }
            self.effects.work = true;
        }
        Ok(())
    }

    /// Derives the pipeline's phase from its counts.
    async fn rephase(&mut self, pipeline_id: Uuid) -> EngineResult<()> {
        let now = self.now;
        let row = self.pipeline_mut(pipeline_id).await?;
        let before = row.phase;
        (row.phase, row.reason) = pipeline::phase(row);
        if row.phase == before {
            return Ok(());
        }
        row.finished_at = row.phase.is_terminal().then_some(now);
        self.follow_phase(pipeline_id, before).await?;
        let row = self.pipeline(pipeline_id).await?.clone();
        if row.phase.is_terminal() {
            let severity = if row.phase == Phase::Succeeded { Severity::Normal } else { Severity::Warning };
            let words = format!("{} of {} steps done, {} failed", row.done, row.total, row.failed);
            self.pipeline_event(&row, severity, row.phase.as_str(), words);
            if row.deleted_at.is_some() {
                self.doomed.insert(row.id);
            } else if row.rare.wish.is_some() {
                self.reruns.push_back(Rerun::Whole(row.id));
            }
        }
        Ok(())
    }

    /// What is due when a task has ended: wishes, deletions, and another look at what it saw.
    pub(super) async fn after_end(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?;
        if row.deleted_at.is_some() {
            self.doomed.insert(id);
        } else if row.wish.is_some() {
            self.reruns.push_back(Rerun::Wish(id));
        } else if row.needs > 0 && row.phase != Phase::Cancelled && row.newest {
            let (run_if, pipeline) = (row.run_if, row.pipeline_id);
            if self.may_be_stale(run_if, pipeline).await? {
                self.reruns.push_back(Rerun::IfChanged(id));
            }
        }
        Ok(())
    }

    /// Whether a need may have come to something else since the task took it. In a pipeline without a restart
    /// what a `success` step took is what is there.
    async fn may_be_stale(&mut self, run_if: RunIf, pipeline: Option<Uuid>) -> EngineResult<bool> {
        if run_if != RunIf::Success {
            return Ok(true);
        }
        let Some(pipeline) = pipeline else { return Ok(true) };
        Ok(self.pipeline(pipeline).await?.restarts > 0)
    }
}

fn waits_for_needs(row: &TaskRow) -> bool {
    matches!(row.reason, Some(Reason::WaitingForUpstream | Reason::UpstreamFailed))
}

fn stop_words(reason: Reason, by: &str) -> String {
    match reason {
        Reason::PipelineCancelled => "cancelled with its pipeline".into(),
        Reason::Replaced => "another took its place".into(),
        _ => format!("cancelled by {by}"),
    }
}
