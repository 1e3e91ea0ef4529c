//! A store that can be cut off: an operation's call of the transaction fails, alone or with all that follow.
//! What a promise says about crashes has to hold at each of these calls. It also takes down what is written.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

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
    store::{Durability, ListQuery, LiveCounts, Operation, Store, StoreError, StoreInfo, StoreResult, Tx},
};

/// What the message of a call that was cut says.
pub const CUT: &str = "cut here";

/// What an operation writes, call by call.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// An operation begins, or begins again: what was written since the last commit is no more.
    Begin,
    NewTasks(&'a [NewTask]),
    Tasks(&'a [TaskRow]),
    GoneTasks(&'a [Uuid]),
    Results(&'a [ResultRow]),
    Attempts(&'a [AttemptRow]),
    Needs(&'a [NeedRow]),
    GoneNeeds(&'a [Uuid]),
    NewPipelines(&'a [NewPipeline]),
    Pipelines(&'a [PipelineRow]),
    GonePipelines(&'a [Uuid]),
    Tombstones(&'a [TombstoneRow]),
    Entities(&'a [EntityRow]),
    /// A kind and names of it.
    GoneEntities(&'a str, &'a [String]),
    Hooks(&'a [HookRow]),
    GoneHooks(&'a [Uuid]),
    Node(&'a NodeRow),
    Request(&'a RequestRow),
    /// All of it is stored.
    Commit,
}

type Scribe = Box<dyn FnMut(Written<'_>) + Send>;

/// What happens at the calls of operations that may write.
#[derive(Default)]
pub struct Knife {
    calls: AtomicUsize,
    /// The first call that fails, counted from 1; 0 while none does.
    first: AtomicUsize,
    /// The last call that fails.
    last: AtomicUsize,
    /// Calls that failed.
    cuts: AtomicUsize,
    /// Whether the next commit is answered like a failure.
    hides_commit: AtomicBool,
    /// Operations that a power cut may take back.
    pub relaxed: AtomicUsize,
    /// Is told of each call before it is made.
    witness: Mutex<Option<Box<dyn FnMut() + Send>>>,
    /// Takes down what is written.
    scribe: Mutex<Option<Scribe>>,
}

impl fmt::Debug for Knife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Knife({:?} of {:?})", self.calls, self.first)
    }
}

impl Knife {
    /// From now on, calls are counted anew and those of these numbers fail.
    pub fn fail(&self, calls: RangeInclusive<usize>) {
        self.calls.store(0, Relaxed);
        self.first.store(*calls.start(), Relaxed);
        self.last.store(*calls.end(), Relaxed);
    }

    /// Nothing fails any more. Answers how many calls there were.
    pub fn rest(&self) -> usize {
        self.first.store(0, Relaxed);
        *self.witness.lock().unwrap() = None;
        self.calls.swap(0, Relaxed)
    }

    /// Tells of each call before it is made.
    pub fn watch(&self, witness: impl FnMut() + Send + 'static) {
        self.calls.store(0, Relaxed);
        *self.witness.lock().unwrap() = Some(Box::new(witness));
    }

    /// Takes down what is written from now on.
    pub fn record(&self, scribe: impl FnMut(Written<'_>) + Send + 'static) {
        *self.scribe.lock().unwrap() = Some(Box::new(scribe));
    }

    /// How many calls have failed so far.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Relaxed)
    }

    /// The next operation that is committed fails all the same: it takes effect and nobody is told.
    pub fn hide_commit(&self, hides: bool) {
        self.hides_commit.store(hides, Relaxed);
    }

    fn wrote(&self, written: Written<'_>) {
        if let Some(scribe) = &mut *self.scribe.lock().unwrap() {
            scribe(written);
        }
    }

    fn call(&self) -> StoreResult<()> {
        let call = self.calls.fetch_add(1, Relaxed) + 1;
        if let Some(witness) = &mut *self.witness.lock().unwrap() {
            witness();
        }
        let first = self.first.load(Relaxed);
        if first > 0 && (first..=self.last.load(Relaxed)).contains(&call) {
            self.cuts.fetch_add(1, Relaxed);
            return Err(StoreError::Unavailable(CUT.into()));
        }
        Ok(())
    }
}

/// The store. Only operations that may write can be cut.
#[derive(Clone, Debug)]
pub struct CutStore<S> {
    pub store: S,
    pub knife: Arc<Knife>,
}

impl<S> CutStore<S> {
    pub fn new(store: S) -> Self {
        Self { store, knife: Arc::default() }
    }
}

impl<S: Store> Store for CutStore<S> {
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        if operation.durability() == Durability::Relaxed {
            self.knife.relaxed.fetch_add(1, Relaxed);
        }
        let answer = self.store.write(Cut { operation, knife: self.knife.clone() }).await?;
        self.knife.wrote(Written::Commit);
        if self.knife.hides_commit.swap(false, Relaxed) {
            return Err(StoreError::Unavailable(CUT.into()).into());
        }
        Ok(answer)
    }

    async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.store.read(operation).await
    }

    fn info(&self) -> StoreInfo {
        self.store.info()
    }
}

struct Cut<O> {
    operation: O,
    knife: Arc<Knife>,
}

impl<O: Operation> Operation for Cut<O> {
    type Output = O::Output;
    type Error = O::Error;

    fn durability(&self) -> Durability {
        self.operation.durability()
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<O::Output, O::Error> {
        self.knife.wrote(Written::Begin);
        self.operation.run(&mut CutTx { tx, knife: &self.knife }).await
    }
}

struct CutTx<'a, T> {
    tx: &'a mut T,
    knife: &'a Knife,
}

macro_rules! calls {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty $(=> $written:expr)?;)*) => {$(
        async fn $name(&mut self, $($arg: $type),*) -> StoreResult<$answer> {
            self.knife.call()?;
            $(self.knife.wrote($written);)?
            self.tx.$name($($arg),*).await
        }
    )*};
}

impl<T: Tx> Tx for CutTx<'_, T> {
    fn next_version(&mut self) -> u64 {
        self.tx.next_version()
    }

    fn next_fence(&mut self) -> Fence {
        self.tx.next_fence()
    }

    calls! {
        begin_part() -> ();
        end_part(stays: bool) -> ();
        version() -> u64;
        tasks(ids: &[Uuid]) -> Vec<TaskRow>;
        newest_tasks(contexts: &[Uuid]) -> Vec<TaskRow>;
        context_tasks(context: Uuid) -> Vec<TaskRow>;
        task_named(namespace: &str, name: &str) -> Option<TaskRow>;
        tasks_by_head(heads: RangeInclusive<u64>, limit: usize) -> Vec<TaskRow>;
        pipeline_tasks(pipeline: Uuid) -> Vec<TaskRow>;
        tasks_within(pipeline: Uuid) -> Vec<TaskRow>;
        insert_tasks(tasks: &[NewTask]) -> () => Written::NewTasks(tasks);
        update_tasks(rows: &[TaskRow]) -> () => Written::Tasks(rows);
        delete_tasks(ids: &[Uuid]) -> () => Written::GoneTasks(ids);
        strip_tasks(ids: &[Uuid]) -> ();
        put_task_bodies(rows: &[(Uuid, String)]) -> ();
        task_bodies(ids: &[Uuid]) -> Vec<(Uuid, String)>;
        task_results(ids: &[Uuid]) -> Vec<ResultRow>;
        put_task_results(rows: &[ResultRow]) -> () => Written::Results(rows);
        attempts(tasks: &[Uuid]) -> Vec<AttemptRow>;
        insert_attempts(rows: &[AttemptRow]) -> () => Written::Attempts(rows);
        insert_needs(rows: &[NeedRow]) -> () => Written::Needs(rows);
        dependents(needs: &[Uuid]) -> Vec<NeedRow>;
        needs_of(dependents: &[Uuid]) -> Vec<NeedRow>;
        delete_needs(dependents: &[Uuid]) -> () => Written::GoneNeeds(dependents);
        claimable(executors: &[String], limit: usize) -> Vec<TaskRow>;
        in_lanes(lanes: &[u32], limit: usize) -> Vec<TaskRow>;
        lane_tasks(lanes: &[u32], phase: Phase, limit: usize) -> Vec<TaskRow>;
        running_in(lanes: &[u32]) -> Vec<Running>;
        waiting_in(lanes: &[u32]) -> Vec<u64>;
        lanes() -> Arc<Vec<LaneRow>>;
        put_lanes(rows: &[LaneRow]) -> ();
        delete_lanes(ids: &[u32]) -> ();
        gated(pipeline: Uuid, limit: usize) -> Vec<TaskRow>;
        evaluating(limit: usize) -> Vec<TaskRow>;
        pipelines_of_key(namespace: &str, key: &str) -> Vec<PipelineRow>;
        lane_pipelines(lanes: &[u32], stand: Stand, limit: usize) -> Vec<PipelineRow>;
        standing_in(lanes: &[u32], stand: Stand) -> Vec<u64>;
        due_pipelines(now: Timestamp, limit: usize) -> Vec<PipelineRow>;
        live_children(task: Uuid, limit: usize) -> Vec<TaskRow>;
        tasks_of_key(namespace: &str, key: &str) -> Vec<TaskRow>;
        running_on(node: Uuid) -> Vec<TaskRow>;
        due(now: Timestamp, limit: usize) -> Vec<TaskRow>;
        next_due() -> Option<Timestamp>;
        live_counts() -> LiveCounts;
        count_tasks() -> u64;
        wholes(kind: WholeKind, after: Uuid, limit: usize) -> Vec<WholeRow>;
        expiring(kind: WholeKind, after: (Timestamp, Uuid), limit: usize) -> Vec<WholeRow>;
        pipelines(ids: &[Uuid]) -> Vec<PipelineRow>;
        pipeline_named(namespace: &str, name: &str) -> Option<PipelineRow>;
        pipelines_named(namespace: &str, name: &str) -> Vec<PipelineRow>;
        pipelines_by_head(heads: RangeInclusive<u64>, limit: usize) -> Vec<PipelineRow>;
        insert_pipelines(pipelines: &[NewPipeline]) -> () => Written::NewPipelines(pipelines);
        update_pipelines(rows: &[PipelineRow]) -> () => Written::Pipelines(rows);
        delete_pipelines(ids: &[Uuid]) -> () => Written::GonePipelines(ids);
        put_pipeline_bodies(rows: &[(Uuid, String)]) -> ();
        pipeline_bodies(ids: &[Uuid]) -> Vec<(Uuid, String)>;
        list_tasks(query: &ListQuery) -> Vec<TaskRow>;
        list_lines(query: &ListQuery) -> Vec<LineRow>;
        list_pipelines(query: &ListQuery) -> Vec<PipelineRow>;
        changes(after: u64, limit: usize) -> Vec<Change>;
        insert_tombstones(rows: &[TombstoneRow]) -> () => Written::Tombstones(rows);
        history_start() -> u64;
        trim_tombstones(before: Timestamp) -> ();
        limit_tombstones(most: u64) -> ();
        insert_events(rows: &[EventRow]) -> ();
        list_events(namespace: Option<&str>, object: Option<Uuid>, limit: usize) -> Vec<EventRow>;
        delete_events(objects: &[Uuid]) -> ();
        trim_events(before: Timestamp) -> ();
        nodes() -> Vec<NodeRow>;
        node(id: Uuid) -> Option<NodeRow>;
        put_node(row: &NodeRow) -> () => Written::Node(row);
        entities(kind: &str, names: &[String]) -> Vec<EntityRow>;
        list_entities(kind: &str, after: Option<&str>, limit: usize) -> Vec<EntityRow>;
        all_entities(kind: &str) -> Arc<Vec<EntityRow>>;
        put_entities(rows: &[EntityRow]) -> () => Written::Entities(rows);
        delete_entities(kind: &str, names: &[String]) -> () => Written::GoneEntities(kind, names);
        fact(name: &str) -> Option<String>;
        put_fact(name: &str, value: &str) -> ();
        request(key: &str) -> Option<RequestRow>;
        insert_request(row: &RequestRow) -> () => Written::Request(row);
        trim_requests(before: Timestamp) -> ();
        hooks(limit: usize) -> Vec<HookRow>;
        hooks_of(task: Uuid) -> Vec<HookRow>;
        insert_hooks(rows: &[HookRow]) -> () => Written::Hooks(rows);
        delete_hooks(ids: &[Uuid]) -> () => Written::GoneHooks(ids);
    }
}
