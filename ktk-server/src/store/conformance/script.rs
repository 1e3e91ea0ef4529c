//! Operations as plain values: what a case does in one transaction, and what it saw.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use ktk_client::api::{Phase, worker::Fence};
use uuid::Uuid;

use crate::{
    model::{
        entity::EntityRow,
        gate::Stand,
        lane::{LaneRow, Running},
        row::{
            AttemptRow, Change, EventRow, HookRow, LineRow, NeedRow, NewPipeline, NewTask, NodeRow,
            PipelineRow, RequestRow, ResultRow, TaskRow, TombstoneRow, WholeKind, WholeRow,
        },
    },
    store::{Durability, ListQuery, LiveCounts, Operation, StoreError, Tx},
};

/// One call of a transaction.
#[derive(Clone, Debug)]
pub enum Step {
    NextVersion,
    Version,
    NextFence,
    BeginPart,
    /// Whether it stays.
    EndPart(bool),
    Tasks(Vec<Uuid>),
    NewestTasks(Vec<Uuid>),
    ContextTasks(Uuid),
    TaskNamed(String, String),
    TasksByHead(RangeInclusive<u64>, usize),
    PipelineTasks(Uuid),
    TasksWithin(Uuid),
    InsertTasks(Vec<NewTask>),
    UpdateTasks(Vec<TaskRow>),
    DeleteTasks(Vec<Uuid>),
    StripTasks(Vec<Uuid>),
    TaskBodies(Vec<Uuid>),
    PutTaskBodies(Vec<(Uuid, String)>),
    TaskResults(Vec<Uuid>),
    PutTaskResults(Vec<ResultRow>),
    Attempts(Vec<Uuid>),
    InsertAttempts(Vec<AttemptRow>),
    InsertNeeds(Vec<NeedRow>),
    Dependents(Vec<Uuid>),
    NeedsOf(Vec<Uuid>),
    DeleteNeeds(Vec<Uuid>),
    Claimable(Vec<String>, usize),
    InLanes(Vec<u32>, usize),
    LaneTasks(Vec<u32>, Phase, usize),
    RunningIn(Vec<u32>),
    WaitingIn(Vec<u32>),
    Lanes,
    PutLanes(Vec<LaneRow>),
    DeleteLanes(Vec<u32>),
    Gated(Uuid, usize),
    Evaluating(usize),
    TasksOfKey(String, String),
    LiveChildren(Uuid, usize),
    PipelinesOfKey(String, String),
    DuePipelines(Timestamp, usize),
    LanePipelines(Vec<u32>, Stand, usize),
    StandingIn(Vec<u32>, Stand),
    RunningOn(Uuid),
    Due(Timestamp, usize),
    NextDue,
    LiveCounts,
    CountTasks,
    Wholes(WholeKind, Uuid, usize),
    Expiring(WholeKind, (Timestamp, Uuid), usize),
    Pipelines(Vec<Uuid>),
    PipelineNamed(String, String),
    PipelinesNamed(String, String),
    PipelinesByHead(RangeInclusive<u64>, usize),
    InsertPipelines(Vec<NewPipeline>),
    UpdatePipelines(Vec<PipelineRow>),
    DeletePipelines(Vec<Uuid>),
    PipelineBodies(Vec<Uuid>),
    PutPipelineBodies(Vec<(Uuid, String)>),
    ListTasks(ListQuery),
    ListLines(ListQuery),
    ListPipelines(ListQuery),
    Changes(u64, usize),
    InsertTombstones(Vec<TombstoneRow>),
    HistoryStart,
    TrimTombstones(Timestamp),
    LimitTombstones(u64),
    InsertEvents(Vec<EventRow>),
    ListEvents(Option<String>, Option<Uuid>, usize),
    DeleteEvents(Vec<Uuid>),
    TrimEvents(Timestamp),
    Nodes,
    Node(Uuid),
    PutNode(NodeRow),
    Entities(String, Vec<String>),
    ListEntities(String, Option<String>, usize),
    AllEntities(String),
    PutEntities(Vec<EntityRow>),
    DeleteEntities(String, Vec<String>),
    Fact(String),
    PutFact(String, String),
    Request(String),
    InsertRequest(RequestRow),
    Hooks(usize),
    HooksOf(Uuid),
    InsertHooks(Vec<HookRow>),
    DeleteHooks(Vec<Uuid>),
    TrimRequests(Timestamp),
    /// The operation fails here by itself.
    Fail,
    /// The operation panics here.
    Panic,
    /// The next call may fail; the operation goes on.
    Ignore(Box<Step>),
}

