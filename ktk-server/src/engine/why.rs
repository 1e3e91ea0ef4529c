//! `task.why`: everything that a pending task waits for, and what would let it go on.

use ktk_client::api::{
    ObjectRef, Phase, Reason,
    semaphore::Holder,
    task::RunIf,
    why::{Wait, WaitFor, WhyAnswer},
};
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    operation::Ask,
    resolve,
    room::Room,
    semaphore::whole_holder,
};
use crate::{
    limits,
    model::{
        gate::Stand,
        lane::{Lane, LaneRow, PLAIN},
        permits::{Rank, is_strict, rank},
        row::{PipelineRow, TaskRow},
        settle::{Class, class_of, waits_for},
    },
    store::{Operation, Tx},
};

/// `task.why`.
pub struct TaskWhy {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for TaskWhy {
    type Output = WhyAnswer;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<WhyAnswer> {
        let row = resolve::task(&self.ask, tx, &self.reference).await?.row;
        Look::new(&self.ask, tx).await?.task(tx, &row).await
    }
}

/// Who asks, and what room there is.
pub(super) struct Look<'a> {
    ask: &'a Ask,
    room: Room,
}

impl<'a> Look<'a> {
    pub async fn new<T: Tx>(ask: &'a Ask, tx: &mut T) -> EngineResult<Self> {
        Ok(Self { ask, room: Room::look(tx).await? })
    }

    /// Everything that a task waits for.
    pub async fn task<T: Tx>(&self, tx: &mut T, row: &TaskRow) -> EngineResult<WhyAnswer> {
        let mut waits = Vec::new();
        let is_pending = row.phase == Phase::Pending;
        // A step that runs its items waits for them.
        if is_pending || (row.phase == Phase::Running && row.is_for_each()) {
            waits = upstreams(tx, row).await?;
        }
        if is_pending {
            waits.extend(hold(tx, row).await?);
        }
        if is_pending && !row.is_for_each() {
            waits.extend(key(tx, row).await?);
            waits.extend(self.time(row));
            waits.extend(self.places(tx, row).await?);
            if waits.is_empty() {
                waits.push(wait(
                    WaitFor::Slot,
                    None,
                    "it is ready",
                    "a node that can run it has a free slot",
                ));
            }
        }
        let shown = self.room.reason(row.lane, &row.executor).filter(|_| row.is_queued());
        Ok(WhyAnswer {
            task: format!("{}@{}", row.name, row.incarnation),
            phase: row.phase,
            reason: shown.or(row.reason),
            waits,
        })
    }

    /// Room that there is not: in its queue, on a node, of a semaphore, in its pipeline.
    async fn places<T: Tx>(&self, tx: &mut T, row: &TaskRow) -> EngineResult<Vec<Wait>> {
        let lane = lane_of(&self.room, row);
        let mut waits: Vec<Wait> = self.queue(&lane.lane.queue).into_iter().collect();
        waits.extend(node(&self.room, &lane.lane));
        let parent = match row.rare.spawned_by {
            Some(parent) => tx.tasks(&[parent]).await?.pop().filter(|row| row.phase == Phase::Running),
            None => None,
        };
        let at = Standing { id: row.id, at: row.is_claimable().then(|| rank(row)), parent };
        waits.extend(self.permits(tx, &lane, &at).await?);
        let pipeline = match row.pipeline_id.filter(|_| row.is_gated()) {
            Some(id) => tx.pipelines(&[id]).await?.pop(),
            None => None,
        };
        if let Some(pipeline) = pipeline {
            waits.extend(self.gate(tx, &pipeline).await?);
            match pipeline.waits_for_key() {
                true => waits.extend(whole_key(tx, &pipeline).await?),
                false => waits.extend(max_parallel(row, &pipeline)),
            }
        }
        Ok(waits)
    }

    /// The permits that a pipeline in the line waits for.
    pub async fn gate<T: Tx>(&self, tx: &mut T, pipeline: &PipelineRow) -> EngineResult<Vec<Wait>> {
        let gate = pipeline.rare.gate.as_ref().filter(|gate| gate.stand == Stand::Waits);
        let Some(lane) = gate.and_then(|gate| self.room.lane(gate.lane)) else { return Ok(Vec::new()) };
        let at = Standing { id: pipeline.id, at: Some(pipeline.rank()), parent: None };
        self.permits(tx, lane, &at).await
    }

