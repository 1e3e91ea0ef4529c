//! The list that is offered where no name was typed on a terminal.

use std::cmp::Reverse;

use super::fetch::{self, Query};
use crate::{
    clock,
    context::Context,
    error::CliError,
    kinds::Kind,
    output::table::Table,
    ui::Cell,
    view::{age, object::Object},
};

/// The most that a list offers: the newest.
const OFFERED: usize = 200;

/// Whether somebody is there to pick.
pub(crate) fn is_possible(cx: &Context) -> bool {
    cx.ui.can_ask() && cx.ui.stdout_is_terminal()
}

/// Asks which object of these kinds is meant, the newest first; answers it as `TYPE/NAME`, as if it had been typed.
///
/// # Errors
/// Code 2 where there is nothing to pick, or nothing was picked.
pub(crate) async fn one(
    cx: &Context,
    verb: &str,
    kinds: &[Kind],
    is_offered: impl Fn(&Object) -> bool,
) -> Result<Vec<String>, CliError> {
    let client = cx.client().await?;
    let query = Query { namespace: Some(cx.namespace().to_owned()), is_summary: true, ..Query::default() };
    let mut objects: Vec<(Kind, Object)> = Vec::new();
    for kind in kinds {
        let listed = fetch::list(client, *kind, &query).await.map_err(fetch::refused_list)?;
        objects.extend(listed.objects.into_iter().filter(&is_offered).map(|object| (*kind, object)));
    }
    if objects.is_empty() {
        let error = CliError::usage(format!("there is nothing to {verb} in {} namespace", cx.namespace()));
        return Err(error.with_hint(format!("name it: ktk {verb} TYPE/NAME")));
    }
    objects.sort_by_key(|(_, object)| Reverse(object.metadata().created_at));
    objects.truncate(OFFERED);
    let now = clock::now();
    let rows = objects.iter().map(|(kind, object)| {
        let phase = object.phase().map_or_else(Cell::none, |phase| Cell::new(phase.to_string()));
        let name = format!("{kind}/{}", object.name(false));
        vec![Cell::new(name), phase, Cell::new(age::age(object.metadata().created_at, now))]
    });
    let text = Table::new(None, false).write(rows);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let picked = cx.ui.pick("Which one?", &lines)?;
    let (kind, object) = &objects[picked];
    Ok(vec![format!("{kind}/{}", object.name(false))])
}
