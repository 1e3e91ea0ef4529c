//! `ktk describe`: all there is to say about an object, its events last.

use clap::{ArgAction, Args};
use ktk_client::{
    Client,
    api::{Event, Pipeline, Task, event::ListParams},
};
use serde_json::{Value, json};

use super::{
    bulk::Chosen,
    completion,
    fetch::{self, Query},
    filed::{self, ManifestFlags},
    jq, pick,
};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{DOCUMENT, Document, OutputFormat},
    target::{self, Target},
    view::{
        Moment, describe::Page, node, object::Object, pipeline, queue, semaphore, task, task_type, token,
    },
};

const EXAMPLES: &str = "\
Examples:
  # A task with its attempts, restarts and events
  ktk describe task/test-web

  # A pipeline with its steps and its DAG
  ktk describe pipeline nightly

  # Every task whose name begins with build
  ktk describe task build

  # What a manifest names
  ktk describe -f pipeline.yaml

  # For programs: object, events and what belongs to them
  ktk describe task/test-web -o json";

/// Show all there is to say about objects
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// TYPE, TYPE NAME…, TYPE/NAME…; a name may be the beginning of one
    #[arg(value_name = "TYPE", add = completion::targets("describe"))]
    words: Vec<String>,

    #[command(flatten)]
    manifests: ManifestFlags,

    /// Only objects with these labels; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    labels: Vec<String>,

    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// With the events
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    show_events: bool,

    /// Format: json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,

    /// Print what this jq filter yields of what -o json shows, texts raw
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,
}

/// An object and what belongs to it.
struct Described {
    object: Object,
    events: Option<Vec<Event>>,
    /// A task's restart context, or the tasks of a pipeline's steps.
    tasks: Vec<Task>,
}

pub(crate) async fn run(mut args: DescribeArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let filter = jq::Filter::of(args.jq.as_deref(), format)?;
    if args.words.is_empty() && !args.manifests.is_given() && pick::is_possible(cx) {
        args.words = pick::one(cx, "describe", &[Kind::Task, Kind::Pipeline], |_| true).await?;
    }
    let targets = args.targets(cx).await?;
    let is_named = targets.iter().any(|(target, _)| target.name.is_some());
    if is_named && !args.labels.is_empty() {
        return Err(CliError::usage("name cannot be provided when a selector is specified"));
    }
    if is_named && args.all_namespaces {
        return Err(CliError::usage("a resource cannot be retrieved by name across all namespaces"));
    }
    fetch::check_labels(&args.labels)?;
    let client = cx.client().await?;
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (target, namespace) in &targets {
        match args.find(client, target, namespace).await {
            Ok(objects) => found.extend(objects),
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => errors.push(CliError::from(error)),
        }
    }
    let mut described = Vec::new();
    for object in found {
        described.push(args.complete(client, object).await?);
    }
    let machine = filter.as_ref().map(|_| OutputFormat::Json).unwrap_or(format).machine();
    match machine {
        Some(machine) => {
            let values = described.iter().map(Described::to_value).collect::<Result<Vec<_>, _>>();
            let values =
                values.map_err(|error| CliError::failed(format!("cannot write the object: {error}")))?;
            if !(is_named && values.is_empty()) {
                let document = if is_named { Document::named(values) } else { Document::Many(values) };
                cx.ui.print_document(&match &filter {
                    Some(filter) => filter.write(&document.into_value())?,
                    None => machine.write(document)?,
                })?;
            }
        }
        None => {
            cx.ui.page();
            let moment = Moment { now: clock::now(), zone: clock::zone() };
            let has_color = cx.ui.stdout_has_color();
            let pages: Vec<_> = described.iter().map(|one| one.page(&moment).render(has_color)).collect();
            cx.ui.print(&pages.join("\n\n"))?;
        }
    }
    if described.is_empty() && errors.is_empty() {
        match args.all_namespaces || !targets.iter().any(|(target, _)| target.kind.is_namespaced()) {
            true => cx.ui.message("No resources found"),
            false => cx.ui.message(&format!("No resources found in {} namespace.", cx.namespace())),
        }
    }
    CliError::of_all(errors).map(|()| Exit::Done)
}

