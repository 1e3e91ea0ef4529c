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
    plan::Plan,
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
pub(super) struct FirstAnswer {
    pub id: Uuid,
    #[serde(default)]
    pub created: bool,
    restarted: Vec<RestartedTask>,
    /// Absent in answers of the first servers.
    #[serde(default)]
    pub plan: Vec<PlanRow>,
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

/// What is to be done with what was named.
enum Choice {
    /// These tasks in it are restarted, by this plan.
    Inside { targets: Vec<TaskRow>, plan: Plan },
    /// It becomes the old incarnation of the whole.
    Whole { newest: Box<PipelineRow>, wish: WholeWish, plan: Plan },
    /// It was restarted already.
    Already,
}

impl Choice {
    fn rows(&self) -> Vec<PlanRow> {
        match self {
            Self::Inside { plan, .. } | Self::Whole { plan, .. } => plan.rows(),
            Self::Already => Vec::new(),
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
            return Ok(Done::quiet(first.again(&mut unit).await?));
        }
        if self.params.dry_run {
            let (id, choice) = self.choose(&mut unit).await?;
            return Ok(Done::quiet(planned(&mut unit, id, choice.rows()).await?));
        }
        let first = self.first(&mut unit).await?;
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let answer = first.again(&mut unit).await?;
        Ok(Done { answer, effects: unit.effects })
    }
}

impl RestartPipeline {
    /// Carries it out.
    pub(super) async fn first<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<FirstAnswer> {
        let (id, choice) = self.choose(unit).await?;
        let plan = choice.rows();
        match choice {
            Choice::Already => Ok(FirstAnswer { id, created: false, restarted: Vec::new(), plan }),
            Choice::Whole { newest, wish, .. } => {
                let id = self.carry_out_whole(unit, &newest, wish).await?;
                // The pipeline stands for its tasks: of thousands nobody wants to read.
                Ok(FirstAnswer { id, created: id != newest.id, restarted: Vec::new(), plan })
            }
            Choice::Inside { targets, plan: steps } => {
                let restarted = match targets.as_slice() {
                    [live] if !live.phase.is_terminal() => {
                        unit.force_restart(live, live, Wish::asked(&self.params, &self.ask.by)).await?
                    }
                    ended => {
                        let parents: Vec<Uuid> = ended.iter().map(|row| row.id).collect();
                        let because = RestartBody::asked(&self.params, &self.ask.by);
                        unit.carry_out(&steps, &parents, &because, self.params.cascade).await?
                    }
                };
                Ok(FirstAnswer { id, created: !restarted.is_empty(), restarted, plan })
            }
        }
    }

    async fn choose<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<(Uuid, Choice)> {
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
            return Ok((row.id, self.choose_whole(unit, row, &named).await?));
        }
        let targets = self.targets(unit, &row).await?;
        let plan = unit.plan(&targets, self.params.cascade).await?;
        let ended: Vec<TaskRow> = targets.iter().filter(|row| row.phase.is_terminal()).cloned().collect();
        unit.refuse_restart(&ended).await?;
        Ok((row.id, Choice::Inside { targets, plan }))
    }

    async fn choose_whole<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        newest: PipelineRow,
        named: &PipelineRow,
    ) -> EngineResult<Choice> {
        let wish = WholeWish {
            parent: (named.id != newest.id).then_some(named.id),
            reason: self.params.reason.clone(),
            by: self.ask.by.clone(),
            cascade: self.params.cascade,
            changes: self.params.changes.clone(),
        };
        if !newest.phase.is_terminal() && !self.params.force {
            let parent = (self.params.reference.name != named.name).then_some(named.id);
            unit.refuse_live_pipeline(&newest, parent, &wish).await?;
            return Ok(Choice::Already);
        }
        let plan = unit.plan_whole(&newest, named, &wish).await?;
        Ok(Choice::Whole { newest: Box::new(newest), wish, plan })
    }

    /// A new incarnation of the whole, at once or when what lives has ended; the id of the newest one then.
    async fn carry_out_whole<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        newest: &PipelineRow,
        wish: WholeWish,
    ) -> EngineResult<Uuid> {
        if newest.phase.is_terminal() {
            unit.restart_whole(newest, wish).await?;
        } else {
            unit.force_whole(newest.id, wish).await?;
            unit.settle().await?;
        }
        let now = unit.tx.pipeline_named(&newest.namespace, &newest.name).await?;
        Ok(now.map_or(newest.id, |row| row.id))
    }
}

impl FirstAnswer {
    /// The same answer, with the pipeline as it is now.
    async fn again<T: Tx>(self, unit: &mut Unit<'_, T>) -> EngineResult<Restarted<Pipeline>> {
        let mut answer = answer(unit, self.id, self.plan).await?;
        answer.created = self.created || !self.restarted.is_empty();
        answer.restarted = self.restarted;
        Ok(answer)
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
