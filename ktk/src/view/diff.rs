//! What differs between two tasks, most of all between two incarnations of one.

use jiff::Timestamp;
use ktk_client::api::{Task, field};
use serde_json::{Value, json};

use super::{age, task};
use crate::ui::Cell;

/// A field that differs, with its two values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Its path: `spec.inputs.width`.
    pub(crate) field: String,
    /// On the left; absent where there is none.
    pub(crate) left: Option<Value>,
    /// On the right.
    pub(crate) right: Option<Value>,
}

impl Difference {
    /// As programs read it.
    pub(crate) fn to_value(&self) -> Value {
        json!({"field": self.field, "left": self.left, "right": self.right})
    }

    fn cells(&self) -> Vec<Cell> {
        let text = |value: &Option<Value>| match value {
            None => Cell::none(),
            Some(Value::String(text)) => Cell::new(text.clone()),
            Some(value) => Cell::new(value.to_string()),
        };
        vec![Cell::new(self.field.clone()), text(&self.left), text(&self.right)]
    }
}

/// What differs of what two tasks were asked to do and have come to. When they ran, where and for how long is no
/// difference.
pub(crate) fn differences(left: &Task, right: &Task) -> Vec<Difference> {
    let mut found = Vec::new();
    let (a, b) = (facts(left), facts(right));
    compare(&mut found, "", Some(&a), Some(&b));
    found
}

fn facts(task: &Task) -> Value {
    let status = task.status.as_ref();
    json!({
        "labels": task.metadata.labels,
        "spec": task.spec,
        "status": {
            "phase": status.map(|status| status.phase),
            "reason": status.and_then(|status| status.reason),
            "exitCode": status.and_then(|status| status.exit_code),
            "attempts": status.map(|status| status.attempts.len()),
            "outputs": status.and_then(|status| status.outputs.clone()),
        },
    })
}

fn compare(found: &mut Vec<Difference>, path: &str, left: Option<&Value>, right: Option<&Value>) {
    let (left, right) = (left.filter(|value| !value.is_null()), right.filter(|value| !value.is_null()));
    if left == right {
        return;
    }
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (left, right) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            compare(found, &field::member(path, key), a.get(key), b.get(key));
        }
        return;
    }
    found.push(Difference { field: path.to_owned(), left: left.cloned(), right: right.cloned() });
}

/// How long each of them took.
pub(crate) fn durations(left: &Task, right: &Task, now: Timestamp) -> Difference {
    let text = |task: &Task| task::duration(task, now).map(|time| Value::String(age::human(time)));
    Difference { field: "duration".to_owned(), left: text(left), right: text(right) }
}

/// The differences as rows, titles first: the names of the two tasks.
pub(crate) fn rows(left: &Task, right: &Task, differences: &[Difference]) -> Vec<Vec<Cell>> {
    let titles = ["FIELD".to_owned(), left.incarnation_name(), right.incarnation_name()];
    let mut rows = vec![titles.into_iter().map(Cell::new).collect()];
    rows.extend(differences.iter().map(Difference::cells));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(incarnation: u32, width: u32, outputs: Value) -> Task {
        let id = format!("01936f2e-8c00-7000-8000-00000000000{incarnation}");
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Task",
            "metadata": {"name": "x", "id": id, "restart": {"contextId": id, "incarnation": incarnation}},
            "spec": {"run": {"command": ["true"]}, "inputs": {"width": width}},
            "status": {"phase": "Succeeded", "attempt": 1, "outputs": outputs,
                "startedAt": "2026-11-22T11:50:00Z", "finishedAt": "2026-11-22T11:50:03Z"}
        }))
        .expect("a task")
    }

    #[test]
    fn only_what_differs_is_named() {
        assert_eq!(differences(&task(1, 2, json!({"n": 1})), &task(2, 2, json!({"n": 1}))), []);
        let left = task(1, 100, json!({"n": 1, "same": [1]}));
        let right = task(3, 200, json!({"m": "x", "same": [1]}));
        let found = differences(&left, &right);
        let row = |field: &str, left, right| Difference { field: field.to_owned(), left, right };
        let expected = [
            row("spec.inputs.width", Some(json!(100)), Some(json!(200))),
            row("status.outputs.m", None, Some(json!("x"))),
            row("status.outputs.n", Some(json!(1)), None),
        ];
        assert_eq!(found, expected);
        let rows = rows(&left, &right, &found);
        let texts = |row: &[Cell]| row.iter().map(|cell| cell.text().to_owned()).collect::<Vec<_>>();
        assert_eq!(texts(&rows[0]), ["FIELD", "x@1", "x@3"]);
        assert_eq!(texts(&rows[2]), ["status.outputs.m", "<none>", "x"]);
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        assert_eq!(durations(&left, &right, now).left, Some(json!("3s")));
    }
}
