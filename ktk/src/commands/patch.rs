//! `ktk patch`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};
use ktk_client::{api::patch::Patch, config::text_of};
use serde_json::Value;

use super::{
    amend::{self, AmendFlags},
    bulk::Chosen,
    completion,
    made::Made,
    missing,
    selection::{self, Asked, ChoiceFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// Change fields of objects that exist
///
/// Labels and annotations of anything; of a task that is pending also priority, queue, hold and runAfter; of a queue
/// and a semaphore their spec. What a task does is changed by `ktk restart NAME --set FIELD=VALUE`, which makes
/// another incarnation.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("what").required(true),
    after_help = "\
Examples:
  # Members of the object that change; null takes one away
  ktk patch task build-web -p '{\"spec\": {\"priority\": 10}}'

  # The same in YAML, from a file
  ktk patch task/build-web --patch-file change.yaml

  # Operations one after the other, all or none
  ktk patch queue batch --type json -p '[{\"op\": \"replace\", \"path\": \"/spec/maxRunning\", \"value\": 4}]'

  # What would come of it
  ktk patch semaphore gpu -p '{\"spec\": {\"permits\": 8}}' --dry-run -o yaml"
)]
pub(crate) struct PatchArgs {
    /// What to change
    #[arg(value_name = "TYPE[/]NAME", required = true, add = completion::targets("patch"))]
    words: Vec<String>,

    /// The patch, as JSON or YAML
    #[arg(short, long, value_name = "PATCH", group = "what")]
    patch: Option<String>,

    /// A file with the patch
    #[arg(long, value_name = "FILE", group = "what", value_hint = ValueHint::FilePath)]
    patch_file: Option<PathBuf>,

    /// How the patch is written: merge (the members that change) or json (operations, RFC 6902)
    #[arg(long = "type", value_name = "TYPE", default_value = "merge")]
    form: String,

    #[command(flatten)]
    flags: AmendFlags,
}

pub(crate) async fn run(args: PatchArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = args.flags.format()?;
    let is_dry_run = args.flags.dry_run.read()?.is_dry();
    let patch = read(&args)?;
    let names = match selection::read(&args.words, &ChoiceFlags::default(), "patch", false)? {
        Asked::Named(names) => names,
        Asked::Chosen(_) => return Err(CliError::usage("name what to patch, as TYPE/NAME")),
    };
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut errors = Vec::new();
    for named in names {
        let chosen = Chosen::named(named, cx);
        match amend::send(client, &chosen, patch.clone(), args.flags.resource_version, is_dry_run).await {
            Ok(amended) => {
                let done = if amended.changed { "patched" } else { "patched (no change)" };
                args.flags.tell(&chosen, done, cx)?;
                made.add(amended.object, None);
            }
            Err(error) if error.exit() == Exit::Unreachable => return Err(error),
            Err(error) => errors.push(missing::explain(client, "patch", &chosen.named, error).await),
        }
    }
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn read(args: &PatchArgs) -> Result<Patch, CliError> {
    let text = match (&args.patch, &args.patch_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => text_of(path)
            .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))?,
        (None, None) => return Err(CliError::usage("must specify --patch or --patch-file")),
    };
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| {
        CliError::usage(format!("the patch is neither JSON nor YAML: {}", first_line(&error.to_string())))
    })?;
    match (&*args.form, value) {
        ("merge", value @ Value::Object(_)) => Ok(Patch::Merge(value)),
        ("merge", _) => Err(CliError::usage("a merge patch is an object: the members that change")
            .with_hint("a list of operations goes with --type json")),
        ("json", Value::Array(operations)) => Ok(Patch::Json(operations)),
        ("json", _) => Err(CliError::usage("a JSON patch is a list of operations")
            .with_hint("members that change go with --type merge")),
        ("strategic", _) => Err(CliError::usage("--type must be one of [json merge], not \"strategic\"")
            .with_hint("merge is the default, for every type")),
        (other, _) => Err(CliError::usage(format!("--type must be one of [json merge], not {other:?}"))),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
