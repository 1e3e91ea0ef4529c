//! Plans of restarts: what happens to each task, and why.

use ktk_client::api::restart::{Action, PlanRow};
use serde_json::Value;

use crate::ui::{Cell, Tone};

/// The titles of a plan.
pub(crate) const TITLES: [&str; 3] = ["TASK", "ACTION", "WHY"];

/// The cells of a row.
pub(crate) fn cells(row: &PlanRow) -> Vec<Cell> {
    let tone = match row.action {
        Action::Restart => Tone::Running,
        Action::Decide => Tone::Waiting,
        Action::Keep => Tone::Dim,
        Action::Continue | Action::Adopt => Tone::Plain,
    };
    vec![Cell::new(row.task.clone()), Cell::toned(row.action.as_str(), tone), Cell::new(row.why.clone())]
}

/// A change of a restart as the flag that asks for it: `--env RETRY=1`, `--set inputs.width=100`.
pub(crate) fn change(field: &str, value: &Value) -> String {
    // Text that would be read as another value keeps its quotes.
    let text = match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        value => value.to_string(),
    };
    match (field.strip_prefix("run.env."), value.as_str()) {
        (Some(name), Some(value)) => format!("--env {name}={value}"),
        _ => format!("--set {field}={text}"),
    }
}

/// The whole plan as rows, titles first; with namespaces where the rows have them.
pub(crate) fn rows(plan: &[(Option<&str>, &PlanRow)]) -> Vec<Vec<Cell>> {
    let has_namespaces = plan.iter().any(|(namespace, _)| namespace.is_some());
    let of = |namespace: &str, cells: Vec<Cell>| match has_namespaces {
        true => [vec![Cell::new(namespace.to_owned())], cells].concat(),
        false => cells,
    };
    let titles = TITLES.iter().map(|title| Cell::new(*title)).collect();
    let mut rows = vec![of("NAMESPACE", titles)];
    rows.extend(plan.iter().map(|(namespace, row)| of(namespace.unwrap_or_default(), cells(row))));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Widths, lay_out};

    #[test]
    fn a_change_is_the_flag_that_asks_for_it() {
        use serde_json::json;
        for (field, value, flag) in [
            ("run.env.RETRY", json!("1"), "--env RETRY=1"),
            ("run.env.RETRY", json!(null), "--set run.env.RETRY=null"),
            ("inputs.width", json!(100), "--set inputs.width=100"),
            ("inputs.width", json!("100"), "--set inputs.width=\"100\""),
            ("inputs.name", json!("a b"), "--set inputs.name=a b"),
            ("run.command", json!(["ls", "-l"]), "--set run.command=[\"ls\",\"-l\"]"),
        ] {
            assert_eq!(change(field, &value), flag);
        }
    }

    #[test]
    fn a_plan_says_what_and_why() {
        let row = |task: &str, action, why: &str| PlanRow { task: task.into(), action, why: why.into() };
        let web = row("test-web", Action::Restart, "failed: exit code 1");
        let publish = row("publish", Action::Continue, "was waiting for test-web");
        let text = |plan: &[(Option<&str>, &PlanRow)]| {
            let rows = rows(plan);
            let mut widths = Widths::default();
            widths.measure(&rows);
            lay_out(&rows, &widths, false)
        };
        let expected = "\
TASK       ACTION     WHY
test-web   restart    failed: exit code 1
publish    continue   was waiting for test-web
";
        assert_eq!(text(&[(None, &web), (None, &publish)]), expected);
        let expected = "\
NAMESPACE   TASK       ACTION     WHY
a           test-web   restart    failed: exit code 1
b           publish    continue   was waiting for test-web
";
        assert_eq!(text(&[(Some("a"), &web), (Some("b"), &publish)]), expected);
    }
}
