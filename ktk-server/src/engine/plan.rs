//! The plan of a restart: what happens to each task, and why. Made before anything is changed;
//! the restart itself follows it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};

use ktk_client::api::{
    Phase,
    restart::{Action, Cascade, PlanRow},
};
use uuid::Uuid;

use super::{error::EngineResult, for_each::short, unit::Unit};
use crate::{
    model::{
        again::again,
        restart::{self, Effect, Moved},
        row::TaskRow,
    },
    store::Tx,
};

/// What happens to one context.
#[derive(Clone, Debug)]
pub struct Step {
    pub context: Uuid,
    pub name: String,
    pub action: Action,
    pub why: String,
    /// Of a step with `forEach`: it only collects again what its items put out.
    pub collects: bool,
    /// It was waiting, and goes on.
    pub goes_on: bool,
}

/// What happens to every context that a restart reaches, upstream first.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// The rows that people read.
    pub fn rows(&self) -> Vec<PlanRow> {
        self.steps
            .iter()
            .map(|step| PlanRow { task: step.name.clone(), action: step.action, why: step.why.clone() })
            .collect()
    }
}

impl Plan {
    /// Says of whom it is so that it may have to run twice. Who goes on and no more is decided, then.
    fn foresee(&mut self, edges: &[(Uuid, Uuid)], late: BTreeMap<Uuid, Uuid>) {
        let order: Vec<(Uuid, Action)> = self.steps.iter().map(|step| (step.context, step.action)).collect();
        let late = again(&order, edges, late);
        if late.is_empty() {
            return;
        }
        let names: BTreeMap<Uuid, String> =
            self.steps.iter().map(|step| (step.context, step.name.clone())).collect();
        for step in &mut self.steps {
            let Some(need) = late.get(&step.context) else { continue };
            step.why.push_str(&format!(", and runs again if {} changes later", short(&names[need])));
            if step.goes_on {
                step.action = Action::Decide;
            }
        }
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Plans the restart of these tasks (newest incarnations, or older ones of their contexts).
    pub async fn plan(&mut self, targets: &[TaskRow], cascade: Cascade) -> EngineResult<Plan> {
        let equal = if cascade == Cascade::All { Equal::Again } else { Equal::Stay };
        self.plan_as(targets, Action::Restart, restart::why, (cascade, equal)).await
    }

    /// As [`Unit::plan`], with what happens to the targets themselves, and why.
    pub async fn plan_as(
        &mut self,
        targets: &[TaskRow],
        action: Action,
        why: impl Fn(&TaskRow) -> String,
        (cascade, equal): (Cascade, Equal),
    ) -> EngineResult<Plan> {
        let pipelines: BTreeSet<Uuid> = targets.iter().filter_map(|row| row.pipeline_id).collect();
        let mut within = Vec::new();
        for pipeline in pipelines {
            // Once, for the rows that are reached and for those that are not.
            within.push(self.load_tasks_of(pipeline).await?);
        }
        let mut reach = self.reach(targets, action, why, (cascade, equal)).await?;
        for (context, why) in self.name_all_needs(&reach, cascade) {
            reach.found.entry(context).and_modify(|step| step.why = why);
        }
        let mut kept = Vec::new();
        for tasks in within {
            let begin = kept.len();
            for id in tasks {
                let row = self.task(id)?;
                if !reach.found.contains_key(&row.context_id) {
                    kept.push(Step {
                        context: row.context_id,
                        name: row.name.clone(),
                        action: Action::Keep,
                        why: "not affected".into(),
                        collects: false,
                        goes_on: false,
                    });
                }
            }
            kept[begin..].sort_by(|a, b| a.name.cmp(&b.name));
        }
        let Reach { found, edges, late, .. } = reach;
        let mut plan = Plan { steps: in_order(found, &edges) };
        plan.foresee(&edges, late);
        plan.steps.extend(kept);
        Ok(plan)
    }

    async fn reach(
        &mut self,
        targets: &[TaskRow],
        action: Action,
        why: impl Fn(&TaskRow) -> String,
        (cascade, equal): (Cascade, Equal),
    ) -> EngineResult<Reach> {
        let mut reach = Reach::default();
        let mut queue = VecDeque::new();
        for row in targets {
            let (context, name) = (row.context_id, row.name.clone());
            let step = Step { context, name, action, why: why(row), collects: false, goes_on: false };
            reach.found.insert(row.context_id, step);
            queue.push_back((row.context_id, row.name.clone()));
        }
        loop {
            if queue.is_empty() {
                // What needs an item from outside is reached by it.
                queue.extend(self.reach_items(&mut reach, equal).await?);
                if queue.is_empty() {
                    return Ok(reach);
                }
            }
            let level: Vec<(Uuid, String)> = queue.drain(..).collect();
            let contexts: Vec<Uuid> = level.iter().map(|(context, _)| *context).collect();
            let names: BTreeMap<Uuid, &String> =
                level.iter().map(|(context, name)| (*context, name)).collect();
            let edges = self.tx.dependents(&contexts).await?;
            let dependents: Vec<Uuid> = edges.iter().map(|edge| edge.dependent).collect();
            self.load_newest(&dependents).await?;
            self.load_newest(&contexts).await?;
            for edge in edges {
                let Some(row) = self.newest_of(edge.dependent) else { continue };
                let collects = row.is_for_each() && self.is_item(edge.need);
                if collects && reach.found.contains_key(&edge.dependent) && reach.items.contains(&edge.need) {
                    // The step of an item stands above it.
                    continue;
                }
                reach.edges.push((edge.need, edge.dependent));
                // What it needs says more than its items do: it is expanded again.
                if reach.found.get(&edge.dependent).is_some_and(|known| collects || !known.collects) {
                    continue;
                }
                let mut effect = match collects {
                    true => restart::item_effect(row, short(names[&edge.need]), cascade),
                    false => restart::effect(row, short(names[&edge.need]), cascade),
                };
                let is_old = row.rare.for_each.as_ref().is_some_and(|each| each.adopted.is_some());
                if collects && is_old && matches!(effect.action, Action::Restart | Action::Decide) {
                    // The result that was taken back is of needs that may have moved since.
                    effect.why.push_str(", and is expanded again if its needs came to something else since");
                }
                let name = row.name.clone();
                if let Some(why) = self.hindrance(edge.dependent, &effect).await? {
                    effect = Effect::keep(why);
                }
                let step = Step {
                    context: edge.dependent,
                    name: name.clone(),
                    action: effect.action,
                    why: effect.why,
                    collects,
                    goes_on: effect.action == Action::Continue,
                };
                reach.found.insert(edge.dependent, step);
                if effect.spreads {
                    queue.push_back((edge.dependent, name));
                }
            }
        }
    }

    /// A row that was found by one of its needs names all of them that move, and which of them has nothing to compare.
    fn name_all_needs(&self, reach: &Reach, cascade: Cascade) -> Vec<(Uuid, String)> {
        let step = |context: &Uuid| reach.found.get(context);
        let is_open = |context| step(context).is_some_and(|step| step.action == Action::Decide);
        let moves = |context| step(context).is_some_and(|step| step.action != Action::Keep);
        let edges = reach.edges.iter().filter(|(need, dependent)| is_open(dependent) && moves(need));
        let mut edges: Vec<(Uuid, Uuid)> = edges.map(|(need, dependent)| (*dependent, *need)).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut named = Vec::new();
        for edges in edges.chunk_by(|a, b| a.0 == b.0) {
            let mut needs: Vec<Moved<'_>> =
                edges.iter().filter_map(|(_, need)| self.moved(*need, step(need)?)).collect();
            let (Some(row), Some(open)) = (self.newest_of(edges[0].0), step(&edges[0].0)) else { continue };
            let found_by = |need: &Moved<'_>| match open.collects {
                true => restart::item_effect(row, need.name, cascade).why == open.why,
                false => restart::effect(row, need.name, cascade).why == open.why,
            };
            if row.phase.is_terminal() && needs.iter().any(found_by) {
                needs.sort_by_key(|need| need.name);
                named.push((edges[0].0, restart::why_decided(row, &needs, open.collects)));
            }
        }
        named
    }

