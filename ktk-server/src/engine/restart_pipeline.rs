//! `pipeline.restart`: restarts, inside a pipeline, what failed or was cancelled.

use std::collections::BTreeSet;

use ktk_client::api::{
    ApiError, ErrorReason, Method, Phase, Pipeline,
    pipeline::Restart,
    restart::{PlanRow, RestartParams, Restarted, RestartedTask},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body::RestartBody,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    requests::Remembered,
    rerun::Wish,
    resolve,
    unit::Unit,
};
use crate::{
    model::{
        rare::WholeWish,
        row::{PipelineRow, TaskRow},
    },
    store::{Operation, Tx},
};

/// Restarts what failed inside a pipeline, or plans to.
pub struct RestartPipeline {
    ask: Ask,
    params: RestartParams,
    request: Option<Remembered>,
}

#[derive(Serialize, Deserialize)]
struct FirstAnswer {
    id: Uuid,
    #[serde(default)]
    created: bool,
    restarted: Vec<RestartedTask>,
    /// Absent in answers of the first servers.
    #[serde(default)]
    plan: Vec<PlanRow>,
}

impl RestartPipeline {
    /// Prepares the operation.
    ///
    /// # Errors
    /// `Invalid` for an unusable request id, and for `force` without a step: what lives in a pipeline
    /// is not restarted with it.
    pub fn new(ask: Ask, params: RestartParams) -> EngineResult<Self> {
        if let Some(field) = params.changes.keys().next().filter(|_| !params.all) {
            let cause =
                format!("changes one task: name it (task/PIPELINE.STEP) instead of the pipeline ({field})");
            return Err(EngineError::invalid("the restart", "changes", cause));
        }
        if params.all && params.from_step.is_some() {
            return Err(EngineError::invalid("the restart", "from", "excludes `all`, which begins anew"));
        }
        if params.force && params.from_step.is_none() && !params.all {
            let why = "of a pipeline goes with `from` or `all`: what failed in it is restarted also while \
                       others run";
            return Err(EngineError::invalid("the restart", "force", why));
        }
        let id = params.request_id.as_deref().filter(|_| !params.dry_run);
        let request = Remembered::new(&ask, Restart::NAME, id, &params)?;
        Ok(Self { ask, params, request })
    }

    async fn targets<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        pipeline: &PipelineRow,
    ) -> EngineResult<Vec<TaskRow>> {
        let ids = unit.load_tasks_of(pipeline.id).await?;
        let tasks: Vec<&TaskRow> = ids.iter().filter_map(|id| unit.task(*id).ok()).collect();
        let Some(step) = &self.params.from_step else {
            let ended_badly = |row: &TaskRow| matches!(row.phase, Phase::Failed | Phase::Cancelled);
            // The items of a step that is expanded again, or will be, are restarted by it.
            let expands = |row: &&&TaskRow| {
                let is_expanded = row.rare.for_each.as_ref().is_some_and(|each| each.is_expanded);
                let waits = !is_expanded || row.live_needs + row.bad_needs > 0;
                row.is_for_each() && (ended_badly(row) || (waits && row.phase == Phase::Pending))
            };
            let steps: BTreeSet<Option<String>> =
                tasks.iter().filter(expands).map(|row| row.step.clone()).collect();
            let is_meant = |row: &&TaskRow| ended_badly(row) && !(row.is_item() && steps.contains(&row.step));
            return Ok(tasks.into_iter().filter(is_meant).cloned().collect());
        };
        let found = tasks.into_iter().find(|row| row.step.as_ref() == Some(step) && !row.is_item()).cloned();
        let row = found.ok_or_else(|| {
            ApiError::new(ErrorReason::NotFound, format!("pipeline {:?} has no step {step:?}", pipeline.name))
        })?;
        if row.phase.is_terminal() || self.params.force {
            return Ok(vec![row]);
        }
        let words = format!("step {step:?} has not ended ({})", row.phase);
        Err(EngineError::Refused(
            ApiError::conflict(words).with_hint("wait for it, or cancel and restart it with --force"),
        ))
    }

    /// Refuses unless the newest incarnation is the one that is expected, and is meant.
    fn check_newest(&self, row: &PipelineRow, named: &PipelineRow) -> EngineResult<()> {
        if named.id != row.id && !self.params.all {
            return Err(older_pipeline(named, row));
        }
        match self.params.if_newest {
            Some(wanted) if wanted != row.incarnation => Err(EngineError::conflict(format!(
                "the newest incarnation is {}@{}, not @{wanted}",
                row.name, row.incarnation
            ))),
            _ => Ok(()),
        }
    }
}

