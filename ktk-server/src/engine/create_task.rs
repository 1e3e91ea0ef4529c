//! `task.create`.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{
    ApiError, Cause, ErrorReason, Method, ObjectRef, Phase, Task, TaskId, check,
    list::Created,
    task::{Checked, Create, CreateParams},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body::{self, TaskBody},
    error::{EngineError, EngineResult},
    incarnate::Root,
    lanes::{self, Named},
    object,
    operation::{Ask, Done, Scope},
    requests::Remembered,
    resolve,
    typed::{Typed, Types},
    unique::{self, Entry},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        row::{NeedRow, TaskRow},
        unique::Key,
    },
    store::{Operation, Tx},
};

/// Makes a task.
pub struct CreateTask {
    ask: Ask,
    params: CreateParams,
    request: Option<Remembered>,
    /// What is wrong as far as it can be said without the store.
    causes: Vec<Cause>,
    /// The handlers of present nodes.
    types: Vec<String>,
}

/// What is remembered of a request that made something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FirstAnswer {
    pub id: Uuid,
    pub created: bool,
}

impl CreateTask {
    /// Checks all that can be checked without the store: it is told with the rest. `expressions` is what is wrong with
    /// its expressions.
    ///
    /// # Errors
    /// `Invalid` for what can be no request id; `Forbidden` for a namespace that is not the asker's.
    pub fn new(
        ask: Ask,
        params: CreateParams,
        types: Vec<String>,
        expressions: Vec<Cause>,
    ) -> EngineResult<Self> {
        let request = Remembered::new(&ask, Create::NAME, params.request_id.as_deref(), &params)?;
        let mut causes = check::task(&params.object);
        causes.extend(expressions);
        let namespace = params.object.metadata.namespace();
        ask.enter(namespace)?;
        if let Some(scope) = ask.scope.as_ref().filter(|scope| scope.namespace != namespace) {
            let words =
                format!("an attempt makes tasks in its own namespace, which is {:?}", scope.namespace);
            return Err(ApiError::new(ErrorReason::Forbidden, words).into());
        }
        Ok(Self { ask, params, request, causes, types })
    }
}

fn what(task: &Task) -> String {
    let name = task.metadata.name.as_deref().or(task.metadata.generate_name.as_deref()).unwrap_or("");
    format!("Task {name:?}")
}

/// A handler that no present node has is refused.
pub(super) fn type_causes(name: Option<&str>, field: &str, types: &[String]) -> Option<Cause> {
    let name = name?;
    if types.iter().any(|known| known == name) {
        return None;
    }
    let known = if types.is_empty() { "none".to_owned() } else { types.join(", ") };
    let words =
        format!("there is no type {name:?}, and no present node has a handler of that name (known: {known})");
    Some(Cause::new(field, words))
}

impl CreateTask {
    /// Makes the task in somebody else's operation: its id, or that of who holds its key, and whether it is new.
    pub(super) async fn make_in<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<(Uuid, bool)> {
        let scope = self.ask.scope.as_ref();
        if let Some(scope) = scope {
            unit.refuse_unless_it_runs(scope).await?;
        }
        Ok(match create(unit, &self.params, &self.types, scope, self.causes.clone()).await? {
            Made::New(id, _) => (id.id(), true),
            Made::Held(holder) => (holder, false),
        })
    }
}

impl Operation for CreateTask {
    type Output = Done<Created<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            return again(&mut unit, first).await;
        }
        let (scope, types) = (self.ask.scope.as_ref(), &*self.types);
        if let Some(scope) = scope {
            unit.refuse_unless_it_runs(scope).await?;
        }
        let (id, body) = match create(&mut unit, &self.params, types, scope, self.causes.clone()).await? {
            Made::New(id, body) => (id, body),
            Made::Held(holder) => {
                let first = FirstAnswer { id: holder, created: false };
                unit.remember(self.request.as_ref(), &first).await?;
                return again(&mut unit, first).await;
            }
        };
        unit.remember(self.request.as_ref(), &FirstAnswer { id: id.id(), created: true }).await?;
        unit.finish().await?;
        let row = unit.task(id.id())?;
        let task = match row.phase {
            Phase::Pending => object::new_task(unit.shared, &id, row, *body),
            // Skipped at once, it already has something to show for it.
            _ => object::task(unit.tx, unit.shared, &row.clone()).await?,
        };
        Ok(Done { answer: Created { object: task, created: true }, effects: unit.effects })
    }
}

