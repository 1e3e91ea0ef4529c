//! `restart.plan`: what many restarts do, one after the other. They are carried out in one transaction that is taken
//! back, so that each sees those before it.

use ktk_client::api::{
    ApiError, ErrorReason, ObjectRef, Phase,
    restart::{AdoptParams, MAX_PLANNED, PlanRow, Planned, Plans, RestartParams, Wanted},
    worker::Outcome,
};
use uuid::Uuid;

use super::{
    adopt::AdoptTask,
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    restart_pipeline::RestartPipeline,
    restart_task::RestartTask,
    unit::Unit,
};
use crate::{
    limits,
    model::row::TaskRow,
    mutants,
    store::{Operation, Tx},
};

/// Plans many restarts: to be rehearsed, never written.
pub struct PlanRestarts {
    ask: Ask,
    restarts: Vec<Result<Restart, ApiError>>,
    /// Of all plans together: it holds the writer for as long as there is something to plan.
    pub most_rows: usize,
}

/// One of them.
struct Restart {
    namespace: String,
    operation: Verb,
    /// Whether it cancels what lives.
    is_forced: bool,
    /// A step of the pipeline, where it is about one.
    step: Option<String>,
}

enum Verb {
    Task(RestartTask),
    Pipeline(RestartPipeline),
    Adopt(AdoptTask),
}

impl PlanRestarts {
    /// Prepares the operation. One that was refused before it came here, or makes no sense, stands for itself.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn new(ask: Ask, wanted: Vec<Result<Wanted, ApiError>>, types: &[String]) -> EngineResult<Self> {
        if wanted.len() > MAX_PLANNED {
            let words = format!("{} restarts, the limit of one plan is {MAX_PLANNED}", wanted.len());
            let error = ApiError::new(ErrorReason::TooLarge, words);
            return Err(error.with_hint("plan them in parts").into());
        }
        let restart = |wanted: Result<Wanted, ApiError>| Ok(Restart::new(&ask, wanted?, types)?);
        let restarts = wanted.into_iter().map(restart).collect();
        Ok(Self { ask, restarts, most_rows: limits::PLAN_ROWS })
    }
}

impl Restart {
    /// The rehearsal is the dry run: in it all is carried out, and nothing of it is remembered.
    fn new(ask: &Ask, wanted: Wanted, types: &[String]) -> EngineResult<Self> {
        let ask = ask.clone();
        let anew = |params| RestartParams { dry_run: false, request_id: None, ..params };
        let of = |reference: &ObjectRef, is_forced, step, operation| {
            let namespace = reference.namespace.clone();
            Self { namespace, operation, is_forced, step }
        };
        match wanted {
            Wanted::Task(params) => {
                let (reference, is_forced) = (params.reference.clone(), params.force);
                let operation = RestartTask::new(ask, anew(params), types.to_vec())?;
                Ok(of(&reference, is_forced, None, Verb::Task(operation)))
            }
            Wanted::Pipeline(params) => {
                let (reference, is_forced) = (params.reference.clone(), params.force);
                let step = params.from_step.clone();
                let operation = RestartPipeline::new(ask, anew(params))?;
                Ok(of(&reference, is_forced, step, Verb::Pipeline(operation)))
            }
            Wanted::Adopt(params) => {
                let reference = params.reference.clone();
                let params = AdoptParams { dry_run: false, request_id: None, ..params };
                Ok(of(&reference, false, None, Verb::Adopt(AdoptTask::new(ask, params)?)))
            }
            _ => Err(EngineError::invalid("the plan", "restarts", "is nothing that this server plans")),
        }
    }
}

impl Operation for PlanRestarts {
    type Output = Done<Plans>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut plans = Vec::with_capacity(self.restarts.len());
        let mut rows = 0;
        for restart in &self.restarts {
            let planned = match restart {
                Ok(restart) => self.rehearse(tx, restart).await?,
                Err(refused) => Planned::Refused(refused.clone()),
            };
            if let Planned::Plan(plan) = &planned {
                rows += plan.len();
            }
            if rows > self.most_rows {
                let words = format!("these plans have more than {} rows together", self.most_rows);
                let hint =
                    "plan fewer at once; of a pipeline all that failed has one plan: restart pipeline/NAME";
                return Err(ApiError::new(ErrorReason::TooLarge, words).with_hint(hint).into());
            }
            plans.push(planned);
        }
        Ok(Done::quiet(Plans { plans }))
    }
}

impl PlanRestarts {
    /// Carries one out. What a refused one had written by then is taken back, as its own transaction would have been:
    /// the next one does not see half of it.
    async fn rehearse<T: Tx>(&self, tx: &mut T, restart: &Restart) -> EngineResult<Planned> {
        tx.begin_part().await?;
        let planned = match self.carry_out(tx, restart).await {
            Ok(plan) => Planned::Plan(plan),
            // Nothing can be said of those after it any more.
            Err(error @ (EngineError::Store(_) | EngineError::Rehearsed(_))) => return Err(error),
            Err(error @ (EngineError::Refused(_) | EngineError::Bug(_))) => Planned::Refused(error.into()),
        };
        let stays = matches!(planned, Planned::Plan(_));
        tx.end_part(stays && !mutants::lives("M46") || mutants::lives("M47")).await?;
        Ok(planned)
    }

    async fn carry_out<T: Tx>(&self, tx: &mut T, restart: &Restart) -> EngineResult<Vec<PlanRow>> {
        self.ask.enter(&restart.namespace)?;
        let mut unit = self.ask.unit(tx);
        let (id, created, plan) = match &restart.operation {
            Verb::Task(operation) => {
                let first = operation.first(&mut unit).await?;
                (first.id, first.created, first.plan)
            }
            Verb::Pipeline(operation) => {
                let first = operation.first(&mut unit).await?;
                (first.id, first.created, first.plan)
            }
            Verb::Adopt(operation) => {
                let first = operation.first(&mut unit).await?;
                (first.id, first.created, first.plan)
            }
        };
        unit.finish().await?;
        if restart.is_forced && !created {
            // What `force` cancels ends before the next one is asked for, and is restarted then.
            let mut unit = self.ask.unit(tx);
            let rows = match &restart.operation {
                Verb::Pipeline(_) => unit.attempts_within(id, restart.step.as_deref()).await?,
                Verb::Task(_) | Verb::Adopt(_) => unit.attempts_of(id).await?,
            };
            unit.end_stopped(&rows).await?;
            unit.finish().await?;
        }
        Ok(plan)
    }
}

impl<T: Tx> Unit<'_, T> {
    /// What may run of a task: itself, or its items.
    async fn attempts_of(&mut self, id: Uuid) -> EngineResult<Vec<TaskRow>> {
        self.load(&[id]).await?;
        let row = self.task(id)?.clone();
        if row.is_for_each() { self.items_of(row.context_id).await } else { Ok(vec![row]) }
    }

    /// The same of a pipeline, or of a step of it.
    async fn attempts_within(&mut self, id: Uuid, step: Option<&str>) -> EngineResult<Vec<TaskRow>> {
        let mut rows = self.tasks_of(id).await?;
        rows.retain(|row| step.is_none_or(|step| row.step.as_deref() == Some(step)));
        Ok(rows)
    }

    /// Ends attempts that were told to stop, as whoever runs them will.
    async fn end_stopped(&mut self, rows: &[TaskRow]) -> EngineResult<()> {
        let stops = |row: &&TaskRow| row.phase == Phase::Running && row.stop.is_some() && !row.is_for_each();
        for row in rows.iter().filter(stops) {
            self.end_attempt(row, Outcome::default()).await?;
        }
        Ok(())
    }
}
