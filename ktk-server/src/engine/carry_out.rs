//! Carrying out what a plan says, in the transaction in which it was made.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{
    Phase, Reason,
    change::Changes,
    event::Severity,
    restart::{Action, Cascade, RestartedTask},
};
use uuid::Uuid;

use super::{
    body::{self, RestartBody},
    error::EngineResult,
    lanes::Limits,
    plan::{Plan, Step},
    rerun::Wish,
    unit::Unit,
};
use crate::{
    model::row::{StopWish, TaskRow},
    store::Tx,
};

impl<T: Tx> Unit<'_, T> {
    /// Carries out a plan: makes a new incarnation for each of its restarts, upstream first.
    pub async fn carry_out(
        &mut self,
        plan: &Plan,
        parents: &[Uuid],
        because: &RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Vec<RestartedTask>> {
        let mut parent_of = BTreeMap::new();
        for parent in parents {
            parent_of.insert(self.task(*parent)?.context_id, *parent);
            self.reopen(*parent).await?;
        }
        let mut made = Vec::new();
        for step in &plan.steps {
            match step.action {
                Action::Restart => {
                    let id = match parent_of.get(&step.context) {
                        Some(parent) => self.incarnate(*parent, because.clone(), cascade).await?,
                        None => match self.restart_dependent(step, because, cascade).await? {
                            Some(id) => id,
                            None => continue,
                        },
                    };
                    let row = self.task(id)?.clone();
                    made.push(self.restarted(&row)?);
                }
                _ if step.goes_on => self.hand_on(step.context, cascade)?,
                Action::Continue | Action::Keep | Action::Decide | Action::Adopt => {}
            }
        }
        // The tasks that were named come first, whatever the order of the plan.
        let named: BTreeSet<Uuid> = parents.iter().copied().collect();
        made.sort_by_key(|task| {
            let parent = self.tasks.get(&task.id).and_then(|row| row.parent_id);
            !parent.is_some_and(|parent| named.contains(&parent))
        });
        Ok(made)
    }

    /// Refuses what somebody asks for and cannot be carried out: limits that are gone or too small, keys that others hold.
    pub(super) async fn refuse_restart(&mut self, parents: &[TaskRow]) -> EngineResult<()> {
        let pipelines: BTreeSet<Uuid> = parents.iter().filter_map(|row| row.pipeline_id).collect();
        for pipeline in pipelines {
            self.refuse_reopening(pipeline).await?;
        }
        for row in parents {
            let is_limited = row.is_in_line() || row.rare.unique.is_some();
            if is_limited && let Some(body) = self.body(row.id).await? {
                self.changed(row, body, &Changes::new(), Limits::All).await?;
            }
        }
        Ok(())
    }

    /// A dependent under `--cascade=all`: at once when it has ended, else when it will have.
    async fn restart_dependent(
        &mut self,
        step: &Step,
        because: &RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Option<Uuid>> {
        self.load_newest(&[step.context]).await?;
        let Some(row) = self.newest_of(step.context).cloned() else { return Ok(None) };
        let reason = Some("--cascade=all".to_owned());
        if row.wish.is_some() {
            return Ok(None);
        }
        if row.phase == Phase::Running {
            let by = because.by.clone().unwrap_or_default();
            let wish = Wish { reason, by, is_follower: true, ..Wish::default() };
            self.task_mut(row.id)?.wish = Some(body::to_text(&wish)?);
            return Ok(None);
        }
        if !row.phase.is_terminal() {
            return Ok(None);
        }
        let changes = self.changes_of(row.id).await?;
        let because = RestartBody { reason, changes, ..because.clone() };
        match step.collects {
            true => self.collect_again(row.id, because, cascade).await,
            false => self.try_incarnate(row.id, because, cascade).await,
        }
    }

    /// What only goes on hands `--cascade=none` on to its own dependents.
    fn hand_on(&mut self, context: Uuid, cascade: Cascade) -> EngineResult<()> {
        if let Some(row) = self.newest_of(context)
            && row.cascade != cascade
        {
            let id = row.id;
            self.task_mut(id)?.cascade = cascade;
        }
        Ok(())
    }

    /// Cancels what lives; the restart is stored with the cancel and happens when it has ended. The
    /// answer is what was made at once.
    pub async fn force_restart(
        &mut self,
        live: &TaskRow,
        parent: &TaskRow,
        wish: Wish,
    ) -> EngineResult<Vec<RestartedTask>> {
        let wish = Wish { parent: (parent.id != live.id).then_some(parent.id), ..wish };
        let id = self.adopt(live.clone());
        self.adopt(parent.clone());
        self.task_mut(id)?.wish = Some(body::to_text(&wish)?);
        self.task_event(live, Severity::Normal, "Restarting", "cancelled, to be restarted".into());
        self.stop_task(id, StopWish { reason: Reason::ByUser, now: false }).await?;
        self.settle().await?;
        match self.newest_of(live.context_id).cloned() {
            Some(newest) if newest.id != id => Ok(vec![self.restarted(&newest)?]),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn restarted(&self, row: &TaskRow) -> EngineResult<RestartedTask> {
        let parent_incarnation = match row.parent_id {
            Some(parent) => self.task(parent)?.incarnation,
            None => 0,
        };
        Ok(RestartedTask {
            id: row.id,
            name: row.name.clone(),
            incarnation: row.incarnation,
            parent_incarnation,
        })
    }
}
