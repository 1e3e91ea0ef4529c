//! Logs of several tasks: those that selectors choose, or the steps of a pipeline.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{
    StreamExt,
    stream::{BoxStream, SelectAll},
};
use ktk_client::{
    Client, Error,
    api::{
        Pipeline, Task,
        log::{LogEvent, LogParams},
        watch::{WatchEvent, WatchParams},
    },
};
use uuid::Uuid;

use super::writer::{LogWriter, Manner};
use crate::{
    commands::fetch::{self, Query},
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    view::object::Object,
};

/// Which tasks, and what of their logs.
pub(super) struct Many {
    /// Only the steps of this pipeline.
    pub(super) pipeline: Option<Box<Pipeline>>,
    pub(super) query: Query,
    /// Of a pipeline's steps only these, where any are named.
    pub(super) steps: BTreeSet<String>,
    pub(super) params: LogParams,
    pub(super) manner: Manner,
    pub(super) max_requests: usize,
    pub(super) ignore_errors: bool,
}

/// What comes of one log: its next event, or nothing any more.
type Piece = (Uuid, Option<Result<LogEvent, Error>>);

/// Logs that are read at once.
struct Following<'a> {
    many: &'a Many,
    streams: SelectAll<BoxStream<'a, Piece>>,
    writers: BTreeMap<Uuid, LogWriter<'a>>,
    /// Tasks that were met; whether they can still write anything.
    met: BTreeMap<Uuid, bool>,
    opened: BTreeSet<Uuid>,
}

/// Prints the logs one after the other, or follows them all.
pub(super) async fn run(many: &Many, cx: &Context) -> Result<Exit, CliError> {
    let client = cx.client().await?;
    // The version comes first: what begins between the two calls is met twice, not never.
    let version = fetch::version(client).await?;
    let found: Vec<Task> = match &many.pipeline {
        Some(pipeline) => fetch::tasks_of(client, pipeline, many.query.clone()).await?,
        None => {
            let listed = fetch::list(client, Kind::Task, &many.query).await.map_err(fetch::refused_list)?;
            listed.objects.into_iter().filter_map(task_of).collect()
        }
    };
    let tasks: Vec<Task> = found.into_iter().filter(|task| many.wants(task)).collect();
    if tasks.is_empty() {
        match &many.query.namespace {
            Some(namespace) => cx.ui.message(&format!("No resources found in {namespace} namespace.")),
            None => cx.ui.message("No resources found"),
        }
        return Ok(Exit::Done);
    }
    if many.params.follow {
        let result = follow(many, tasks, version, client, cx).await;
        cx.ui.flush()?;
        return result;
    }
    let mut errors = Vec::new();
    for task in tasks.iter().filter(|task| has_begun(task)) {
        let mut writer = LogWriter::new(many.manner, task.metadata.name(), &cx.ui);
        let mut events = client.logs(many.params_of(task));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => writer.write(&event)?,
                Err(error) => {
                    errors.push(CliError::from(error));
                    break;
                }
            }
            if writer.is_full() {
                break;
            }
        }
        writer.finish()?;
    }
    many.told(errors, cx)
}

/// Follows all that run and all that come, until each has ended.
async fn follow(
    many: &Many,
    tasks: Vec<Task>,
    version: u64,
    client: &Client,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut following = Following {
        many,
        streams: SelectAll::new(),
        writers: BTreeMap::new(),
        met: BTreeMap::new(),
        opened: BTreeSet::new(),
    };
    for task in &tasks {
        following.meet(task, client, cx)?;
    }
    let mut changes = client.watch(WatchParams {
        kinds: Some(Kind::Task.manifest().to_owned()),
        namespace: many.query.namespace.clone(),
        label_selector: many.query.labels.clone(),
        field_selector: many.query.fields.clone(),
        pipeline: many.pipeline.as_ref().and_then(|pipeline| pipeline.metadata.id),
        version: Some(version),
        summary: true,
        ..WatchParams::default()
    });
    let mut errors = Vec::new();
    while !following.has_ended() {
        tokio::select! {
            Some((id, piece)) = following.streams.next(), if !following.streams.is_empty() => {
                following.write(id, piece, &mut errors, cx)?;
            }
            change = changes.next() => match change {
                Some(Ok(WatchEvent::Change { object, .. })) => {
                    let task = Object::from_value(Kind::Task, object).ok().and_then(task_of);
                    if let Some(task) = task.filter(|task| many.wants(task)) {
                        following.meet(&task, client, cx)?;
                    }
                }
                Some(Ok(WatchEvent::Delete { object, .. })) => {
                    let id = object.pointer("/metadata/id").and_then(|id| id.as_str()?.parse().ok());
                    if let Some(is_live) = id.and_then(|id: Uuid| following.met.get_mut(&id)) {
                        *is_live = false;
                    }
                }
                Some(Ok(WatchEvent::Bookmark { .. } | WatchEvent::Stopping { .. })) => {}
                Some(Err(error)) => return Err(error.into()),
                None => break,
            },
            gone = cx.ui.reader_gone() => return Err(gone),
        }
    }
    many.told(errors, cx)
}

