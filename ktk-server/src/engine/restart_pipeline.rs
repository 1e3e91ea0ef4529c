//! `pipeline.restart`: restarts, inside a pipeline, what failed or was cancelled.

use ktk_client::api::{
    ApiError, ErrorReason, Method, Phase, Pipeline,
    pipeline::Restart,
    restart::{RestartParams, Restarted, RestartedTask},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body::RestartBody,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    plan::Plan,
    requests::Remembered,
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
}

impl RestartPipeline {
    /// Prepares the operation.
    ///
    /// # Errors
    /// `Invalid` for an unusable request id.
    pub fn new(ask: Ask, params: RestartParams) -> EngineResult<Self> {
        if let Some(field) = params.changes.keys().next() {
            let cause =
                format!("changes one task: name it (task/PIPELINE.STEP) instead of the pipeline ({field})");
            return Err(EngineError::invalid("the restart", "changes", cause));
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
        if row.phase.is_terminal() {
            return Ok(vec![row]);
        }
        let words = format!("step {step:?} has not ended ({})", row.phase);
        Err(EngineError::Refused(ApiError::conflict(words).with_hint("wait for it, or cancel it first")))
    }
}

impl Operation for RestartPipeline {
    type Output = Done<Restarted<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            let mut answer = answer(&mut unit, first.id, Plan::default()).await?;
            answer.created = !first.restarted.is_empty();
            answer.restarted = first.restarted;
            return Ok(Done::quiet(answer));
        }
        let row = resolve::pipeline(unit.tx, &self.params.reference).await?;
        if row.deleted_at.is_some() {
            return Err(EngineError::conflict(format!("pipeline {:?} is being deleted", row.name)));
        }
        let id = row.id;
        let targets = self.targets(&mut unit, &row).await?;
        let plan = unit.plan(&targets, self.params.cascade).await?;
        if self.params.dry_run {
            return Ok(Done::quiet(answer(&mut unit, id, plan).await?));
        }
        let parents: Vec<Uuid> = targets.iter().map(|row| row.id).collect();
        let because = RestartBody {
            reason: self.params.reason.clone(),
            changes: Default::default(),
            by: Some(self.ask.by.clone()),
        };
        let restarted = unit.carry_out(&plan, &parents, &because, self.params.cascade).await?;
        let first = FirstAnswer { id, restarted };
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let mut answer = answer(&mut unit, id, plan).await?;
        answer.created = !first.restarted.is_empty();
        answer.restarted = first.restarted;
        Ok(Done { answer, effects: unit.effects })
    }
}

async fn answer<T: Tx>(unit: &mut Unit<'_, T>, id: Uuid, plan: Plan) -> EngineResult<Restarted<Pipeline>> {
    let rows = unit.tx.pipelines(&[id]).await?;
    if rows.is_empty() {
        return Err(ApiError::not_found("pipeline", &id.to_string()).into());
    }
    let object = object::pipelines(unit.tx, unit.shared, &rows).await?.remove(0);
    Ok(Restarted { object, created: false, restarted: Vec::new(), plan: plan.rows() })
}
