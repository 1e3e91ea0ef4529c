//! `task.complete`, `task.fail`, `task.keepalive`, `task.progress`: what is said of an attempt while it runs.

use ktk_client::api::{
    ApiError, Cause, ErrorReason, Method, ObjectRef, Phase, Reason, Task,
    attempt::{Complete, CompleteParams, Fail, FailParams, KeepaliveParams, ProgressParams},
    event::Severity,
    hook::Moment,
    task::TaskProgress,
    worker::Outcome,
};
use uuid::Uuid;

use super::{
    create_task::FirstAnswer,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done, Scope},
    requests::Remembered,
    resolve,
    unit::Unit,
};
use crate::{
    limits,
    model::row::TaskRow,
    store::{Operation, Tx},
};

/// How an external task ended, as somebody says.
pub struct EndExternal {
    ask: Ask,
    reference: ObjectRef,
    attempt: Option<u32>,
    outcome: Outcome,
    asks_for_retry: bool,
    request: Option<Remembered>,
}

impl EndExternal {
    /// It has done its work.
    ///
    /// # Errors
    /// `Invalid` for a request id that is none, `TooLarge` for outputs over the limit.
    pub fn complete(ask: Ask, params: CompleteParams) -> EngineResult<Self> {
        let request = Remembered::new(&ask, Complete::NAME, params.request_id.as_deref(), &params)?;
        if let Some(outputs) = &params.outputs {
            let (text, _) = object::output_digest(outputs)?;
            if text.len() > limits::VALUES_BYTES {
                let words =
                    format!("the outputs have {} bytes, the limit is {}", text.len(), limits::VALUES_BYTES);
                return Err(ApiError::new(ErrorReason::TooLarge, words).into());
            }
        }
        let outcome = Outcome { outputs: params.outputs, ..Outcome::default() };
        let (reference, attempt) = (params.reference, params.attempt);
        Ok(Self { ask, reference, attempt, outcome, asks_for_retry: false, request })
    }

    /// It could not do its work.
    ///
    /// # Errors
    /// `Invalid` for a request id that is none.
    pub fn fail(ask: Ask, params: FailParams) -> EngineResult<Self> {
        let request = Remembered::new(&ask, Fail::NAME, params.request_id.as_deref(), &params)?;
        let message = Some(params.message.unwrap_or_else(|| format!("reported by {}", ask.by)));
        let outcome = Outcome { reason: Some(Reason::Reported), message, ..Outcome::default() };
        let (reference, attempt) = (params.reference, params.attempt);
        Ok(Self { ask, reference, attempt, outcome, asks_for_retry: params.retry, request })
    }
}

impl Operation for EndExternal {
    type Output = Done<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        self.ask.enter(&self.reference.namespace)?;
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            return answer(unit, first.id, None).await;
        }
        let row = resolve::task(&self.ask, unit.tx, &self.reference).await?.row;
        if !row.is_external() {
            let words = format!("task {:?} is not external: its end is its own to say", row.name);
            return Err(EngineError::conflict(words));
        }
        check_runs(&row, self.attempt)?;
        // With the deletion that waits for it, it may go in this very transaction.
        let going = match unit.is_going(&row).await? {
            true => Some(object::task(unit.tx, unit.shared, &row).await?),
            false => None,
        };
        let id = unit.adopt(row.clone());
        let words = match self.outcome.reason {
            None => format!("attempt {} was completed", row.attempt),
            Some(_) => format!("attempt {} was said to have failed", row.attempt),
        };
        unit.task_event(&row, Severity::Normal, "Reported", words);
        unit.end_attempt_asking(&row, self.outcome.clone(), self.asks_for_retry).await?;
        unit.remember(self.request.as_ref(), &FirstAnswer { id, created: false }).await?;
        answer(unit, id, going).await
    }
}

/// `task.keepalive`.
pub struct KeepAlive {
    pub ask: Ask,
    pub params: KeepaliveParams,
}

impl Operation for KeepAlive {
    type Output = Done<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let id = unit.spoken_of(&self.ask, self.params.reference.as_ref(), self.params.attempt).await?;
        let now = unit.now;
        let mut row = unit.task(id)?.clone();
        if row.is_alive_at(now) {
            *unit.task_mut(id)? = row;
        }
        unit.happened(id, Moment::Keepalive)?;
        answer(unit, id, None).await
    }
}

/// `task.progress`.
pub struct TellProgress {
    ask: Ask,
    params: ProgressParams,
}

