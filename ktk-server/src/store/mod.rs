//! What the engine needs of a store. No business rule lives behind this trait: stores load,
//! lock and write rows, and decide the order of work in [`Tx::claimable`].
//!
//! An [`Operation`] is one transaction, written once and generic over [`Tx`]. The futures of the
//! embedded stores are always ready, so their writer drives an operation with a single poll.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod drive;
pub mod lock;
pub mod memory;
mod precision;
pub mod sqlite;

use std::{future::Future, ops::RangeInclusive, sync::Arc};

use jiff::Timestamp;
use ktk_client::api::{Phase, worker::Fence};
use uuid::Uuid;

use crate::model::{
    entity::EntityRow,
    gate::Stand,
    lane::{LaneRow, Running},
    row::{
        AttemptRow, Change, EventRow, HookRow, LineRow, NeedRow, NewPipeline, NewTask, NodeRow, PipelineRow,
        RequestRow, ResultRow, TaskRow, TombstoneRow, WholeKind, WholeRow,
    },
};

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing can be stored now (disk full, read-only, locked); nothing was changed.
    #[error("the store takes no changes now: {0}")]
    Unavailable(String),
    /// The store was made by a newer ktk.
    #[error(
        "the store has schema {found}, this ktk knows schemas up to {known}: use the newer ktk, or another --data-dir"
    )]
    NewerSchema {
        /// The schema's number in the store.
        found: u32,
        /// The newest schema this program knows.
        known: u32,
    },
    /// Another server has the store.
    #[error("another server uses this store already ({0})")]
    Locked(String),
    /// A row breaks a rule of the schema: a bug, or a race that the engine must look at again.
    #[error("a unique rule of the store refused the change: {0}")]
    Duplicate(String),
    /// The store is broken, or we are.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Shorthand for what every store call returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// What an operation does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk before it is acknowledged.
    Synced,
    /// A power cut may take it back: claims and lease renewals only.
    Relaxed,
}

/// One transaction. It may be run again from the start, so it must not remember anything.
pub trait Operation: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;
    /// How it fails; a failed operation changes nothing.
    type Error: From<StoreError> + Send + 'static;

    /// Whether its group must be synced.
    fn durability(&self) -> Durability {
        Durability::Synced
    }

    /// Whether it writes and then fails whatever it comes to, so that nothing of it stays.
    fn is_rehearsal(&self) -> bool {
        false
    }

    /// Whether it may be answered before the disk has what it wrote: because a power cut may take that back, or because
    /// the same one takes whoever hears the answer.
    fn goes_ahead(&self) -> bool {
        self.durability() == Durability::Relaxed && !self.is_rehearsal()
    }

    /// Whether what it came to made work that somebody may stand for.
    fn makes_work(_: &Self::Output) -> bool {
        false
    }

    /// Loads, decides, writes.
    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// A store: runs operations, each whole or not at all, as if one after another.
pub trait Store: Clone + Send + Sync + 'static {
    /// Runs an operation that may write; answers after its commit, and when that is on the disk unless it goes ahead.
    fn write<O: Operation>(&self, operation: O) -> impl Future<Output = Result<O::Output, O::Error>> + Send;

    /// Runs an operation with the next one that makes work, in its transaction and after it: `None` where `otherwise`
    /// comes first, as it does where a store cannot do this. Whoever stands learns of work in another way too: only
    /// one of those who stand is taken.
    fn stand<O: Operation>(
        &self,
        operation: O,
        otherwise: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Option<Result<O::Output, O::Error>>> + Send {
        drop(operation);
        async {
            otherwise.await;
            None
        }
    }

    /// Runs an operation that only reads, on a snapshot. Writing in it is a bug and fails.
    fn read<O: Operation>(&self, operation: O) -> impl Future<Output = Result<O::Output, O::Error>> + Send;

    /// The store's own identity.
    fn info(&self) -> StoreInfo;
}

/// A store's own identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// `sqlite` or `memory`.
    pub kind: &'static str,
    /// Made with the store, never changed.
    pub id: Uuid,
    /// Rises with each start of the store.
    pub epoch: u64,
}

/// A page of rows by (namespace, name, incarnation), bytewise.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// One namespace, or all.
    pub namespace: Option<String>,
    /// Rows after this (namespace, name, incarnation).
    pub after: Option<(String, String, u32)>,
    /// Only rows that are their context's newest.
    pub newest_only: bool,
    /// The most rows.
    pub limit: usize,
}

