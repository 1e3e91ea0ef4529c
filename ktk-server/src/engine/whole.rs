//! What holds for a pipeline as a whole: its time, its unique key, and the bar behind which its steps wait for it.

use std::collections::BTreeMap;

use ktk_client::api::{
    ApiError, Phase, Reason,
    event::Severity,
    hook::Moment,
    pipeline::PipelineSpec,
    task::{RunIf, SemaphoreUse},
    unique::OnConflict,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    create_task::queue_of,
    error::EngineResult,
    lanes::{self, Named},
    unique::{self, refused, shown},
    unit::Unit,
};
use crate::{
    model::{
        gate::{Gate, Stand, WHOLE},
        lane::Lane,
        pipeline::is_time_over,
        row::{PipelineRow, StopWish},
        settle::{Class, class_of},
        unique::Key,
    },
    store::Tx,
};

/// What becomes of a new pipeline.
#[derive(Debug)]
pub(super) enum WholeEntry {
    /// It is made, with this key, in the place of these.
    New(Option<Key>, Vec<PipelineRow>),
    /// This one is the answer.
    Holder(Box<PipelineRow>),
}

/// The facts of a pipeline as a whole that stand in its row.
pub(super) fn describe(row: &mut PipelineRow, spec: &PipelineSpec, key: Option<Key>) {
    row.rare.has_hooks = spec.hooks.is_some();
    row.rare.unique = key;
    row.rare.clocks.timeout = spec.timeout;
    row.rare.clocks.deadline = spec.deadline;
}

/// The key of a pipeline, where it has one.
pub(super) fn key_of(
    name: &str,
    spec: &PipelineSpec,
    params: &BTreeMap<String, Value>,
) -> EngineResult<Option<Key>> {
    let key = |unique| unique::key(unique, "spec.unique", params, &BTreeMap::new());
    let key = spec.unique.as_ref().map(key).transpose();
    Ok(key.map_err(|causes| ApiError::invalid(&format!("Pipeline {name:?}"), causes))?)
}

