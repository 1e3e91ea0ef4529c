//! `ktk get -w`: what is there, then each change as a row of its own.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use ktk_client::{
    Client,
    api::watch::{WatchEvent, WatchParams},
};
use serde_json::{Value, json};

use super::{GetArgs, unwritable};
use crate::{
    clock,
    commands::fetch,
    context::Context,
    error::{CliError, Exit},
    kinds::{KINDS, Kind},
    output::{Document, OutputFormat, table::Table},
    target::Target,
    view::{Moment, listing::Listing, object::Object},
};

/// What is followed.
struct Followed<'a> {
    /// Types, in the order asked for.
    kinds: Vec<Kind>,
    /// Names of objects, where only these are followed.
    names: Vec<(Kind, String)>,
    tables: BTreeMap<Kind, (Listing<'a>, Table)>,
    format: OutputFormat,
}

/// Prints what is there and goes on with each change, over as many connections as it takes.
pub(super) async fn run(
    args: &GetArgs,
    targets: &[Target],
    format: OutputFormat,
    cx: &Context,
) -> Result<Exit, CliError> {
    let mut kinds: Vec<Kind> = targets.iter().map(|target| target.kind).collect();
    kinds.dedup();
    if let Some(kind) = kinds.iter().find(|kind| !kind.row().is_watched) {
        let error = CliError::usage(format!("{} cannot be watched", kind.plural()));
        let watched: Vec<_> = KINDS.iter().filter(|row| row.is_watched).map(|row| row.plural).collect();
        return Err(error.with_hint(format!("{} can", watched.join(", "))));
    }
    let options = args.listing_options(kinds.len(), format);
    let table = |kind: &Kind| {
        let listing = Listing::new(*kind, &options);
        let table = args.table(&listing, cx);
        (*kind, (listing, table))
    };
    let tables = kinds.iter().map(table).collect();
    let mut followed = Followed { kinds, names: Vec::new(), tables, format };
    tokio::select! {
        result = follow(args, targets, &mut followed, cx) => result,
        gone = cx.ui.reader_gone() => Err(gone),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Ok(Exit::Interrupted)
        }
    }
}

async fn follow(
    args: &GetArgs,
    targets: &[Target],
    followed: &mut Followed<'_>,
    cx: &Context,
) -> Result<Exit, CliError> {
    let client = cx.client().await?;
    let mut prints_present = !args.watch_only;
    loop {
        let (objects, version) = present(args, targets, followed, cx).await?;
        if prints_present {
            followed.print_present(&objects, cx)?;
            if objects.is_empty() && cx.ui.stderr_is_terminal() {
                cx.ui.message("No resources yet; waiting for changes.");
            }
        }
        match changes(client, args, followed, version, cx).await {
            // The history was cut: start again with what is there now.
            Err(error) if error.is_expired() => prints_present = true,
            Err(error) => return Err(error.into()),
            Ok(end) => return end,
        }
    }
}

/// What is there, and the version it is of.
async fn present(
    args: &GetArgs,
    targets: &[Target],
    followed: &mut Followed<'_>,
    cx: &Context,
) -> Result<(Vec<Object>, u64), CliError> {
    let client = cx.client().await?;
    let query = args.query(cx, followed.format.machine().is_none());
    if targets.iter().all(|target| target.name.is_none()) {
        let mut all = (Vec::new(), u64::MAX);
        for kind in &followed.kinds {
            let listed = fetch::list(client, *kind, &query).await.map_err(fetch::refused_list)?;
            all.0.extend(listed.objects);
            all.1 = all.1.min(listed.version);
        }
        return Ok(all);
    }
    // The version comes first: what changes between the two calls is printed twice, not never.
    let version = fetch::version(client).await?;
    let found = args.find(targets, &query, cx).await?;
    CliError::of_all(found.errors)?;
    let objects: Vec<Object> = found.groups.into_iter().flat_map(|(_, objects)| objects).collect();
    followed.names =
        objects.iter().map(|object| (object.kind(), object.metadata().name().to_owned())).collect();
    Ok((objects, version))
}

/// Prints changes until the stream ends. The inner error is an end that printing came to.
async fn changes(
    client: &Client,
    args: &GetArgs,
    followed: &mut Followed<'_>,
    version: u64,
    cx: &Context,
) -> Result<Result<Exit, CliError>, ktk_client::Error> {
    let kinds: Vec<&str> = followed.kinds.iter().map(|kind| kind.manifest()).collect();
    let query = args.query(cx, followed.format.machine().is_none());
    let mut stream = client.watch(WatchParams {
        kinds: Some(kinds.join(",")),
        namespace: query.namespace,
        label_selector: query.labels,
        field_selector: query.fields,
        version: Some(version),
        summary: query.is_summary,
        ..WatchParams::default()
    });
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
    fn print_present(&mut self, objects: &[Object], cx: &Context) -> Result<(), CliError> {
        let moment = Moment::for_ages(clock::now());
        match self.format.machine_stream() {
            Some(machine) => {
                for object in objects {
                    let value = object.to_value().map_err(unwritable)?;
                    cx.ui.print(&machine.write(Document::One(value))?)?;
                }
            }
            None => {
                let mut has_table_above = false;
                for (kind, (listing, table)) in &mut self.tables {
                    let own = objects.iter().filter(|object| object.kind() == *kind);
                    let rows: Vec<_> = own.map(|object| listing.row(object, &moment)).collect();
                    if !rows.is_empty() {
                        if std::mem::replace(&mut has_table_above, true) {
                            cx.ui.println("")?;
                        }
                        cx.ui.print(&table.write(rows))?;
                    }
                }
            }
        }
        cx.ui.flush()
    }

    fn print_change(&mut self, mut value: Value, is_deleted: bool, cx: &Context) -> Result<(), CliError> {
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
        let Some(kind) = self.kinds.iter().copied().find(|known| known.manifest() == kind) else {
            return Ok(());
        };
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        if !self.names.is_empty() && !self.names.iter().any(|(known, own)| *known == kind && own == name) {
            return Ok(());
        }
        if let Some(machine) = self.format.machine_stream() {
            cx.ui.print(&machine.write(Document::One(value))?)?;
            return cx.ui.flush();
        }
        if is_deleted && let Value::Object(fields) = &mut value {
            // What is gone may come as little more than a name.
            fields.entry("apiVersion").or_insert_with(|| json!(ktk_client::api::API_VERSION));
            fields.entry("spec").or_insert_with(|| json!({}));
        }
        let object = Object::from_value(kind, value)
            .map_err(|error| CliError::failed(format!("unexpected answer of the server: {error}")))?;
        let moment = Moment::for_ages(clock::now());
        if let Some((listing, table)) = self.tables.get_mut(&kind) {
            let row = match is_deleted {
                true => listing.deleted_row(&object, &moment),
                false => listing.row(&object, &moment),
            };
            cx.ui.print(&table.write([row]))?;
        }
        cx.ui.flush()
    }
}
