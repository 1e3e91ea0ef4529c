//! `ktk run -f FILE`.

use std::{collections::BTreeMap, path::PathBuf};

use ktk_client::{
    Client, Error,
    api::{Phase, Pipeline, Task, id::two_words, list::Created, pipeline::CreateParams},
    manifest::{Document, Manifest},
};
use serde_json::Value;

use super::{RunArgs, attach_pipeline, attach_task, exit, params, report::Report};
use crate::{
    clock,
    commands::{
        interrupts::Interrupts,
        made::{self, Made},
        manifests::{self, FileFlags},
    },
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// How often another name is tried for a task.
const NAME_TRIES: u64 = 8;

pub(super) async fn run(
    file: PathBuf,
    args: RunArgs,
    client: &Client,
    cx: &Context,
) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    if !args.task.is_empty() {
        let error = CliError::usage("flags that describe a task do not go with -f");
        return Err(error.with_hint("write them into the manifest"));
    }
    let params = params::parse(&args.params).map_err(CliError::usage)?;
    let document = document(file, args.name.clone(), cx).await?;
    match &document.value {
        Manifest::Task(task) => {
            if let Some(param) = params.keys().next() {
                return Err(CliError::usage(format!("-p {param}: a Task has no parameters")));
            }
            run_task(task, &document, &args, format, client, cx).await
        }
        Manifest::Pipeline(pipeline) => {
            params::check_known(&params, &pipeline.spec.params, pipeline.metadata.name())
                .map_err(CliError::usage)?;
            run_pipeline(pipeline, params, &document, &args, format, client, cx).await
        }
        other => {
            let error = CliError::usage(format!("a {} cannot be run: it is no work", other.kind()));
            Err(error.with_hint("ktk create -f makes it"))
        }
    }
}

/// The one object of a manifest, completed.
async fn document(file: PathBuf, name: Option<String>, cx: &Context) -> Result<Document, CliError> {
    let base = cx.base()?;
    let mut documents = manifests::read(&FileFlags::of(vec![file.clone()], false), "run", cx).await?;
    manifests::complete(&mut documents, base.as_deref(), cx)?;
    let count = documents.len();
    let Some(mut document) = documents.pop().filter(|_| count == 1) else {
        let error = CliError::usage(format!("{} has {count} objects, and run takes one", file.display()));
        return Err(error.with_hint("ktk create -f takes several"));
    };
    if let Some(name) = name {
        let metadata = document.value.metadata_mut();
        metadata.name = Some(name);
        metadata.generate_name = None;
    }
    Ok(document)
}

async fn run_task(
    task: &Task,
    document: &Document,
    args: &RunArgs,
    format: OutputFormat,
    client: &Client,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut interrupts = Interrupts::listen()?;
    let created = interrupts.before_next(create_task(task, client), "tasks").await?;
    let created = created.map_err(|error| manifests::refused(error, "creating", document))?;
    let name = created.object.metadata.name();
    say_name("task", task.metadata.name.as_deref(), name, created.created, cx);
    if args.detach {
        return detached(&format!("task/{name}"), made::value(&created.object)?, created.created, format, cx);
    }
    Ok(match attach_task::follow(&created.object, format, client, &mut interrupts, cx).await? {
        attach_task::Ended::Task(status) => {
            attach_task::say_failure(name, &status, interrupts.has_come(), cx);
            match status.phase {
                Phase::Cancelled if interrupts.has_come() => Exit::Interrupted,
                phase => exit::of_phase(phase),
            }
        }
        attach_task::Ended::Left(exit) => exit,
    })
}

/// Creates a task; where its name is taken, one of the same name and two words.
async fn create_task(task: &Task, client: &Client) -> Result<Created<Task>, Error> {
    let first = client.tasks().create(task).await;
    let (Some(name), Err(error)) = (&task.metadata.name, &first) else { return first };
    if !error.is_already_exists() {
        return first;
    }
    let seed = clock::now().as_nanosecond().unsigned_abs() as u64;
    let mut last = first;
    for head in heads(seed).take(NAME_TRIES as usize) {
        let mut renamed = task.clone();
        renamed.metadata.name = Some(format!("{name}-{}", two_words(head)));
        last = client.tasks().create(&renamed).await;
        if !matches!(&last, Err(error) if error.is_already_exists()) {
            break;
        }
    }
    last
}

/// Numbers that differ in all their bits, as words are drawn from them.
fn heads(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |count: u64| {
        let mixed = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

async fn run_pipeline(
    pipeline: &Pipeline,
    params: BTreeMap<String, Value>,
    document: &Document,
    args: &RunArgs,
    format: OutputFormat,
    client: &Client,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut interrupts = Interrupts::listen()?;
    let pipelines = client.pipelines();
    let creating = pipelines.create_with(CreateParams {
        object: pipeline.clone(),
        params,
        request_id: None,
        caller_env: Some(ktk_client::env::caller_env()),
        new_name_if_taken: true,
        dry_run: false,
    });
    let created = interrupts.before_next(creating, "pipelines").await?;
    let created = created.map_err(|error| manifests::refused(error, "creating", document))?;
    let name = created.object.metadata.name();
    say_name("pipeline", pipeline.metadata.name.as_deref(), name, created.created, cx);
    if args.detach {
        return detached(
            &format!("pipeline/{name}"),
            made::value(&created.object)?,
            created.created,
            format,
            cx,
        );
    }
    match attach_pipeline::follow(&created.object, client, &mut interrupts, cx).await? {
        attach_pipeline::Ended::Left(exit) => Ok(exit),
        attach_pipeline::Ended::Pipeline(end) => {
            Report { format, logs: args.logs, is_ephemeral: args.ephemeral }.print(&end, client, cx).await?;
            Ok(match end.status.phase {
                Phase::Cancelled if end.is_interrupted => Exit::Interrupted,
                phase => exit::of_phase(phase),
            })
        }
    }
}

/// Says where the run is not what the manifest names.
fn say_name(kind: &str, asked: Option<&str>, name: &str, is_new: bool, cx: &Context) {
    if !is_new {
        cx.ui.message(&format!("{kind}/{name} holds the unique key: nothing new is run, this follows it"));
    } else if let Some(asked) = asked.filter(|asked| *asked != name) {
        cx.ui.message(&format!("{kind}/{asked} exists already; this run is {kind}/{name}"));
    }
}

fn detached(
    name: &str,
    object: Value,
    created: bool,
    format: OutputFormat,
    cx: &Context,
) -> Result<Exit, CliError> {
    if format == OutputFormat::Human {
        cx.ui.println(&format!("{} {}", escape(name), made::outcome(created)))?;
    }
    let mut made = Made::default();
    made.add(object, Some(created));
    made.print(format, cx)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_from_try_to_try() {
        let words: std::collections::BTreeSet<String> = heads(1).take(8).map(two_words).collect();
        assert_eq!(words.len(), 8);
        assert!(words.iter().all(|words| words.split('-').count() == 2));
    }
}
