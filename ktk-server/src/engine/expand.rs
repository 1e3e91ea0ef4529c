//! A step with `forEach` becomes its items: those that are there and equal stay, others are restarted, new ones are
//! made, and those that are gone need not run. One transaction, whatever their number.

use std::collections::BTreeMap;

use ktk_client::api::{
    Phase, Reason, TaskId,
    change::Changes,
    event::Severity,
    restart::{Action, Cascade, Decision},
    task::TaskSpec,
};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    body::{self, RestartBody, TaskBody},
    error::{EngineError, EngineResult},
    evaluate, for_each,
    incarnate::Root,
    lanes::{Limits, Named},
    object,
    typed::{self, TypeUse},
    unique::{self, Entry},
    unit::Unit,
};
use crate::{
    model::{
        phase::Event,
        rare::{ItemRare, Stage, TaskRare},
        row::{NeedRow, TaskRow},
        settle::{Class, class_of},
        unique::Key,
    },
    store::Tx,
};

/// An item as the expressions of its step made it.
#[derive(Clone, Debug)]
pub struct Item {
    pub value: Box<RawValue>,
    /// What it is called, where there is a key; else its index.
    pub key: Option<String>,
    /// Its inputs, where expressions made them.
    pub inputs: Option<BTreeMap<String, Value>>,
}

/// A unique key, and who holds it until now.
type Held = (Key, Vec<TaskRow>);

/// Those of items, by index.
type Keys = BTreeMap<usize, Held>;

/// Whether a name is that of an item of this step.
pub(super) fn is_item_name(item: &str, step: &str) -> bool {
    item.strip_prefix(step).is_some_and(|rest| rest.starts_with('.'))
}

/// What became of the items that were there, and of those that were not.
#[derive(Debug, Default)]
struct Counts {
    new: usize,
    restarted: usize,
    kept: usize,
    gone: usize,
}

/// What all items of a step have in common.
struct Mould {
    step: TaskRow,
    body: TaskBody,
    lane: u32,
    queue: String,
    held: bool,
    held_within: bool,
    digest: String,
}

