//! What the expressions of simulated tasks come to: said once more, in other words.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{GrantFact, TaskFact},
    manifest::{Spec, expression},
};

/// How many needs have put anything out.
pub const COUNT: &str = "[.needs[] | objects] | length";

/// Another number than one of them.
pub const NOT_ONE: &str = "[.needs[] | objects] | length != 1";

/// It fails where a need has put out a two.
pub const NO_TWO: &str = "if any(.needs[]; .n? == 2) then error(\"two\") else 1 end";

/// Three values, and one less for each that the needs have put out.
pub const EACH: &str = "range(3 - ([.needs[] | objects | .n // 0] | add // 0))";

/// What an item is called.
pub const KEY: &str = "\"k\" + (.item | tostring)";

/// What an item is, alone and with what the needs have put out.
pub const ITEM: &str = ".item";
pub const ITEM_AND_SUM: &str = ".item * 100 + ([.needs[] | objects | .n // 0] | add // 0)";

/// What the needs have put out together.
fn sum(needs: &BTreeMap<String, Value>) -> i64 {
    needs.values().filter_map(|value| value.get("n")?.as_i64()).sum()
}

/// The value of one of these, or nothing where it fails.
fn value_of(text: &str, needs: &BTreeMap<String, Value>, item: Option<&Value>) -> Option<Value> {
    let count = needs.values().filter(|value| value.is_object()).count();
    match text {
        ITEM => item.cloned(),
        ITEM_AND_SUM => Some(json!(item?.as_i64()? * 100 + sum(needs))),
        COUNT => Some(json!(count)),
        NOT_ONE => Some(json!(count != 1)),
        NO_TWO => needs.values().all(|value| value.get("n") != Some(&json!(2))).then_some(json!(1)),
        other => panic!("nobody knows what {other:?} comes to"),
    }
}

/// What the items of a step are called, and their values.
pub(super) fn items_of(spec: &Spec, needs: &BTreeMap<String, Value>) -> Option<Vec<(String, Value)>> {
    let each = spec.for_each.as_ref().filter(|each| each.jq == EACH)?;
    let name = |n: i64| if each.key.is_some() { format!("k{n}") } else { n.to_string() };
    Some((0..3 - sum(needs)).map(|n| (name(n), json!(n))).collect())
}

/// The inputs that a task runs with, or an item of this value; nothing where an expression fails.
pub(super) fn inputs(
    spec: &Spec,
    needs: &BTreeMap<String, Value>,
    item: Option<&Value>,
) -> Option<BTreeMap<String, Value>> {
    let made = |value: &Value| match expression(value) {
        Some(text) => value_of(text, needs, item),
        None => Some(value.clone()),
    };
    spec.inputs.iter().map(|(name, value)| Some((name.clone(), made(value)?))).collect()
}

impl Judge {
    /// The outputs of what a task took, by its needs' names.
    pub(super) fn outputs_taken(&self, task: Uuid) -> BTreeMap<String, Value> {
        let mut outputs = BTreeMap::new();
        for taken in self.taken(task) {
            let text = self.outputs.get(&taken.id).filter(|_| taken.output_digest.is_some());
            let value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
            outputs.insert(taken.need, value);
        }
        outputs
    }

    /// What an attempt was handed as inputs is what its expressions make of what it took, and its condition is true.
    pub(super) fn check_inputs(&mut self, grant: &GrantFact) {
        let Some(spec) = self.specs.get(&grant.task).cloned() else { return };
        let expected = inputs(&spec, &grant.needs, spec.item.as_ref());
        self.rule("P25", expected.as_ref() == Some(&grant.inputs), || {
            format!("{:?} of {:?}: expected {expected:?}", grant.inputs, grant.needs)
        });
        if let Some(when) = spec.when.filter(|_| grant.attempt == 1) {
            let holds = value_of(&when.jq, &grant.needs, None) == Some(json!(true));
            self.rule("P24", holds, || format!("it started although {} is false: {grant:?}", when.jq));
        }
    }

    /// A condition that is false, or an expression that fails, is so on what was taken.
    pub(super) fn check_verdicts(&mut self, touched: &Touched) {
        for task in &touched.ended {
            let Some(spec) = self.specs.get(&task.id).cloned() else { continue };
            match task.reason {
                Some("WhenFalse") => {
                    let needs = self.outputs_taken(task.id);
                    let value = spec.when.and_then(|when| value_of(&when.jq, &needs, None));
                    let holds = value == Some(json!(false));
                    self.rule("P24", holds, || format!("skipped on {needs:?}: {task:?}"));
                }
                Some("InvalidInput") => {
                    let needs = self.outputs_taken(task.id);
                    let of = |item: Option<&Value>| inputs(&spec, &needs, item).is_none();
                    let fails = match items_of(&spec, &needs) {
                        Some(items) => {
                            self.lacks_limit(task) || items.iter().any(|(_, value)| of(Some(value)))
                        }
                        None => of(spec.item.as_ref()),
                    };
                    self.rule("P25", fails, || format!("its expressions do not fail on {needs:?}: {task:?}"));
                }
                Some("Reused") => self.check_reused(task),
                _ => {}
            }
        }
    }

    /// What was taken back carries what its parent put out.
    fn check_reused(&mut self, task: &TaskFact) {
        let Some(parent) = task.parent.and_then(|parent| self.tasks.get(&parent)).cloned() else { return };
        let (own, old) = (self.outputs.get(&task.id), self.outputs.get(&parent.id));
        let holds = (task.phase, parent.phase) == ("Succeeded", "Succeeded")
            && task.digest == parent.digest
            && (own == old || parent.digest.is_none());
        self.rule("P25", holds, || format!("{task:?} is not what {parent:?} was"));
    }
}