    /// Whether none of the tasks of a queue starts.
    pub fn is_paused(&self, queue: &str) -> bool {
        self.room.is_paused(queue)
    }

    /// A queue that is paused, or full.
    pub fn queue(&self, name: &str) -> Option<Wait> {
        let object = Some(format!("queue/{name}"));
        if self.room.is_paused(name) {
            return Some(wait(WaitFor::Queue, object, "is paused", format!("ktk resume queue/{name}")));
        }
        let max = self.room.max_running(name).map(u64::from)?;
        let running = self.room.running_of(name);
        let message = format!("is full: {running} of its tasks run, {max} may");
        let until = format!("one of its tasks ends, or ktk scale queue/{name} --max-running N");
        (running >= max).then(|| wait(WaitFor::Queue, object, message, until))
    }

    fn time(&self, row: &TaskRow) -> Option<Wait> {
        let at = row.due_at.filter(|at| *at > self.ask.now)?;
        let message = match row.reason {
            Some(Reason::Backoff) => {
                format!("attempt {} failed; the next waits for its backoff", row.attempt)
            }
            _ => "runAfter has not come".to_owned(),
        };
        Some(wait(WaitFor::Time, None, message, at.to_string()))
    }

    async fn permits<T: Tx>(&self, tx: &mut T, lane: &LaneRow, row: &Standing) -> EngineResult<Vec<Wait>> {
        let room = &self.room;
        let free = room.free();
        let mut waits = Vec::new();
        for (name, needed) in &lane.lane.semaphores {
            let size = room.permits.get(name).copied().unwrap_or_default();
            let free = free.get(name).copied().unwrap_or_default();
            let place = place(tx, room, name, row).await?;
            let passed = blocking(tx, room, name, row, self.ask.now).await?;
            if free >= i64::from(*needed) && passed.is_none() {
                continue;
            }
            let message = match &passed {
                Some(first) if free >= i64::from(*needed) => {
                    format!("{first} has been passed long enough: nobody passes it any more")
                }
                _ => format!("needs {needed}, and {} of {size} permits are free", free.max(0)),
            };
            let held_by_parent = row.parent.as_ref().filter(|parent| {
                room.lane(parent.lane).is_some_and(|lane| lane.lane.semaphores.contains_key(name))
            });
            let message = match held_by_parent {
                Some(parent) => {
                    format!(
                        "{message}: held by your parent, task/{}, which lends its slot alone",
                        parent.name
                    )
                }
                None => message,
            };
            let until = format!(
                "permits come back when their holders' attempts end, or ktk scale semaphore/{name} --permits N"
            );
            let mut holders = holders(tx, room, name).await?;
            holders.retain(|holder| self.ask.reaches(&holder.namespace));
            waits.push(Wait {
                holders,
                place,
                ..wait(WaitFor::Permit, Some(format!("semaphore/{name}")), message, until)
            });
        }
        Ok(waits)
    }
}

fn wait(what: WaitFor, object: Option<String>, message: impl Into<String>, until: impl Into<String>) -> Wait {
    let (message, until) = (message.into(), until.into());
    Wait { what, object, message, until, holders: Vec::new(), place: None }
}

fn state(row: &TaskRow) -> String {
    row.reason.map_or(row.phase.to_string(), |reason| format!("{}/{reason}", row.phase))
}

/// The lane that the task waits in, the plain one included.
fn lane_of(room: &Room, row: &TaskRow) -> LaneRow {
    let plain = || Lane { executor: row.executor.clone(), queue: row.queue.clone(), ..Lane::default() };
    match room.lane(row.lane).filter(|_| row.lane != PLAIN) {
        Some(lane) => lane.clone(),
        None => LaneRow { id: PLAIN, lane: plain(), passed: None },
    }
}

