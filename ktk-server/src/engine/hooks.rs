//! Hooks: written down in the transaction in which something happens, called afterwards, forgotten once they have
//! been called. Who calls them is the server's to say.

use ktk_client::api::{
    event::Severity,
    hook::{HookSpec, Moment, Notice},
    meta::StringMap,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body,
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    limits,
    model::row::{HookRow, PipelineRow, TaskRow},
    store::{Operation, Tx},
};

/// What happened to a task that has hooks, as it was then.
pub(super) enum Happened {
    Task(Box<TaskRow>, Moment),
    Pipeline(Box<PipelineRow>, Moment),
}

/// All that calling a hook needs: the task may be gone by then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub hook: HookSpec,
    /// The environment of whoever created the task; the server's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<StringMap>,
    /// Where the task's process runs, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    pub notice: Notice,
}

impl Order {
    /// Reads a stored hook.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(row: &HookRow) -> EngineResult<Self> {
        body::from_text("a hook", &row.body)
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Something happened to a task: its hook, if it has one, is called after the commit.
    pub(super) fn happened(&mut self, id: Uuid, moment: Moment) -> EngineResult<()> {
        let row = self.task(id)?;
        if row.rare.has_hooks {
            let row = Box::new(row.clone());
            self.happened.push_back(Happened::Task(row, moment));
        }
        Ok(())
    }

    /// The same of a pipeline.
    pub(super) fn whole_happened(&mut self, row: &PipelineRow, moment: Moment) {
        if row.rare.has_hooks {
            self.happened.push_back(Happened::Pipeline(Box::new(row.clone()), moment));
        }
    }

    /// Writes down the hook of what happened.
    pub(super) async fn write_hook(&mut self, happened: Happened) -> EngineResult<()> {
        match happened {
            Happened::Task(row, moment) => self.write_task_hook(*row, moment).await,
            Happened::Pipeline(row, moment) => self.write_whole_hook(&row, moment).await,
        }
    }

    async fn write_whole_hook(&mut self, row: &PipelineRow, moment: Moment) -> EngineResult<()> {
        let body = match self.pipeline_body(row).await {
            Ok(body) => body,
            // It cannot be read: nobody knows what to call.
            Err(EngineError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(hook) = body.spec.hooks.as_ref().and_then(|hooks| hooks.at(moment)).cloned() else {
            return Ok(());
        };
        let id = self.shared.entropy.id(self.now);
        let notice = Notice {
            id,
            hook: moment.as_str().to_owned(),
            at: self.now,
            task: row.id,
            is_pipeline: true,
            name: row.name.clone(),
            namespace: row.namespace.clone(),
            incarnation: row.incarnation,
            execution: row.id,
            attempt: 0,
            phase: row.phase,
            // While its last steps end, what stops it is why.
            reason: row.reason.or(row.cancel.map(|stop| stop.reason)),
            message: row.message.clone(),
            exit_code: None,
        };
        let dir = body.spec.steps.iter().find_map(|step| step.run.as_ref()?.working_dir.clone());
        let order = Order { hook, env: body.header.caller_env, dir, notice };
        self.insert_hook(HookRow { id, task_id: row.id, moment, attempt: 0, body: body::to_text(&order)? })
            .await
    }

    async fn insert_hook(&mut self, row: HookRow) -> EngineResult<()> {
        self.tx.insert_hooks(&[row]).await?;
        self.effects.hooks = true;
        Ok(())
    }

    async fn write_task_hook(&mut self, row: TaskRow, moment: Moment) -> EngineResult<()> {
        let Some(body) = self.body(row.id).await? else { return Ok(()) };
        let Some(hook) = body.spec.hooks.as_ref().and_then(|hooks| hooks.at(moment)).cloned() else {
            return Ok(());
        };
        if moment == Moment::Keepalive && self.waits_to_be_called(&row).await? {
            return Ok(());
        }
        let env = match (body.caller_env, row.pipeline_id) {
            (None, Some(pipeline)) => self.shared.header(self.tx, pipeline).await?.caller_env.clone(),
            (env, _) => env,
        };
        let dir = body.spec.run.and_then(|run| run.working_dir);
        let id = self.shared.entropy.id(self.now);
        let order = Order { hook, env, dir, notice: self.notice(id, &row, moment) };
        let (task_id, attempt) = (row.id, row.attempt);
        self.insert_hook(HookRow { id, task_id, moment, attempt, body: body::to_text(&order)? }).await
    }

    /// A sign of life that nobody has been told of stands for this one too.
    async fn waits_to_be_called(&mut self, row: &TaskRow) -> EngineResult<bool> {
        let waiting = self.tx.hooks_of(row.id).await?;
        Ok(waiting.iter().any(|other| other.moment == Moment::Keepalive && other.attempt == row.attempt))
    }

    fn notice(&self, id: Uuid, row: &TaskRow, moment: Moment) -> Notice {
        Notice {
            id,
            hook: moment.as_str().to_owned(),
            at: self.now,
            task: row.id,
            is_pipeline: false,
            name: row.name.clone(),
            namespace: row.namespace.clone(),
            incarnation: row.incarnation,
            execution: row.execution_id,
            attempt: row.attempt,
            phase: row.phase,
            reason: row.reason,
            message: row.message.clone(),
            exit_code: row.exit_code,
        }
    }
}

/// The hooks that are to be called, the oldest first.
pub struct NextHooks;

impl Operation for NextHooks {
    type Output = Vec<HookRow>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Vec<HookRow>> {
        Ok(tx.hooks(limits::HOOK_WINDOW).await?)
    }
}

/// A hook has been called: it is forgotten, and its failure is an event.
pub struct SettleHook {
    pub ask: Ask,
    pub row: HookRow,
    pub failure: Option<String>,
}

impl Operation for SettleHook {
    type Output = Done<()>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        unit.tx.delete_hooks(&[self.row.id]).await?;
        unit.load(&[self.row.task_id]).await?;
        if let (Some(failure), Ok(task)) = (&self.failure, unit.task(self.row.task_id).cloned()) {
            let words = format!("{} of attempt {}: {failure}", self.row.moment.as_str(), self.row.attempt);
            unit.task_event(&task, Severity::Warning, "HookFailed", words);
        } else if let Some(failure) = &self.failure
            && let Some(pipeline) = unit.tx.pipelines(&[self.row.task_id]).await?.pop()
        {
            let words = format!("{}: {failure}", self.row.moment.as_str());
            unit.pipeline_event(&pipeline, Severity::Warning, "HookFailed", words);
        }
        unit.finish().await?;
        Ok(Done { answer: (), effects: unit.effects })
    }
}
