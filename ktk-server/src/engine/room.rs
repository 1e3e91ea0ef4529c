//! What room there is: queues, permits and nodes as they are now, for claims and for those who ask why a task waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ktk_client::api::{
    DEFAULT_QUEUE, Entity, Queue, Reason, Semaphore, node::NodePhase, queue::QueueSpec,
    semaphore::SemaphoreSpec, task::Task,
};

use super::{body, claim, entity, error::EngineResult};
use crate::{
    model::{
        gate::{Stand, WHOLE},
        lane::{Lane, LaneRow, PLAIN, Running},
        permits::Round,
        row::{EXTERNAL, TaskRow},
    },
    store::Tx,
};

/// A node that takes work: its executors and labels.
type Present = (Vec<String>, BTreeMap<String, String>);

/// What room there is.
#[derive(Debug)]
pub struct Room {
    pub lanes: Arc<Vec<LaneRow>>,
    pub nodes: Vec<Present>,
    queues: BTreeMap<String, QueueSpec>,
    /// The sizes of semaphores.
    pub permits: BTreeMap<String, u32>,
    running: BTreeMap<u32, Running>,
}

impl Room {
    /// Looks at everything that limits a stored lane.
    pub async fn look<T: Tx>(tx: &mut T) -> EngineResult<Self> {
        let lanes = tx.lanes().await?;
        let queues: BTreeSet<String> = lanes.iter().map(|row| row.lane.queue.clone()).collect();
        let semaphores: BTreeSet<String> =
            lanes.iter().flat_map(|row| row.lane.semaphores.keys().cloned()).collect();
        let mut room = Self {
            nodes: present(tx).await?,
            queues: specs::<Queue, T>(tx, queues).await?,
            permits: BTreeMap::new(),
            running: BTreeMap::new(),
            lanes,
        };
        let sizes: BTreeMap<String, SemaphoreSpec> = specs::<Semaphore, T>(tx, semaphores).await?;
        room.permits = sizes.into_iter().map(|(name, spec)| (name, spec.permits)).collect();
        let is_counted = |lane: &Lane| !lane.semaphores.is_empty() || room.max_running(&lane.queue).is_some();
        let counted: Vec<u32> =
            room.lanes.iter().filter(|row| is_counted(&row.lane)).map(|row| row.id).collect();
        let running = tx.running_in(&counted).await?;
        let gates = tx.standing_in(&counted, Stand::Holds).await?;
        let all = running.into_iter().zip(gates);
        let with_gates = all.map(|(running, gates)| Running { all: running.all + gates, ..running });
        room.running = counted.into_iter().zip(with_gates).collect();
        Ok(room)
    }

    /// The lane of this number; the plain one is stored only while the default queue is limited.
    pub fn lane(&self, id: u32) -> Option<&LaneRow> {
        self.lanes.iter().find(|row| row.id == id)
    }

    pub fn is_paused(&self, queue: &str) -> bool {
        self.queues.get(queue).is_some_and(|spec| spec.paused)
    }

    pub fn max_running(&self, queue: &str) -> Option<u32> {
        self.queues.get(queue)?.max_running
    }

    /// How many more tasks of each limited queue may run: none of a paused one.
    pub fn places(&self) -> BTreeMap<String, u64> {
        let mut places = BTreeMap::new();
        for (name, spec) in &self.queues {
            if let Some(max) = spec.max_running.map(u64::from) {
                places.insert(name.clone(), max.saturating_sub(self.running_of(name)));
            }
            if spec.paused {
                places.insert(name.clone(), 0);
            }
        }
        places
    }

    /// How many tasks of a capped queue run on nodes. What is finished from outside runs on none and does not count.
    pub fn running_of(&self, queue: &str) -> u64 {
        let own = self.lanes.iter().filter(|row| row.lane.queue == queue);
        own.filter_map(|row| self.running.get(&row.id)).map(|running| running.on_nodes).sum()
    }