    /// A need as it is now. What is taken back, and what did not succeed, is compared with what was before.
    fn moved(&self, need: Uuid, step: &Step) -> Option<Moved<'_>> {
        let row = self.newest_of(need)?;
        let is_silent =
            step.action != Action::Adopt && row.phase == Phase::Succeeded && row.output_digest.is_none();
        Some(Moved { name: short(&row.name), has_outputs: !is_silent })
    }

    /// What keeps a dependent as it is, whatever its upstream does.
    async fn hindrance(&mut self, context: Uuid, effect: &Effect) -> EngineResult<Option<String>> {
        let Some(row) = self.newest_of(context) else { return Ok(None) };
        let (is_deleted, pipeline) = (row.deleted_at.is_some(), row.pipeline_id);
        let is_going = match pipeline {
            Some(pipeline) if !is_deleted => self.pipeline(pipeline).await?.deleted_at.is_some(),
            _ => is_deleted,
        };
        if is_going {
            return Ok(Some("is being deleted".into()));
        }
        if pipeline.is_some() || !matches!(effect.action, Action::Restart | Action::Decide) {
            return Ok(None);
        }
        let Some(row) = self.newest_of(context).cloned() else { return Ok(None) };
        Ok(self.lost_need(&row).await?.map(|need| format!("needs {need}")))
    }

    /// What is expanded again may have other items, or the same with other inputs: nobody knows before. An item that is
    /// restarted itself may be restarted once more then.
    async fn reach_items(&mut self, reach: &mut Reach, equal: Equal) -> EngineResult<Vec<(Uuid, String)>> {
        let mut reached = Vec::new();
        let moves = |step: &&Step| matches!(step.action, Action::Restart | Action::Decide | Action::Continue);
        let steps: Vec<(Uuid, bool)> =
            reach.found.values().filter(moves).map(|step| (step.context, step.collects)).collect();
        for (context, collects) in steps {
            self.load_newest(&[context]).await?;
            let Some(step) = self.newest_of(context).filter(|row| row.is_for_each()).cloned() else {
                continue;
            };
            if collects && !is_yet_to_be_expanded(&step) {
                continue;
            }
            for row in self.items_ever(context).await? {
                if let Some(known) = reach.found.get(&row.context_id) {
                    if matches!(known.action, Action::Restart | Action::Adopt) {
                        reach.late.insert(row.context_id, context);
                    }
                    continue;
                }
                if collects {
                    continue;
                }
                let why = restart::why_item(&row, short(&step.name), equal == Equal::Stay);
                let (name, action) = (row.name.clone(), Action::Decide);
                let item =
                    Step { context: row.context_id, name, action, why, collects: false, goes_on: false };
                reach.found.insert(row.context_id, item);
                reach.items.insert(row.context_id);
                reach.edges.push((context, row.context_id));
                reached.push((row.context_id, row.name));
            }
        }
        Ok(reached)
    }
}

