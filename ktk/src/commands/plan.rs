//! The plan of a restart, or of several, as it is printed.

use ktk_client::api::{
    API_VERSION,
    restart::{Action, MAX_PLANNED, PlanRow, Wanted},
};
use serde::Serialize;
use serde_json::json;

use super::{bulk::Chosen, missing};
use crate::{
    commands::made,
    context::Context,
    error::CliError,
    output::{Document, OutputFormat},
    ui::escape,
    view,
};

/// The most bytes of what is planned at once: a server takes requests of 16 MiB.
const PART_BYTES: usize = 12 << 20;

/// Prints what many restarts would do, each after those before it: the server plans them together. One that is refused
/// stops none of the others.
///
/// # Errors
/// Where they cannot be planned, and whatever each of them would be refused for.
pub(crate) async fn of_many(
    verb: &str,
    asked: Vec<(Chosen, Wanted)>,
    format: OutputFormat,
    cx: &Context,
) -> Result<(), CliError> {
    let client = cx.client().await?;
    let (chosen, wanted): (Vec<Chosen>, Vec<Wanted>) = asked.into_iter().unzip();
    let size = part_size(&wanted);
    if wanted.len() > size {
        let (all, parts) = (wanted.len(), wanted.len().div_ceil(size));
        cx.ui.warning(&format!("{all} are planned in {parts} parts: no part sees what those before it do"));
    }
    let (mut plans, mut errors) = (Vec::new(), Vec::new());
    for (part, chosen) in wanted.chunks(size).zip(chosen.chunks(size)) {
        let answers = client.plan_restarts(part.to_vec()).await?;
        for (answer, Chosen { named, namespace }) in answers.into_iter().zip(chosen) {
            match answer {
                Ok(rows) => plans.push((namespace.as_str(), rows)),
                Err(error) => errors.push(missing::explain(client, verb, named, error.into()).await),
            }
        }
    }
    if errors.len() < chosen.len() {
        print_all(&within(&merged(plans)), format, cx)?;
    }
    CliError::of_all(errors)
}

/// How many are planned at once: all of them, where the server's limits let them.
fn part_size(wanted: &[Wanted]) -> usize {
    let bytes = serde_json::to_vec(wanted).map_or(0, |text| text.len());
    let parts = wanted.len().div_ceil(MAX_PLANNED).max(bytes.div_ceil(PART_BYTES)).max(1);
    wanted.len().div_ceil(parts).max(1)
}

/// The plans of several restarts, one after the other, as one; each with its namespace. A task stands once in it, where
/// it stands first, with the strongest of what happens to it. One that is restarted and may have to run again for
/// another one's sake says why.
fn merged<'n>(plans: impl IntoIterator<Item = (&'n str, Vec<PlanRow>)>) -> Vec<(&'n str, PlanRow)> {
    let mut places = std::collections::BTreeMap::new();
    let mut rows: Vec<(&str, PlanRow)> = Vec::new();
    for (namespace, plan) in plans {
        for row in plan {
            let place = *places.entry((namespace, row.task.clone())).or_insert(rows.len());
            match rows.get_mut(place) {
                None => rows.push((namespace, row)),
                Some((_, first)) => *first = stronger(std::mem::replace(first, row.clone()), row),
            }
        }
    }
    rows
}

/// Rows with their namespaces, where there are several.
fn within<'r>(rows: &'r [(&str, PlanRow)]) -> Vec<Row<'r>> {
    let are_several = rows.iter().any(|(namespace, _)| *namespace != rows[0].0);
    let row =
        |(namespace, row): &'r (&str, PlanRow)| Row { namespace: are_several.then_some(*namespace), row };
    rows.iter().map(row).collect()
}

/// A row of a plan as it is printed.
#[derive(Serialize)]
struct Row<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'r str>,
    #[serde(flatten)]
    row: &'r PlanRow,
}

/// What holds of two rows of one task.
fn stronger(first: PlanRow, second: PlanRow) -> PlanRow {
    let (mut row, other) =
        if strength(second.action) > strength(first.action) { (second, first) } else { (first, second) };
    let runs = matches!(row.action, Action::Restart | Action::Adopt);
    if runs && other.action == Action::Decide && !row.why.contains(&other.why) {
        row.why = format!("{}; {}", row.why, other.why);
    }
    row
}

