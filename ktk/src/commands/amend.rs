//! Sending a patch of any kind of object: what `patch`, `label`, `annotate` and `edit` have in common.

use ktk_client::{
    Client, Error,
    api::patch::{Patch, PatchParams, Patched},
};
use serde::Serialize;
use serde_json::Value;

use super::{bulk::Chosen, made};
use crate::{error::CliError, kinds::Kind};

/// An object as a patch has left it.
pub(crate) struct Amended {
    /// The object.
    pub(crate) object: Value,
    /// Whether anything changed.
    pub(crate) changed: bool,
}

/// Changes an object; with a version only where it still has that one.
///
/// # Errors
/// Whatever the server refuses it with.
pub(crate) async fn send(
    client: &Client,
    chosen: &Chosen,
    patch: Patch,
    version: Option<u64>,
    dry_run: bool,
) -> Result<Amended, CliError> {
    let client = client.in_namespace(&*chosen.namespace);
    let named = &chosen.named;
    let reference = client.tasks().reference(&named.name);
    let params = PatchParams { version, dry_run, ..PatchParams::new(reference, patch) };
    match named.kind {
        Kind::Pipeline => amended(client.pipelines().patch_with(params).await),
        Kind::Queue => amended(client.queues().patch_with(params).await),
        Kind::Semaphore => amended(client.semaphores().patch_with(params).await),
        Kind::TaskType => amended(client.task_types().patch_with(params).await),
        Kind::Task => amended(client.tasks().patch_with(params).await),
        kind => Err(CliError::usage(format!("{} cannot be changed", kind.plural()))),
    }
}

fn amended<T: Serialize>(answer: Result<Patched<T>, Error>) -> Result<Amended, CliError> {
    let Patched { object, changed } = answer?;
    Ok(Amended { object: made::value(&object)?, changed })
}