async fn upstreams<T: Tx>(tx: &mut T, row: &TaskRow) -> EngineResult<Vec<Wait>> {
    if row.needs == 0 && !row.is_for_each() {
        return Ok(Vec::new());
    }
    let needs: Vec<Uuid> = tx.needs_of(&[row.context_id]).await?.iter().map(|edge| edge.need).collect();
    let mut needs = tx.newest_tasks(&needs).await?;
    needs.sort_by(|a, b| a.name.cmp(&b.name));
    let mut waits = Vec::new();
    for need in needs.iter().filter(|need| waits_for(row, need)) {
        let name = &need.name;
        let until = match class_of(need) {
            Class::Live if row.run_if == RunIf::Success => format!("{name} succeeds or is skipped"),
            Class::Live => format!("{name} has ended"),
            Class::Bad if row.run_if != RunIf::Success => continue,
            Class::Bad if need.phase.is_terminal() => format!("ktk restart {name} succeeds"),
            Class::Bad => match failed_behind(tx, need).await? {
                Some(failed) => format!("ktk restart {failed} succeeds"),
                None => format!("what {name} waits for succeeds: ktk why {name}"),
            },
            Class::Good => continue,
        };
        waits.push(wait(
            WaitFor::Upstream,
            Some(format!("task/{name}")),
            format!("is {}", state(need)),
            until,
        ));
    }
    Ok(waits)
}

/// The task that ended without success, and behind which this one waits, over others that wait too.
async fn failed_behind<T: Tx>(tx: &mut T, row: &TaskRow) -> EngineResult<Option<String>> {
    let mut behind = row.clone();
    for _ in 0..limits::WHY_STEPS {
        let needs: Vec<Uuid> =
            tx.needs_of(&[behind.context_id]).await?.iter().map(|edge| edge.need).collect();
        let needs = tx.newest_tasks(&needs).await?;
        let bad = needs.into_iter().find(|need| waits_for(&behind, need) && class_of(need) == Class::Bad);
        match bad {
            Some(bad) if bad.phase.is_terminal() => return Ok(Some(bad.name)),
            Some(bad) => behind = bad,
            None => break,
        }
    }
    Ok(None)
}

/// A pipeline that somebody holds.
pub(super) fn whole_hold(pipeline: &PipelineRow) -> Wait {
    let object = format!("pipeline/{}", pipeline.name);
    let until = format!("ktk resume {object}");
    wait(WaitFor::Hold, Some(object), "is held with all its steps", until)
}

/// Its pipeline's hold, and its own.
async fn hold<T: Tx>(tx: &mut T, row: &TaskRow) -> EngineResult<Vec<Wait>> {
    let mut waits = Vec::new();
    if !row.rare.held {
        return Ok(waits);
    }
    let pipeline = match row.pipeline_id {
        Some(id) => tx.pipelines(&[id]).await?.pop().filter(|pipeline| pipeline.rare.held),
        None => None,
    };
    if let Some(pipeline) = pipeline {
        let mut held = whole_hold(&pipeline);
        held.until.push_str(&format!(", or ktk resume {}", row.name));
        waits.push(held);
    }
    if !row.rare.held_within || waits.is_empty() {
        waits.push(wait(WaitFor::Hold, None, "somebody holds it", format!("ktk resume {}", row.name)));
    }
    Ok(waits)
}

/// Whoever is to end before it takes their unique key.
async fn key<T: Tx>(tx: &mut T, row: &TaskRow) -> EngineResult<Option<Wait>> {
    let Some(unique) = row.rare.unique.as_ref().filter(|key| key.waits) else { return Ok(None) };
    let holders = tx.tasks_of_key(&row.namespace, &unique.key).await?;
    let holder = holders.iter().find(|other| other.holds_key() && other.id != row.id);
    Ok(holder.map(|holder| {
        let message = format!("is {} and holds the unique key {:?}", state(holder), unique.key);
        let until = format!("{} has ended: ktk cancel {} --now kills it", holder.name, holder.name);
        wait(WaitFor::Unique, Some(format!("task/{}", holder.name)), message, until)
    }))
}

fn node(room: &Room, lane: &Lane) -> Option<Wait> {
    if room.has_node(lane) {
        return None;
    }
    let what = match lane.executor.as_str() {
        "" => "runs processes".to_owned(),
        name => format!("has the handler {name:?}"),
    };
    let labels =
        lane.selector.as_ref().map(|text| format!(" and has the labels {text:?}")).unwrap_or_default();
    let message = format!("no present node {what}{labels}");
    Some(wait(WaitFor::Node, None, message, "a node that does joins: see ktk get nodes --show-labels"))
}

/// Whoever is to end before a pipeline takes its unique key.
pub(super) async fn whole_key<T: Tx>(tx: &mut T, pipeline: &PipelineRow) -> EngineResult<Option<Wait>> {
    let Some(unique) = pipeline.rare.unique.as_ref().filter(|key| key.waits) else { return Ok(None) };
    let holders = tx.pipelines_of_key(&pipeline.namespace, &unique.key).await?;
    let holder = holders.iter().find(|other| other.holds_key() && other.id != pipeline.id);
    Ok(holder.map(|holder| {
        let message = format!("is {} and holds the unique key {:?}", holder.phase, unique.key);
        let until = format!("{} has ended: ktk cancel pipeline/{} --now kills it", holder.name, holder.name);
        wait(WaitFor::Unique, Some(format!("pipeline/{}", holder.name)), message, until)
    }))
}

