//! The plan of a restart: what happens to each task, and why. Made before anything is changed;
//! the restart itself follows it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};

use ktk_client::api::restart::{Action, Cascade, PlanRow};
use uuid::Uuid;

use super::{error::EngineResult, for_each::short, unit::Unit};
use crate::{
    model::{
        again::again,
        restart::{self, Effect},
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
        self.plan_as(targets, Action::Restart, restart::why, cascade).await
    }

    /// As [`Unit::plan`], with what happens to the targets themselves, and why.
    pub async fn plan_as(
        &mut self,
        targets: &[TaskRow],
        action: Action,
        why: impl Fn(&TaskRow) -> String,
        cascade: Cascade,
    ) -> EngineResult<Plan> {
        let pipelines: BTreeSet<Uuid> = targets.iter().filter_map(|row| row.pipeline_id).collect();
        let mut within = Vec::new();
        for pipeline in pipelines {
            // Once, for the rows that are reached and for those that are not.
            within.push(self.load_tasks_of(pipeline).await?);
        }
        let reach = self.reach(targets, action, why, cascade).await?;
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
        cascade: Cascade,
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
                queue.extend(self.reach_items(&mut reach).await?);
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
    async fn reach_items(&mut self, reach: &mut Reach) -> EngineResult<Vec<(Uuid, String)>> {
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
                let why = restart::why_item(&row, short(&step.name));
                let (name, action) = (row.name.clone(), Action::Decide);
                let context = row.context_id;
                let item = Step { context, name, action, why, collects: false, goes_on: false };
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
