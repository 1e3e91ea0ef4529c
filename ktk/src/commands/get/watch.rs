//! `ktk get -w`: what is there, then each change as a row of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use ktk_client::{
    api::watch::{WatchEvent, WatchParams},
    client::watch::WatchStream,
};
use serde_json::{Value, json};

use super::{GetArgs, document::Shape, sort_groups, unwritable};
use crate::{
    clock,
    commands::fetch,
    context::Context,
    error::{CliError, Exit},
    kinds::{KINDS, Kind},
    output::{Columns, OutputFormat, jsonpath::Path, table::Table},
    target::Target,
    ui::Cell,
    view::{Moment, age, listing::Listing, object::Object},
};

/// What is followed.
struct Followed<'a> {
    /// Types, in the order asked for.
    kinds: Vec<Kind>,
    /// Names of objects, where only these are followed.
    names: Vec<(Kind, String)>,
    tables: BTreeMap<Kind, (Listing<'a>, Table)>,
    /// One table of all types, where its columns were typed.
    typed: Option<(&'static Columns, Table)>,
    shape: &'a Shape,
    /// What was shown and has not gone, where each row says what has happened.
    known: Option<BTreeSet<(Kind, String)>>,
}

/// Prints what is there and goes on with each change, over as many connections as it takes.
pub(super) async fn run(
    args: &GetArgs,
    targets: &[Target],
    shape: &Shape,
    sort_by: Option<&Path>,
    cx: &Context,
) -> Result<Exit, CliError> {
    let kinds = watched_kinds(targets)?;
    let options = args.listing_options(kinds.len(), shape.format());
    let table = |kind: &Kind| {
        let listing = Listing::new(*kind, &options);
        (*kind, (listing.clone(), args.followed_table(listing.titles(), cx)))
    };
    let tables = kinds.iter().map(table).collect();
    let typed = match shape.format() {
        OutputFormat::Columns(columns) => Some((columns, args.followed_table(columns.titles(), cx))),
        _ => None,
    };
    let known = args.output_watch_events.then(BTreeSet::new);
    let mut followed = Followed { kinds, names: Vec::new(), tables, typed, shape, known };
    tokio::select! {
        result = follow(args, targets, &mut followed, sort_by, cx) => result,
        () = cx.watch_over() => Ok(Exit::Done),
        gone = cx.ui.reader_gone() => Err(gone),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Ok(Exit::Interrupted)
        }
    }
}

/// The types that are followed, in the order asked for.
pub(super) fn watched_kinds(targets: &[Target]) -> Result<Vec<Kind>, CliError> {
    let mut kinds: Vec<Kind> = Vec::new();
    for target in targets {
        if !kinds.contains(&target.kind) {
            kinds.push(target.kind);
        }
    }
    if let Some(kind) = kinds.iter().find(|kind| !kind.row().is_watched) {
        let error = CliError::usage(format!("{} cannot be watched", kind.plural()));
        let watched: Vec<_> = KINDS.iter().filter(|row| row.is_watched).map(|row| row.plural).collect();
        return Err(error.with_hint(format!("{} can", watched.join(", "))));
    }
    Ok(kinds)
}

async fn follow(
    args: &GetArgs,
    targets: &[Target],
    followed: &mut Followed<'_>,
    sort_by: Option<&Path>,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut prints_present = !args.watch_only;
    loop {
        let is_summary = sort_by.is_none() && !followed.shape.needs_whole_objects();
        let Present { mut groups, version, names } =
            present(args, targets, &followed.kinds, is_summary, cx).await?;
        followed.names = names;
        if let Some(path) = sort_by {
            sort_groups(&mut groups, path)?;
        }
        let objects: Vec<Object> = groups.into_iter().flat_map(|(_, objects)| objects).collect();
        followed.remember(&objects);
        if prints_present {
            followed.print_present(&objects, cx)?;
            if objects.is_empty() && cx.ui.stderr_is_terminal() {
                cx.ui.message("No resources yet; waiting for changes.");
            }
        }
        let stream =
            stream(args, &followed.kinds, version, !followed.shape.needs_whole_objects(), cx).await?;
        match changes(stream, followed, cx).await {
            // The history was cut: start again with what is there now.
            Err(error) if error.is_expired() => prints_present = true,
            Err(error) => return Err(error.into()),
            Ok(end) => return end,
        }
    }
}