/// The places that a step's pipeline has for what runs at once.
fn max_parallel(row: &TaskRow, pipeline: &PipelineRow) -> Option<Wait> {
    let max = pipeline.max_parallel.filter(|_| !row.waits_for_key())?;
    let message = format!("has {} of {max} places under maxParallel taken", pipeline.admitted);
    let object = Some(format!("pipeline/{}", pipeline.name));
    Some(wait(WaitFor::MaxParallel, object, message, "one of its tasks ends"))
}

fn lanes_of<'r>(room: &'r Room, semaphore: &str) -> impl Iterator<Item = &'r LaneRow> {
    room.lanes.iter().filter(move |lane| lane.lane.semaphores.contains_key(semaphore))
}

async fn holders<T: Tx>(tx: &mut T, room: &Room, semaphore: &str) -> EngineResult<Vec<Holder>> {
    let ids: Vec<u32> = lanes_of(room, semaphore).map(|lane| lane.id).collect();
    let mut rows = tx.lane_tasks(&ids, Phase::Running, limits::LINE).await?;
    rows.sort_by_key(|row| (row.started_at, row.id));
    let in_lane = |lane: u32| {
        room.lane(lane).and_then(|lane| lane.lane.semaphores.get(semaphore)).copied().unwrap_or_default()
    };
    let permits = |row: &TaskRow| in_lane(row.lane);
    let wholes = tx.lane_pipelines(&ids, Stand::Holds, limits::LINE).await?;
    let whole =
        |row: &PipelineRow| whole_holder(row, row.rare.gate.as_ref().map_or(0, |gate| in_lane(gate.lane)));
    let holder = |row: &TaskRow| Holder {
        namespace: row.namespace.clone(),
        task: format!("{}@{}", row.name, row.incarnation),
        permits: permits(row),
        since: row.started_at,
    };
    Ok(rows.iter().map(holder).chain(wholes.iter().map(whole)).collect())
}

/// Whoever may stand in the line.
struct Standing {
    id: Uuid,
    /// Its place, if it stands there.
    at: Option<Rank>,
    /// The task that made it, while it runs.
    parent: Option<TaskRow>,
}

/// The place in the line of one that is in it.
async fn place<T: Tx>(
    tx: &mut T,
    room: &Room,
    semaphore: &str,
    standing: &Standing,
) -> EngineResult<Option<u64>> {
    let Some(at) = standing.at else { return Ok(None) };
    let ids: Vec<u32> = lanes_of(room, semaphore).map(|lane| lane.id).collect();
    let tasks = tx.in_lanes(&ids, limits::PAGE).await?;
    let wholes = tx.lane_pipelines(&ids, Stand::Waits, limits::PAGE).await?;
    let line = tasks.iter().map(rank).chain(wholes.iter().map(PipelineRow::rank));
    Ok(Some(line.filter(|other| *other < at).count() as u64 + 1))
}

/// Who is ahead in the line and is not passed any more.
async fn blocking<T: Tx>(
    tx: &mut T,
    room: &Room,
    semaphore: &str,
    standing: &Standing,
    now: jiff::Timestamp,
) -> EngineResult<Option<String>> {
    let passed = lanes_of(room, semaphore).filter_map(|lane| lane.passed);
    let strict: Vec<Uuid> = passed
        .filter(|passed| is_strict(*passed, now) && passed.task != standing.id)
        .map(|one| one.task)
        .collect();
    let Some(at) = standing.at.filter(|_| !strict.is_empty()) else { return Ok(None) };
    let tasks = tx.tasks(&strict).await?;
    if let Some(first) = tasks.iter().find(|first| first.is_claimable() && rank(first) < at) {
        return Ok(Some(format!("task/{}", first.name)));
    }
    let wholes = tx.pipelines(&strict).await?;
    let waits = |row: &&PipelineRow| row.stand() == Some(Stand::Waits) && row.rank() < at;
    Ok(wholes.iter().find(waits).map(|row| format!("pipeline/{}", row.name)))
}
