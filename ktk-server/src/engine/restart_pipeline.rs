//! `pipeline.restart`: restarts, inside a pipeline, what failed or was cancelled.

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
    model::row::{PipelineRow, TaskRow},
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
        if let Some(field) = params.changes.keys().next() {
            let cause =
                format!("changes one task: name it (task/PIPELINE.STEP) instead of the pipeline ({field})");
            return Err(EngineError::invalid("the restart", "changes", cause));
        }
        if params.force && params.from_step.is_none() {
            let why = "of a pipeline goes with `from`: what failed in it is restarted also while others run";
            return Err(EngineError::invalid("the restart", "force", why));
        }
        let id = params.request_id.as_deref().filter(|_| !params.dry_run);
        let request = Remembered::new(Restart::NAME, id, &params)?;
        Ok(Self { ask, params, request })
    }

    async fn targets<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        pipeline: &PipelineRow,
    ) -> EngineResult<Vec<TaskRow>> {
        let tasks = unit.tasks_of(pipeline.id).await?;
        let Some(step) = &self.params.from_step else {
            let ended_badly = |row: &TaskRow| matches!(row.phase, Phase::Failed | Phase::Cancelled);
            return Ok(tasks.into_iter().filter(ended_badly).collect());
        };
        let found = tasks.into_iter().find(|row| row.step.as_ref() == Some(step));
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

    /// Refuses unless the newest incarnation is the one that is expected.
    fn check_newest(&self, row: &PipelineRow) -> EngineResult<()> {
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
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            let mut answer = answer(&mut unit, first.id, first.plan).await?;
            answer.created = !first.restarted.is_empty();
            answer.restarted = first.restarted;
            return Ok(Done::quiet(answer));
        }
        let row = resolve::pipeline(unit.tx, &self.params.reference).await?;
        if row.deleted_at.is_some() {
            return Err(EngineError::conflict(format!("pipeline {:?} is being deleted", row.name)));
        }
        self.check_newest(&row)?;
        let id = row.id;
        let targets = self.targets(&mut unit, &row).await?;
        let plan = unit.plan(&targets, self.params.cascade).await?;
        if self.params.dry_run {
            return Ok(Done::quiet(answer(&mut unit, id, plan.rows()).await?));
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
        let first = FirstAnswer { id, restarted, plan: plan.rows() };
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let mut answer = answer(&mut unit, id, first.plan).await?;
        answer.created = !first.restarted.is_empty();
        answer.restarted = first.restarted;
        Ok(Done { answer, effects: unit.effects })
    }
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
