//! Sending a patch of any kind of object: what `patch`, `label`, `annotate` and `edit` have in common.

use clap::Args;
use ktk_client::{
    Client, Error,
    api::patch::{Patch, PatchParams, Patched},
};
use serde::Serialize;
use serde_json::Value;

use super::{bulk::Chosen, completion, dry_run::DryRunFlag};
use crate::{
    context::Context,
    error::CliError,
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// Flags of all verbs that send patches.
#[derive(Args, Clone, Debug)]
pub(crate) struct AmendFlags {
    /// Only where the object still has this version
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true)]
    pub(crate) resource_version: Option<u64>,

    #[command(flatten)]
    pub(crate) dry_run: DryRunFlag,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    pub(crate) output: Option<String>,
}

impl AmendFlags {
    /// The format that was asked for.
    ///
    /// # Errors
    /// Code 2 for one that is none.
    pub(crate) fn format(&self) -> Result<OutputFormat, CliError> {
        OutputFormat::parse(self.output.as_deref(), CHANGE)
    }

    /// Says what was done to an object, where it is said to people.
    ///
    /// # Errors
    /// Where nobody reads any more.
    pub(crate) fn tell(&self, chosen: &Chosen, done: &str, cx: &Context) -> Result<(), CliError> {
        if self.format()? != OutputFormat::Human {
            return Ok(());
        }
        let dry = self.dry_run.read()?.suffix();
        cx.ui.println(&format!("{} {done}{dry}", escape(&chosen.named.label())))
    }
}

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
    Ok(ask(&client, named.kind, params).await?)
}

/// The same, asked of a client in the object's namespace.
///
/// # Errors
/// Whatever the server refuses it with.
pub(crate) async fn ask(client: &Client, kind: Kind, params: PatchParams) -> Result<Amended, Error> {
    match kind {
        Kind::Pipeline => amended(client.pipelines().patch_with(params).await),
        Kind::Queue => amended(client.queues().patch_with(params).await),
        Kind::Semaphore => amended(client.semaphores().patch_with(params).await),
        Kind::TaskType => amended(client.task_types().patch_with(params).await),
        Kind::Task => amended(client.tasks().patch_with(params).await),
        kind => Err(Error::Config(format!("{} cannot be changed", kind.plural()))),
    }
}

fn amended<T: Serialize>(answer: Result<Patched<T>, Error>) -> Result<Amended, Error> {
    let Patched { object, changed } = answer?;
    let object = serde_json::to_value(&object).map_err(|error| Error::Protocol(error.to_string()))?;
    Ok(Amended { object, changed })
}
