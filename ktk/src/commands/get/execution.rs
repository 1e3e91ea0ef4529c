//! `--execution`: what all began with.

use uuid::Uuid;

use crate::{
    context::Context,
    error::CliError,
    kinds::Kind,
    target::{self, Target},
};

/// The id of the pipeline or root task that is meant: that of a task's own execution where a task is named.
pub(super) async fn find(typed: &str, cx: &Context) -> Result<Uuid, CliError> {
    if let Ok(id) = Uuid::try_parse(typed) {
        return Ok(id);
    }
    let Target { kind, name } = target::parse_names("get", &[typed.to_owned()])?.remove(0);
    let (client, name) = (cx.client().await?, name.unwrap_or_default());
    let metadata = match kind {
        Kind::Pipeline => client.pipelines().get(name).await?.metadata,
        Kind::Task => client.tasks().get(name).await?.metadata,
        _ => return Err(CliError::usage(format!("--execution {typed}: name a pipeline or a task"))),
    };
    metadata
        .execution_id
        .ok_or_else(|| CliError::failed(format!("the server says nothing of {typed}'s execution")))
}
