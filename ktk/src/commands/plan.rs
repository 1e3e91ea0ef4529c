//! The plan of a restart, or of several, as it is printed.

use ktk_client::api::{
    API_VERSION,
    restart::{Action, PlanRow},
};
use serde_json::json;

use crate::{
    commands::made,
    context::Context,
    error::CliError,
    output::{Document, OutputFormat},
    ui::escape,
    view,
};

/// The plans of several restarts as one. A task stands once in it, with the strongest of what happens to it, where
/// it stands first.
pub(crate) fn merged(plans: Vec<PlanRow>) -> Vec<PlanRow> {
    let mut places = std::collections::BTreeMap::new();
    let mut rows: Vec<PlanRow> = Vec::new();
    for row in plans {
        let place = *places.entry(row.task.clone()).or_insert(rows.len());
        match rows.get_mut(place) {
            None => rows.push(row),
            Some(first) if strength(row.action) > strength(first.action) => *first = row,
            Some(_) => {}
        }
    }
    rows
}

fn strength(action: Action) -> u8 {
    match action {
        Action::Keep => 0,
        Action::Decide => 1,
        Action::Continue => 2,
        Action::Adopt => 3,
        Action::Restart => 4,
    }
}

/// Prints a plan.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn print(plan: &[PlanRow], format: OutputFormat, cx: &Context) -> Result<(), CliError> {
    match (format, format.machine()) {
        (OutputFormat::Name, _) => {
            plan.iter().try_for_each(|row| cx.ui.println(&format!("task/{}", escape(&row.task))))
        }
        (_, Some(machine)) => {
            let plan = json!({"apiVersion": API_VERSION, "kind": "Plan", "items": plan});
            cx.ui.print_document(&machine.write(Document::One(plan))?)
        }
        (_, None) if plan.is_empty() => {
            cx.ui.message("nothing would change");
            Ok(())
        }
        (_, None) => made::print_rows(&view::plan::rows(plan), cx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_stands_once_with_what_is_strongest() {
        let row = |task: &str, action| PlanRow { task: task.into(), action, why: String::new() };
        let plans = vec![
            row("a", Action::Restart),
            row("b", Action::Keep),
            row("c", Action::Decide),
            row("b", Action::Restart),
            row("a", Action::Keep),
            row("c", Action::Continue),
        ];
        let merged: Vec<(String, Action)> =
            merged(plans).into_iter().map(|row| (row.task, row.action)).collect();
        let expected = [("a", Action::Restart), ("b", Action::Restart), ("c", Action::Continue)];
        assert_eq!(merged, expected.map(|(task, action)| (task.to_owned(), action)));
    }
}
