//! `task.adopt`: a new incarnation that carries the outputs of an older one without running.

use ktk_client::api::{
    ApiError, Method, Phase, Reason, Task,
    restart::{Action, AdoptParams, Cascade, PlanRow, Restarted},
    task::Adopt,
};
use uuid::Uuid;

use super::{
    body::{self, RestartBody},
    error::{EngineError, EngineResult},
    going::refuse_stub,
    operation::{Ask, Done},
    plan::Equal,
    requests::Remembered,
    resolve,
    restart_task::{FirstAnswer, answer},
    unit::{ClassChange, Unit},
};
use crate::{
    model::{
        rare::TaskRare,
        row::TaskRow,
        settle::{Class, class_of},
    },
    store::{Operation, Tx},
};

/// Takes an old result back, or plans to.
pub struct AdoptTask {
    ask: Ask,
    params: AdoptParams,
    request: Option<Remembered>,
}

/// What is to be done with what was named.
enum Choice {
    /// Its outputs are taken back; the other one is the newest.
    Adopt { source: Box<TaskRow>, newest: Box<TaskRow> },
    /// Its outputs hold already, by this incarnation.
    Already(Box<TaskRow>),
}

impl AdoptTask {
    /// Prepares the operation.
    ///
    /// # Errors
    /// `Invalid` for an unusable request id.
    pub fn new(ask: Ask, params: AdoptParams) -> EngineResult<Self> {
        let id = params.request_id.as_deref().filter(|_| !params.dry_run);
        let request = Remembered::new(&ask, Adopt::NAME, id, &params)?;
        Ok(Self { ask, params, request })
    }

    /// Carries it out.
    pub(super) async fn first<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<FirstAnswer> {
        match self.choose(unit).await? {
            Choice::Already(row) => {
                let (id, restarted, plan) = (unit.adopt(*row), Vec::new(), Vec::new());
                Ok(FirstAnswer { id, created: false, restarted, plan })
            }
            Choice::Adopt { source, newest } => {
                let plan = unit.plan_adopted(&source).await?;
                let because = RestartBody {
                    reason: self.params.reason.clone(),
                    changes: Default::default(),
                    by: Some(self.ask.by.clone()),
                };
                let id = unit.take_back(&source, &newest, because).await?;
                let row = unit.task(id)?.clone();
                Ok(FirstAnswer { id, created: true, restarted: vec![unit.restarted(&row)?], plan })
            }
        }
    }

    async fn choose<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<Choice> {
        let source = resolve::task(&self.ask, unit.tx, &self.params.reference).await?.row;
        unit.load_newest(&[source.context_id]).await?;
        let newest = unit
            .newest_of(source.context_id)
            .cloned()
            .ok_or_else(|| EngineError::Bug(format!("{} has no newest incarnation", source.name)))?;
        if unit.is_going(&newest).await? {
            return Err(EngineError::conflict(format!("task {:?} is being deleted", newest.name)));
        }
        let (this, live) = (incarnation(&source), incarnation(&newest));
        if self.params.if_newest.is_some_and(|wanted| wanted != newest.incarnation) {
            let wanted = self.params.if_newest.unwrap_or_default();
            return Err(EngineError::conflict(format!("the newest incarnation is {live}, not @{wanted}")));
        }
        refuse_stub(&source)?;
        if source.phase != Phase::Succeeded {
            let words = format!("{this} has no result that could be adopted: it is {}", source.phase);
            let hint = "name an incarnation that succeeded: ktk tree shows them";
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint(hint)));
        }
        if !newest.phase.is_terminal() {
            let words = format!("{live} lives ({}): only one incarnation lives at a time", newest.phase);
            let hint = "wait for it, or cancel it first";
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint(hint)));
        }
        unit.refuse_older_pipeline(&source, &newest).await?;
        unit.refuse_lost_item(&newest).await?;
        let is_adopted = newest.reason == Some(Reason::Reused) && newest.parent_id == Some(source.id);
        if newest.id == source.id || is_adopted {
            return Ok(Choice::Already(Box::new(newest)));
        }
        Ok(Choice::Adopt { source: Box::new(source), newest: Box::new(newest) })
    }
}

impl Operation for AdoptTask {
    type Output = Done<Restarted<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        self.ask.enter(&self.params.reference.namespace)?;
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            return Ok(Done::quiet(first.again(&mut unit).await?));
        }
        if self.params.dry_run {
            let (id, plan) = match self.choose(&mut unit).await? {
                Choice::Already(row) => (unit.adopt(*row), Vec::new()),
                Choice::Adopt { source, .. } => {
                    let plan = unit.plan_adopted(&source).await?;
                    (unit.adopt(*source), plan)
                }
            };
            return Ok(Done::quiet(answer(&mut unit, id, false, plan).await?));
        }
        let first = self.first(&mut unit).await?;
        unit.remember(self.request.as_ref(), &first).await?;
        unit.finish().await?;
        let answer = first.again(&mut unit).await?;
        Ok(Done { answer, effects: unit.effects })
    }
}

fn incarnation(row: &TaskRow) -> String {
    format!("{}@{}", row.name, row.incarnation)
}

impl<T: Tx> Unit<'_, T> {
    async fn plan_adopted(&mut self, source: &TaskRow) -> EngineResult<Vec<PlanRow>> {
        let why = |row: &TaskRow| format!("takes back the outputs of {}", incarnation(row));
        let targets = std::slice::from_ref(source);
        Ok(self.plan_as(targets, Action::Adopt, why, (Cascade::Auto, Equal::Stay)).await?.rows())
    }

    /// Makes a context's next incarnation of an old one's result. Its dependents see a success that has just
    /// come; what it took from its needs is what the old one took.
    async fn take_back(
        &mut self,
        source: &TaskRow,
        newest: &TaskRow,
        because: RestartBody,
    ) -> EngineResult<Uuid> {
        self.adopt(source.clone());
        self.reopen(newest.id).await?;
        let id = self.draw_id().await?;
        let Some(mut body) = self.body(source.id).await? else {
            let words =
                format!("the stored manifest of {} cannot be read: nobody knows what it was", source.name);
            return Err(EngineError::conflict(words));
        };
        body.restart = Some(because);
        let (mut row, root) = self.child_row(&id, source, newest, body);
        row.phase = Phase::Succeeded;
        row.reason = Some(Reason::Reused);
        row.message = Some(format!("carries the outputs of {}", incarnation(source)));
        row.output_digest = source.output_digest.clone();
        row.due_at = None;
        // It never runs: no clock moves it, no hook hears of it, and nothing of it is evaluated.
        let TaskRare { spawned_by, item, for_each, ttl, source: set, .. } = row.rare;
        row.rare = TaskRare { spawned_by, item, for_each, ttl, source: set, ..TaskRare::default() };
        row.finished_at = Some(self.now);
        if let Some(each) = &mut row.rare.for_each {
            each.adopted = Some(self.tx.next_version());
        }
        self.task_mut(newest.id)?.newest = false;
        self.replace_in_pipeline(newest, &row).await?;
        let id = row.id;
        self.insert(row, body::to_text(&root.body)?);
        if let Some(old) = self.tx.task_results(&[source.id]).await?.pop() {
            let result = self.result_mut(id);
            result.outputs = old.outputs;
            result.resolved = old.resolved;
            result.inputs = old.inputs;
        }
        self.tell_mended(id).await?;
        // Also where it was a success before: it is another one now, and who has finished is compared.
        let change = ClassChange { context: newest.context_id, before: class_of(newest), after: Class::Good };
        self.changes.push_back(change);
        self.tell_all().await?;
        Ok(id)
    }
}