impl<'a> Following<'a> {
    /// Takes note of a task, and reads its log once it has one.
    fn meet(&mut self, task: &Task, client: &'a Client, cx: &'a Context) -> Result<(), CliError> {
        let Some(id) = task.metadata.id else { return Ok(()) };
        let is_live = task.status.as_ref().is_some_and(|status| !status.phase.is_terminal());
        self.met.insert(id, is_live);
        if !has_begun(task) || !self.opened.insert(id) {
            return Ok(());
        }
        if self.writers.len() >= self.many.max_requests {
            return Err(CliError::usage(format!(
                "you are attempting to follow {} log streams, but maximum allowed concurrency is {}, use \
                 --max-log-requests to increase the limit",
                self.writers.len() + 1,
                self.many.max_requests
            )));
        }
        self.writers.insert(id, LogWriter::new(self.many.manner, task.metadata.name(), &cx.ui));
        let events = client.logs(self.many.params_of(task)).map(move |event| (id, Some(event)));
        self.streams.push(events.chain(futures_util::stream::iter([(id, None)])).boxed());
        Ok(())
    }

    fn write(
        &mut self,
        id: Uuid,
        piece: Option<Result<LogEvent, Error>>,
        errors: &mut Vec<CliError>,
        cx: &Context,
    ) -> Result<(), CliError> {
        let Some(writer) = self.writers.get_mut(&id) else { return Ok(()) };
        match piece {
            Some(Ok(event)) if !writer.is_full() => writer.write(&event)?,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                self.met.insert(id, false);
                errors.push(error.into());
            }
            None => {
                writer.finish()?;
                self.writers.remove(&id);
            }
        }
        cx.ui.flush()
    }

    /// Whether everything has been written, and nobody can write more.
    fn has_ended(&self) -> bool {
        self.writers.is_empty() && self.met.values().all(|is_live| !is_live)
    }
}

impl Many {
    /// Whether a task is one of those that were asked for.
    fn wants(&self, task: &Task) -> bool {
        let own = task.metadata.pipeline.as_ref().map(|pipeline| pipeline.step.as_str());
        let is_of = |step: &String| {
            own.is_some_and(|own| {
                own == step || own.strip_prefix(step.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
        };
        self.steps.is_empty() || self.steps.iter().any(is_of)
    }

    fn params_of(&self, task: &Task) -> LogParams {
        let name = task.metadata.id.map_or_else(|| task.incarnation_name(), |id| id.to_string());
        let namespace = Some(task.metadata.namespace().to_owned());
        LogParams { name, namespace, ..self.params.clone() }
    }

    /// What the logs that could not be read come to.
    fn told(&self, errors: Vec<CliError>, cx: &Context) -> Result<Exit, CliError> {
        if !self.ignore_errors {
            return CliError::of_all(errors).map(|()| Exit::Done);
        }
        errors.iter().for_each(|error| cx.ui.error(error));
        Ok(Exit::Done)
    }
}

fn task_of(object: Object) -> Option<Task> {
    match object {
        Object::Task(task) => Some(*task),
        _ => None,
    }
}

/// Whether there is a log at all.
fn has_begun(task: &Task) -> bool {
    task.status.as_ref().is_some_and(|status| status.attempt > 0)
}
