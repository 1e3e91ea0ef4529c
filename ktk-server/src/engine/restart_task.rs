//! `task.restart`: one new task in the tree, however many ask.

use ktk_client::api::{
    ApiError, Method, Reason, Task,
    change::Changes,
    restart::{PlanRow, RestartParams, Restarted, RestartedTask},
    task::Restart,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body::RestartBody,
    create_task::type_causes,
    error::{EngineError, EngineResult},
    going::refuse_stub,
    lanes::Limits,
    object,
    operation::{Ask, Done},
    plan::Plan,
    requests::Remembered,
    rerun::Wish,
    resolve,
    unit::Unit,
};
use crate::{
    limits,
    model::{
        row::TaskRow,
        settle::{Class, class_of, waits_for},
    },
    mutants,
    store::{Operation, Tx},
};

/// Restarts a task, or plans to.
pub struct RestartTask {
    ask: Ask,
    params: RestartParams,
    request: Option<Remembered>,
    /// The handlers of present nodes.
    types: Vec<String>,
}

/// What is remembered of a request that restarted a task, or took an old result back.
#[derive(Serialize, Deserialize)]
pub(super) struct FirstAnswer {
    pub id: Uuid,
    pub created: bool,
    pub restarted: Vec<RestartedTask>,
    /// Absent in answers of the first servers.
    #[serde(default)]
    pub plan: Vec<PlanRow>,
}

impl FirstAnswer {
    /// The same answer, with the object as it is now.
    pub async fn again<T: Tx>(self, unit: &mut Unit<'_, T>) -> EngineResult<Restarted<Task>> {
        unit.load(&[self.id]).await?;
        let mut answer = answer(unit, self.id, self.created, self.plan).await?;
        answer.restarted = self.restarted;
        Ok(answer)
    }
}

impl RestartTask {
    /// Prepares the operation.
    ///
    /// # Errors
    /// `Invalid` for parameters that are for pipelines only.
    pub fn new(ask: Ask, params: RestartParams, types: Vec<String>) -> EngineResult<Self> {
        for (field, is_given) in [("from", params.from_step.is_some()), ("all", params.all)] {
            if is_given {
                let why = "is for pipelines: name the step's task instead";
                return Err(EngineError::invalid("the restart", field, why));
            }
        }
        let id = params.request_id.as_deref().filter(|_| !params.dry_run);
        let request = Remembered::new(&ask, Restart::NAME, id, &params)?;
        Ok(Self { ask, params, request, types })
    }
}

/// What is to be done with what was named.
enum Choice {
    /// This incarnation becomes the parent.
    Restart(Box<TaskRow>),
    /// It was restarted already.
    Already(Box<TaskRow>),
    /// The newest lives: it is cancelled, and then this one restarted.
    Force { live: Box<TaskRow>, parent: Box<TaskRow> },
}

impl Operation for RestartTask {
    type Output = Done<Restarted<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        self.ask.enter(&self.params.reference.namespace)?;
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            return Ok(Done::quiet(first.again(&mut unit).await?));
        }
        if self.params.dry_run {
            let (id, plan) = self.planned(&mut unit).await?;
            return Ok(Done::quiet(answer(&mut unit, id, false, plan.rows()).await?));
        }
        let first = self.first(&mut unit).await?;
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let answer = first.again(&mut unit).await?;
        Ok(Done { answer, effects: unit.effects })
    }
}

pub(super) async fn answer<T: Tx>(
    unit: &mut Unit<'_, T>,
    id: Uuid,
    created: bool,
    plan: Vec<PlanRow>,
) -> EngineResult<Restarted<Task>> {
    let row = unit.task(id).cloned().map_err(|_| ApiError::not_found("task", &id.to_string()))?;
    let object = object::task(unit.tx, unit.shared, &row).await?;
    Ok(Restarted { object, created, restarted: Vec::new(), plan })
}

/// Nothing is restarted that could not have its needs.
async fn refuse_lost_need<T: Tx>(unit: &mut Unit<'_, T>, row: &TaskRow) -> EngineResult<()> {
    match unit.lost_need(row).await? {
        None => Ok(()),
        Some(need) => {
            let error = ApiError::conflict(format!("task {:?} needs {need}", row.name));
            Err(EngineError::Refused(error.with_hint("create it anew with needs that are there")))
        }
    }
}

impl RestartTask {
    /// Carries it out.
    pub(super) async fn first<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<FirstAnswer> {
        match self.choose(unit).await? {
            Choice::Already(row) => {
                let (id, restarted, plan) = (unit.adopt(*row), Vec::new(), Vec::new());
                Ok(FirstAnswer { id, created: false, restarted, plan })
            }
            Choice::Restart(parent) => {
                let plan = self.plan(unit, &parent).await?;
                let id = unit.adopt(*parent);
                if mutants::lives("M5") && unit.task(id)?.newest {
                    // The first of two transactions: the parent is spent.
                    unit.task_mut(id)?.newest = false;
                    return Ok(FirstAnswer { id, created: false, restarted: Vec::new(), plan: plan.rows() });
                }
                let because = RestartBody::asked(&self.params, &self.ask.by);
                let restarted = unit.carry_out(&plan, &[id], &because, self.params.cascade).await?;
                Ok(FirstAnswer { id: restarted[0].id, created: true, restarted, plan: plan.rows() })
            }
            Choice::Force { live, parent } => {
                let plan = self.plan(unit, &parent).await?;
                let wish = Wish::asked(&self.params, &self.ask.by);
                let restarted = unit.force_restart(&live, &parent, wish).await?;
                let id = restarted.first().map_or(live.id, |task| task.id);
                Ok(FirstAnswer { id, created: !restarted.is_empty(), restarted, plan: plan.rows() })
            }
        }
    }

