//! Semaphores: what is their own. Permits are not kept anywhere: whoever runs holds them.

use ktk_client::api::{
    ApiError, Cause, Phase, Semaphore,
    event::Severity,
    semaphore::{Holder, MAX_PERMITS, ScaleParams, SemaphoreSpec, SemaphoreStatus, Waiter},
};

use super::{
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    queue,
    unit::Unit,
};
use crate::{
    limits,
    model::{lane::LaneRow, row::TaskRow},
    store::{Operation, Tx},
};

impl Kind for Semaphore {
    async fn users<T: Tx>(unit: &mut Unit<'_, T>, name: &str) -> EngineResult<Vec<String>> {
        let lanes: Vec<u32> = lanes_of(unit.tx, name).await?.iter().map(|row| row.id).collect();
        queue::users(unit.tx, &lanes).await
    }

    async fn complete<T: Tx>(tx: &mut T, object: &mut Self) -> EngineResult<()> {
        let name = object.metadata.name();
        let lanes = lanes_of(tx, name).await?;
        let permits = |row: &LaneRow| row.lane.semaphores.get(name).copied().unwrap_or_default();
        let ids: Vec<u32> = lanes.iter().map(|row| row.id).collect();
        let running = tx.running_in(&ids).await?;
        let held = running.iter().zip(&lanes).map(|(running, row)| running.all * u64::from(permits(row)));
        let of = |task: &TaskRow| lanes.iter().find(|row| row.id == task.lane).map_or(0, permits);
        let mut holders = tx.lane_tasks(&ids, Phase::Running, limits::LINE).await?;
        holders.sort_by_key(|row| (row.started_at, row.id));
        let waiters = tx.in_lanes(&ids, limits::LINE).await?;
        object.status = Some(SemaphoreStatus {
            held: held.sum(),
            waiting: tx.waiting_in(&ids).await?.iter().sum(),
            holders: holders.iter().map(|row| holder(row, of(row))).collect(),
            waiters: waiters.iter().map(|row| waiter(row, of(row))).collect(),
        });
        Ok(())
    }
}

fn holder(row: &TaskRow, permits: u32) -> Holder {
    let task = format!("{}@{}", row.name, row.incarnation);
    Holder { namespace: row.namespace.clone(), task, permits, since: row.started_at }
}

fn waiter(row: &TaskRow, permits: u32) -> Waiter {
    Waiter {
        namespace: row.namespace.clone(),
        task: format!("{}@{}", row.name, row.incarnation),
        permits,
        priority: row.priority,
        since: row.ready_at,
    }
}

/// The lanes whose tasks need permits of a semaphore.
async fn lanes_of<T: Tx>(tx: &mut T, semaphore: &str) -> EngineResult<Vec<LaneRow>> {
    let lanes = tx.lanes().await?;
    Ok(lanes.iter().filter(|row| row.lane.semaphores.contains_key(semaphore)).cloned().collect())
}

/// `semaphore.scale`.
pub struct ScaleSemaphore {
    pub ask: Ask,
    pub params: ScaleParams,
}

impl Operation for ScaleSemaphore {
    type Output = Done<Semaphore>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let ScaleParams { reference, permits } = &self.params;
        let before = entity::resolve::<Semaphore, T>(unit.tx, reference).await?;
        if *permits > MAX_PERMITS {
            let cause = Cause::new("permits", format!("must be {MAX_PERMITS} at most"));
            let what = format!("the size of semaphore {:?}", before.metadata.name());
            return Err(ApiError::invalid(&what, vec![cause]).into());
        }
        let mut semaphore = unit.change_entity(&before, SemaphoreSpec { permits: *permits }).await?;
        let words = format!("from {} to {permits} permits", before.spec.permits);
        unit.entity_event(&semaphore, Severity::Normal, "Scaled", words);
        unit.effects.work = true;
        unit.looks_for_externals = true;
        unit.finish().await?;
        Semaphore::complete(unit.tx, &mut semaphore).await?;
        Ok(Done { answer: semaphore, effects: unit.effects })
    }
}