async fn again<T: Tx>(unit: &mut Unit<'_, T>, first: FirstAnswer) -> EngineResult<Done<Created<Task>>> {
    unit.load(&[first.id]).await?;
    let Ok(row) = unit.task(first.id).cloned() else {
        let gone = ApiError::new(ErrorReason::NotFound, "the task that this request made has been deleted");
        return Err(gone.into());
    };
    let task = object::task(unit.tx, unit.shared, &row).await?;
    Ok(Done::quiet(Created { object: task, created: first.created }))
}

/// What came of a request for a task.
enum Made {
    New(TaskId, Box<TaskBody>),
    /// Its unique key is held by this one, which is the answer.
    Held(Uuid),
}

async fn create<T: Tx>(
    unit: &mut Unit<'_, T>,
    params: &CreateParams,
    handlers: &[String],
    scope: Option<&Scope>,
    mut causes: Vec<Cause>,
) -> EngineResult<Made> {
    let object = &params.object;
    let namespace = object.metadata.namespace().to_owned();
    let (needs, work) = judge(unit, object, handlers, scope, &mut causes).await?;
    match work {
        Some((work, key)) if causes.is_empty() => {
            make(unit, params, namespace, needs, (work, key, scope)).await
        }
        _ => Err(ApiError::invalid(&what(object), causes).into()),
    }
}

/// Adds what the store says against a task; what it needs and does, as far as that is known.
async fn judge<T: Tx>(
    unit: &mut Unit<'_, T>,
    object: &Task,
    handlers: &[String],
    scope: Option<&Scope>,
    causes: &mut Vec<Cause>,
) -> EngineResult<(Vec<Uuid>, Option<(Typed, Option<Key>)>)> {
    add(causes, lanes::causes(unit.tx, &[Named::of(&object.spec)]).await?);
    let (needs, more) = resolve_needs(unit, object, object.metadata.namespace(), scope).await?;
    add(causes, more);
    let params = BTreeMap::new();
    let work = match Types::new(Some(handlers)).complete(unit, &object.spec, "spec", &params).await? {
        Err(more) => Err(more),
        Ok(work) => unique::key_of(&work.0, "spec", &params).map(|key| (work, key)),
    };
    Ok((needs, work.map_err(|more| add(causes, more)).ok()))
}

/// `task.check`.
pub struct CheckTask(pub CreateTask);

impl Operation for CheckTask {
    type Output = Checked;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Checked> {
        let CreateTask { ask, params, causes, types, .. } = &self.0;
        let mut unit = ask.unit(tx);
        let mut causes = causes.clone();
        judge(&mut unit, &params.object, types, ask.scope.as_ref(), &mut causes).await?;
        Ok(beyond(causes, &check::task(&params.object)))
    }
}

/// What is said beyond what a manifest says by itself.
pub(super) fn beyond(mut causes: Vec<Cause>, known: &[Cause]) -> Checked {
    causes.retain(|cause| !known.contains(cause));
    Checked { causes }
}

/// Adds what is wrong with fields of which nothing has been said yet: one look at a field is enough.
pub(super) fn add(causes: &mut Vec<Cause>, more: Vec<Cause>) {
    let known: BTreeSet<String> = causes.iter().map(|cause| cause.field.clone()).collect();
    causes.extend(more.into_iter().filter(|cause| !known.contains(&cause.field)));
}