/// What a step gave. Loads without an order are sorted by id.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Done,
    Number(u64),
    Fence(Fence),
    Time(Option<Timestamp>),
    Counts(LiveCounts),
    Tasks(Vec<TaskRow>),
    Lines(Vec<LineRow>),
    Texts(Vec<(Uuid, String)>),
    Results(Vec<ResultRow>),
    Attempts(Vec<AttemptRow>),
    Needs(Vec<NeedRow>),
    Pipelines(Vec<PipelineRow>),
    Changes(Vec<Change>),
    Events(Vec<EventRow>),
    Nodes(Vec<NodeRow>),
    Entities(Vec<EntityRow>),
    Running(Vec<Running>),
    Waiting(Vec<u64>),
    Wholes(Vec<WholeRow>),
    Fact(Option<String>),
    Lanes(Vec<LaneRow>),
    Request(Option<RequestRow>),
    Hooks(Vec<HookRow>),
}

/// How a script fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// At `Step::Fail`.
    Itself,
    Duplicate,
    Unavailable,
    Store(String),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(_) => Self::Duplicate,
            StoreError::Unavailable(_) => Self::Unavailable,
            other => Self::Store(other.to_string()),
        }
    }
}

/// Steps that are one transaction.
#[derive(Clone, Debug)]
pub struct Script {
    pub steps: Vec<Step>,
    pub durability: Durability,
}

impl Script {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), durability: Durability::Synced }
    }

    pub fn relaxed(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { durability: Durability::Relaxed, ..Self::new(steps) }
    }
}

impl Operation for Script {
    type Output = Vec<Seen>;
    type Error = Failed;