/// What may still be decided is more than what goes on by itself.
fn strength(action: Action) -> u8 {
    match action {
        Action::Keep => 0,
        Action::Continue => 1,
        Action::Decide => 2,
        Action::Adopt => 3,
        Action::Restart => 4,
    }
}

/// Prints a plan.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn print(plan: &[PlanRow], format: OutputFormat, cx: &Context) -> Result<(), CliError> {
    let rows: Vec<Row<'_>> = plan.iter().map(|row| Row { namespace: None, row }).collect();
    print_all(&rows, format, cx)
}

fn print_all(plan: &[Row<'_>], format: OutputFormat, cx: &Context) -> Result<(), CliError> {
    match (format, format.machine()) {
        (OutputFormat::Name, _) => {
            plan.iter().try_for_each(|Row { row, .. }| cx.ui.println(&format!("task/{}", escape(&row.task))))
        }
        (_, Some(machine)) => {
            let plan = json!({"apiVersion": API_VERSION, "kind": "Plan", "items": plan});
            cx.ui.print_document(&machine.write(Document::One(plan))?)
        }
        (_, None) if plan.is_empty() => {
            cx.ui.message("nothing would change");
            Ok(())
        }
        (_, None) => {
            let rows: Vec<_> = plan.iter().map(|row| (row.namespace, row.row)).collect();
            made::print_rows(&view::plan::rows(&rows), cx)
        }
    }
}

#[cfg(test)]
mod tests {
    use ktk_client::api::restart::RestartParams;

    use super::*;

    fn row(task: &str, action: Action, why: &str) -> PlanRow {
        PlanRow { task: task.into(), action, why: why.into() }
    }

    #[test]
    fn a_task_stands_once_with_what_is_strongest() {
        let plans = [
            (
                "x",
                vec![
                    row("a", Action::Restart, ""),
                    row("b", Action::Keep, ""),
                    row("c", Action::Continue, ""),
                ],
            ),
            (
                "x",
                vec![row("b", Action::Restart, ""), row("a", Action::Keep, ""), row("c", Action::Decide, "")],
            ),
            ("y", vec![row("c", Action::Continue, "")]),
            ("x", vec![row("c", Action::Continue, "")]),
        ];
        let merged: Vec<(String, Action)> =
            merged(plans).into_iter().map(|(_, row)| (row.task, row.action)).collect();
        let expected =
            [("a", Action::Restart), ("b", Action::Restart), ("c", Action::Decide), ("c", Action::Continue)];
        assert_eq!(merged, expected.map(|(task, action)| (task.to_owned(), action)));
    }

    #[test]
    fn what_is_restarted_may_have_to_run_again() {
        let plans = [
            ("x", vec![row("c", Action::Decide, "runs again only if b's outputs change")]),
            ("x", vec![row("c", Action::Restart, "failed: exit code 1")]),
            ("x", vec![row("c", Action::Decide, "runs again only if b's outputs change")]),
        ];
        let why = "failed: exit code 1; runs again only if b's outputs change";
        assert_eq!(merged(plans), [("x", row("c", Action::Restart, why))]);
    }

    #[test]
    fn namespaces_stand_where_there_are_several() {
        let json = |rows: &[(&str, PlanRow)]| json!(within(rows));
        let (first, second) = (("x", row("a", Action::Keep, "")), ("y", row("a", Action::Keep, "")));
        assert_eq!(json(std::slice::from_ref(&first)), json!([{"task": "a", "action": "keep", "why": ""}]));
        let both = json(&[first, second]);
        assert_eq!([&both[0]["namespace"], &both[1]["namespace"]], ["x", "y"]);
        assert_eq!(json(&[]), json!([]));
    }

    #[test]
    fn parts_are_as_few_as_the_limits_let_and_equally_large() {
        let wanted = |count: usize, reason: usize| {
            let params = RestartParams { reason: Some("x".repeat(reason)), ..RestartParams::default() };
            vec![Wanted::Task(params); count]
        };
        for (count, reason, size) in [(1, 0, 1), (10_000, 0, 10_000), (10_001, 0, 5_001), (25_000, 0, 8_334)]
        {
            assert_eq!(part_size(&wanted(count, reason)), size);
        }
        let size = part_size(&wanted(100, 1 << 20));
        assert!((5..=12).contains(&size), "{size} of a mebibyte each");
        assert_eq!(part_size(&wanted(1, 20 << 20)), 1);
    }
}
