//! `task.*`.

use std::{sync::Arc, time::Duration};

use ktk_client::api::{
    ApiError, ObjectRef, Task, check,
    restart::{Restarted, RestartedTask},
    table, task, why,
};

use super::{RouterBuilder, expressions, method};
use crate::{
    engine::{
        Engine,
        adopt::AdoptTask,
        amend_task::AmendTask,
        apply_task::ApplyTask,
        cancel::CancelTask,
        create_task::{CheckTask, CreateTask},
        delete::DeleteTask,
        hold::HoldTask,
        read,
        requests::Remembered,
        restart_task::RestartTask,
        table::TaskTable,
        why::TaskWhy,
    },
    store::Store,
};

/// How much longer than the grace period a forced restart is waited for.
const FORCE_MARGIN: Duration = Duration::from_secs(30);

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, task::Create, |engine, caller, params| {
        engine.takes_work()?;
        let causes = expressions::causes(&engine.jq, check::task_expressions(&params.object.spec)).await?;
        let is_dry_run = params.dry_run;
        let create = CreateTask::new(engine.ask(caller.by), params, engine.types(), causes)?;
        Ok(engine.write_or_rehearse(create, is_dry_run).await?)
    });
    let router = method!(router, engine, task::Apply, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<task::Apply>(&caller.by, &params)?;
        let causes = expressions::causes(&engine.jq, check::task_expressions(&params.object.spec)).await?;
        let apply = ApplyTask::new(engine.ask(caller.by), params, engine.types(), causes)?;
        Ok(engine.write_once_or_rehearse(request, apply, is_dry_run).await?)
    });
    let router = method!(router, engine, task::Check, |engine, caller, params| {
        let causes = expressions::causes(&engine.jq, check::task_expressions(&params.object.spec)).await?;
        let create = CreateTask::new(engine.ask(caller.by), params, engine.types(), causes)?;
        Ok(engine.read(CheckTask(create)).await?)
    });
    let router = method!(router, engine, task::Restart, |engine, caller, params| {
        engine.takes_work()?;
        let causes = expressions::causes(&engine.jq, expressions::of_changes(&params.changes)).await?;
        if !causes.is_empty() {
            return Err(ApiError::invalid("the restart", causes));
        }
        let (is_dry_run, is_forced) = (params.dry_run, params.force && !params.dry_run);
        let restart = RestartTask::new(engine.ask(caller.by), params, engine.types())?;
        let answer = engine.write_or_plan(restart, is_dry_run).await?;
        if is_forced && !answer.created { forced(&engine, answer).await } else { Ok(answer) }
    });
    let router = method!(router, engine, task::Adopt, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let adopt = AdoptTask::new(engine.ask(caller.by), params)?;
        Ok(engine.write_or_plan(adopt, is_dry_run).await?)
    });
    let router = method!(router, engine, task::Cancel, |engine, caller, params| {
        let request = Remembered::of::<task::Cancel>(&caller.by, &params)?;
        Ok(engine.write_once(request, CancelTask { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, task::Pause, |engine, caller, params| {
        let request = Remembered::of::<task::Pause>(&caller.by, &params)?;
        let hold = HoldTask { ask: engine.ask(caller.by), reference: params.reference, held: true };
        Ok(engine.write_once(request, hold).await?)
    });
    let router = method!(router, engine, task::Resume, |engine, caller, params| {
        let request = Remembered::of::<task::Resume>(&caller.by, &params)?;
        let hold = HoldTask { ask: engine.ask(caller.by), reference: params.reference, held: false };
        Ok(engine.write_once(request, hold).await?)
    });
    let router = method!(router, engine, task::Patch, |engine, caller, params| {
        let (request, is_dry_run) = (Remembered::of::<task::Patch>(&caller.by, &params)?, params.dry_run);
        let amend = AmendTask { ask: engine.ask(caller.by), params };
        Ok(engine.write_once_or_plan(request, amend, is_dry_run).await?)
    });
    let router = method!(router, engine, task::Delete, |engine, caller, params| {
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<task::Delete>(&caller.by, &params)?;
        let delete = DeleteTask { ask: engine.ask(caller.by), params };
        Ok(engine.write_once_or_plan(request, delete, is_dry_run).await?)
    });
    let router = method!(router, engine, task::Get, |engine, caller, reference| {
        Ok(engine.read(read::GetTask { ask: engine.ask(caller.by), reference }).await?)
    });
    let router = method!(router, engine, task::ListTasks, |engine, caller, params| {
        Ok(engine.read(read::ListTasks { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, table::TaskTable, |engine, caller, params| {
        Ok(engine.read(TaskTable { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, why::Why, |engine, caller, reference| {
        Ok(engine.read(TaskWhy { ask: engine.ask(caller.by), reference }).await?)
    });
    method!(router, engine, task::Tree, |engine, caller, reference| {
        Ok(engine.read(read::TaskTree { ask: engine.ask(caller.by), reference }).await?)
    })
}

/// A forced restart happens when what lives has ended: the call is held until then. Whoever
/// gives up waiting loses nothing, the wish is stored.
async fn forced<S: Store>(engine: &Engine<S>, asked: Restarted<Task>) -> Result<Restarted<Task>, ApiError> {
    let live = &asked.object.metadata;
    let reference = ObjectRef::new(live.namespace(), live.name());
    let incarnation = live.incarnation();
    let limit = asked.object.spec.grace_period() + FORCE_MARGIN;
    let mut versions = engine.hub.versions();
    let made = async {
        loop {
            versions.borrow_and_update();
            let newest =
                engine.read(read::GetTask { ask: engine.ask("ktk"), reference: reference.clone() }).await?;
            if newest.metadata.incarnation() > incarnation {
                return Ok::<Task, ApiError>(newest);
            }
            if versions.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    match tokio::time::timeout(limit, made).await {
        Ok(newest) => {
            let newest = newest?;
            let restarted = RestartedTask {
                id: newest.metadata.id.unwrap_or_default(),
                name: newest.metadata.name().to_owned(),
                incarnation: newest.metadata.incarnation(),
                parent_incarnation: incarnation,
            };
            Ok(Restarted { object: newest, created: true, restarted: vec![restarted], plan: asked.plan })
        }
        Err(_) => Ok(asked),
    }
}