/// Unfinished tasks, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveCounts {
    /// Phase Pending.
    pub pending: u64,
    /// Phase Running.
    pub running: u64,
    /// Running on a node: what a server has to be there for.
    pub on_nodes: u64,
    /// Pending and claimable now.
    pub claimable: u64,
}

/// What a transaction can do. All loads give rows in no particular order and leave out what does
/// not exist, unless they say otherwise; a stored row that cannot be read is left out and logged.
/// Updates replace whole rows by id. Rows written are seen by later loads of the same transaction.
pub trait Tx: Send {
    /// The next number of the server-wide order of changes. Never given twice, also after a crash.
    fn next_version(&mut self) -> u64;
    /// The newest version that was given to any row so far.
    fn version(&mut self) -> impl Future<Output = StoreResult<u64>> + Send;
    /// A new fence: greater than all before.
    fn next_fence(&mut self) -> Fence;
    /// Begins a part that can be taken back while the transaction goes on. One at a time.
    fn begin_part(&mut self) -> impl Future<Output = StoreResult<()>> + Send;
    /// Ends it: what was written in it stays with the transaction, or is taken back. Its numbers are not given again.
    fn end_part(&mut self, stays: bool) -> impl Future<Output = StoreResult<()>> + Send;

    fn tasks(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// The newest incarnation of each of these contexts.
    fn newest_tasks(&mut self, contexts: &[Uuid]) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// All incarnations of a context, oldest first.
    fn context_tasks(&mut self, context: Uuid) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// The newest incarnation of a name.
    fn task_named(
        &mut self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = StoreResult<Option<TaskRow>>> + Send;
    /// Tasks of any namespace whose digest begins in this range, by head; `limit` at most.
    fn tasks_by_head(
        &mut self,
        heads: RangeInclusive<u64>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// The tasks of a pipeline's incarnation that are their contexts' newest.
    fn pipeline_tasks(&mut self, pipeline: Uuid) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// All tasks of a pipeline's incarnation, whether they are their contexts' newest or not.
    fn tasks_within(&mut self, pipeline: Uuid) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// `Duplicate` when (namespace, name, incarnation) or (context, incarnation) exists, or when
    /// the context has a row that is not terminal and a second would be written.
    fn insert_tasks(&mut self, tasks: &[NewTask]) -> impl Future<Output = StoreResult<()>> + Send;
    fn update_tasks(&mut self, rows: &[TaskRow]) -> impl Future<Output = StoreResult<()>> + Send;
    /// Removes tasks with bodies, results and attempts. Needs are removed by [`Tx::delete_needs`].
    fn delete_tasks(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;
    /// Removes bodies, results and attempts of tasks, whose rows stay.
    fn strip_tasks(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;
    fn task_bodies(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<Vec<(Uuid, String)>>> + Send;
    /// Replaces bodies of tasks that exist.
    fn put_task_bodies(&mut self, rows: &[(Uuid, String)]) -> impl Future<Output = StoreResult<()>> + Send;
    fn task_results(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<Vec<ResultRow>>> + Send;
    /// Inserts or replaces.
    fn put_task_results(&mut self, rows: &[ResultRow]) -> impl Future<Output = StoreResult<()>> + Send;
    /// Ended attempts of these tasks, by task and number.
    fn attempts(&mut self, tasks: &[Uuid]) -> impl Future<Output = StoreResult<Vec<AttemptRow>>> + Send;
    fn insert_attempts(&mut self, rows: &[AttemptRow]) -> impl Future<Output = StoreResult<()>> + Send;

    fn insert_needs(&mut self, rows: &[NeedRow]) -> impl Future<Output = StoreResult<()>> + Send;
    /// Who needs these contexts.
    fn dependents(&mut self, needs: &[Uuid]) -> impl Future<Output = StoreResult<Vec<NeedRow>>> + Send;
    /// What these contexts need.
    fn needs_of(&mut self, dependents: &[Uuid]) -> impl Future<Output = StoreResult<Vec<NeedRow>>> + Send;
    /// Removes all rows in which these contexts are the dependent.
    fn delete_needs(&mut self, dependents: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;

    /// What may be claimed of the plain lane by a node with these executors (`""`: processes): by
    /// priority (highest first), `ready_at`, id, over all of them together; `limit` at most.
    fn claimable(
        &mut self,
        executors: &[String],
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// What may be claimed of these other lanes, in the same order over all of them together;
    /// `limit` at most.
    fn in_lanes(
        &mut self,
        lanes: &[u32],
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Unfinished tasks of these lanes (not the plain one) in this phase, lane by lane; `limit` at most.
    fn lane_tasks(
        &mut self,
        lanes: &[u32],
        phase: Phase,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// What runs in each of these lanes, in their order.
    fn running_in(&mut self, lanes: &[u32]) -> impl Future<Output = StoreResult<Vec<Running>>> + Send;
    /// How many of each of these lanes may be claimed, in their order.
    fn waiting_in(&mut self, lanes: &[u32]) -> impl Future<Output = StoreResult<Vec<u64>>> + Send;
    /// All lanes that are stored, by id. Asked often: a store keeps them at hand.
    fn lanes(&mut self) -> impl Future<Output = StoreResult<Arc<Vec<LaneRow>>>> + Send;
    /// Inserts, or replaces what has the same id.
    fn put_lanes(&mut self, rows: &[LaneRow]) -> impl Future<Output = StoreResult<()>> + Send;
    fn delete_lanes(&mut self, ids: &[u32]) -> impl Future<Output = StoreResult<()>> + Send;
    /// What waits for its pipeline's `maxParallel`, in the same order.
    fn gated(
        &mut self,
        pipeline: Uuid,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Tasks whose expressions are to be evaluated, oldest first.
    fn evaluating(&mut self, limit: usize) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Unfinished tasks of a namespace that have this unique key, by id.
    fn tasks_of_key(
        &mut self,
        namespace: &str,
        key: &str,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Unfinished tasks that this task's attempts made, by id; `limit` at most.
    fn live_children(
        &mut self,
        task: Uuid,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Unfinished pipelines of a namespace that have this unique key, by id.
    fn pipelines_of_key(
        &mut self,
        namespace: &str,
        key: &str,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// Unfinished pipelines that stand so in these lanes: by priority (highest first), `since`, id, over all of
    /// them together; `limit` at most.
    fn lane_pipelines(
        &mut self,
        lanes: &[u32],
        stand: Stand,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// How many pipelines stand so in each of these lanes, in their order.
    fn standing_in(
        &mut self,
        lanes: &[u32],
        stand: Stand,
    ) -> impl Future<Output = StoreResult<Vec<u64>>> + Send;
    /// Pipelines that a clock moves at or before `now`, earliest first.
    fn due_pipelines(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// Tasks whose attempt runs on this node.
    fn running_on(&mut self, node: Uuid) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// Tasks that a clock moves at or before `now`, earliest first.
    fn due(&mut self, now: Timestamp, limit: usize)
    -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// When a clock moves the next task or pipeline.
    fn next_due(&mut self) -> impl Future<Output = StoreResult<Option<Timestamp>>> + Send;
    fn live_counts(&mut self) -> impl Future<Output = StoreResult<LiveCounts>> + Send;
    /// All tasks that are stored, counted.
    fn count_tasks(&mut self) -> impl Future<Output = StoreResult<u64>> + Send;
    /// What is collected as a whole, by the ids of the newest incarnations: those after this one; `limit` at most.
    fn wholes(
        &mut self,
        kind: WholeKind,
        after: Uuid,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<WholeRow>>> + Send;
    /// Of these, those that have ended and have a `ttlAfterFinished`: by the time at which it is over, then by id,
    /// those after this place; `limit` at most.
    fn expiring(
        &mut self,
        kind: WholeKind,
        after: (Timestamp, Uuid),
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<WholeRow>>> + Send;

    fn pipelines(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// The newest incarnation of a name.
    fn pipeline_named(
        &mut self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = StoreResult<Option<PipelineRow>>> + Send;
    /// All incarnations of a name, oldest first.
    fn pipelines_named(
        &mut self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// Pipelines of any namespace whose digest begins in this range, by head; `limit` at most.
    fn pipelines_by_head(
        &mut self,
        heads: RangeInclusive<u64>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// `Duplicate` when (namespace, name, incarnation) exists.
    fn insert_pipelines(&mut self, pipelines: &[NewPipeline])
    -> impl Future<Output = StoreResult<()>> + Send;
    fn update_pipelines(&mut self, rows: &[PipelineRow]) -> impl Future<Output = StoreResult<()>> + Send;
    fn delete_pipelines(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;
    fn pipeline_bodies(
        &mut self,
        ids: &[Uuid],
    ) -> impl Future<Output = StoreResult<Vec<(Uuid, String)>>> + Send;
    /// Replaces bodies of pipelines that exist.
    fn put_pipeline_bodies(
        &mut self,
        rows: &[(Uuid, String)],
    ) -> impl Future<Output = StoreResult<()>> + Send;

    /// A page by (namespace, name, incarnation).
    fn list_tasks(&mut self, query: &ListQuery) -> impl Future<Output = StoreResult<Vec<TaskRow>>> + Send;
    /// The page of [`Tx::list_tasks`], and of each row only what a table shows.
    fn list_lines(&mut self, query: &ListQuery) -> impl Future<Output = StoreResult<Vec<LineRow>>> + Send;
    /// A page by (namespace, name, incarnation).
    fn list_pipelines(
        &mut self,
        query: &ListQuery,
    ) -> impl Future<Output = StoreResult<Vec<PipelineRow>>> + Send;
    /// Changes after a version, in version order; `limit` at most. A deletion is one change.
    fn changes(&mut self, after: u64, limit: usize) -> impl Future<Output = StoreResult<Vec<Change>>> + Send;
    fn insert_tombstones(&mut self, rows: &[TombstoneRow]) -> impl Future<Output = StoreResult<()>> + Send;
    /// A watch from before this version is `Expired`: tombstones up to it have been removed.
    fn history_start(&mut self) -> impl Future<Output = StoreResult<u64>> + Send;
    /// Removes tombstones older than this and sets [`Tx::history_start`] accordingly.
    fn trim_tombstones(&mut self, before: Timestamp) -> impl Future<Output = StoreResult<()>> + Send;
    /// The same, for all tombstones but this many newest ones.
    fn limit_tombstones(&mut self, most: u64) -> impl Future<Output = StoreResult<()>> + Send;

    fn insert_events(&mut self, rows: &[EventRow]) -> impl Future<Output = StoreResult<()>> + Send;
    /// The newest `limit` events, oldest first: of a namespace (or all), of an object (also of
    /// the tasks of that pipeline) or of all.
    fn list_events(
        &mut self,
        namespace: Option<&str>,
        object: Option<Uuid>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<EventRow>>> + Send;
    /// Removes the events of these objects.
    fn delete_events(&mut self, objects: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;
    /// Removes events from before this time.
    fn trim_events(&mut self, before: Timestamp) -> impl Future<Output = StoreResult<()>> + Send;

    fn nodes(&mut self) -> impl Future<Output = StoreResult<Vec<NodeRow>>> + Send;
    fn node(&mut self, id: Uuid) -> impl Future<Output = StoreResult<Option<NodeRow>>> + Send;
    /// Inserts or replaces.
    fn put_node(&mut self, row: &NodeRow) -> impl Future<Output = StoreResult<()>> + Send;

    /// The objects of a kind that have these names.
    fn entities(
        &mut self,
        kind: &str,
        names: &[String],
    ) -> impl Future<Output = StoreResult<Vec<EntityRow>>> + Send;
    /// Objects of a kind by name, those after this one; `limit` at most.
    fn list_entities(
        &mut self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<EntityRow>>> + Send;
    /// All objects of a kind by name. Asked often: a store keeps them at hand, and gives the same ones again as long
    /// as none of them changes.
    fn all_entities(&mut self, kind: &str) -> impl Future<Output = StoreResult<Arc<Vec<EntityRow>>>> + Send;
    /// Inserts, or replaces what has the same kind and name.
    fn put_entities(&mut self, rows: &[EntityRow]) -> impl Future<Output = StoreResult<()>> + Send;
    fn delete_entities(
        &mut self,
        kind: &str,
        names: &[String],
    ) -> impl Future<Output = StoreResult<()>> + Send;

    /// Something that the server notes for its next start.
    fn fact(&mut self, name: &str) -> impl Future<Output = StoreResult<Option<String>>> + Send;
    /// Inserts or replaces.
    fn put_fact(&mut self, name: &str, value: &str) -> impl Future<Output = StoreResult<()>> + Send;

    fn request(&mut self, key: &str) -> impl Future<Output = StoreResult<Option<RequestRow>>> + Send;
    fn insert_request(&mut self, row: &RequestRow) -> impl Future<Output = StoreResult<()>> + Send;
    /// Forgets requests from before this time.
    fn trim_requests(&mut self, before: Timestamp) -> impl Future<Output = StoreResult<()>> + Send;

    /// Hooks to be called, in the order in which they were inserted; `limit` at most.
    fn hooks(&mut self, limit: usize) -> impl Future<Output = StoreResult<Vec<HookRow>>> + Send;
    /// Those of one task, in the same order.
    fn hooks_of(&mut self, task: Uuid) -> impl Future<Output = StoreResult<Vec<HookRow>>> + Send;
    fn insert_hooks(&mut self, rows: &[HookRow]) -> impl Future<Output = StoreResult<()>> + Send;
    fn delete_hooks(&mut self, ids: &[Uuid]) -> impl Future<Output = StoreResult<()>> + Send;
}
