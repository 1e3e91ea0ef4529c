//! Steps with `forEach`: what items they have, which of them run again, and what the step makes of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{ItemFact, TaskFact},
    values::{inputs, items_of},
};

impl Touched {
    /// A step, or an item of one, was written.
    pub fn note_step(&mut self, task: &TaskFact) {
        if task.is_for_each() {
            self.steps.insert(task.context);
        }
        self.steps.extend(task.item.map(|item| item.step));
    }
}

impl Judge {
    /// The newest incarnations of all items that a step has had, by name.
    fn items_ever(&self, step: &TaskFact) -> BTreeMap<String, TaskFact> {
        let needs = self.needs.get(&step.context).into_iter().flatten();
        let items = needs.filter_map(|need| self.newest(*need)).filter(|task| task.item.is_some());
        items.map(|task| (task.name.clone(), task.clone())).collect()
    }

    /// The items that a step has, in their order.
    fn items_there(&self, step: &TaskFact) -> Vec<TaskFact> {
        let mut items: Vec<TaskFact> = self.items_ever(step).into_values().collect();
        items.retain(TaskFact::is_present_item);
        items.sort_by_key(|task| task.item.map(|item| item.index));
        items
    }

    pub(super) fn check_steps(&mut self, touched: &Touched) {
        for id in &touched.expanded {
            self.check_expanded(*id, touched);
        }
        // By its context, or by the incarnation whose needs an item took.
        let context = |id: &Uuid| self.tasks.get(id).map_or(*id, |task| task.context);
        let steps: BTreeSet<Uuid> = touched.steps.iter().map(context).collect();
        for step in steps {
            let Some(step) = self.newest(step).filter(|task| task.is_for_each()).cloned() else { continue };
            let items = self.items_there(&step);
            let moves = items.iter().any(|item| !item.is_good() && !item.is_bad());
            let holds = match (step.phase, step.is_expanded == Some(true)) {
                ("Running", is_expanded) => is_expanded && moves,
                ("Pending", true) => !moves && items.iter().any(TaskFact::is_bad),
                _ => true,
            };
            self.rule("S4R", holds, || format!("{step:?} with {items:?}"));
        }
        for task in touched.ended.iter().filter(|task| task.is_for_each()) {
            if task.phase == "Succeeded" && task.reason.is_none() {
                let Some(now) = self.tasks.get(&task.id).filter(|task| task.newest).cloned() else {
                    continue;
                };
                self.check_collection(&now);
            }
        }
    }

    /// Its items are what its expression yields, those that were equal are as they were, and what it has no more need
    /// not run.
    fn check_expanded(&mut self, id: Uuid, touched: &Touched) {
        let (Some(step), Some(spec)) = (self.tasks.get(&id).cloned(), self.specs.get(&id).cloned()) else {
            return;
        };
        let needs = self.outputs_taken(id);
        let expected = items_of(&spec, &needs).unwrap_or_default();
        let mut items = self.items_ever(&step);
        for (index, (name, value)) in expected.iter().enumerate() {
            let name = format!("{}.{name}", step.name);
            let Some(item) = items.remove(&name) else {
                self.rule("S4", false, || format!("there is no {name} of {step:?}"));
                continue;
            };
            let took = item.item.filter(|_| !touched.made.contains(&item.id)).map_or(id, |item| item.step);
            let place = ItemFact { step: took, index: index as u32, is_gone: false };
            let is_value = self.specs.get(&item.id).and_then(|spec| spec.item.as_ref()) == Some(value);
            // One that is kept is what it was made of.
            let is_made = touched.made.contains(&item.id);
            let holds = item.item == Some(place) && (is_value || !is_made) && item.pipeline == step.pipeline;
            self.rule("S4", holds, || format!("not {value} at {index}: {item:?}"));
            let given = inputs(&spec, &needs, Some(value)).unwrap_or_default();
            self.check_kept(&step, &item, is_made, &given);
            self.given.insert(item.id, given);
        }
        for item in items.into_values() {
            let holds = item.reason == Some("NotNeeded") && item.item.is_some_and(|item| item.is_gone);
            self.rule("S4", holds, || format!("{} has no such item: {item:?}", step.name));
            self.given.remove(&item.id);
        }
    }

    /// An item of equal name and inputs stays as it is where it had ended well; any other is made anew.
    fn check_kept(
        &mut self,
        step: &TaskFact,
        item: &TaskFact,
        is_made: bool,
        given: &BTreeMap<String, Value>,
    ) {
        let old = match is_made {
            true => item.parent.and_then(|parent| self.newest_before(item, parent)),
            false => Some(item.clone()),
        };
        let is_equal = old.as_ref().and_then(|old| self.given.get(&old.id)) == Some(given);
        let was_well =
            old.is_some_and(|old| old.is_good() && old.is_present_item() && old.pipeline == step.pipeline);
        let stays = is_equal && was_well && step.cascade != "all";
        self.rule("S4E", is_made != stays, || format!("made: {is_made}, to be kept: {stays}: {item:?}"));
    }

    /// The incarnation before one that was just made.
    fn newest_before(&self, item: &TaskFact, parent: Uuid) -> Option<TaskFact> {
        let before = self.contexts.get(&item.context)?.range(..item.incarnation).next_back();
        self.tasks.get(before.map_or(&parent, |(_, id)| id)).cloned()
    }

    fn check_collection(&mut self, step: &TaskFact) {
        let items = self.items_there(step);
        let value = |id: &Uuid, task: &TaskFact| {
            let text = self.outputs.get(id).filter(|_| task.digest.is_some());
            text.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or(Value::Null)
        };
        let expected = Value::Array(items.iter().map(|item| value(&item.id, item)).collect());
        let outputs = value(&step.id, step);
        self.rule("S4C", outputs == expected, || format!("{outputs} instead of {expected}: {step:?}"));
    }

    /// At the end a step that has succeeded has collected what its items are now, but where somebody wanted otherwise.
    pub(super) fn check_collected(&mut self, step: &TaskFact) {
        if step.phase != "Succeeded" || !step.is_for_each() {
            return;
        }
        let items = self.items_there(step);
        if items.iter().all(|item| item.is_good() && item.cascade != "none") {
            self.check_collection(step);
        }
    }

    /// An item takes what its step took.
    pub(super) fn check_item_grant(&mut self, task: &TaskFact, item: ItemFact) {
        let own: Vec<_> =
            self.taken(task.id).into_iter().map(|taken| (taken.id, taken.output_digest)).collect();
        let step: Vec<_> =
            self.taken(item.step).into_iter().map(|taken| (taken.id, taken.output_digest)).collect();
        let is_there = !item.is_gone && self.tasks.contains_key(&item.step);
        self.rule("P25", is_there && own == step, || format!("{task:?} took {own:?}, its step {step:?}"));
    }

    /// Nothing new is made of what expressions came to but the items of their step.
    pub(super) fn only_items_of(&mut self, step: Uuid) {
        let roots: Vec<TaskFact> =
            self.since.roots.iter().filter_map(|id| self.tasks.get(id)).cloned().collect();
        let step = self.tasks.get(&step).cloned();
        for root in roots {
            let holds = step.as_ref().is_some_and(|step| {
                step.is_for_each()
                    && root.pipeline == step.pipeline
                    && root.name.starts_with(&format!("{}.", step.name))
            });
            self.rule("P02", holds, || format!("made by {step:?}: {root:?}"));
        }
    }
}
