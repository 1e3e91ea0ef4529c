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
    model::{
        gate::Stand,
        lane::LaneRow,
        permits::rank,
        row::{PipelineRow, TaskRow},
    },
    store::{Operation, Tx},
};

impl Kind for Semaphore {
    fn fixed() -> Option<Cause> {
        None
    }

    async fn amend<T: Tx>(unit: &mut Unit<'_, T>, before: &Self, spec: SemaphoreSpec) -> EngineResult<Self> {
        unit.effects.work = true;
        unit.looks_for_externals = true;
        unit.change_entity(before, spec).await
    }

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
        let gates = tx.standing_in(&ids, Stand::Holds).await?;
        let running = running.iter().zip(gates).map(|(running, gates)| running.all + gates);
        let held = running.zip(&lanes).map(|(all, row)| all * u64::from(permits(row)));
        let of = |task: &TaskRow| lanes.iter().find(|row| row.id == task.lane).map_or(0, permits);
        let of_whole = |row: &PipelineRow| {
            let lane = row.rare.gate.as_ref().map(|gate| gate.lane);
            lanes.iter().find(|row| Some(row.id) == lane).map_or(0, permits)
        };
        let rows = tx.lane_tasks(&ids, Phase::Running, limits::LINE).await?;
        let mut holders: Vec<Holder> = rows.iter().map(|row| holder(row, of(row))).collect();
        let rows = tx.lane_pipelines(&ids, Stand::Holds, limits::LINE).await?;
        holders.extend(rows.iter().map(|row| whole_holder(row, of_whole(row))));
        holders.sort_by_key(|holder| holder.since);
        holders.truncate(limits::LINE);
        let rows = tx.in_lanes(&ids, limits::LINE).await?;
        let mut waiters: Vec<_> = rows.iter().map(|row| (rank(row), waiter(row, of(row)))).collect();
        let rows = tx.lane_pipelines(&ids, Stand::Waits, limits::LINE).await?;
        waiters.extend(rows.iter().map(|row| (row.rank(), whole_waiter(row, of_whole(row)))));
        waiters.sort_by_key(|(at, _)| *at);
        waiters.truncate(limits::LINE);
        let waiting: u64 = tx.waiting_in(&ids).await?.iter().sum();
        let gates: u64 = tx.standing_in(&ids, Stand::Waits).await?.iter().sum();
        object.status = Some(SemaphoreStatus {
            held: held.sum(),
            waiting: waiting + gates,
            holders,
            waiters: waiters.into_iter().map(|(_, waiter)| waiter).collect(),
        });
        Ok(())
    }
}

/// What the asker may see of a semaphore: numbers, and the names in namespaces that it may reach.
pub fn cut_down(semaphore: &mut Semaphore, reaches: impl Fn(&str) -> bool) {
    if let Some(status) = &mut semaphore.status {
        status.holders.retain(|holder| reaches(&holder.namespace));
        status.waiters.retain(|waiter| reaches(&waiter.namespace));
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

/// A pipeline that holds permits as a whole.
pub(super) fn whole_holder(row: &PipelineRow, permits: u32) -> Holder {
    let since = row.rare.gate.as_ref().and_then(|gate| gate.since);
    Holder { namespace: row.namespace.clone(), task: whole_name(row), permits, since }
}

fn whole_name(row: &PipelineRow) -> String {
    format!("pipeline/{}@{}", row.name, row.incarnation)
}

fn whole_waiter(row: &PipelineRow, permits: u32) -> Waiter {
    let gate = row.rare.gate.as_ref();
    Waiter {
        namespace: row.namespace.clone(),
        task: whole_name(row),
        permits,
        priority: gate.map_or(0, |gate| gate.priority),
        since: gate.and_then(|gate| gate.since),
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
        let ScaleParams { reference, permits, .. } = &self.params;
        let before = entity::resolve::<Semaphore, T>(unit.tx, reference).await?;
        if *permits > MAX_PERMITS {
            let cause = Cause::new("permits", format!("must be {MAX_PERMITS} at most"));
            let what = format!("the size of semaphore {:?}", before.metadata.name());
            return Err(ApiError::invalid(&what, vec![cause]).into());
        }
        let mut semaphore = Semaphore::amend(&mut unit, &before, SemaphoreSpec { permits: *permits }).await?;
        let words = format!("from {} to {permits} permits", before.spec.permits);
        unit.entity_event(&semaphore, Severity::Normal, "Scaled", words);
        unit.finish().await?;
        Semaphore::complete(unit.tx, &mut semaphore).await?;
        Ok(Done { answer: semaphore, effects: unit.effects })
    }
}
