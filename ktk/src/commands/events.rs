//! `ktk events`: what happened.

use clap::{Args, ValueEnum};
use ktk_client::api::{
    Event,
    event::{ListParams, Severity},
};

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
    let client = cx.client().await?;
    let object = match target {
        None => None,
        Some((kind, name)) => fetch::one(client, kind, &name).await?.metadata().id,
    };
    // A node has no namespace, and neither have its events.
    let namespace = (!args.all_namespaces && object.is_none()).then(|| cx.namespace().to_owned());
    let listed = fetch::events(client, ListParams { namespace, object, limit: None }).await?;
    let is_wanted = |object: &Object| match object {
        Object::Event(event) => args.types.is_empty() || args.types.iter().any(|kind| kind.is_of(event)),
        _ => false,
    };
    let events: Vec<Object> = listed.objects.into_iter().filter(is_wanted).collect();
    if let Some(machine) = filter.as_ref().map_or(format, |_| OutputFormat::Json).machine() {
        let values = events.iter().map(Object::to_value).collect::<Result<Vec<_>, _>>();
        let values = values.map_err(|error| CliError::failed(format!("cannot write the event: {error}")))?;
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
    let options = ListingOptions {
        is_wide: format == OutputFormat::Wide,
        has_namespace: args.all_namespaces,
        ..ListingOptions::default()
    };
    let moment = Moment::for_ages(clock::now());
    let listing = Listing::new(Kind::Event, &options);
    let mut table = Table::new((!args.no_headers).then(|| listing.titles()), cx.ui.stdout_has_color());
    cx.ui.print(&table.write(events.iter().map(|event| listing.row(event, &moment))))?;
    Ok(Exit::Done)
}