async fn make<T: Tx>(
    unit: &mut Unit<'_, T>,
    params: &CreateParams,
    namespace: String,
    needs: Vec<Uuid>,
    ((spec, of_type), key, scope): (Typed, Option<Key>, Option<&Scope>),
) -> EngineResult<Made> {
    let object = &params.object;
    let mut replaced = Vec::new();
    if let (Some(unique), Some(key)) = (&spec.unique, &key) {
        match unit.enter(&what(object), &namespace, (unique, key), scope).await? {
            Entry::Free => {}
            Entry::Replaces(holders) => replaced = holders,
            Entry::Holder(holder) => return Ok(Made::Held(holder.id)),
        }
    }
    let mut id = unit.draw_id().await?;
    let mut draws = 1;
    let name = loop {
        let words = || ktk_client::api::id::two_words(id.head());
        let name = match (&object.metadata.name, &object.metadata.generate_name) {
            (Some(name), _) => name.clone(),
            (None, Some(prefix)) => format!("{prefix}{}", words()),
            (None, None) => id.human_name().to_owned(),
        };
        if unit.tx.task_named(&namespace, &name).await?.is_none() {
            break Some(name);
        }
        if object.metadata.name.is_some() || draws == limits::NAME_DRAWS {
            return Err(already_exists("task", &name));
        }
        id = unit.draw_id().await?;
        draws += 1;
    };
    let body = TaskBody {
        spec,
        annotations: object.metadata.annotations.clone(),
        created_by: Some(unit.by.to_owned()),
        caller_env: params.caller_env.clone(),
        needs: needs.clone(),
        restart: None,
        of_type,
        item: None,
        applied: None,
    };
    let labels = body::labels_text(&object.metadata.labels)?;
    let queue = queue_of(body.spec.queue.as_deref());
    let root = Root { namespace, name, labels, body, step: None, queue };
    let mut row = unit.root_row(&id, &root);
    if let Some(scope) = scope {
        row.execution_id = scope.execution;
        row.rare.spawned_by = Some(scope.task);
    }
    row.lane = unit.lane_of(&root.body.spec, &root.queue).await?;
    row.rare.held = root.body.spec.hold;
    row.rare.unique = key;
    unit.replace_holders(&mut row, replaced).await?;
    unit.count_needs(&mut row, &needs).await?;
    let context = row.context_id;
    unit.insert(row, body::to_text(&root.body)?);
    let edges: Vec<NeedRow> = needs.iter().map(|need| NeedRow { need: *need, dependent: context }).collect();
    if !edges.is_empty() {
        unit.tx.insert_needs(&edges).await?;
    }
    unit.start_out(id.id()).await?;
    Ok(Made::New(id, Box::new(root.body)))
}

/// The queue that is meant.
pub(super) fn queue_of(name: Option<&str>) -> String {
    name.unwrap_or(ktk_client::api::DEFAULT_QUEUE).to_owned()
}

/// `AlreadyExists` with the advice that helps.
pub(super) fn already_exists(kind: &str, name: &str) -> EngineError {
    let error = ApiError::new(ErrorReason::AlreadyExists, format!("{kind} {name:?} already exists"));
    EngineError::Refused(error.with_hint(format!("choose another name, or `ktk restart {kind}/{name}`")))
}

/// Whether what was named, whichever incarnation it is, is being deleted.
async fn is_going<T: Tx>(unit: &mut Unit<'_, T>, named: &TaskRow) -> EngineResult<bool> {
    unit.load_newest(&[named.context_id]).await?;
    match unit.newest_of(named.context_id).cloned() {
        Some(newest) => unit.is_going(&newest).await,
        None => Ok(true),
    }
}

/// The contexts of the tasks that are needed, and what is wrong with the others.
async fn resolve_needs<T: Tx>(
    unit: &mut Unit<'_, T>,
    object: &Task,
    namespace: &str,
    scope: Option<&Scope>,
) -> EngineResult<(Vec<Uuid>, Vec<Cause>)> {
    let mut needs = Vec::with_capacity(object.spec.needs.len());
    let mut causes = Vec::new();
    for (index, need) in object.spec.needs.iter().enumerate() {
        let field = format!("spec.needs[{index}]");
        match resolve::task_there(unit.tx, &ObjectRef::new(namespace, need)).await {
            Ok(named) if scope.is_some_and(|scope| !scope.sees(&named.row)) => {
                causes.push(Cause::new(field, format!("task {need:?} was not made by this attempt's task")));
            }
            Ok(named) if is_going(unit, &named.row).await? => {
                causes.push(Cause::new(field, format!("task {need:?} is being deleted")));
            }
            Ok(named) if needs.contains(&named.row.context_id) => {
                causes.push(Cause::new(field, format!("task {need:?} is needed twice")));
            }
            Ok(named) => needs.push(named.row.context_id),
            Err(EngineError::Refused(error)) => causes.push(Cause::new(field, error.message)),
            Err(error) => return Err(error),
        }
    }
    Ok((needs, causes))
}