impl TellProgress {
    /// Checks the number and the words.
    ///
    /// # Errors
    /// `Invalid` with all causes.
    pub fn new(ask: Ask, params: ProgressParams) -> EngineResult<Self> {
        let mut causes = Vec::new();
        if !(0.0..=100.0).contains(&params.percent) {
            causes.push(Cause::new("percent", "must be a number from 0 to 100"));
        }
        let length = params.message.as_ref().map_or(0, String::len);
        if length > limits::PROGRESS_BYTES {
            let words = format!("has {length} bytes, the limit is {}", limits::PROGRESS_BYTES);
            causes.push(Cause::new("message", words));
        }
        match causes.is_empty() {
            true => Ok(Self { ask, params }),
            false => Err(ApiError::invalid("the progress", causes).into()),
        }
    }
}

impl Operation for TellProgress {
    type Output = Done<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let params = &self.params;
        let id = unit.spoken_of(&self.ask, params.reference.as_ref(), params.attempt).await?;
        let (percent, message, at) = (params.percent, params.message.clone(), unit.now);
        unit.task_mut(id)?.rare.progress = Some(TaskProgress { percent, message, at });
        answer(unit, id, None).await
    }
}

impl<T: Tx> Unit<'_, T> {
    /// The task of whose running attempt something is said.
    async fn spoken_of(
        &mut self,
        ask: &Ask,
        reference: Option<&ObjectRef>,
        attempt: Option<u32>,
    ) -> EngineResult<Uuid> {
        let row = match (reference, &ask.scope) {
            (Some(reference), _) => resolve::task(ask, self.tx, reference).await?.row,
            (None, Some(scope)) => {
                self.load(&[scope.task]).await?;
                // It may have ended, and been deleted, since its token was looked at.
                let gone = || {
                    let words = format!("attempt {} is over: its task has been deleted", scope.attempt);
                    ApiError::new(ErrorReason::Fenced, words)
                };
                self.task(scope.task).cloned().map_err(|_| gone())?
            }
            (None, None) => {
                let words = "must name a task: only an attempt, with its own token, may leave it out";
                return Err(EngineError::invalid("the request", "ref", words));
            }
        };
        if let Some(scope) = ask.scope.as_ref().filter(|scope| scope.task != row.id) {
            let words = format!("attempt {} speaks for itself, not for task {:?}", scope.attempt, row.name);
            return Err(ApiError::new(ErrorReason::Forbidden, words).into());
        }
        check_runs(&row, attempt.or(ask.scope.as_ref().map(|scope| scope.attempt)))?;
        Ok(self.adopt(row))
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Refuses what is asked by an attempt that has ended since its token was looked at.
    pub(super) async fn refuse_unless_it_runs(&mut self, scope: &Scope) -> EngineResult<()> {
        let row = self.tx.tasks(&[scope.task]).await?.pop();
        if row.is_some_and(|row| row.phase == Phase::Running && row.attempt == scope.attempt) {
            return Ok(());
        }
        let words = format!("attempt {} is over: it makes nothing any more", scope.attempt);
        Err(ApiError::new(ErrorReason::Fenced, words).into())
    }
}

/// Nothing is taken down of an attempt that is not the one that runs.
fn check_runs(row: &TaskRow, attempt: Option<u32>) -> EngineResult<()> {
    if let Some(attempt) = attempt.filter(|attempt| *attempt != row.attempt) {
        let words =
            format!("attempt {attempt} of task {:?} is over: the newest is {}", row.name, row.attempt);
        return Err(ApiError::new(ErrorReason::Fenced, words).into());
    }
    match row.phase {
        Phase::Running if row.stop.is_some() => {
            Err(EngineError::conflict(format!("task {:?} is being stopped", row.name)))
        }
        Phase::Running => Ok(()),
        phase => Err(EngineError::conflict(format!("task {:?} does not run: it is {phase}", row.name))),
    }
}

/// Writes everything, and answers with the task as it then is.
async fn answer<T: Tx>(mut unit: Unit<'_, T>, id: Uuid, going: Option<Task>) -> EngineResult<Done<Task>> {
    unit.finish().await?;
    unit.load(&[id]).await?;
    let task = match (unit.task(id).cloned(), going) {
        (Ok(row), _) => object::task(unit.tx, unit.shared, &row).await?,
        (Err(_), Some(gone)) => gone,
        (Err(_), None) => {
            return Err(ApiError::new(ErrorReason::NotFound, "the task has been deleted").into());
        }
    };
    Ok(Done { answer: task, effects: unit.effects })
}