    /// What carrying it out would do, and the task that it is about.
    async fn planned<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<(Uuid, Plan)> {
        match self.choose(unit).await? {
            Choice::Already(row) => Ok((unit.adopt(*row), Plan::default())),
            Choice::Restart(parent) => {
                let plan = self.plan(unit, &parent).await?;
                unit.refuse_restart(std::slice::from_ref(&*parent)).await?;
                Ok((unit.adopt(*parent), plan))
            }
            Choice::Force { live, parent } => Ok((live.id, self.plan(unit, &parent).await?)),
        }
    }

    async fn plan<T: Tx>(&self, unit: &mut Unit<'_, T>, parent: &TaskRow) -> EngineResult<Plan> {
        self.check_changes(unit, parent).await?;
        unit.plan(std::slice::from_ref(parent), self.params.cascade).await
    }

    async fn choose<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<Choice> {
        let named = resolve::task(&self.ask, unit.tx, &self.params.reference).await?;
        unit.load_newest(&[named.row.context_id]).await?;
        let newest = unit
            .newest_of(named.row.context_id)
            .cloned()
            .ok_or_else(|| EngineError::Bug(format!("{} has no newest incarnation", named.row.name)))?;
        if unit.is_going(&newest).await? {
            return Err(EngineError::conflict(format!("task {:?} is being deleted", newest.name)));
        }
        if let Some(wanted) = self.params.if_newest.filter(|wanted| *wanted != newest.incarnation) {
            let words =
                format!("the newest incarnation is {}@{}, not @{wanted}", newest.name, newest.incarnation);
            return Err(EngineError::conflict(words));
        }
        refuse_stub(&named.row)?;
        unit.refuse_older_pipeline(&named.row, &newest).await?;
        unit.refuse_lost_item(&newest).await?;
        if newest.phase.is_terminal() {
            refuse_lost_need(unit, &named.row).await?;
            return Ok(Choice::Restart(Box::new(named.row)));
        }
        let was_restarted = match named.by_name {
            true => newest.parent_id.is_some(),
            false => newest.parent_id == Some(named.row.id),
        };
        if was_restarted && !self.params.force {
            self.refuse_other_changes(unit, &newest).await?;
            return Ok(Choice::Already(Box::new(newest)));
        }
        if self.params.force {
            let parent = if named.by_name { newest.clone() } else { named.row };
            refuse_lost_need(unit, &parent).await?;
            return Ok(Choice::Force { live: Box::new(newest), parent: Box::new(parent) });
        }
        Err(self.refuse(unit, &named.row, &newest).await?)
    }

    /// A wrong change, or a limit that is gone, is refused before anything is stored, in a plan too.
    async fn check_changes<T: Tx>(&self, unit: &mut Unit<'_, T>, parent: &TaskRow) -> EngineResult<()> {
        let is_limited = parent.is_in_line() || parent.rare.unique.is_some();
        if (!self.params.changes.is_empty() || is_limited)
            && let Some(body) = unit.body(parent.id).await?
        {
            let changed = unit.changed(parent, body, &self.params.changes, Limits::All).await?;
            let type_name = changed.spec.type_name;
            if self.params.changes.contains_key("type")
                && changed.of_type.is_none()
                && let Some(cause) = type_causes(type_name.as_deref(), "spec.type", &self.types)
            {
                return Err(ApiError::invalid(
                    &format!("the restart of task {:?}", parent.name),
                    vec![cause],
                )
                .into());
            }
        }
        Ok(())
    }

    /// What lives was restarted with other changes than are asked for now.
    async fn refuse_other_changes<T: Tx>(&self, unit: &mut Unit<'_, T>, live: &TaskRow) -> EngineResult<()> {
        let there = unit.changes_of(live.id).await?;
        let asked = &self.params.changes;
        let mut fields: Vec<&String> = there.keys().chain(asked.keys()).collect();
        fields.sort_unstable();
        fields.dedup();
        let value = |changes: &Changes, field: &str| match changes.get(field) {
            Some(value) => value.to_string(),
            None => "unchanged".to_owned(),
        };
        let differences: Vec<String> = (fields.into_iter())
            .filter(|field| there.get(*field) != asked.get(*field))
            .map(|field| format!("{field} is {} there, {} here", value(&there, field), value(asked, field)))
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        let words = format!(
            "{}@{} lives ({}) and was restarted with other changes: {}",
            live.name,
            live.incarnation,
            live.phase,
            differences.join("; ")
        );
        let hint = "wait for it, or cancel it with --force";
        Err(EngineError::Refused(ApiError::conflict(words).with_hint(hint)))
    }