impl<T: Tx> Unit<'_, T> {
    /// The pipelines that hold a key, but for one context's, oldest first.
    async fn whole_holders(
        &mut self,
        namespace: &str,
        key: &str,
        but: Option<Uuid>,
    ) -> EngineResult<Vec<PipelineRow>> {
        self.flush().await?;
        let mut rows = self.tx.pipelines_of_key(namespace, key).await?;
        rows.retain(|row| row.holds_key() && Some(row.context_id) != but);
        Ok(rows)
    }

    /// What becomes of a new pipeline.
    ///
    /// # Errors
    /// `Conflict` that names the holder of its key.
    pub(super) async fn enter_whole(
        &mut self,
        namespace: &str,
        name: &str,
        spec: &PipelineSpec,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<WholeEntry> {
        let Some(key) = key_of(name, spec, params)? else { return Ok(WholeEntry::New(None, Vec::new())) };
        let mut holders = self.whole_holders(namespace, &key.key, None).await?;
        let on_conflict = spec.unique.as_ref().map_or(OnConflict::Reject, |unique| unique.on_conflict);
        match (on_conflict, holders.pop()) {
            (_, None) => Ok(WholeEntry::New(Some(key), Vec::new())),
            (OnConflict::Reject, Some(last)) => {
                let what = format!("Pipeline {name:?}");
                Err(refused(&what, &key.key, "pipeline", &last.name, &shown_whole(&last)))
            }
            (OnConflict::Return, Some(last)) => Ok(WholeEntry::Holder(Box::new(last))),
            (OnConflict::Replace, Some(last)) => {
                holders.push(last);
                Ok(WholeEntry::New(Some(key), holders))
            }
        }
    }

    /// Cancels those in whose place a new pipeline is made; whether one of them has not ended yet.
    pub(super) async fn replace_wholes(&mut self, holders: &[PipelineRow]) -> EngineResult<bool> {
        for holder in holders {
            self.cancel_pipeline(holder.id, StopWish { reason: Reason::Replaced, now: false }).await?;
        }
        self.settle().await?;
        let mut waits = false;
        for holder in holders {
            // One that was being deleted may be gone.
            let row = self.pipelines.get(&holder.id);
            waits |= row.is_some_and(PipelineRow::holds_key);
        }
        Ok(waits)
    }

    /// Refuses to let a pipeline go on whose key another has by now.
    ///
    /// # Errors
    /// `Conflict` that names the holder.
    pub(super) async fn refuse_held_whole(
        &mut self,
        row: &PipelineRow,
        key: Option<&Key>,
    ) -> EngineResult<()> {
        let Some(key) = key else { return Ok(()) };
        match self.whole_holders(&row.namespace, &key.key, Some(row.context_id)).await?.last() {
            Some(holder) => {
                let what = format!("the restart of pipeline {:?}", row.name);
                Err(refused(&what, &key.key, "pipeline", &holder.name, &shown_whole(holder)))
            }
            None => Ok(()),
        }
    }

    /// A key has been given back: the pipeline that waits for it has it now.
    pub(super) async fn hand_on_whole(&mut self, namespace: &str, key: &str) -> EngineResult<()> {
        let holders = self.whole_holders(namespace, key, None).await?;
        let [next] = &holders[..] else { return Ok(()) };
        if next.waits_for_key() {
            let id = next.id;
            if let Some(key) = self.pipeline_mut(id).await?.rare.unique.as_mut() {
                key.waits = false;
            }
            self.lift_bar(id).await?;
        }
        Ok(())
    }

    /// Lets the steps go on that waited for their pipeline, unless something else bars it.
    pub(super) async fn lift_bar(&mut self, id: Uuid) -> EngineResult<()> {
        self.join_line(id).await?;
        if self.pipeline(id).await?.is_barred() {
            return Ok(());
        }
        self.flush().await?;
        for step in self.tx.gated(id, usize::MAX).await? {
            // What runs elsewhere takes nobody's place.
            if step.is_external() && !step.waits_for_key() {
                let step = self.adopt(step);
                self.task_mut(step)?.admitted = true;
                self.externals.insert(step);
            }
        }
        self.freed.insert(id);
        Ok(())
    }

    /// The permits that a new incarnation of a pipeline needs before its first step starts.
    pub(super) async fn set_gate(&mut self, row: &mut PipelineRow, spec: &PipelineSpec) -> EngineResult<()> {
        row.rare.gate = None;
        if spec.semaphores.is_empty() {
            return Ok(());
        }
        let semaphores = spec.semaphores.iter().map(|used| (used.name().to_owned(), used.permits()));
        let of = Lane {
            executor: WHOLE.to_owned(),
            queue: queue_of(spec.queue.as_deref()),
            semaphores: semaphores.collect(),
            ..Lane::default()
        };
        let lane = self.lane_id(of.clone()).await?;
        let priority = spec.priority.unwrap_or(0);
        row.rare.gate = Some(Gate { lane, stand: Stand::Away, priority, since: None, of });
        Ok(())
    }

    /// A step is ready: its pipeline stands in the line for its permits, unless it has them.
    pub(super) async fn join_line(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.pipeline(id).await?;
        let Some(gate) = row.rare.gate.as_ref().filter(|gate| gate.stand == Stand::Away) else {
            return Ok(());
        };
        if row.waits_for_key() {
            return Ok(());
        }
        // Its lane may have been forgotten while it was at its end.
        let of = gate.of.clone();
        let lane = self.lane_id(of).await?;
        let now = self.now;
        if let Some(gate) = self.pipeline_mut(id).await?.rare.gate.as_mut() {
            (gate.lane, gate.stand, gate.since) = (lane, Stand::Waits, Some(now));
        }
        self.looks_for_externals = true;
        Ok(())
    }

    /// A pipeline that stands in the line gets its permits, if a step is ready for them.
    pub(super) async fn take_permits(&mut self, id: Uuid) -> EngineResult<()> {
        self.flush().await?;
        let is_ready = !self.tx.gated(id, 1).await?.is_empty();
        let now = self.now;
        if let Some(gate) = self.pipeline_mut(id).await?.rare.gate.as_mut() {
            (gate.stand, gate.since) = match is_ready {
                true => (Stand::Holds, Some(now)),
                false => (Stand::Away, None),
            };
        }
        match is_ready {
            true => self.lift_bar(id).await,
            false => {
                // Others may have what it did not take.
                self.looks_for_externals = true;
                self.effects.work = true;
                Ok(())
            }
        }
    }

    /// What of the limits of a pipeline that has ended is there no more.
    async fn refuse_lost_limits(&mut self, row: &PipelineRow) -> EngineResult<()> {
        let Some(gate) = &row.rare.gate else { return Ok(()) };
        let used = |(name, permits): (&String, &u32)| SemaphoreUse::Several {
            name: name.clone(),
            permits: *permits,
        };
        let used: Vec<SemaphoreUse> = gate.of.semaphores.iter().map(used).collect();
        let causes = lanes::causes(self.tx, &[Named::new("spec", None, &used)]).await?;
        match causes.is_empty() {
            true => Ok(()),
            false => {
                Err(ApiError::invalid(&format!("the restart of pipeline {:?}", row.name), causes).into())
            }
        }
    }

    /// A pipeline's phase changed: its clocks, its hooks and its key follow.
    pub(super) async fn follow_phase(&mut self, id: Uuid, before: Phase) -> EngineResult<()> {
        let now = self.now;
        let row = self.pipeline_mut(id).await?;
        if before.is_terminal() && !row.phase.is_terminal() {
            row.set_out(now);
        }
        match row.phase {
            Phase::Running => row.begin_time(now),
            phase if phase.is_terminal() => {
                row.rest();
                // Whoever goes on with it later asks for the key anew.
                if let Some(key) = row.rare.unique.as_mut() {
                    key.waits = false;
                }
            }
            _ => {}
        }
        if let Some(gate) = row.rare.gate.as_mut().filter(|_| row.phase.is_terminal()) {
            (gate.stand, gate.since) = (Stand::Away, None);
            self.looks_for_externals = true;
            self.effects.work = true;
        }
        let row = self.pipeline(id).await?.clone();
        match row.phase {
            Phase::Running => self.whole_happened(&row, Moment::Start),
            phase if phase.is_terminal() => self.whole_happened(&row, Moment::Finish),
            _ => {}
        }
        if let Some(key) = row.rare.unique.as_ref().filter(|key| key.is_held_in(before) && !row.holds_key()) {
            self.whole_keys.insert((row.namespace.clone(), key.key.clone()));
        }
        Ok(())
    }

    /// The time of a pipeline is over: it fails. Its `failure` and `always` steps still run.
    pub(super) async fn pass_whole_time(&mut self, id: Uuid) -> EngineResult<()> {
        let now = self.now;
        let row = self.pipeline_mut(id).await?;
        let Some(reason) = row.due(now) else { return Ok(()) };
        row.rest();
        if row.cancel.is_some() {
            return Ok(());
        }
        let clocks = &row.rare.clocks;
        let words = match (reason, clocks.timeout, clocks.deadline) {
            (Reason::Timeout, Some(timeout), _) => format!("it took longer than its timeout of {timeout}"),
            (_, _, Some(deadline)) => format!("its deadline passed, {deadline} after it was made"),
            _ => "its time is over".to_owned(),
        };
        row.message = Some(words.clone());
        row.cancel = Some(StopWish { reason, now: false });
        let row = row.clone();
        self.touched.insert(id);
        self.pipeline_event(&row, Severity::Warning, reason.as_str(), words);
        self.whole_happened(&row, Moment::Timeout);
        for task in self.tasks_of(id).await? {
            if task.run_if == RunIf::Success && class_of(&task) == Class::Live {
                self.forget_wish(task.id)?;
                self.stop_task(task.id, StopWish { reason: Reason::PipelineCancelled, now: false }).await?;
            }
        }
        Ok(())
    }

    /// Somebody restarts something inside: what stopped it is over, and its times count anew.
    ///
    /// # Errors
    /// `Conflict` where it has ended and another pipeline has its key.
    pub(super) async fn reopen_whole(&mut self, id: Uuid) -> EngineResult<()> {
        self.refuse_reopening(id).await?;
        let row = self.pipeline(id).await?.clone();
        if row.cancel.is_none() && !row.tripped {
            return Ok(());
        }
        let was_over = row.cancel.is_some_and(|stop| is_time_over(stop.reason));
        let now = self.now;
        let row = self.pipeline_mut(id).await?;
        row.cancel = None;
        row.tripped = false;
        if was_over {
            row.message = None;
        }
        // Its time may have passed while it was being cancelled.
        if !row.phase.is_terminal() && (was_over || row.rare.due_at.is_none()) {
            row.set_out(now);
            row.begin_time(now);
        }
        self.touched.insert(id);
        Ok(())
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Refuses where a pipeline that has ended could not go on: its key or its limits are not to be had.
    pub(super) async fn refuse_reopening(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.pipeline(id).await?.clone();
        if row.phase.is_terminal() {
            self.refuse_held_whole(&row, row.rare.unique.as_ref()).await?;
            self.refuse_lost_limits(&row).await?;
        }
        Ok(())
    }
}

/// `NAME@N`, and how it stands.
pub(super) fn shown_whole(row: &PipelineRow) -> String {
    shown(&row.name, row.incarnation, row.phase, row.reason)
}