/// Whether a step is still to make its items, be it once more.
fn is_yet_to_be_expanded(step: &TaskRow) -> bool {
    !step.phase.is_terminal() && step.rare.for_each.as_ref().is_some_and(|each| !each.is_expanded)
}

/// What becomes of items that are equal when their step is expanded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equal {
    Stay,
    Again,
}

#[derive(Debug, Default)]
struct Reach {
    found: BTreeMap<Uuid, Step>,
    edges: Vec<(Uuid, Uuid)>,
    /// Items of steps that are expanded again.
    items: BTreeSet<Uuid>,
    /// Items that are restarted before their steps are expanded, with these.
    late: BTreeMap<Uuid, Uuid>,
}

/// Upstream first (Kahn's algorithm); what is equal by name.
fn in_order(found: BTreeMap<Uuid, Step>, edges: &[(Uuid, Uuid)]) -> Vec<Step> {
    let mut steps: Vec<Step> = found.into_values().collect();
    steps.sort_by(|a, b| (&a.name, a.context).cmp(&(&b.name, b.context)));
    let mut places: Vec<(Uuid, usize)> =
        steps.iter().enumerate().map(|(place, step)| (step.context, place)).collect();
    places.sort_unstable();
    let place = |context: &Uuid| {
        let found = places.binary_search_by_key(context, |(context, _)| *context).ok()?;
        Some(places[found].1)
    };
    let between = edges.iter().filter(|(need, dependent)| need != dependent);
    let mut edges: Vec<(usize, usize)> =
        between.filter_map(|(need, dependent)| Some((place(need)?, place(dependent)?))).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut waits = vec![0_usize; steps.len()];
    for (_, dependent) in &edges {
        waits[*dependent] += 1;
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..steps.len()).filter(|place| waits[*place] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(next);
        let begin = edges.partition_point(|(need, _)| *need < next);
        for (_, dependent) in edges[begin..].iter().take_while(|(need, _)| *need == next) {
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                ready.push(Reverse(*dependent));
            }
        }
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    order.into_iter().filter_map(|place| steps[place].take()).collect()
}