/// What is there, and the version it is of.
pub(super) struct Present {
    pub(super) groups: Vec<(Kind, Vec<Object>)>,
    pub(super) version: u64,
    /// Names of objects, where only these are followed.
    pub(super) names: Vec<(Kind, String)>,
}

/// Asks what is there.
pub(super) async fn present(
    args: &GetArgs,
    targets: &[Target],
    kinds: &[Kind],
    is_summary: bool,
    cx: &Context,
) -> Result<Present, CliError> {
    let client = cx.client().await?;
    let query = args.query(cx, is_summary);
    if targets.iter().all(|target| target.name.is_none()) {
        let mut all = Present { groups: Vec::new(), version: u64::MAX, names: Vec::new() };
        for kind in kinds {
            let listed = fetch::list(client, *kind, &query).await.map_err(fetch::refused_list)?;
            all.groups.push((*kind, listed.objects));
            all.version = all.version.min(listed.version);
        }
        return Ok(all);
    }
    // The version comes first: what changes between the two calls is printed twice, not never.
    let version = fetch::version(client).await?;
    let found = args.find(targets, &query, cx).await?;
    CliError::of_all(found.errors)?;
    let objects = found.groups.iter().flat_map(|(_, objects)| objects);
    let names = objects.map(|object| (object.kind(), object.metadata().name().to_owned())).collect();
    Ok(Present { groups: found.groups, version, names })
}

/// The changes after a version.
pub(super) async fn stream(
    args: &GetArgs,
    kinds: &[Kind],
    version: u64,
    is_summary: bool,
    cx: &Context,
) -> Result<WatchStream, CliError> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.manifest()).collect();
    let query = args.query(cx, is_summary);
    Ok(cx.client().await?.watch(WatchParams {
        kinds: Some(kinds.join(",")),
        namespace: query.namespace,
        label_selector: query.labels,
        field_selector: query.fields,
        version: Some(version),
        summary: query.is_summary,
        ..WatchParams::default()
    }))
}

/// The kind of what has changed, where it is followed.
pub(super) fn kind_of(value: &Value, kinds: &[Kind], names: &[(Kind, String)]) -> Option<Kind> {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = kinds.iter().copied().find(|known| known.manifest() == kind)?;
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let is_followed = names.is_empty() || names.iter().any(|(known, own)| *known == kind && own == name);
    is_followed.then_some(kind)
}

/// Prints changes until the stream ends. The inner error is an end that printing came to.
async fn changes(
    mut stream: WatchStream,
    followed: &mut Followed<'_>,
    cx: &Context,
) -> Result<Result<Exit, CliError>, ktk_client::Error> {
    while let Some(event) = stream.next().await {
        let printed = match event? {
            WatchEvent::Change { object, .. } => followed.print_change(object, false, cx),
            WatchEvent::Delete { object, .. } => followed.print_change(object, true, cx),
            WatchEvent::Bookmark { .. } | WatchEvent::Stopping { .. } => Ok(()),
        };
        if let Err(error) = printed {
            return Ok(Err(error));
        }
    }
    Ok(Ok(Exit::Done))
}

