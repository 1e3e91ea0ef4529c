//! `ktk events`: what happened.

mod follow;

use clap::{Args, ValueEnum};
use ktk_client::api::{
    Event,
    event::{ListParams, Severity},
};
use serde_json::Value;
use uuid::Uuid;

use super::{completion, fetch, jq};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{Document, OutputFormat, Word, table::Table},
    target,
    view::{
        Moment,
        event::{self, Folded},
        listing::{Listing, ListingOptions},
        object::Object,
    },
};

const EXAMPLES: &str = "\
Examples:
  # What happened in the namespace, oldest first
  ktk events

  # What happened to one task
  ktk events --for task/test-web

  # And what happens from now on, until Ctrl-C
  ktk events --for task/test-web --watch

  # What somebody should look at, in all namespaces
  ktk events --types=Warning -A";

/// Show what happened, oldest first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    /// Only events of this object (and, of a pipeline, of its tasks)
    #[arg(long = "for", value_name = "TYPE/NAME", add = completion::targets("events"))]
    object: Option<String>,

    /// Only events of these types
    #[arg(long, value_name = "TYPES", value_delimiter = ',', ignore_case = true)]
    types: Vec<EventType>,

    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// Go on with what happens, until Ctrl-C
    #[arg(short, long)]
    watch: bool,

    /// Without the line of titles
    #[arg(long)]
    no_headers: bool,

    /// Format: wide, json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(FORMATS))]
    output: Option<String>,

    /// Print what this jq filter yields of what -o json shows, texts raw
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,
}

const FORMATS: &[Word] =
    &[Word::Json, Word::JsonLines, Word::JsonPath, Word::JsonPathAsJson, Word::Wide, Word::Yaml];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EventType {
    /// All is as it should be
    Normal,
    /// Something went wrong
    Warning,
}

impl EventType {
    fn is_of(self, event: &Event) -> bool {
        match self {
            Self::Normal => event.severity == Severity::Normal,
            Self::Warning => event.severity == Severity::Warning,
        }
    }
}

pub(crate) async fn run(args: EventsArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), FORMATS)?;
    let filter = jq::Filter::of(args.jq.as_deref(), format)?;
    let target = match &args.object {
        None => None,
        Some(text) => Some(target::parse("events", std::slice::from_ref(text))?.one_name("--for", text)?),
    };
    if args.watch && filter.is_some() {
        return Err(CliError::usage("--jq reads a whole list, and --watch has none"));
    }
    let client = cx.client().await?;
    let object = match target {
        None => None,
        Some((kind, name)) => Some(fetch::one(client, kind, &name).await?),
    };
    let asked = Asked {
        types: args.types.clone(),
        kind: object.as_ref().map(Object::kind),
        object: object.as_ref().and_then(|object| object.metadata().id),
        // A node has no namespace, and neither have its events.
        namespace: (!args.all_namespaces && object.is_none()).then(|| cx.namespace().to_owned()),
    };
    if args.watch {
        return follow::run(&args, &asked, format, cx).await;
    }
    let events = asked.of(fetch::events(client, asked.params()).await?.objects);
    if let Some(machine) = filter.as_ref().map_or(format, |_| OutputFormat::Json).machine() {
        let values = events.into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let document = Document::Many(values);
        cx.ui.print_document(&match &filter {
            Some(filter) => filter.write(&document.into_value())?,
            None => machine.write(document)?,
        })?;
        return Ok(Exit::Done);
    }
    if events.is_empty() {
        cx.ui.message(&match (&args.object, args.all_namespaces) {
            (Some(object), _) => format!("No events found for {object}."),
            (None, true) => "No events found".to_owned(),
            (None, false) => format!("No events found in {} namespace.", cx.namespace()),
        });
        return Ok(Exit::Done);
    }
    args.table(format, cx).print(&event::fold(&events), cx)?;
    Ok(Exit::Done)
}

/// Which events are wanted.
struct Asked {
    types: Vec<EventType>,
    kind: Option<Kind>,
    object: Option<Uuid>,
    namespace: Option<String>,
}

impl Asked {
    fn params(&self) -> ListParams {
        ListParams { namespace: self.namespace.clone(), object: self.object, limit: None }
    }

    fn of(&self, objects: Vec<Object>) -> Vec<Event> {
        let event = |object| match object {
            Object::Event(event) => Some(*event),
            _ => None,
        };
        let is_wanted =
            |event: &Event| self.types.is_empty() || self.types.iter().any(|kind| kind.is_of(event));
        objects.into_iter().filter_map(event).filter(is_wanted).collect()
    }
}

fn value(event: Event) -> Result<Value, CliError> {
    serde_json::to_value(event).map_err(|error| CliError::failed(format!("cannot write the event: {error}")))
}

/// The table of events; rows that are printed later stand in the columns of the first.
struct EventTable {
    options: ListingOptions,
    table: Table,
}

impl EventsArgs {
    fn table(&self, format: OutputFormat, cx: &Context) -> EventTable {
        let options = ListingOptions {
            is_wide: format == OutputFormat::Wide,
            has_namespace: self.all_namespaces,
            ..ListingOptions::default()
        };
        let listing = Listing::new(Kind::Event, &options);
        let table = Table::new((!self.no_headers).then(|| listing.titles()), cx.ui.stdout_has_color());
        EventTable { options, table }
    }
}

impl EventTable {
    fn print(&mut self, events: &[Folded<'_>], cx: &Context) -> Result<(), CliError> {
        let moment = Moment::for_ages(clock::now());
        let listing = Listing::new(Kind::Event, &self.options);
        let row = |folded: &Folded<'_>| {
            let mut cells = listing.row(&Object::Event(Box::new(folded.last.clone())), &moment);
            // Behind the namespace, where there is one.
            if let Some(seen) = cells.get_mut(usize::from(listing.shows_namespace())) {
                *seen = folded.seen(moment.now);
            }
            cells
        };
        let rows: Vec<_> = events.iter().map(row).collect();
        cx.ui.print(&self.table.write(rows))
    }
}