impl DescribeArgs {
    /// What was typed, or what manifests name, and the namespace of each.
    async fn targets(&self, cx: &Context) -> Result<Vec<(Target, String)>, CliError> {
        if !self.manifests.is_given() {
            let targets = target::parse("describe", &self.words)?.targets;
            return Ok(targets.into_iter().map(|target| (target, cx.namespace().to_owned())).collect());
        }
        if !self.words.is_empty() {
            return Err(filed::beside_words());
        }
        let objects = self.manifests.objects(cx).await?;
        let target =
            |Chosen { named, namespace }| (Target { kind: named.kind, name: Some(named.name) }, namespace);
        Ok(objects.into_iter().map(target).collect())
    }

    /// The object of that name, those whose names begin so, or all of the type.
    async fn find(
        &self,
        client: &Client,
        target: &Target,
        namespace: &str,
    ) -> Result<Vec<Object>, ktk_client::Error> {
        let client = &client.in_namespace(namespace);
        let query = Query {
            namespace: (!self.all_namespaces).then(|| namespace.to_owned()),
            labels: fetch::joined(&self.labels),
            ..Query::default()
        };
        let Some(name) = &target.name else {
            return Ok(fetch::list(client, target.kind, &query).await?.objects);
        };
        let missing = match fetch::one(client, target.kind, name).await {
            Ok(object) => return Ok(vec![object]),
            Err(error) if error.is_not_found() => error,
            Err(error) => return Err(error),
        };
        let mut objects = fetch::list(client, target.kind, &query).await?.objects;
        objects.retain(|object| object.metadata().name().starts_with(name.as_str()));
        if objects.is_empty() { Err(missing) } else { Ok(objects) }
    }

    /// Fetches what belongs to an object.
    async fn complete(&self, client: &Client, object: Object) -> Result<Described, ktk_client::Error> {
        let metadata = object.metadata();
        let client = client.in_namespace(metadata.namespace());
        let id = metadata.id.map(|id| id.to_string());
        let tasks = match &object {
            Object::Task(task) if task.metadata.restart.is_some() => {
                client.tasks().tree(id.unwrap_or_else(|| task.incarnation_name())).await?.items
            }
            Object::Pipeline(pipeline) => steps(&client, pipeline).await?,
            _ => Vec::new(),
        };
        let events = match metadata.id {
            Some(id) if self.show_events => {
                // An event stands in its object's namespace; a node has none.
                let namespace = object.kind().is_namespaced().then(|| metadata.namespace().to_owned());
                let params = ListParams { namespace, object: Some(id), limit: None };
                let listed = fetch::events(&client, params).await?.objects;
                Some(listed.into_iter().filter_map(into_event).collect())
            }
            _ => None,
        };
        Ok(Described { object, events, tasks })
    }
}

async fn steps(client: &Client, pipeline: &Pipeline) -> Result<Vec<Task>, ktk_client::Error> {
    let query = Query {
        namespace: Some(pipeline.metadata.namespace().to_owned()),
        is_summary: true,
        ..Query::default()
    };
    fetch::tasks_of(client, pipeline, query).await
}

fn into_event(object: Object) -> Option<Event> {
    match object {
        Object::Event(event) => Some(*event),
        _ => None,
    }
}

impl Described {
    fn page(&self, moment: &Moment) -> Page {
        let events = self.events.as_deref();
        match &self.object {
            Object::Task(one) => task::describe(one, &self.tasks, events, moment),
            Object::Pipeline(one) => pipeline::describe(one, &self.tasks, events, moment),
            Object::Queue(one) => queue::describe(one, events, moment),
            Object::Semaphore(one) => semaphore::describe(one, events, moment),
            Object::TaskType(one) => task_type::describe(one, events, moment),
            Object::Token(one) => token::describe(one, events, moment),
            Object::Node(one) => node::describe(one, events, moment),
            // `describe` takes no events.
            Object::Event(_) => Page::default(),
        }
    }

    fn to_value(&self) -> Result<Value, serde_json::Error> {
        let mut value = json!({"object": self.object.to_value()?});
        if let Some(events) = &self.events {
            value["events"] = serde_json::to_value(events)?;
        }
        match self.object.kind() {
            Kind::Task if !self.tasks.is_empty() => {
                value["incarnations"] = serde_json::to_value(&self.tasks)?
            }
            Kind::Pipeline => value["tasks"] = serde_json::to_value(&self.tasks)?,
            _ => {}
        }
        Ok(value)
    }
}