impl<T: Tx> Unit<'_, T> {
    /// Makes the items of a step whose expressions have been evaluated.
    pub(super) async fn expand(&mut self, id: Uuid, items: &[Item]) -> EngineResult<()> {
        let Some(body) = self.body(id).await? else {
            return self.fail_input(id, "its stored manifest cannot be read".into()).await;
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(inputs) = &item.inputs
                && let Some(why) = self.broken_inputs(id, inputs).await?
            {
                return self.fail_input(id, format!("item {index}: {why}")).await;
            }
        }
        let mould = self.mould(self.task(id)?.clone(), body).await?;
        // What its items wait for may have been deleted while there were none.
        let limits = Named::new("spec", Some(&mould.queue), &mould.body.spec.semaphores);
        let lost = Limits::Lost.causes(self.tx, &[limits]).await?;
        if !lost.is_empty() {
            return self.fail_input(id, typed::in_words(&lost)).await;
        }
        let known = self.items_ever(mould.step.context_id).await?;
        let known: BTreeMap<String, TaskRow> = known.into_iter().map(|row| (row.name.clone(), row)).collect();
        let keys = match self.keys_of(&mould, &known, items).await? {
            Ok(keys) => keys,
            Err(why) => return self.fail_input(id, why).await,
        };
        self.task_mut(id)?.rare.jq = Some(Stage::Evaluated);
        self.transit(id, Event::Expand).await?;
        let counts = self.make_items(&mould, known, items, keys).await?;
        self.tell_all().await?;
        let row = self.task_mut(id)?;
        if let Some(each) = &mut row.rare.for_each {
            each.is_expanded = true;
            each.items = items.len() as u32;
            each.changed = None;
        }
        let row = row.clone();
        self.task_event(&row, Severity::Normal, "Expanded", counts.words(items));
        self.settle_items(id).await
    }

    async fn mould(&mut self, step: TaskRow, body: TaskBody) -> EngineResult<Mould> {
        let without = |spec: &TaskSpec| TaskSpec { when: None, for_each: None, ..spec.clone() };
        let body = TaskBody {
            spec: without(&body.spec),
            of_type: body
                .of_type
                .map(|of_type| Box::new(TypeUse { asked: without(&of_type.asked), ..*of_type })),
            needs: Vec::new(),
            restart: None,
            ..body
        };
        let held = match step.pipeline_id {
            Some(pipeline) => self.pipeline(pipeline).await?.rare.held,
            None => false,
        };
        let spec = &body.spec;
        let work = (&spec.run, &spec.http, &spec.type_name, spec.external.is_some());
        Ok(Mould {
            lane: self.lane_of(spec, &step.queue).await?,
            queue: step.queue.clone(),
            held: held || step.rare.held,
            held_within: match step.rare.held {
                true => step.rare.held_within,
                false => held,
            },
            digest: body::to_text(&work)?,
            step,
            body,
        })
    }

    /// The unique keys of those that will run, and who holds them now.
    async fn keys_of(
        &mut self,
        mould: &Mould,
        known: &BTreeMap<String, TaskRow>,
        items: &[Item],
    ) -> EngineResult<Result<Keys, String>> {
        let mut keys = Keys::new();
        let Some(unique) = &mould.body.spec.unique else { return Ok(Ok(keys)) };
        let params = self.params_of(mould.step.pipeline_id).await?;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let inputs = item.inputs.as_ref().unwrap_or(&mould.body.spec.inputs);
            let key = match unique::key(unique, "unique", &params, inputs) {
                Ok(key) => key,
                Err(causes) => return Ok(Err(format!("item {index}: {}", typed::in_words(&causes)))),
            };
            if let Some(first) = seen.insert(key.key.clone(), index) {
                let words =
                    format!("unique.key: {:?} for items {first} and {index}: it must differ", key.key);
                return Ok(Err(words));
            }
            let place = mould.place(index, item)?;
            if known.get(&mould.name(index, item)).is_some_and(|row| mould.keeps(row, &place)) {
                continue;
            }
            match self.enter(&format!("item {index}"), &mould.step.namespace, (unique, &key), None).await {
                Ok(Entry::Replaces(holders)) => drop(keys.insert(index, (key, holders))),
                Ok(_) => drop(keys.insert(index, (key, Vec::new()))),
                Err(EngineError::Refused(error)) => return Ok(Err(error.message)),
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(keys))
    }

    async fn make_items(
        &mut self,
        mould: &Mould,
        mut known: BTreeMap<String, TaskRow>,
        items: &[Item],
        mut keys: Keys,
    ) -> EngineResult<Counts> {
        let step = mould.step.context_id;
        let mut counts = Counts::default();
        let (mut restarts, mut edges, mut made) = (Vec::new(), Vec::new(), Vec::with_capacity(items.len()));
        for (index, item) in items.iter().enumerate() {
            let place = mould.place(index, item)?;
            let name = mould.name(index, item);
            match known.remove(&name) {
                Some(row) if mould.keeps(&row, &place) => {
                    counts.kept += 1;
                    self.keep_item(&row, place)?;
                }
                Some(row) => restarts.push((row, item, place, keys.remove(&index))),
                None => {
                    let id = self.draw_id().await?;
                    edges.push(NeedRow { need: id.id(), dependent: step });
                    made.push(self.new_item(mould, &id, (name, item, place), keys.remove(&index)).await?);
                }
            }
        }
        counts.new = made.len();
        self.tx.insert_needs(&edges).await?;
        counts.restarted = restarts.len();
        made.extend(self.restart_items(mould, restarts).await?);
        counts.gone = self.retire(&mould.step, known.into_values().collect()).await?;
        for id in made {
            self.start_out(id).await?;
        }
        Ok(counts)
    }

    /// One whose inputs are the same stays as it is, in the place where it is now.
    fn keep_item(&mut self, row: &TaskRow, place: ItemRare) -> EngineResult<()> {
        let at = self.now;
        let old = row.rare.item.as_ref();
        let place = ItemRare { step: old.map_or(place.step, |old| old.step), ..place };
        let why = "its inputs are the same as before: nothing to run again".to_owned();
        let rare = &mut self.task_mut(row.id)?.rare;
        rare.item = Some(place);
        rare.decision = Some(Decision { action: Action::Keep, why, at });
        Ok(())
    }

    async fn new_item(
        &mut self,
        mould: &Mould,
        id: &TaskId,
        (name, item, place): (String, &Item, ItemRare),
        key: Option<Held>,
    ) -> EngineResult<Uuid> {
        let root = Root {
            namespace: mould.step.namespace.clone(),
            name: Some(name),
            labels: mould.step.labels.clone(),
            step: mould.step.pipeline_id.zip(mould.step.step.clone()),
            queue: mould.queue.clone(),
            body: mould.body_of(item, key.as_ref()),
        };
        let mut row = self.root_row(id, &root);
        row.execution_id = mould.step.execution_id;
        self.cast(mould, &mut row, item, place)?;
        self.take_key(&mut row, key).await?;
        // A new need of its step, which can move.
        if let Some(each) = &mut self.task_mut(mould.step.id)?.rare.for_each {
            each.live += 1;
        }
        self.insert(row, body::to_text(&root.body)?);
        Ok(id.id())
    }

    /// What an item has of its step, whether it is new or not.
    fn cast(&mut self, mould: &Mould, row: &mut TaskRow, item: &Item, place: ItemRare) -> EngineResult<()> {
        row.pipeline_id = mould.step.pipeline_id;
        // Who needs one of them from outside follows as who needs the step.
        row.cascade = mould.step.cascade;
        (row.lane, row.queue) = (mould.lane, mould.queue.clone());
        (row.rare.held, row.rare.held_within) = (mould.held, mould.held_within);
        row.rare.item = Some(place);
        if let Some(inputs) = &item.inputs {
            row.rare.jq = Some(Stage::Evaluated);
            self.result_mut(row.id).inputs = Some(body::to_text(inputs)?);
        }
        Ok(())
    }

    /// Those whose inputs are others than before, or that ended badly, run again, with the changes that they had.
    async fn restart_items(
        &mut self,
        mould: &Mould,
        restarts: Vec<(TaskRow, &Item, ItemRare, Option<Held>)>,
    ) -> EngineResult<Vec<Uuid>> {
        let rows: Vec<TaskRow> = restarts.iter().map(|(row, ..)| row.clone()).collect();
        let mut olds = self.bodies_of(&rows).await?;
        let mut made = Vec::with_capacity(restarts.len());
        for (row, item, place, key) in restarts {
            let why = mould.why_not_kept(&row, &place);
            let decision = Decision { action: Action::Restart, why: why.to_owned(), at: self.now };
            self.task_mut(row.id)?.rare.decision = Some(decision);
            let mut changes = olds.remove(&row.id).map(|body| body.changes()).unwrap_or_default();
            let mut body = mould.body_of(item, key.as_ref());
            if !changes.is_empty() {
                match self.changed(&row, body.clone(), &changes, Limits::Lost).await {
                    Ok(changed) => body = changed,
                    Err(EngineError::Refused(error)) => {
                        changes = Changes::new();
                        let words = format!("restarted without its changes: {}", error.message);
                        self.task_event(&row, Severity::Warning, "ChangesLost", words);
                    }
                    Err(error) => return Err(error),
                }
            }
            let is_changed = !changes.is_empty();
            body.restart = Some(RestartBody {
                reason: Some(format!("{}: {why}", for_each::short(&mould.step.name))),
                changes,
                by: Some("ktk".into()),
            });
            let id = self.draw_id().await?;
            let (mut child, root) = self.child_row(&id, &row, &row, body);
            self.cast(mould, &mut child, item, place)?;
            self.take_key(&mut child, key).await?;
            if is_changed {
                child.queue = root.body.spec.queue.clone().unwrap_or(child.queue);
                child.lane = self.lane_of(&root.body.spec, &child.queue).await?;
                // Its own changes are evaluated with the rest.
                self.result_mut(child.id).inputs = None;
                child.rare.jq = root.body.spec.holds_expression().then_some(Stage::Waiting);
            }
            made.push(self.follow(&row, child, body::to_text(&root.body)?).await?);
        }
        Ok(made)
    }

    async fn take_key(&mut self, row: &mut TaskRow, key: Option<Held>) -> EngineResult<()> {
        let Some((key, holders)) = key else { return Ok(()) };
        row.rare.unique = Some(key);
        self.replace_holders(row, holders).await
    }

    /// Makes a row the next incarnation of another.
    async fn follow(&mut self, old: &TaskRow, next: TaskRow, text: String) -> EngineResult<Uuid> {
        self.task_mut(old.id)?.newest = false;
        self.replace_in_pipeline(old, &next).await?;
        let id = next.id;
        self.insert(next, text);
        self.tell_new_incarnation(old, id);
        Ok(id)
    }

    async fn bodies_of(&mut self, rows: &[TaskRow]) -> EngineResult<BTreeMap<Uuid, TaskBody>> {
        if rows.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.flush().await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let texts = self.tx.task_bodies(&ids).await?;
        let read =
            |(id, text): (Uuid, String)| Some((id, body::from_text::<TaskBody>("an item", &text).ok()?));
        Ok(texts.into_iter().filter_map(read).collect())
    }

    /// Items that their step has no more: the next incarnation of each need not run. Says how many there are.
    async fn retire(&mut self, step: &TaskRow, mut rows: Vec<TaskRow>) -> EngineResult<usize> {
        rows.retain(|row| row.rare.item.as_ref().is_some_and(|item| !item.gone));
        let mut bodies = self.bodies_of(&rows).await?;
        let mut count = 0;
        for row in rows {
            let Some(mut body) = bodies.remove(&row.id) else { continue };
            let why = "its step has no such item any more";
            self.task_mut(row.id)?.rare.decision =
                Some(Decision { action: Action::Restart, why: why.to_owned(), at: self.now });
            body.restart = Some(RestartBody {
                reason: Some(format!("{}: {why}", for_each::short(&step.name))),
                changes: Changes::new(),
                by: Some("ktk".into()),
            });
            let id = self.draw_id().await?;
            let (mut next, root) = self.child_row(&id, &row, &row, body);
            next.pipeline_id = step.pipeline_id;
            next.phase = Phase::Skipped;
            next.reason = Some(Reason::NotNeeded);
            next.message = Some(why.into());
            next.finished_at = Some(self.now);
            next.due_at = None;
            let item = next.rare.item.take().map(|item| ItemRare { gone: true, step: step.id, ..item });
            next.rare = TaskRare { spawned_by: next.rare.spawned_by, item, ..TaskRare::default() };
            self.follow(&row, next, body::to_text(&root.body)?).await?;
            count += 1;
        }
        Ok(count)
    }

    /// A step is skipped; one that had items has none any more.
    pub(super) async fn skip(&mut self, id: Uuid, reason: Reason) -> EngineResult<()> {
        if self.task(id)?.is_for_each() {
            let step = self.task(id)?.clone();
            let items = self.items_ever(step.context_id).await?;
            self.retire(&step, items).await?;
            self.transit(id, Event::Skip(reason)).await?;
            return Box::pin(self.tell_all()).await;
        }
        self.transit(id, Event::Skip(reason)).await
    }

    /// The inputs of an item that is restarted, where they were made and no change touches them.
    pub(super) async fn values_of_item(
        &mut self,
        parent: &TaskRow,
        changes: &Changes,
    ) -> EngineResult<Option<String>> {
        let is_input = |path: &String| path == "inputs" || path.starts_with("inputs.") || path == "type";
        if parent.rare.jq.is_none() || changes.keys().any(is_input) {
            return Ok(None);
        }
        self.flush().await?;
        Ok(self.tx.task_results(&[parent.id]).await?.pop().and_then(|result| result.inputs))
    }

    /// What the expressions of an item see of it.
    pub(super) fn item_scope(row: &TaskRow, body: &TaskBody) -> Option<evaluate::ItemScope> {
        let index = row.rare.item.as_ref()?.index;
        Some(evaluate::ItemScope { item: body.item.clone()?, index })
    }
}