impl Operation for RestartPipeline {
    type Output = Done<Restarted<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        self.ask.enter(&self.params.reference.namespace)?;
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            let mut answer = answer(&mut unit, first.id, first.plan).await?;
            answer.created = first.created || !first.restarted.is_empty();
            answer.restarted = first.restarted;
            return Ok(Done::quiet(answer));
        }
        let named = resolve::pipeline(&self.ask, unit.tx, &self.params.reference).await?;
        let row = match named.newest {
            true => named.clone(),
            false => unit.tx.pipeline_named(&named.namespace, &named.name).await?.unwrap_or(named.clone()),
        };
        if row.deleted_at.is_some() {
            return Err(EngineError::conflict(format!("pipeline {:?} is being deleted", row.name)));
        }
        self.check_newest(&row, &named)?;
        if self.params.all {
            return self.whole(unit, row, named).await;
        }
        let id = row.id;
        let targets = self.targets(&mut unit, &row).await?;
        let plan = unit.plan(&targets, self.params.cascade).await?;
        let ended: Vec<TaskRow> = targets.iter().filter(|row| row.phase.is_terminal()).cloned().collect();
        unit.refuse_restart(&ended).await?;
        if self.params.dry_run {
            return Ok(Done::quiet(planned(&mut unit, id, plan.rows()).await?));
        }
        let restarted = match targets.as_slice() {
            [live] if !live.phase.is_terminal() => {
                unit.force_restart(live, live, Wish::asked(&self.params, &self.ask.by)).await?
            }
            ended => {
                let parents: Vec<Uuid> = ended.iter().map(|row| row.id).collect();
                unit.carry_out(
                    &plan,
                    &parents,
                    &RestartBody::asked(&self.params, &self.ask.by),
                    self.params.cascade,
                )
                .await?
            }
        };
        let created = !restarted.is_empty();
        let first = FirstAnswer { id, created, restarted, plan: plan.rows() };
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let mut answer = answer(&mut unit, id, first.plan).await?;
        answer.created = first.created;
        answer.restarted = first.restarted;
        Ok(Done { answer, effects: unit.effects })
    }
}

impl RestartPipeline {
    /// A new incarnation of the whole, or the plan for it.
    async fn whole<T: Tx>(
        &self,
        mut unit: Unit<'_, T>,
        newest: PipelineRow,
        named: PipelineRow,
    ) -> EngineResult<Done<Restarted<Pipeline>>> {
        let wish = WholeWish {
            parent: (named.id != newest.id).then_some(named.id),
            reason: self.params.reason.clone(),
            by: self.ask.by.clone(),
            cascade: self.params.cascade,
            changes: self.params.changes.clone(),
        };
        let is_live = !newest.phase.is_terminal();
        if is_live && !self.params.force {
            let parent = (self.params.reference.name != named.name).then_some(named.id);
            unit.refuse_live_pipeline(&newest, parent, &wish).await?;
            let (restarted, plan) = (Vec::new(), Vec::new());
            let first = FirstAnswer { id: newest.id, created: false, restarted, plan };
            unit.remember(self.request.as_ref(), &first).await?;
            unit.finish().await?;
            let answer = answer(&mut unit, newest.id, Vec::new()).await?;
            return Ok(Done { answer, effects: unit.effects });
        }
        let plan = unit.plan_whole(&newest, &named, &wish).await?;
        if self.params.dry_run {
            return Ok(Done::quiet(planned(&mut unit, newest.id, plan.rows()).await?));
        }
        if is_live {
            unit.force_whole(newest.id, wish).await?;
            unit.settle().await?;
        } else {
            unit.restart_whole(&newest, wish).await?;
        }
        let now = unit.tx.pipeline_named(&newest.namespace, &newest.name).await?;
        let id = now.map_or(newest.id, |row| row.id);
        // The pipeline stands for its tasks: of thousands nobody wants to read.
        let first = FirstAnswer { id, created: id != newest.id, restarted: Vec::new(), plan: plan.rows() };
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let mut answer = answer(&mut unit, id, first.plan).await?;
        answer.created = first.created;
        Ok(Done { answer, effects: unit.effects })
    }
}

/// Only the newest incarnation of a pipeline is restarted inside.
pub(super) fn older_pipeline(named: &PipelineRow, newest: &PipelineRow) -> EngineError {
    let words = format!(
        "{}@{} is an older incarnation of its pipeline, the newest is @{}: only that one is restarted inside",
        named.name, named.incarnation, newest.incarnation
    );
    let hint = format!("ktk restart pipeline/{}@{} --all begins anew from it", named.name, named.incarnation);
    EngineError::Refused(ApiError::conflict(words).with_hint(hint))
}

/// Of a dry run: the pipeline as lists show it. A manifest of 10,000 steps says nothing of the plan.
async fn planned<T: Tx>(
    unit: &mut Unit<'_, T>,
    id: Uuid,
    plan: Vec<PlanRow>,
) -> EngineResult<Restarted<Pipeline>> {
    let object = object::pipeline_summary(unit.shared, unit.pipeline(id).await?);
    Ok(Restarted { object, created: false, restarted: Vec::new(), plan })
}

async fn answer<T: Tx>(
    unit: &mut Unit<'_, T>,
    id: Uuid,
    plan: Vec<PlanRow>,
) -> EngineResult<Restarted<Pipeline>> {
    let rows = unit.tx.pipelines(&[id]).await?;
    if rows.is_empty() {
        return Err(ApiError::not_found("pipeline", &id.to_string()).into());
    }
    let object = object::pipelines(unit.tx, unit.shared, &rows).await?.remove(0);
    Ok(Restarted { object, created: false, restarted: Vec::new(), plan })
}