    fn durability(&self) -> Durability {
        self.durability
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Seen>, Failed> {
        let mut seen = Vec::new();
        for step in &self.steps {
            seen.push(match step {
                Step::Ignore(step) => take(tx, step).await.unwrap_or(Seen::Done),
                step => take(tx, step).await?,
            });
        }
        Ok(seen)
    }
}

fn sorted<R, K: Ord>(mut rows: Vec<R>, key: impl Fn(&R) -> K) -> Vec<R> {
    rows.sort_by_key(key);
    rows
}

async fn take<T: Tx>(tx: &mut T, step: &Step) -> Result<Seen, Failed> {
    let tasks = |rows| Seen::Tasks(sorted(rows, |row: &TaskRow| row.id));
    let pipelines = |rows| Seen::Pipelines(sorted(rows, |row: &PipelineRow| row.id));
    let texts = |rows| Seen::Texts(sorted(rows, |row: &(Uuid, String)| row.0));
    let needs = |rows| Seen::Needs(sorted(rows, |row: &NeedRow| *row));
    let done = |()| Seen::Done;
    let seen = match step {
        Step::NextVersion => Ok(Seen::Number(tx.next_version())),
        Step::Version => tx.version().await.map(Seen::Number),
        Step::NextFence => Ok(Seen::Fence(tx.next_fence())),
        Step::BeginPart => tx.begin_part().await.map(done),
        Step::EndPart(stays) => tx.end_part(*stays).await.map(done),
        Step::Tasks(ids) => tx.tasks(ids).await.map(tasks),
        Step::NewestTasks(contexts) => tx.newest_tasks(contexts).await.map(tasks),
        Step::ContextTasks(context) => tx.context_tasks(*context).await.map(Seen::Tasks),
        Step::TaskNamed(namespace, name) => {
            tx.task_named(namespace, name).await.map(|row| Seen::Tasks(row.into_iter().collect()))
        }
        Step::TasksByHead(heads, limit) => tx.tasks_by_head(heads.clone(), *limit).await.map(Seen::Tasks),
        Step::PipelineTasks(pipeline) => tx.pipeline_tasks(*pipeline).await.map(tasks),
        Step::TasksWithin(pipeline) => tx.tasks_within(*pipeline).await.map(tasks),
        Step::InsertTasks(rows) => tx.insert_tasks(rows).await.map(done),
        Step::UpdateTasks(rows) => tx.update_tasks(rows).await.map(done),
        Step::DeleteTasks(ids) => tx.delete_tasks(ids).await.map(done),
        Step::StripTasks(ids) => tx.strip_tasks(ids).await.map(done),
        Step::PutTaskBodies(rows) => tx.put_task_bodies(rows).await.map(done),
        Step::TaskBodies(ids) => tx.task_bodies(ids).await.map(texts),
        Step::TaskResults(ids) => {
            tx.task_results(ids).await.map(|rows| Seen::Results(sorted(rows, |row| row.task_id)))
        }
        Step::PutTaskResults(rows) => tx.put_task_results(rows).await.map(done),
        Step::Attempts(ids) => {
            tx.attempts(ids).await.map(|rows| Seen::Attempts(sorted(rows, |row| (row.task_id, row.number))))
        }
        Step::InsertAttempts(rows) => tx.insert_attempts(rows).await.map(done),
        Step::InsertNeeds(rows) => tx.insert_needs(rows).await.map(done),
        Step::Dependents(ids) => tx.dependents(ids).await.map(needs),
        Step::NeedsOf(ids) => tx.needs_of(ids).await.map(needs),
        Step::DeleteNeeds(ids) => tx.delete_needs(ids).await.map(done),
        Step::Claimable(executors, limit) => tx.claimable(executors, *limit).await.map(Seen::Tasks),
        Step::InLanes(lanes, limit) => tx.in_lanes(lanes, *limit).await.map(Seen::Tasks),
        Step::LaneTasks(lanes, phase, limit) => tx.lane_tasks(lanes, *phase, *limit).await.map(Seen::Tasks),
        Step::RunningIn(lanes) => tx.running_in(lanes).await.map(Seen::Running),
        Step::WaitingIn(lanes) => tx.waiting_in(lanes).await.map(Seen::Waiting),
        Step::Lanes => tx.lanes().await.map(|lanes| Seen::Lanes(lanes.to_vec())),
        Step::PutLanes(rows) => tx.put_lanes(rows).await.map(done),
        Step::DeleteLanes(ids) => tx.delete_lanes(ids).await.map(done),
        Step::Gated(pipeline, limit) => tx.gated(*pipeline, *limit).await.map(Seen::Tasks),
        Step::TasksOfKey(namespace, key) => tx.tasks_of_key(namespace, key).await.map(Seen::Tasks),
        Step::PipelinesOfKey(namespace, key) => {
            tx.pipelines_of_key(namespace, key).await.map(Seen::Pipelines)
        }
        Step::DuePipelines(now, limit) => tx.due_pipelines(*now, *limit).await.map(Seen::Pipelines),
        Step::LanePipelines(lanes, stand, limit) => {
            tx.lane_pipelines(lanes, *stand, *limit).await.map(Seen::Pipelines)
        }
        Step::StandingIn(lanes, stand) => tx.standing_in(lanes, *stand).await.map(Seen::Waiting),
        Step::LiveChildren(task, limit) => tx.live_children(*task, *limit).await.map(Seen::Tasks),
        Step::Evaluating(limit) => tx.evaluating(*limit).await.map(Seen::Tasks),
        Step::RunningOn(node) => tx.running_on(*node).await.map(tasks),
        Step::Due(now, limit) => tx.due(*now, *limit).await.map(Seen::Tasks),
        Step::NextDue => tx.next_due().await.map(Seen::Time),
        Step::LiveCounts => tx.live_counts().await.map(Seen::Counts),
        Step::CountTasks => tx.count_tasks().await.map(Seen::Number),
        Step::Wholes(kind, after, limit) => tx.wholes(*kind, *after, *limit).await.map(Seen::Wholes),
        Step::Expiring(kind, after, limit) => tx.expiring(*kind, *after, *limit).await.map(Seen::Wholes),
        Step::Pipelines(ids) => tx.pipelines(ids).await.map(pipelines),
        Step::PipelinesNamed(namespace, name) => {
            tx.pipelines_named(namespace, name).await.map(Seen::Pipelines)
        }
        Step::PipelineNamed(namespace, name) => {
            tx.pipeline_named(namespace, name).await.map(|row| Seen::Pipelines(row.into_iter().collect()))
        }
        Step::PipelinesByHead(heads, limit) => {
            tx.pipelines_by_head(heads.clone(), *limit).await.map(Seen::Pipelines)
        }
        Step::InsertPipelines(rows) => tx.insert_pipelines(rows).await.map(done),
        Step::UpdatePipelines(rows) => tx.update_pipelines(rows).await.map(done),
        Step::DeletePipelines(ids) => tx.delete_pipelines(ids).await.map(done),
        Step::PutPipelineBodies(rows) => tx.put_pipeline_bodies(rows).await.map(done),
        Step::PipelineBodies(ids) => tx.pipeline_bodies(ids).await.map(texts),
        Step::ListTasks(query) => tx.list_tasks(query).await.map(Seen::Tasks),
        Step::ListLines(query) => tx.list_lines(query).await.map(Seen::Lines),
        Step::ListPipelines(query) => tx.list_pipelines(query).await.map(Seen::Pipelines),
        Step::Changes(after, limit) => tx.changes(*after, *limit).await.map(Seen::Changes),
        Step::InsertTombstones(rows) => tx.insert_tombstones(rows).await.map(done),
        Step::HistoryStart => tx.history_start().await.map(Seen::Number),
        Step::TrimTombstones(before) => tx.trim_tombstones(*before).await.map(done),
        Step::LimitTombstones(most) => tx.limit_tombstones(*most).await.map(done),
        Step::InsertEvents(rows) => tx.insert_events(rows).await.map(done),
        Step::ListEvents(namespace, object, limit) => {
            tx.list_events(namespace.as_deref(), *object, *limit).await.map(Seen::Events)
        }
        Step::DeleteEvents(objects) => tx.delete_events(objects).await.map(done),
        Step::TrimEvents(before) => tx.trim_events(*before).await.map(done),
        Step::Nodes => tx.nodes().await.map(|rows| Seen::Nodes(sorted(rows, |row| row.id))),
        Step::Node(id) => tx.node(*id).await.map(|row| Seen::Nodes(row.into_iter().collect())),
        Step::PutNode(row) => tx.put_node(row).await.map(done),
        Step::Entities(kind, names) => tx
            .entities(kind, names)
            .await
            .map(|rows| Seen::Entities(sorted(rows, |row| (row.kind.clone(), row.name.clone())))),
        Step::ListEntities(kind, after, limit) => {
            tx.list_entities(kind, after.as_deref(), *limit).await.map(Seen::Entities)
        }
        Step::AllEntities(kind) => tx.all_entities(kind).await.map(|rows| Seen::Entities(rows.to_vec())),
        Step::PutEntities(rows) => tx.put_entities(rows).await.map(done),
        Step::DeleteEntities(kind, names) => tx.delete_entities(kind, names).await.map(done),
        Step::Fact(name) => tx.fact(name).await.map(Seen::Fact),
        Step::PutFact(name, value) => tx.put_fact(name, value).await.map(done),
        Step::Request(key) => tx.request(key).await.map(Seen::Request),
        Step::InsertRequest(row) => tx.insert_request(row).await.map(done),
        Step::Hooks(limit) => tx.hooks(*limit).await.map(Seen::Hooks),
        Step::HooksOf(task) => tx.hooks_of(*task).await.map(Seen::Hooks),
        Step::InsertHooks(rows) => tx.insert_hooks(rows).await.map(done),
        Step::DeleteHooks(ids) => tx.delete_hooks(ids).await.map(done),
        Step::TrimRequests(before) => tx.trim_requests(*before).await.map(done),
        Step::Fail => return Err(Failed::Itself),
        Step::Panic => panic!("a panic on purpose"),
        Step::Ignore(_) => return Err(Failed::Store("only one step can be ignored at once".into())),
    };
    Ok(seen?)
}