impl Counts {
    fn words(&self, items: &[Item]) -> String {
        let parts =
            [(self.new, "new"), (self.restarted, "restarted"), (self.kept, "kept"), (self.gone, "gone")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
        let mut words = match items {
            [_] => "1 item".to_owned(),
            _ => format!("{} items", items.len()),
        };
        if !parts.is_empty() {
            words.push_str(&format!(": {}", parts.join(", ")));
        }
        if matches!(items, [only] if only.value.get().starts_with('[')) {
            words.push_str("; it is a list: with `[]` behind it, the expression yields each of its values");
        }
        words
    }
}

impl Mould {
    /// The manifest of an item, its key filled in.
    fn body_of(&self, item: &Item, key: Option<&Held>) -> TaskBody {
        let mut body = TaskBody { item: Some(item.value.clone()), ..self.body.clone() };
        if let Some((key, _)) = key {
            let specs = [Some(&mut body.spec), body.of_type.as_mut().map(|of_type| &mut of_type.asked)];
            for unique in specs.into_iter().flatten().filter_map(|spec| spec.unique.as_mut()) {
                unique.key.clone_from(&key.key);
            }
        }
        body
    }

    fn name(&self, index: usize, item: &Item) -> String {
        match &item.key {
            Some(key) => format!("{}.{key}", self.step.name),
            None => format!("{}.{index}", self.step.name),
        }
    }

