//! Plans of restarts: what happens to each task, and why.

use ktk_client::api::restart::{Action, PlanRow};

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

/// The whole plan as rows, titles first.
pub(crate) fn rows(plan: &[PlanRow]) -> Vec<Vec<Cell>> {
    let mut rows = vec![TITLES.iter().map(|title| Cell::new(*title)).collect()];
    rows.extend(plan.iter().map(cells));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Widths, lay_out};

    #[test]
    fn a_plan_says_what_and_why() {
        let row = |task: &str, action, why: &str| PlanRow { task: task.into(), action, why: why.into() };
        let rows = rows(&[
            row("test-web", Action::Restart, "failed: exit code 1"),
            row("publish", Action::Continue, "was waiting for test-web"),
        ]);
        let mut widths = Widths::default();
        widths.measure(&rows);
        let expected = "\
TASK       ACTION     WHY
test-web   restart    failed: exit code 1
publish    continue   was waiting for test-web
";
        assert_eq!(lay_out(&rows, &widths, false), expected);
    }
}
