//! What has been collected, or would be: a row each, with the rule by which it goes.

use ktk_client::api::server::CollectedItem;

use super::{Moment, age};
use crate::ui::Cell;

/// `task/build`.
pub(crate) fn name(item: &CollectedItem) -> String {
    format!("{}/{}", item.kind.to_lowercase(), item.name)
}

/// All rows, titles first.
pub(crate) fn rows(items: &[CollectedItem], moment: &Moment) -> Vec<Vec<Cell>> {
    let titles = ["NAMESPACE", "OBJECT", "TASKS", "STATUS", "ENDED", "WHY", "SINCE"];
    let mut rows = vec![titles.map(Cell::new).to_vec()];
    rows.extend(items.iter().map(|item| {
        vec![
            Cell::new(item.namespace.clone()),
            Cell::new(name(item)),
            Cell::new(item.tasks.to_string()),
            Cell::new(item.phase.as_str()),
            Cell::new(age::age(Some(item.finished_at), moment.now)),
            Cell::new(item.rule.clone()),
            Cell::new(age::age(Some(item.since), moment.now)),
        ]
    }));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Widths, lay_out};

    #[test]
    fn each_row_says_what_goes_and_by_which_rule() {
        let item = |kind: &str, namespace: &str, tasks, rule: &str| CollectedItem {
            kind: kind.into(),
            namespace: namespace.into(),
            name: "a".into(),
            id: Default::default(),
            tasks,
            phase: ktk_client::api::Phase::Failed,
            finished_at: "2026-11-20T12:00:00Z".parse().unwrap(),
            rule: rule.into(),
            since: "2026-11-22T11:00:00Z".parse().unwrap(),
        };
        let items =
            [item("Task", "default", 1, "ttlAfterFinished 1h"), item("Pipeline", "x", 12, "retention 2d")];
        let rows = rows(&items, &crate::view::tests::moment());
        let mut widths = Widths::default();
        widths.measure(&rows);
        let expected = "\
NAMESPACE   OBJECT       TASKS   STATUS   ENDED   WHY                   SINCE
default     task/a       1       Failed   2d      ttlAfterFinished 1h   60m
x           pipeline/a   12      Failed   2d      retention 2d          60m
";
        assert_eq!(lay_out(&rows, &widths, false), expected);
    }
}