    /// Where an item stands, and the digest of what it is given to do.
    fn place(&self, index: usize, item: &Item) -> EngineResult<ItemRare> {
        let inputs = match &item.inputs {
            Some(inputs) => inputs,
            None => &self.body.spec.inputs,
        };
        let inputs: BTreeMap<&String, Value> =
            inputs.iter().map(|(name, value)| (name, object::sorted(value))).collect();
        let mut digest = object::text_digest(&format!("{}{}", self.digest, body::to_text(&inputs)?));
        digest.truncate(32);
        Ok(ItemRare { step: self.step.id, index: index as u32, digest, gone: false })
    }

    fn keeps(&self, row: &TaskRow, place: &ItemRare) -> bool {
        self.step.cascade != Cascade::All
            && row.pipeline_id == self.step.pipeline_id
            && class_of(row) == Class::Good
            && row.rare.item.as_ref().is_some_and(|item| !item.gone && item.digest == place.digest)
    }

    fn why_not_kept(&self, row: &TaskRow, place: &ItemRare) -> &'static str {
        match &row.rare.item {
            Some(item) if item.gone => "it is an item again",
            Some(item) if item.digest != place.digest => "its inputs are others than before",
            _ if class_of(row) == Class::Bad => "it had ended without success",
            _ if self.step.cascade == Cascade::All => "--cascade=all",
            _ => "its pipeline begins anew",
        }
    }
}