impl Followed<'_> {
    fn remember(&mut self, objects: &[Object]) {
        if let Some(known) = &mut self.known {
            known.extend(objects.iter().map(|object| (object.kind(), id_of(object))));
        }
    }

    fn print_present(&mut self, objects: &[Object], cx: &Context) -> Result<(), CliError> {
        let moment = Moment::for_ages(clock::now());
        let event = self.known.is_some().then_some("ADDED");
        if self.shape.is_table() {
            let mut has_table_above = false;
            for kind in &self.kinds {
                let Some((listing, table)) = self.tables.get_mut(kind) else { continue };
                let own = objects.iter().filter(|object| object.kind() == *kind);
                let rows: Vec<_> = own.map(|object| marked(listing.row(object, &moment), event)).collect();
                if !rows.is_empty() {
                    if std::mem::replace(&mut has_table_above, true) {
                        cx.ui.println("")?;
                    }
                    cx.ui.print(&table.write(rows))?;
                }
            }
            return cx.ui.flush();
        }
        let values: Vec<Value> =
            objects.iter().map(Object::to_value).collect::<Result<_, _>>().map_err(unwritable)?;
        match &mut self.typed {
            Some((columns, table)) => {
                let row = |value| columns.row(value, |time| age::age(Some(time), moment.now));
                let rows: Vec<_> = values.iter().map(row).collect::<Result<_, _>>()?;
                if !rows.is_empty() {
                    cx.ui.print(&table.write(rows.into_iter().map(|row| marked(row, event))))?;
                }
            }
            None => {
                for value in values {
                    cx.ui.print_document(&self.shape.write_next(value, event)?)?;
                }
            }
        }
        cx.ui.flush()
    }

    fn print_change(&mut self, mut value: Value, is_deleted: bool, cx: &Context) -> Result<(), CliError> {
        let Some(kind) = kind_of(&value, &self.kinds, &self.names) else { return Ok(()) };
        let event = self.event(kind, &value, is_deleted);
        let moment = Moment::for_ages(clock::now());
        if let Some((columns, table)) = &mut self.typed {
            let row = columns.row(&value, |time| age::age(Some(time), moment.now))?;
            cx.ui.print(&table.write([marked(row, event)]))?;
        } else if !self.shape.is_table() {
            cx.ui.print_document(&self.shape.write_next(value, event)?)?;
        } else if let Some((listing, table)) = self.tables.get_mut(&kind) {
            if is_deleted && let Value::Object(fields) = &mut value {
                // What is gone may come as little more than a name.
                fields.entry("apiVersion").or_insert_with(|| json!(ktk_client::api::API_VERSION));
                fields.entry("spec").or_insert_with(|| json!({}));
            }
            let object = Object::from_value(kind, value)
                .map_err(|error| CliError::failed(format!("unexpected answer of the server: {error}")))?;
            let row = match is_deleted {
                true => listing.deleted_row(&object, &moment),
                false => listing.row(&object, &moment),
            };
            cx.ui.print(&table.write([marked(row, event)]))?;
        }
        cx.ui.flush()
    }

    /// What has happened to an object, where that is shown.
    fn event(&mut self, kind: Kind, value: &Value, is_deleted: bool) -> Option<&'static str> {
        let known = self.known.as_mut()?;
        let id = value.pointer("/metadata/id").and_then(Value::as_str).unwrap_or_default();
        let key = (kind, id.to_owned());
        Some(match is_deleted {
            true => {
                known.remove(&key);
                "DELETED"
            }
            false if known.insert(key) => "ADDED",
            false => "MODIFIED",
        })
    }
}

fn id_of(object: &Object) -> String {
    object.metadata().id.map(|id| id.to_string()).unwrap_or_default()
}

/// A row behind what has happened.
fn marked(mut row: Vec<Cell>, event: Option<&'static str>) -> Vec<Cell> {
    if let Some(event) = event {
        row.insert(0, Cell::new(event));
    }
    row
}

impl GetArgs {
    /// An empty table of what is followed.
    fn followed_table(&self, titles: Vec<Cell>, cx: &Context) -> Table {
        let titles = marked(titles, self.output_watch_events.then_some("EVENT"));
        Table::new((!self.no_headers).then_some(titles), cx.ui.stdout_has_color())
    }
}
