//! `ktk get -w --live`: a table that is drawn again with each change, on a terminal.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt;
use ktk_client::api::watch::WatchEvent;
use serde_json::Value;

use super::{
    GetArgs,
    document::Shape,
    sort_groups,
    watch::{self, Present},
};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::jsonpath::Path,
    target::Target,
    ui::Screen,
    view::{Moment, listing::Listing, object::Object},
};

/// How often is looked whether there is something new to draw.
const TICK: Duration = Duration::from_millis(250);
/// After so many ticks ages have changed.
const TICKS_OF_AGE: u32 = 4;

/// Where an object stands: namespace, name, incarnation where they are told apart.
type Place = (String, String, u32);

/// What is shown now.
struct Board<'a> {
    args: &'a GetArgs,
    shape: &'a Shape,
    sort_by: Option<&'a Path>,
    objects: BTreeMap<(usize, Place), Object>,
    kinds: Vec<Kind>,
    names: Vec<(Kind, String)>,
}

/// Draws until it is interrupted.
pub(super) async fn run(
    args: &GetArgs,
    targets: &[Target],
    shape: &Shape,
    sort_by: Option<&Path>,
    cx: &Context,
) -> Result<Exit, CliError> {
    if !cx.ui.stdout_is_terminal() {
        let error = CliError::usage("--live draws a table on a terminal, and stdout is none");
        return Err(error.with_hint("ktk get -w prints each change"));
    }
    if !shape.is_table() || args.output_watch_events {
        return Err(CliError::usage("--live draws tables: it goes with -o wide alone"));
    }
    let kinds = watch::watched_kinds(targets)?;
    let mut board = Board { args, shape, sort_by, objects: BTreeMap::new(), kinds, names: Vec::new() };
    tokio::select! {
        result = board.follow(targets, cx) => result,
        () = cx.watch_over() => Ok(Exit::Done),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Ok(Exit::Interrupted)
        }
    }
}

impl Board<'_> {
    async fn follow(&mut self, targets: &[Target], cx: &Context) -> Result<Exit, CliError> {
        let is_summary = self.sort_by.is_none();
        let mut screen = Screen::default();
        loop {
            let Present { groups, version, names } =
                watch::present(self.args, targets, &self.kinds, is_summary, cx).await?;
            self.names = names;
            self.objects.clear();
            for object in groups.into_iter().flat_map(|(_, objects)| objects) {
                self.put(object);
            }
            let mut stream = watch::stream(self.args, &self.kinds, version, is_summary, cx).await?;
            let mut ticks = tokio::time::interval(TICK);
            let (mut is_new, mut ticked) = (true, 0);
            loop {
                tokio::select! {
                    event = stream.next() => match event {
                        Some(Ok(event)) => is_new |= self.take(event)?,
                        // The history was cut: start again with what is there now.
                        Some(Err(error)) if error.is_expired() => break,
                        Some(Err(error)) => return Err(error.into()),
                        None => return Ok(Exit::Done),
                    },
                    _ = ticks.tick() => {
                        ticked += 1;
                        if std::mem::take(&mut is_new) || ticked % TICKS_OF_AGE == 0 {
                            let text = self.text(cx)?;
                            cx.ui.redraw(&mut screen, &text)?;
                        }
                    }
                }
            }
        }
    }

    /// Whether an event changed what is shown.
    fn take(&mut self, event: WatchEvent) -> Result<bool, CliError> {
        let (value, is_deleted) = match event {
            WatchEvent::Change { object, .. } => (object, false),
            WatchEvent::Delete { object, .. } => (object, true),
            WatchEvent::Bookmark { .. } | WatchEvent::Stopping { .. } => return Ok(false),
        };
        let Some(kind) = watch::kind_of(&value, &self.kinds, &self.names) else { return Ok(false) };
        if is_deleted {
            let id = value.pointer("/metadata/id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let before = self.objects.len();
            self.objects.retain(|_, object| {
                object.kind() != kind || object.metadata().id.is_none_or(|own| own.to_string() != id)
            });
            return Ok(self.objects.len() < before);
        }
        let object = Object::from_value(kind, value)
            .map_err(|error| CliError::failed(format!("unexpected answer of the server: {error}")))?;
        self.put(object);
        Ok(true)
    }

    /// Shows an object, unless a later incarnation of it is shown.
    fn put(&mut self, object: Object) {
        let metadata = object.metadata();
        let incarnation = if self.args.all_incarnations { metadata.incarnation() } else { 0 };
        let place = (metadata.namespace().to_owned(), metadata.name().to_owned(), incarnation);
        let number = self.kinds.iter().position(|kind| *kind == object.kind()).unwrap_or_default();
        let key = (number, place);
        let is_older = |known: &Object| known.metadata().incarnation() > metadata.incarnation();
        if !self.objects.get(&key).is_some_and(is_older) {
            self.objects.insert(key, object);
        }
    }

    fn text(&self, cx: &Context) -> Result<String, CliError> {
        let mut groups: Vec<(Kind, Vec<Object>)> =
            self.kinds.iter().map(|kind| (*kind, Vec::new())).collect();
        for ((number, _), object) in &self.objects {
            groups[*number].1.push(object.clone());
        }
        groups.retain(|(_, objects)| !objects.is_empty());
        if let Some(path) = self.sort_by {
            // Before anything has the field, nothing is sorted.
            let _ = sort_groups(&mut groups, path);
        }
        if groups.is_empty() {
            return Ok("No resources yet; waiting for changes.\n".to_owned());
        }
        let options = self.args.listing_options(groups.len(), self.shape.format());
        let moment = Moment::for_ages(clock::now());
        let tables = groups.iter().map(|(kind, objects)| {
            let listing = Listing::new(*kind, &options);
            let rows = objects.iter().map(|object| listing.row(object, &moment));
            self.args.table(&listing, cx).write(rows)
        });
        Ok(tables.collect::<Vec<_>>().join("\n"))
    }
}
