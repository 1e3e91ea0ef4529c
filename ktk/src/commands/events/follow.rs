//! `ktk events --watch`: what happened, then what happens, as changes tell that there is something to ask for.

use std::collections::{BTreeSet, HashMap};

use futures_util::StreamExt;
use ktk_client::api::{
    Event,
    event::ListParams,
    watch::{WatchEvent, WatchParams},
};
use serde_json::Value;
use uuid::Uuid;

use super::{Asked, EventTable, EventsArgs, value};
use crate::{
    commands::fetch,
    context::Context,
    error::{CliError, Exit},
    kinds::{KINDS, Kind},
    output::{Document, OutputFormat},
    view::event,
};

/// The most changes that are looked at together.
const TOGETHER: usize = 256;

/// Events have no number of their own: this is what tells one from the next.
type Identity = (jiff::Timestamp, String, String);

/// What has been printed, and how the next is.
struct Printed {
    format: OutputFormat,
    table: EventTable,
    known: HashMap<Uuid, BTreeSet<Identity>>,
}

/// Prints what is there and goes on with what happens, over as many connections as it takes.
pub(super) async fn run(
    args: &EventsArgs,
    asked: &Asked,
    format: OutputFormat,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut printed = Printed { format, table: args.table(format, cx), known: HashMap::new() };
    tokio::select! {
        result = follow(asked, &mut printed, cx) => result,
        () = cx.watch_over() => Ok(Exit::Done),
        gone = cx.ui.reader_gone() => Err(gone),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Ok(Exit::Interrupted)
        }
    }
}

async fn follow(asked: &Asked, printed: &mut Printed, cx: &Context) -> Result<Exit, CliError> {
    let client = cx.client().await?;
    loop {
        // The version comes first: what happens between the two calls is asked for twice and printed once.
        let version = fetch::version(client).await?;
        printed.print(asked.of(fetch::events(client, asked.params()).await?.objects), cx)?;
        let mut changes = client.watch(asked.watched(version)).ready_chunks(TOGETHER);
        let ended = loop {
            let Some(chunk) = changes.next().await else { return Ok(Exit::Done) };
            let (changed, gone, error) = read(chunk);
            for id in changed {
                let params = ListParams { object: Some(asked.object.unwrap_or(id)), ..asked.params() };
                let mut events = asked.of(fetch::events(client, params).await?.objects);
                // Of a pipeline its tasks' events come too: they have changes of their own.
                events.retain(|event| asked.object.is_some() || event.object.id == id);
                printed.print(events, cx)?;
            }
            gone.iter().for_each(|id| drop(printed.known.remove(id)));
            if let Some(error) = error {
                break error;
            }
        };
        // Where the history was cut, what there is now is asked for again.
        if !ended.is_expired() {
            return Err(ended.into());
        }
    }
}

/// What has changed, in the order of its changes; what of that is gone; and what ended the stream.
fn read(
    chunk: Vec<Result<WatchEvent, ktk_client::Error>>,
) -> (Vec<Uuid>, Vec<Uuid>, Option<ktk_client::Error>) {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    for change in chunk {
        let (object, is_gone) = match change {
            Ok(WatchEvent::Change { object, .. }) => (object, false),
            Ok(WatchEvent::Delete { object, .. }) => (object, true),
            Ok(WatchEvent::Bookmark { .. } | WatchEvent::Stopping { .. }) => continue,
            Err(error) => return (changed, gone, Some(error)),
        };
        let id = object.pointer("/metadata/id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let Some(id) = id else { continue };
        if !changed.contains(&id) {
            changed.push(id);
        }
        if is_gone {
            gone.push(id);
        }
    }
    (changed, gone, None)
}

impl Asked {
    /// The changes that have events.
    fn watched(&self, version: u64) -> WatchParams {
        let kinds: Vec<&str> = KINDS.iter().filter(|row| row.is_watched).map(|row| row.manifest).collect();
        WatchParams {
            kinds: Some(kinds.join(",")),
            namespace: self.namespace.clone(),
            pipeline: self.object.filter(|_| self.kind == Some(Kind::Pipeline)),
            version: Some(version),
            summary: true,
            ..WatchParams::default()
        }
    }
}

impl Printed {
    /// Prints those of the events that have not been.
    fn print(&mut self, mut events: Vec<Event>, cx: &Context) -> Result<(), CliError> {
        events.retain(|event| {
            let identity = (event.at, event.reason.clone(), event.message.clone());
            self.known.entry(event.object.id).or_default().insert(identity)
        });
        match self.format.machine_stream() {
            None if events.is_empty() => {}
            None => self.table.print(&event::each(&events), cx)?,
            Some(machine) => {
                for event in events {
                    cx.ui.print_document(&machine.write(Document::One(value(event)?))?)?;
                }
            }
        }
        cx.ui.flush()
    }
}
