//! Making one object after the other and saying what became of it: what all ways to create have in common.

use clap::Args;
use ktk_client::{
    Client, Error,
    api::{entity, list::Created, pipeline, task},
    manifest::Manifest,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    commands::{
        completion,
        dry_run::{DryRun, DryRunFlag},
        made::{Made, outcome},
        manifests,
    },
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// Flags of all ways to create.
#[derive(Args, Clone, Debug)]
pub(super) struct MakeFlags {
    /// What exists already stays as it is, and is no error
    #[arg(long)]
    if_not_exists: bool,

    #[command(flatten)]
    dry_run: DryRunFlag,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

/// What becomes of an object that is to be.
pub(super) struct Sent {
    label: String,
    object: Value,
    created: Option<bool>,
    outcome: &'static str,
}

/// Makes objects, and keeps them for programs.
pub(super) struct Maker<'a> {
    cx: &'a Context,
    client: Option<&'a Client>,
    format: OutputFormat,
    dry_run: DryRun,
    if_not_exists: bool,
    made: Made,
}

impl<'a> Maker<'a> {
    /// Reads the flags: before anything else is done.
    ///
    /// # Errors
    /// Code 2 for a format or a word that is none.
    pub(super) fn new(flags: &MakeFlags, cx: &'a Context) -> Result<Self, CliError> {
        Ok(Self {
            cx,
            client: None,
            format: OutputFormat::parse(flags.output.as_deref(), CHANGE)?,
            dry_run: flags.dry_run.read()?,
            if_not_exists: flags.if_not_exists,
            made: Made::default(),
        })
    }

    /// Connects, where the server is to be asked at all.
    pub(super) async fn connect(&mut self) -> Result<(), CliError> {
        if self.dry_run != DryRun::Client {
            self.client = Some(self.cx.client().await?);
        }
        Ok(())
    }

    /// Makes one object and says so.
    pub(super) async fn make(mut self, mut value: Manifest) -> Result<Exit, CliError> {
        if value.is_namespaced() {
            value.metadata_mut().namespace.get_or_insert_with(|| self.cx.namespace().to_owned());
        }
        self.connect().await?;
        let sent = self.send(&value).await?;
        self.tell(sent)?;
        self.finish()?;
        Ok(Exit::Done)
    }

    /// Asks for an object.
    ///
    /// # Errors
    /// Whatever the server refuses it with.
    pub(super) async fn send(&self, value: &Manifest) -> Result<Sent, Error> {
        let unreadable = |error: serde_json::Error| Error::Protocol(error.to_string());
        let Some(client) = self.client else {
            let object = manifests::to_value(value).map_err(unreadable)?;
            return Ok(Sent { label: label(value), object, created: None, outcome: "created" });
        };
        let answer = create(value, client, self.dry_run == DryRun::Server).await;
        let is_there = matches!(&answer, Err(error) if error.is_already_exists());
        if is_there && self.if_not_exists {
            let object = existing(value, client).await?;
            return Ok(Sent { label: label(value), object, created: Some(false), outcome: "unchanged" });
        }
        let (name, object, created) = answer?;
        let label = format!("{}/{name}", value.kind().to_lowercase());
        Ok(Sent { label, object, created: Some(created), outcome: outcome(created) })
    }

    /// Says what became of it.
    pub(super) fn tell(&mut self, sent: Sent) -> Result<(), CliError> {
        if self.format == OutputFormat::Human {
            let line = format!("{} {}{}", escape(&sent.label), sent.outcome, self.dry_run.suffix());
            self.cx.ui.println(&line)?;
        }
        self.made.add(sent.object, sent.created);
        Ok(())
    }

    /// Prints all of them, where a format for programs was asked for.
    pub(super) fn finish(self) -> Result<(), CliError> {
        self.made.print(self.format, self.cx)
    }
}

/// `task/x`, as a manifest has it.
fn label(value: &Manifest) -> String {
    let metadata = value.metadata();
    let name = match value {
        Manifest::TaskType(task_type) => task_type.reference(),
        _ => metadata.name.clone().or_else(|| metadata.generate_name.clone()).unwrap_or_default(),
    };
    format!("{}/{name}", value.kind().to_lowercase())
}

/// Creates an object: its name, the object, whether it is new.
pub(super) async fn create(
    value: &Manifest,
    client: &Client,
    dry_run: bool,
) -> Result<(String, Value, bool), Error> {
    match value {
        Manifest::Task(task) if dry_run => {
            let object = task.clone();
            let params = task::CreateParams { object, request_id: None, caller_env: None, dry_run };
            made(client.tasks().create_with(params).await, |task| task.metadata.name().to_owned())
        }
        Manifest::Pipeline(pipeline) if dry_run => {
            let params = pipeline::CreateParams {
                object: pipeline.clone(),
                params: Default::default(),
                request_id: None,
                caller_env: None,
                new_name_if_taken: false,
                dry_run,
            };
            made(client.pipelines().create_with(params).await, |made| made.metadata.name().to_owned())
        }
        Manifest::Task(task) => {
            made(client.tasks().create(task).await, |task| task.metadata.name().to_owned())
        }
        Manifest::Pipeline(pipeline) => {
            made(client.pipelines().create(pipeline).await, |made| made.metadata.name().to_owned())
        }
        Manifest::Queue(queue) => {
            let params = entity::CreateParams { object: queue.clone(), request_id: None, dry_run };
            made(client.queues().create_with(params).await, |queue| queue.metadata.name().to_owned())
        }
        Manifest::Semaphore(semaphore) => {
            let params = entity::CreateParams { object: semaphore.clone(), request_id: None, dry_run };
            made(client.semaphores().create_with(params).await, |made| made.metadata.name().to_owned())
        }
        Manifest::TaskType(task_type) => {
            let params = entity::CreateParams { object: (**task_type).clone(), request_id: None, dry_run };
            made(client.task_types().create_with(params).await, |made| made.reference())
        }
    }
}

fn made<T: Serialize>(
    answer: Result<Created<T>, Error>,
    name: impl Fn(&T) -> String,
) -> Result<(String, Value, bool), Error> {
    let Created { object, created } = answer?;
    let value = serde_json::to_value(&object).map_err(|error| Error::Protocol(error.to_string()))?;
    Ok((name(&object), value, created))
}

/// The object that has a manifest's name.
async fn existing(value: &Manifest, client: &Client) -> Result<Value, Error> {
    let client = client.in_namespace(value.metadata().namespace());
    let name = value.metadata().name();
    let object = match value {
        Manifest::Task(_) => serde_json::to_value(client.tasks().get(name).await?),
        Manifest::Pipeline(_) => serde_json::to_value(client.pipelines().get(name).await?),
        Manifest::Queue(_) => serde_json::to_value(client.queues().get(name).await?),
        Manifest::Semaphore(_) => serde_json::to_value(client.semaphores().get(name).await?),
        Manifest::TaskType(own) => serde_json::to_value(client.task_types().get(&*own.reference()).await?),
    };
    object.map_err(|error| Error::Protocol(error.to_string()))
}
