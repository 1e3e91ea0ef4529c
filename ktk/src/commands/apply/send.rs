//! Sending what is applied, and saying what became of it.

use ktk_client::{
    Error,
    api::{
        API_VERSION, Metadata, TaskType,
        apply::{AppliedObject, ApplyParams},
        task_type::{self, AppliedType},
    },
    manifest::{Document, Manifest},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::refused;
use crate::{
    commands::{
        dry_run::DryRun,
        made::{self, Made},
        manifests,
    },
    context::Context,
    error::{CliError, Exit},
    output::OutputFormat,
    ui::escape,
};

/// Says what became of each object.
pub(crate) struct Teller<'a> {
    pub(crate) cx: &'a Context,
    format: OutputFormat,
    pub(crate) dry_run: DryRun,
    made: Made,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(cx: &'a Context, format: OutputFormat, dry_run: DryRun) -> Self {
        Self { cx, format, dry_run, made: Made::default() }
    }

    /// `task/x configured`.
    pub(crate) fn tell(&mut self, label: &str, outcome: &str, object: Value) -> Result<(), CliError> {
        if self.format == OutputFormat::Human {
            self.cx.ui.println(&format!("{} {outcome}{}", escape(label), self.dry_run.suffix()))?;
        }
        self.made.add(object, None);
        Ok(())
    }

    /// Warns that an object has been somebody else's until now.
    fn adopted(&self, label: &str) {
        let words = format!("{label} was not made by apply: what this manifest sets is its own from now on");
        self.cx.ui.warning(&words);
    }

    /// What goes to the server, which is not asked.
    pub(crate) fn would_send(&mut self, value: &Manifest) -> Result<(), CliError> {
        let unwritable = |error| CliError::failed(format!("cannot write an object: {error}"));
        self.tell(&label(value), "applied", manifests::to_value(value).map_err(unwritable)?)
    }

    /// Prints all of them, where a format for programs was asked for.
    pub(crate) fn finish(&mut self) -> Result<Exit, CliError> {
        std::mem::take(&mut self.made).print(self.format, self.cx)?;
        Ok(Exit::Done)
    }
}

/// `task/x`, as a manifest has it.
pub(crate) fn label(value: &Manifest) -> String {
    let name = match value {
        Manifest::TaskType(task_type) => task_type.reference(),
        other => other.metadata().name().to_owned(),
    };
    format!("{}/{name}", value.kind().to_lowercase())
}

/// Applies one object that is no type.
pub(super) async fn one(
    document: &Document,
    source: Option<&str>,
    teller: &mut Teller<'_>,
) -> Result<(), CliError> {
    let applied = object(&document.value, source, teller.dry_run.is_dry(), teller.cx).await;
    let applied = applied.map_err(|error| match error {
        Failure::Client(error) => refused(error, document),
        Failure::Own(error) => error,
    })?;
    let label = label(&document.value);
    if applied.adopted {
        teller.adopted(&label);
    }
    teller.tell(&label, applied.outcome.as_str(), applied.object)
}

/// What kept an object from being applied.
pub(crate) enum Failure {
    Client(Error),
    Own(CliError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Self::Own(error)
    }
}