    async fn refuse<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        named: &TaskRow,
        newest: &TaskRow,
    ) -> EngineResult<EngineError> {
        let live = format!("{}@{}", newest.name, newest.incarnation);
        let state = match newest.reason {
            Some(reason) => format!("{}/{reason}", newest.phase),
            None => newest.phase.to_string(),
        };
        if named.id != newest.id {
            let words = format!(
                "{live} lives ({state}) and is no restart of {}@{}: only one incarnation lives at a time",
                named.name, named.incarnation
            );
            return Ok(EngineError::Refused(
                ApiError::conflict(words).with_hint("wait for it, or cancel it with --force"),
            ));
        }
        if newest.rare.for_each.as_ref().is_some_and(|each| each.is_expanded) && newest.stop.is_none() {
            return refuse_waiting_step(unit, newest).await;
        }
        if newest.reason == Some(Reason::UpstreamFailed) {
            let upstream = self.failed_upstream(unit, newest).await?;
            let words = format!("{live} has never run: it waits behind {upstream}");
            return Ok(EngineError::Refused(
                ApiError::conflict(words).with_hint(format!("restart {upstream}, and it goes on by itself")),
            ));
        }
        let words = match live_upstream(unit, newest).await? {
            Some(upstream) => format!("{live} has never run: it waits for {upstream}"),
            None => format!("{live} has not ended ({state}): there is nothing to restart yet"),
        };
        Ok(EngineError::Refused(
            ApiError::conflict(words).with_hint("wait for it, or cancel and restart it with --force"),
        ))
    }

    /// The first failed task upstream that a restart would help.
    async fn failed_upstream<T: Tx>(&self, unit: &mut Unit<'_, T>, row: &TaskRow) -> EngineResult<String> {
        let mut context = row.context_id;
        let mut name = row.name.clone();
        for _ in 0..ktk_client::api::dag::MAX_STEPS {
            let needs: Vec<Uuid> = unit.tx.needs_of(&[context]).await?.iter().map(|edge| edge.need).collect();
            unit.load_newest(&needs).await?;
            unit.load_newest(&[context]).await?;
            let waiting = unit.newest_of(context);
            let bad = needs
                .iter()
                .filter_map(|need| unit.newest_of(*need))
                .filter(|need| waiting.is_none_or(|row| waits_for(row, need)))
                .find(|need| class_of(need) == Class::Bad);
            let Some(bad) = bad else { break };
            (context, name) = (bad.context_id, bad.name.clone());
            if bad.phase.is_terminal() {
                break;
            }
        }
        Ok(name)
    }
}

/// By whom a task waits that has never run, and how that one stands.
async fn live_upstream<T: Tx>(unit: &mut Unit<'_, T>, row: &TaskRow) -> EngineResult<Option<String>> {
    if row.reason != Some(Reason::WaitingForUpstream) {
        return Ok(None);
    }
    let needs: Vec<Uuid> = unit.tx.needs_of(&[row.context_id]).await?.iter().map(|edge| edge.need).collect();
    unit.load_newest(&needs).await?;
    let mut live = needs.iter().filter_map(|need| unit.newest_of(*need));
    let live = live.find(|need| waits_for(row, need) && class_of(need) == Class::Live);
    Ok(live.map(|need| match need.reason {
        Some(reason) => format!("{} ({}/{reason})", need.name, need.phase),
        None => format!("{} ({})", need.name, need.phase),
    }))
}

/// A step that has been expanded is not restarted while it waits for its items.
async fn refuse_waiting_step<T: Tx>(unit: &mut Unit<'_, T>, step: &TaskRow) -> EngineResult<EngineError> {
    let items = unit.items_of(step.context_id).await?;
    let this = format!("{}@{}", step.name, step.incarnation);
    let bad: Vec<&str> = (items.iter().filter(|item| class_of(item) == Class::Bad))
        .map(|item| item.name.as_str())
        .take(limits::CANDIDATES + 1)
        .collect();
    let Some(first) = bad.first() else {
        let words = format!("{this} has not ended: {} of its items still run", live_of(step));
        let hint = "wait for them, or cancel and restart it with --force";
        return Ok(EngineError::Refused(ApiError::conflict(words).with_hint(hint)));
    };
    let shown = bad[..bad.len().min(limits::CANDIDATES)].join(", ");
    let more = if bad.len() > limits::CANDIDATES { ", …" } else { "" };
    let words = format!("{this} waits for its items: {shown}{more} ended without success");
    let hint = format!("restart {first}, and it goes on by itself; with --force it is expanded again");
    Ok(EngineError::Refused(ApiError::conflict(words).with_hint(hint)))
}

fn live_of(step: &TaskRow) -> u32 {
    step.rare.for_each.as_ref().map_or(0, |each| each.live)
}