    /// How many permits of a semaphore are held.
    pub fn held(&self, semaphore: &str) -> u64 {
        let held = |row: &LaneRow| {
            let permits = u64::from(*row.lane.semaphores.get(semaphore)?);
            Some(self.running.get(&row.id)?.all * permits)
        };
        self.lanes.iter().filter_map(held).sum()
    }

    /// Free permits; below 0 where a semaphore was made smaller than what is held.
    pub fn free(&self) -> BTreeMap<String, i64> {
        let free = |(name, size): (&String, &u32)| {
            let held = i64::try_from(self.held(name)).unwrap_or(i64::MAX);
            (name.clone(), i64::from(*size) - held)
        };
        self.permits.iter().map(free).collect()
    }

    /// Whether a present node can run tasks of this lane. Without any node the server is just starting or
    /// stopping: that is no news about a task.
    pub fn has_node(&self, lane: &Lane) -> bool {
        self.nodes.is_empty()
            || starts_by_itself(lane)
            || self.nodes.iter().any(|(executors, labels)| lane.fits(executors, labels))
    }

    /// What a queued task waits for, where that is more than a slot: shown, never stored.
    pub fn reason(&self, lane: u32, executor: &str) -> Option<Reason> {
        let plain = Lane { executor: executor.into(), queue: DEFAULT_QUEUE.into(), ..Lane::default() };
        let stored = self.lane(lane).filter(|_| lane != PLAIN);
        let wanted = stored.map_or(&plain, |row| &row.lane);
        if self.is_paused(&wanted.queue) {
            return Some(Reason::QueuePaused);
        }
        if !self.has_node(wanted) {
            return Some(Reason::NoMatchingNode);
        }
        let round = Round::new(jiff::Timestamp::UNIX_EPOCH, self.free());
        stored.is_some_and(|row| !round.fits(row)).then_some(Reason::WaitingForPermit)
    }
}

/// Whether what waits in a lane starts without a node.
pub fn starts_by_itself(lane: &Lane) -> bool {
    [EXTERNAL, WHOLE].contains(&lane.executor.as_str())
}

/// The nodes that take work.
async fn present<T: Tx>(tx: &mut T) -> EngineResult<Vec<Present>> {
    let nodes = tx.nodes().await?;
    let ready = nodes.iter().filter(|node| node.phase == NodePhase::Ready);
    Ok(ready.map(|node| (claim::executors(node), body::labels(Some(&node.labels)))).collect())
}

async fn specs<K: Entity, T: Tx>(
    tx: &mut T,
    names: BTreeSet<String>,
) -> EngineResult<BTreeMap<String, K::Spec>> {
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = tx.entities(K::KIND, &names).await?;
    rows.iter().map(|row| Ok((row.name.clone(), entity::object::<K>(row)?.spec().clone()))).collect()
}

/// What queued tasks are shown as: looked up when the first of them is shown.
#[derive(Debug, Default)]
pub struct Shown(Option<Room>);

impl Shown {
    /// Looks, if any task is queued.
    pub async fn of<T: Tx>(tx: &mut T, is_any_queued: bool) -> EngineResult<Self> {
        match is_any_queued {
            true => Ok(Self(Some(Room::look(tx).await?))),
            false => Ok(Self(None)),
        }
    }

    /// As [`Shown::of`], of whole rows.
    pub async fn of_tasks<T: Tx>(tx: &mut T, rows: &[TaskRow]) -> EngineResult<Self> {
        Self::of(tx, rows.iter().any(TaskRow::is_queued)).await
    }

    /// The reason that is shown of a queued task.
    pub fn reason(&self, lane: u32, executor: &str) -> Option<Reason> {
        self.0.as_ref()?.reason(lane, executor)
    }

    /// Shows it in an object.
    pub fn show(&self, task: &mut Task, row: &TaskRow) {
        if row.is_queued()
            && let (Some(reason), Some(status)) = (self.reason(row.lane, &row.executor), &mut task.status)
        {
            status.reason = Some(reason);
        }
    }
}
