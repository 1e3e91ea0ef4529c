//! `restart.*`.

use std::sync::Arc;

use ktk_client::api::{
    ApiError,
    restart::{self, Wanted},
};

use super::{RouterBuilder, expressions, method};
use crate::{
    engine::{Engine, restart_many::PlanRestarts},
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    method!(router, engine, restart::Plan, |engine, caller, params| {
        engine.takes_work()?;
        let expressions: Vec<_> = params.restarts.iter().map(expressions).collect();
        let causes = expressions::causes_of_each(&engine.jq, &expressions).await?;
        let restarts = (params.restarts.into_iter().zip(causes))
            .map(|(wanted, causes)| match causes.is_empty() {
                true => Ok(wanted),
                false => Err(ApiError::invalid("the restart", causes)),
            })
            .collect();
        let plan = PlanRestarts::new(engine.ask(caller.by), restarts, &engine.types())?;
        Ok(engine.write_or_rehearse(plan, true).await?)
    })
}

/// The expressions that a restart brings.
fn expressions(wanted: &Wanted) -> Vec<(String, String)> {
    match wanted {
        Wanted::Task(params) => expressions::of_changes(&params.changes),
        _ => Vec::new(),
    }
}
