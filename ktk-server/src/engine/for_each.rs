//! Steps with `forEach` once they have been expanded: they wait for their items as a task waits for its needs, and
//! put out what those put out. How they are expanded is in `expand`.

use ktk_client::api::{
    Phase, Reason,
    restart::{Action, Cascade},
    task::Resolved,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    body::{self, RestartBody},
    error::{EngineError, EngineResult},
    object,
    rerun::{Rerun, differs},
    unit::{ClassChange, Unit},
};
use crate::{
    limits,
    model::{
        phase::Event,
        rare::{ForEachRare, ItemRare, Stage},
        row::{StopWish, TaskRow},
        settle::{self, Class, Decision, class_of},
    },
    store::Tx,
};

/// A task's name without its pipeline's: plans and events read better so.
pub(super) fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, step)| step)
}

impl<T: Tx> Unit<'_, T> {
    /// The newest incarnations of a step's items in their order, those that are gone left out.
    pub(super) async fn items_of(&mut self, step: Uuid) -> EngineResult<Vec<TaskRow>> {
        let mut items = self.items_ever(step).await?;
        items.retain(|row| row.rare.item.as_ref().is_some_and(|item| !item.gone));
        items.sort_by_key(|row| row.rare.item.as_ref().map(|item| item.index));
        Ok(items)
    }

    /// The newest incarnations of all items that a step has had.
    pub(super) async fn items_ever(&mut self, step: Uuid) -> EngineResult<Vec<TaskRow>> {
        let needs: Vec<Uuid> = self.tx.needs_of(&[step]).await?.iter().map(|edge| edge.need).collect();
        self.load_newest(&needs).await?;
        let rows = needs.iter().filter_map(|need| self.newest_of(*need));
        Ok(rows.filter(|row| row.is_item()).cloned().collect())
    }

    /// The newest incarnation of an item's step.
    pub(super) async fn step_of(&mut self, item: &TaskRow) -> EngineResult<Option<TaskRow>> {
        let edges = self.tx.dependents(&[item.context_id]).await?;
        let contexts: Vec<Uuid> = edges.iter().map(|edge| edge.dependent).collect();
        self.load_newest(&contexts).await?;
        let is_step = |row: &&TaskRow| {
            row.is_for_each() && row.step == item.step && super::expand::is_item_name(&item.name, &row.name)
        };
        Ok(contexts.iter().filter_map(|context| self.newest_of(*context)).find(is_step).cloned())
    }

    /// What an item takes from its step's needs: what its step took.
    pub(super) async fn taken_by_step(&mut self, item: &ItemRare) -> EngineResult<Vec<Resolved>> {
        if let Some(known) = self.steps_took.get(&item.step) {
            return Ok(known.clone());
        }
        let taken = self.stored_resolved(item.step).await?;
        self.steps_took.insert(item.step, taken.clone());
        Ok(taken)
    }

    async fn stored_resolved(&mut self, id: Uuid) -> EngineResult<Vec<Resolved>> {
        self.flush().await?;
        match self.tx.task_results(&[id]).await?.pop().and_then(|result| result.resolved) {
            Some(text) => body::from_text("what a step took", &text),
            None => Ok(Vec::new()),
        }
    }

    /// Whether this context is an item's.
    pub(super) fn is_item(&self, context: Uuid) -> bool {
        self.newest_of(context).is_some_and(TaskRow::is_item)
    }

    fn each_mut(&mut self, id: Uuid) -> EngineResult<&mut ForEachRare> {
        let none = || EngineError::Bug(format!("task {id} has no items"));
        self.task_mut(id)?.rare.for_each.as_mut().ok_or_else(none)
    }

    /// Tells a step of a change of one of its items.
    pub(super) async fn tell_step(&mut self, id: Uuid, change: ClassChange) -> EngineResult<()> {
        let item = self.newest_of(change.context);
        let came_to_nothing = item
            .filter(|item| item.output_digest.is_none() && item.cascade != Cascade::None)
            .map(|item| short(&item.name).to_owned());
        let before = self.task(id)?.clone();
        let each = self.each_mut(id)?;
        match change.before {
            Class::Live => each.live -= 1,
            Class::Bad => each.bad -= 1,
            Class::Good => {}
        }
        match change.after {
            Class::Live => each.live += 1,
            Class::Bad => each.bad += 1,
            Class::Good => {}
        }
        if before.phase == Phase::Succeeded && change.after == Class::Good && each.changed.is_none() {
            each.changed = came_to_nothing;
        }
        let (live, is_expanded) = (each.live, each.is_expanded);
        self.recount(&before, id).await?;
        match before.phase {
            Phase::Running if is_expanded => self.settle_items(id).await,
            // It is being expanded: more is to come.
            Phase::Running => Ok(()),
            Phase::Pending if is_expanded => self.resume_items(id).await,
            Phase::Pending => self.reconsider(id).await,
            Phase::Succeeded if live == 0 => {
                self.reruns.push_back(Rerun::IfItemsChanged(id));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One of its items ended without success, and now not any more.
    async fn resume_items(&mut self, id: Uuid) -> EngineResult<()> {
        let each = self.each_mut(id)?;
        if each.live == 0 && each.bad > 0 {
            return Ok(());
        }
        self.task_mut(id)?.message = None;
        self.transit(id, Event::Expand).await?;
        self.settle_items(id).await
    }

    /// What a step that waits for its items comes to once none of them can move.
    pub(super) async fn settle_items(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?;
        let each = row.rare.for_each.clone().unwrap_or_default();
        if each.live > 0 {
            return Ok(());
        }
        if let Some(stop) = row.stop {
            self.task_mut(id)?.message = Some("stopped as asked".into());
            return self.transit(id, Event::Cancel(stop.reason)).await;
        }
        if each.bad > 0 {
            let words = format!("{} of its {} items ended without success", each.bad, each.items);
            self.task_mut(id)?.message = Some(words);
            self.transit(id, Event::ItemFail).await?;
            if self.task(id)?.wish.is_some() {
                // A cascade waited for its end to run all of it again.
                self.task_mut(id)?.cascade = Cascade::All;
                return Box::pin(self.begin_anew(id)).await;
            }
            return Box::pin(self.look_upstream(id)).await;
        }
        self.collect(id).await
    }

    /// A step that waits behind one of its items looks whether its needs have come to something else: then it is
    /// expanded again.
    pub(super) async fn look_upstream(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?.clone();
        match settle::decide(row.run_if, row.live_needs, row.bad_needs) {
            Decision::UpstreamFailed => Ok(()),
            Decision::Go => {
                let took = self.stored_resolved(id).await?;
                let Some(body) = self.body(id).await? else { return Ok(()) };
                self.load_newest(&body.needs).await?;
                let is_other = |(need, saw): (&Uuid, &Resolved)| {
                    self.newest_of(*need).is_some_and(|now| differs(now, saw))
                };
                let is_equal = took.len() == body.needs.len() && !body.needs.iter().zip(&took).any(is_other);
                if is_equal { Ok(()) } else { self.begin_anew(id).await }
            }
            Decision::Wait | Decision::NotNeeded => self.begin_anew(id).await,
        }
    }

    /// Its items are of no account any more: what its needs come to makes others.
    async fn begin_anew(&mut self, id: Uuid) -> EngineResult<()> {
        self.each_mut(id)?.is_expanded = false;
        let row = self.task_mut(id)?;
        row.rare.jq = Some(Stage::Waiting);
        row.message = None;
        // It runs again by itself, on what its needs come to now.
        row.wish = None;
        self.transit(id, Event::Wait).await?;
        self.reconsider(id).await
    }

    /// Its outputs are its items', in their order.
    async fn collect(&mut self, id: Uuid) -> EngineResult<()> {
        let context = self.task(id)?.context_id;
        let items = self.items_of(context).await?;
        self.flush().await?;
        let with: Vec<Uuid> =
            items.iter().filter(|row| row.output_digest.is_some()).map(|row| row.id).collect();
        let mut texts: std::collections::BTreeMap<Uuid, String> = Default::default();
        if !with.is_empty() {
            let results = self.tx.task_results(&with).await?;
            texts.extend(results.into_iter().filter_map(|row| Some((row.task_id, row.outputs?))));
        }
        let parts: Vec<&str> =
            items.iter().map(|row| texts.get(&row.id).map_or("null", String::as_str)).collect();
        let text = format!("[{}]", parts.join(","));
        if text.len() > limits::ITEMS_BYTES {
            let (length, limit) = (text.len(), limits::ITEMS_BYTES);
            let words = format!("its items' outputs have {length} bytes together, the limit is {limit}");
            self.task_mut(id)?.message = Some(words);
            return self.transit(id, Event::Fail(Reason::InvalidOutput)).await;
        }
        self.task_mut(id)?.output_digest = Some(object::text_digest(&text));
        self.task_mut(id)?.message = None;
        self.result_mut(id).outputs = Some(text);
        self.transit(id, Event::Succeed).await
    }

    /// Early cutoff: an item of a step that had succeeded was restarted, and none can move any more.
    pub(super) async fn recollect_if_changed(&mut self, id: Uuid) -> EngineResult<()> {
        let Some(row) = self.tasks.get(&id).cloned() else { return Ok(()) };
        let each = row.rare.for_each.clone().unwrap_or_default();
        let is_settled = row.newest && row.phase == Phase::Succeeded && each.live == 0;
        if !is_settled || row.deleted_at.is_some() || self.is_cancelled_for(&row).await? {
            return Ok(());
        }
        let changed = match each.changed {
            Some(changed) => {
                self.each_mut(id)?.changed = None;
                Some(changed)
            }
            None => self.changed_item(&row).await?,
        };
        let Some(item) = changed else {
            let words = "its items came to the same as before: nothing to collect again".into();
            return self.decided(&row, Action::Keep, words);
        };
        self.decided(&row, Action::Restart, format!("{item} came to something else"))?;
        let reason = Some(format!("UpstreamChanged: {item}"));
        let because = RestartBody { reason, changes: self.changes_of(id).await?, by: Some("ktk".into()) };
        self.collect_again(id, because, Cascade::Auto).await?;
        Ok(())
    }

    /// An item whose outputs are others than those that were collected.
    async fn changed_item(&mut self, row: &TaskRow) -> EngineResult<Option<String>> {
        self.flush().await?;
        let Some(text) = self.tx.task_results(&[row.id]).await?.pop().and_then(|result| result.outputs)
        else {
            return Ok(None);
        };
        let collected: Vec<&RawValue> = serde_json::from_str(&text).unwrap_or_default();
        let adopted = row.rare.for_each.as_ref().and_then(|each| each.adopted).unwrap_or_default();
        let differs = |(index, item): &(usize, TaskRow)| {
            let Some(digest) = &item.output_digest else { return false };
            // One that has not moved since an old result was taken back is not why that would go again.
            item.version > adopted
                && class_of(item) == Class::Good
                && item.cascade != Cascade::None
                && collected.get(*index).is_none_or(|value| object::text_digest(value.get()) != *digest)
        };
        let items = self.items_of(row.context_id).await?;
        Ok(items.into_iter().enumerate().find(differs).map(|(_, item)| short(&item.name).to_owned()))
    }

    /// The next incarnation of a step that does not expand: it waits for the items that are there.
    pub(super) async fn collect_again(
        &mut self,
        id: Uuid,
        because: RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Option<Uuid>> {
        let took = self.stored_resolved(id).await?;
        let made = self.next_incarnation(id, because, cascade).await;
        let Some(next) = self.noted(id, made)? else { return Ok(None) };
        if !took.is_empty() {
            self.result_mut(next).resolved = Some(body::to_text(&took)?);
        }
        self.task_mut(next)?.rare.jq = Some(Stage::Evaluated);
        self.each_mut(next)?.is_expanded = true;
        self.transit(next, Event::Expand).await?;
        self.settle_items(next).await?;
        self.tell_all().await?;
        Ok(Some(next))
    }

    /// Stops the items of a step, and the step when they have ended.
    pub(super) async fn stop_items(&mut self, context: Uuid, wish: StopWish) -> EngineResult<()> {
        for item in self.items_of(context).await? {
            if !item.phase.is_terminal() {
                self.forget_wish(item.id)?;
                Box::pin(self.stop_task(item.id, wish)).await?;
            }
        }
        Ok(())
    }

    /// Refuses the restart of an item that its step has no use for.
    pub(super) async fn refuse_lost_item(&mut self, row: &TaskRow) -> EngineResult<()> {
        let Some(item) = &row.rare.item else { return Ok(()) };
        let Some(step) = self.step_of(row).await? else { return Ok(()) };
        if step.pipeline_id != row.pipeline_id {
            self.refuse_older_pipeline(row, &step).await?;
        }
        if item.gone {
            let words = format!("{} is no item any more: {} was expanded without it", row.name, step.name);
            return Err(EngineError::conflict(words));
        }
        if step.stop.is_some() {
            let words = format!("{} is being stopped, and {} with it", step.name, row.name);
            return Err(EngineError::conflict(words));
        }
        Ok(())
    }
}
