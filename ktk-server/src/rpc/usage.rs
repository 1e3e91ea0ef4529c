//! `task.usage`: tasks as `task.list` has them, with what their attempts take where this machine runs them.

use std::{pin::Pin, sync::Arc};

use ktk_client::api::{
    ApiError, DEFAULT_QUEUE, List, ListParams, Task,
    usage::{Measured, TaskUsage, Usage},
};
use uuid::Uuid;

use super::{Caller, RouterBuilder};
use crate::{
    engine::{Engine, read},
    store::Store,
};

/// An attempt by its task and its number.
pub type AttemptKey = (Uuid, u32);

/// Measures attempts, in their order; nothing of those that it does not know.
pub type Meter =
    Arc<dyn Fn(Vec<AttemptKey>) -> Pin<Box<dyn Future<Output = Vec<Option<Measured>>> + Send>> + Send + Sync>;

/// A meter of a server that runs nothing.
pub fn no_meter() -> Meter {
    Arc::new(|attempts| Box::pin(async move { vec![None; attempts.len()] }))
}

/// Registers the method.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>, meter: &Meter) -> RouterBuilder {
    let (engine, meter) = (Arc::clone(engine), Arc::clone(meter));
    router.method::<Usage, _, _>(move |caller, params| {
        let (engine, meter) = (Arc::clone(&engine), Arc::clone(&meter));
        async move { usage(&engine, &meter, caller, params).await }
    })
}

async fn usage<S: Store>(
    engine: &Engine<S>,
    meter: &Meter,
    caller: Caller,
    params: ListParams,
) -> Result<List<TaskUsage>, ApiError> {
    let asked = params.field_selector.iter().map(String::as_str).chain(["status.phase=Running"]);
    let field_selector = Some(asked.collect::<Vec<_>>().join(","));
    let params = ListParams { field_selector, summary: false, ..params };
    let page = engine.read(read::ListTasks { ask: engine.ask(caller.by), params }).await?;
    let mut items: Vec<TaskUsage> = page.items.into_iter().map(unmeasured).collect();
    let keys = items.iter().map(|item| (item.metadata.id.unwrap_or_default(), item.attempt)).collect();
    for (item, measured) in items.iter_mut().zip(meter(keys).await) {
        item.usage = measured;
    }
    let (api_version, kind, version) = (page.api_version, page.kind, page.version);
    Ok(List { api_version, kind, version, continue_from: page.continue_from, items })
}

fn unmeasured(task: Task) -> TaskUsage {
    let status = task.status.as_ref();
    TaskUsage {
        queue: task.spec.queue.unwrap_or_else(|| DEFAULT_QUEUE.to_owned()),
        node: status.and_then(|status| status.node.clone()),
        attempt: status.map_or(0, |status| status.attempt),
        started_at: status.and_then(|status| status.started_at),
        metadata: task.metadata,
        usage: None,
    }
}
