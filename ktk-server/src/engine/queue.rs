//! Queues: what is their own.

use ktk_client::api::{
    ApiError, Cause, DEFAULT_QUEUE, Phase, Queue,
    event::Severity,
    queue::{QueueSpec, QueueStatus, ScaleParams},
};

use super::{
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        gate::Stand,
        lane::{Lane, LaneRow, PLAIN},
        row::EXTERNAL,
    },
    store::{Operation, Tx},
};

impl Kind for Queue {
    fn built_in() -> Option<Self> {
        Some(Self::new(DEFAULT_QUEUE, QueueSpec::default()))
    }

    fn fixed() -> Option<Cause> {
        None
    }

    async fn amend<T: Tx>(unit: &mut Unit<'_, T>, before: &Self, spec: QueueSpec) -> EngineResult<Self> {
        unit.change_queue(before, spec).await
    }

    async fn users<T: Tx>(unit: &mut Unit<'_, T>, name: &str) -> EngineResult<Vec<String>> {
        let lanes = lanes_of(unit.tx, name).await?;
        users(unit.tx, &lanes).await
    }

    async fn complete<T: Tx>(tx: &mut T, object: &mut Self) -> EngineResult<()> {
        let lanes = lanes_of(tx, object.metadata.name()).await?;
        let waiting = tx.waiting_in(&lanes).await?.iter().sum();
        let running = tx.running_in(&lanes).await?.iter().map(|running| running.on_nodes).sum();
        object.status = Some(QueueStatus { waiting, running });
        Ok(())
    }
}

/// The lanes of a queue.
async fn lanes_of<T: Tx>(tx: &mut T, queue: &str) -> EngineResult<Vec<u32>> {
    let lanes = tx.lanes().await?;
    let own = lanes.iter().filter(|row| row.id != PLAIN && row.lane.queue == queue).map(|row| row.id);
    Ok((queue == DEFAULT_QUEUE).then_some(PLAIN).into_iter().chain(own).collect())
}

/// Unfinished tasks of these lanes, in words: the first few.
pub async fn users<T: Tx>(tx: &mut T, lanes: &[u32]) -> EngineResult<Vec<String>> {
    let mut users = Vec::new();
    for phase in [Phase::Running, Phase::Pending] {
        let rows = tx.lane_tasks(lanes, phase, limits::CANDIDATES + 1).await?;
        users.extend(rows.iter().map(|row| format!("task/{} ({phase})", row.name)));
    }
    for stand in [Stand::Holds, Stand::Waits, Stand::Away] {
        let rows = tx.lane_pipelines(lanes, stand, limits::CANDIDATES + 1).await?;
        users.extend(rows.iter().map(|row| format!("pipeline/{} ({})", row.name, row.phase)));
    }
    users.sort_unstable();
    Ok(users)
}

impl<T: Tx> Unit<'_, T> {
    /// Writes another spec of a queue; whoever waits in it may start now.
    pub async fn change_queue(&mut self, queue: &Queue, spec: QueueSpec) -> EngineResult<Queue> {
        if queue.metadata.name() == DEFAULT_QUEUE {
            // While it is limited, the plain lane is one among others.
            match spec == QueueSpec::default() {
                true => {
                    self.tx.delete_lanes(&[PLAIN]).await?;
                    self.start_plain_externals().await?;
                }
                false => {
                    let lane = Lane { queue: DEFAULT_QUEUE.into(), ..Lane::default() };
                    self.tx.put_lanes(&[LaneRow { id: PLAIN, lane, passed: None }]).await?;
                }
            }
        }
        self.effects.work = true;
        self.looks_for_externals = true;
        self.change_entity(queue, spec).await
    }

    /// Nothing limits them any more, and nobody claims them.
    async fn start_plain_externals(&mut self) -> EngineResult<()> {
        for row in self.tx.claimable(&[EXTERNAL.to_owned()], u32::MAX as usize).await? {
            let id = self.adopt(row);
            self.externals.insert(id);
        }
        Ok(())
    }
}

/// `queue.scale`.
pub struct ScaleQueue {
    pub ask: Ask,
    pub params: ScaleParams,
}

impl Operation for ScaleQueue {
    type Output = Done<Queue>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let ScaleParams { reference, max_running, .. } = &self.params;
        let before = entity::resolve::<Queue, T>(unit.tx, reference).await?;
        if *max_running == Some(0) {
            let cause =
                Cause::new("maxRunning", "must be at least 1: leave it out for no limit, or pause the queue");
            let what = format!("the size of queue {:?}", before.metadata.name());
            return Err(ApiError::invalid(&what, vec![cause]).into());
        }
        let spec = QueueSpec { max_running: *max_running, ..before.spec.clone() };
        let mut queue = unit.change_queue(&before, spec).await?;
        let words = |max: Option<u32>| max.map_or("no limit".to_owned(), |max| format!("{max} at once"));
        let words = format!("from {} to {}", words(before.spec.max_running), words(*max_running));
        unit.entity_event(&queue, Severity::Normal, "Scaled", words);
        unit.finish().await?;
        Queue::complete(unit.tx, &mut queue).await?;
        Ok(Done { answer: queue, effects: unit.effects })
    }
}
