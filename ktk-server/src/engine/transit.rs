//! How a task changes its phase: the one place where phase, counts, places under `maxParallel`
//! and times change together.

use ktk_client::api::{Phase, Reason, event::Severity, hook::Moment};
use uuid::Uuid;

use super::{
    error::EngineResult,
    unit::{ClassChange, Unit},
};
use crate::{
    model::{
        phase::{self, Event},
        pipeline,
        rare::Stage,
        settle,
    },
    store::Tx,
};

impl<T: Tx> Unit<'_, T> {
    /// Lets an event happen to a task.
    ///
    /// # Errors
    /// `Conflict` when the task's phase does not take the event.
    pub async fn transit(&mut self, id: Uuid, event: Event) -> EngineResult<()> {
        let before = self.task(id)?;
        let (phase, reason) = phase::next(before.phase, event)?;
        let (lane, has_begun) = (before.lane, event == Event::Grant);
        let (was, held_place, held_key) = (settle::class_of(before), before.admitted, before.holds_key());
        // A row is copied only for the counts of its pipeline.
        let counted = before.pipeline_id.is_some().then(|| before.clone());
        let now = self.now;
        let row = self.task_mut(id)?;
        row.phase = phase;
        row.reason = reason;
        if phase == Phase::Pending || phase.is_terminal() {
            row.fence = None;
            row.token = None;
            row.node_id = None;
            row.stop = None;
        }
        if reason == Some(Reason::Queued) {
            row.set_start_at(None);
        }
        row.keep_clocks();
        if phase.is_terminal() {
            row.finished_at = Some(now);
            if row.is_evaluating() {
                row.rare.jq = Some(Stage::Waiting);
            }
        }
        if event == Event::Expand {
            row.started_at.get_or_insert(now);
            row.ready_at.get_or_insert(now);
        }
        if reason == Some(Reason::Queued) && row.ready_at.is_none() {
            row.ready_at = Some(now);
        }
        let holds_place = (phase == Phase::Running && !row.is_for_each()) || reason == Some(Reason::Queued);
        if !holds_place {
            row.admitted = false;
        }
        self.place(id, held_place, holds_place).await?;
        // Permits, places in its queue, and the line behind it: others may go on where it stood.
        if held_place && !has_begun && self.is_limited(lane).await? {
            self.effects.work = true;
            self.looks_for_externals = true;
        }
        if let Some(before) = counted {
            self.recount(&before, id).await?;
        }
        if held_key {
            self.give_back_key(id)?;
        }
        let after = self.task(id)?;
        let (context, is) = (after.context_id, settle::class_of(after));
        if after.newest && was != is {
            self.changes.push_back(ClassChange { context, before: was, after: is });
        }
        self.aftermath(id, event).await
    }

    /// Takes or gives back a place under the pipeline's `maxParallel`.
    pub(super) async fn place(&mut self, id: Uuid, held: bool, holds: bool) -> EngineResult<()> {
        let row = self.task(id)?;
        if holds && !held && row.waits_for_key() {
            return Ok(());
        }
        // What runs elsewhere takes nobody's place, but waits for its pipeline as the others do. A step with items
        // does nothing itself.
        let (pipeline_id, takes_a_place) =
            (row.pipeline_id.filter(|_| !row.is_for_each()), row.takes_a_place());
        let is_limited = match pipeline_id {
            Some(pipeline) => {
                let row = self.pipeline(pipeline).await?;
                (row.max_parallel.is_some() && takes_a_place) || (!held && row.is_barred())
            }
            None => false,
        };
        let Some(pipeline_id) = pipeline_id.filter(|_| is_limited) else {
            if holds && !held {
                self.task_mut(id)?.admitted = true;
                self.effects.work = true;
            }
            return Ok(());
        };
        if held && !holds {
            self.pipeline_mut(pipeline_id).await?.admitted -= 1;
            self.freed.insert(pipeline_id);
        } else if holds && !held {
            self.join_line(pipeline_id).await?;
            // Places are given in order once all changes are known: it may not be the first in line.
            self.freed.insert(pipeline_id);
        }
        Ok(())
    }

    /// Tells the pipeline's counts.
    pub(super) async fn recount(
        &mut self,
        before: &crate::model::row::TaskRow,
        id: Uuid,
    ) -> EngineResult<()> {
        let after = self.task(id)?.clone();
        if let Some(pipeline_id) = after.pipeline_id
            && after.newest
        {
            // A step with `forEach` starts with its first item.
            let runs = after.phase == Phase::Running && !after.is_for_each();
            let has_started = runs && before.phase != Phase::Running;
            let now = self.now;
            let class_changed = settle::counted(before) != settle::counted(&after)
                || before.phase.is_terminal() != after.phase.is_terminal();
            if class_changed || (has_started && self.pipeline(pipeline_id).await?.started_at.is_none()) {
                let row = self.pipeline_mut(pipeline_id).await?;
                pipeline::uncount(row, before);
                pipeline::count(row, &after);
                if has_started && row.started_at.is_none() {
                    row.started_at = Some(now);
                }
                self.touched.insert(pipeline_id);
            }
        }
        Ok(())
    }

    /// What else follows from the event: events to record, work to announce, wishes that are due.
    async fn aftermath(&mut self, id: Uuid, event: Event) -> EngineResult<()> {
        match event {
            Event::Queue | Event::Requeue if self.task(id)?.is_external() => {
                self.externals.insert(id);
            }
            Event::Requeue => self.effects.work = true,
            Event::Succeed => self.tell_mended(id).await?,
            Event::Fail(reason) => {
                let row = self.task(id)?.clone();
                let why = row.message.clone().unwrap_or_default();
                self.task_event(&row, Severity::Warning, "Failed", format!("{reason}: {why}"));
                // One that is about to be restarted has not failed for good.
                if let Some(pipeline) = row.pipeline_id
                    && row.newest
                    && row.wish.is_none()
                {
                    self.trips.insert(pipeline);
                }
            }
            Event::Cancel(reason) => {
                let row = self.task(id)?.clone();
                self.task_event(&row, Severity::Normal, "Cancelled", format!("cancelled: {reason}"));
            }
            _ => {}
        }
        if !self.task(id)?.phase.is_terminal() {
            return Ok(());
        }
        self.happened(id, Moment::Finish)?;
        self.after_end(id).await
    }
}