/// Applies an object, or says what would come of it.
pub(crate) async fn object(
    value: &Manifest,
    source: Option<&str>,
    dry_run: bool,
    cx: &Context,
) -> Result<AppliedObject<Value>, Failure> {
    let client = cx.client().await?;
    let namespace = |metadata: &Metadata| metadata.namespace().to_owned();
    // What runs here begins with what the caller has.
    let base = cx.base()?.and_then(|base| base.into_os_string().into_string().ok());
    let env = base.as_ref().map(|_| ktk_client::env::caller_env());
    match value {
        Manifest::Task(task) => {
            let client = client.in_namespace(namespace(&task.metadata));
            let caller_env = env.filter(|_| task.spec.run.is_some());
            let params = ApplyParams { caller_env, caller_dir: base, ..params(task, source, dry_run) };
            as_value(client.tasks().apply_with(params).await?)
        }
        Manifest::Pipeline(pipeline) => {
            let client = client.in_namespace(namespace(&pipeline.metadata));
            let params =
                ApplyParams { caller_env: env, caller_dir: base, ..params(pipeline, source, dry_run) };
            as_value(client.pipelines().apply_with(params).await?)
        }
        Manifest::Queue(queue) => as_value(client.queues().apply_with(params(queue, source, dry_run)).await?),
        Manifest::Semaphore(semaphore) => {
            as_value(client.semaphores().apply_with(params(semaphore, source, dry_run)).await?)
        }
        Manifest::TaskType(of_type) => {
            let params = types_params(vec![(**of_type).clone()], source, dry_run);
            let applied = client.task_types().apply(&params).await?.results.into_iter().next();
            let applied = applied.ok_or_else(|| Error::Protocol("an apply without a result".to_owned()))?;
            let object = made::value(&applied.object)?;
            Ok(AppliedObject { object, outcome: applied.outcome, adopted: applied.adopted })
        }
    }
}

fn params<T: Clone>(object: &T, source: Option<&str>, dry_run: bool) -> ApplyParams<T> {
    ApplyParams { source: source.map(str::to_owned), dry_run, ..ApplyParams::new(object.clone()) }
}

fn as_value<T: Serialize>(applied: AppliedObject<T>) -> Result<AppliedObject<Value>, Failure> {
    let AppliedObject { object, outcome, adopted } = applied;
    Ok(AppliedObject { object: made::value(&object)?, outcome, adopted })
}

fn types_params(objects: Vec<TaskType>, source: Option<&str>, dry_run: bool) -> task_type::ApplyParams {
    task_type::ApplyParams {
        objects,
        source: source.map(str::to_owned),
        dry_run,
        ..task_type::ApplyParams::default()
    }
}

/// Applies all types in one step, or none; with `prune`, what is gone from their set goes in that step, too.
pub(super) async fn types(
    documents: &[Document],
    source: Option<&str>,
    prune: bool,
    teller: &mut Teller<'_>,
    errors: &mut Vec<CliError>,
) -> Result<(), CliError> {
    if documents.is_empty() && !prune {
        return Ok(());
    }
    let objects = documents.iter().filter_map(|document| match &document.value {
        Manifest::TaskType(of_type) => Some((**of_type).clone()),
        _ => None,
    });
    let mut params = types_params(objects.collect(), source, teller.dry_run.is_dry());
    params.prune = prune;
    match teller.cx.client().await?.task_types().apply(&params).await {
        Ok(applied) => applied.results.iter().try_for_each(|result| told(result, teller)),
        Err(error) => {
            errors.push(types_refused(error, documents));
            Ok(())
        }
    }
}

fn told(result: &AppliedType, teller: &mut Teller<'_>) -> Result<(), CliError> {
    let label = format!("tasktype/{}", result.name);
    if result.adopted {
        teller.adopted(&label);
    }
    let object = match &result.object {
        Some(object) => made::value(object)?,
        None => json!({"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": result.name}}),
    };
    teller.tell(&label, result.outcome.as_str(), object)
}

/// A refusal, its causes at their places in the files: their fields begin with the number of the object.
fn types_refused(error: Error, documents: &[Document]) -> CliError {
    let Error::Api(mut refused) = error else { return error.into() };
    let mut first = None;
    for cause in &mut refused.causes {
        let Some((number, field)) =
            cause.field.strip_prefix("objects[").and_then(|rest| rest.split_once("]."))
        else {
            continue;
        };
        if let Some(document) = number.parse::<usize>().ok().and_then(|number| documents.get(number)) {
            let (line, column) = document.locate(field);
            let place = format!("{}:{line}:{column}", document.source);
            cause.field = format!("{place}: {field}");
            first.get_or_insert(place);
        }
    }
    if let Some(place) = first {
        refused.message = format!("error when applying {place:?}: {}", refused.message);
    }
    refused.into()
}
