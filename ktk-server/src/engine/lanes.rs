//! Which lane a task waits in, and claims where there are lanes: in order, past what is closed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ktk_client::api::{
    Cause, DEFAULT_QUEUE, Phase, Queue, Semaphore, field,
    task::{SemaphoreUse, TaskSpec},
    worker::Grant,
};
use uuid::Uuid;

use super::{
    body,
    claim::executors,
    entity,
    error::EngineResult,
    incarnate::executor,
    room::{Room, starts_by_itself},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        gate::{Stand, WHOLE},
        lane::{Lane, LaneRow, PLAIN},
        permits::{Rank, Round, is_strict, rank},
        row::{EXTERNAL, NodeRow, PipelineRow, TaskRow},
    },
    store::Tx,
};

/// What a manifest names that must be there.
pub struct Named<'a> {
    /// `spec`, `spec.steps[3]`.
    pub prefix: String,
    pub queue: Option<&'a str>,
    pub semaphores: &'a [SemaphoreUse],
}

impl<'a> Named<'a> {
    pub fn new(prefix: impl Into<String>, queue: Option<&'a str>, semaphores: &'a [SemaphoreUse]) -> Self {
        Self { prefix: prefix.into(), queue, semaphores }
    }

    /// Of a task.
    pub fn of(spec: &'a TaskSpec) -> Self {
        Self::new("spec", spec.queue.as_deref(), &spec.semaphores)
    }
}

/// Queues and semaphores that do not exist, and permits above a semaphore's size.
pub async fn causes<T: Tx>(tx: &mut T, named: &[Named<'_>]) -> EngineResult<Vec<Cause>> {
    Limits::All.causes(tx, named).await
}

/// What a manifest names is judged when somebody asks for it, and again when nobody does: by a cascade, an expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// What is not there, and what is too small.
    All,
    /// Only what is not there: whoever waits for it waits for ever. What is too small may grow.
    Lost,
}

impl Limits {
    pub async fn causes<T: Tx>(self, tx: &mut T, named: &[Named<'_>]) -> EngineResult<Vec<Cause>> {
        let found = missing(tx, named).await?;
        let is_meant = |is_there: bool| self == Self::All || !is_there;
        Ok(found.into_iter().filter(|(is_there, _)| is_meant(*is_there)).map(|(_, cause)| cause).collect())
    }
}

/// What is named and cannot be had, and whether it is there at all.
async fn missing<T: Tx>(tx: &mut T, named: &[Named<'_>]) -> EngineResult<Vec<(bool, Cause)>> {
    let mut queues: BTreeMap<&str, bool> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, Option<u32>> = BTreeMap::new();
    for one in named {
        if let Some(queue) = one.queue.filter(|queue| !queues.contains_key(queue)) {
            queues.insert(queue, entity::named::<Queue, T>(tx, queue).await?.is_some());
        }
        for used in one.semaphores {
            if !sizes.contains_key(used.name()) {
                let found = entity::named::<Semaphore, T>(tx, used.name()).await?;
                sizes.insert(used.name(), found.map(|semaphore| semaphore.spec.permits));
            }
        }
    }
    let mut causes = Vec::new();
    for one in named {
        if let Some(queue) = one.queue.filter(|queue| !queues[queue]) {
            let words = format!("there is no queue {queue:?}: ktk create queue {queue}");
            causes.push((false, Cause::new(field::member(&one.prefix, "queue"), words)));
        }
        for (index, used) in one.semaphores.iter().enumerate() {
            let (name, permits) = (used.name(), used.permits());
            let place = field::item(&field::member(&one.prefix, "semaphores"), index);
            match sizes[name] {
                None => {
                    let words =
                        format!("there is no semaphore {name:?}: ktk create semaphore {name} --permits N");
                    causes.push((false, Cause::new(place, words)));
                }
                Some(size) if permits > size => {
                    let words =
                        format!("{permits} permits of {name:?}, which has {size}: it would never run");
                    causes.push((true, Cause::new(field::member(&place, "permits"), words)));
                }
                Some(_) => {}
            }
        }
    }
    Ok(causes)
}

/// Steps whose permits, beside those that their pipeline holds meanwhile, are more than there are.
pub async fn causes_beside<T: Tx>(
    tx: &mut T,
    whole: &[SemaphoreUse],
    steps: &[Named<'_>],
) -> EngineResult<Vec<Cause>> {
    let mut causes = Vec::new();
    for held in whole {
        let Some(semaphore) = entity::named::<Semaphore, T>(tx, held.name()).await? else { continue };
        let size = semaphore.spec.permits;
        for step in steps {
            let used = step.semaphores.iter().enumerate().find(|(_, used)| used.name() == held.name());
            let Some((index, used)) = used else { continue };
            let (own, held) = (used.permits(), held.permits());
            if u64::from(own) + u64::from(held) > u64::from(size) {
                let place = field::item(&field::member(&step.prefix, "semaphores"), index);
                let name = used.name();
                let words = format!(
                    "{own} permits of {name:?}, which has {size}, of which its pipeline holds {held}"
                );
                causes.push(Cause::new(place, words));
            }
        }
    }
    Ok(causes)
}

impl<T: Tx> Unit<'_, T> {
    /// The lane of a task with this spec, in this queue; a new one where it is the first of its kind.
    pub async fn lane_of(&mut self, spec: &TaskSpec, queue: &str) -> EngineResult<u32> {
        // The items of a step stand in line, not the step.
        if spec.for_each.is_some() {
            return Ok(PLAIN);
        }
        // What runs on no node is near to none.
        let near = spec.affinity.is_some() && spec.external.is_none();
        let is_limited = !spec.semaphores.is_empty() || spec.node_selector.is_some();
        if queue == DEFAULT_QUEUE && !is_limited && !near {
            return Ok(PLAIN);
        }
        let semaphores = spec.semaphores.iter().map(|used| (used.name().to_owned(), used.permits()));
        let lane = Lane {
            executor: executor(spec).to_owned(),
            queue: queue.to_owned(),
            semaphores: semaphores.collect(),
            selector: spec.node_selector.clone(),
            near,
        };
        self.lane_id(lane).await
    }

    /// The number of a lane; a new one where it is the first of its kind.
    pub(super) async fn lane_id(&mut self, lane: Lane) -> EngineResult<u32> {
        let lanes = self.tx.lanes().await?;
        if let Some(row) = lanes.iter().find(|row| row.id != PLAIN && row.lane == lane) {
            return Ok(row.id);
        }
        let id = lanes.iter().map(|row| row.id).max().unwrap_or(PLAIN) + 1;
        self.tx.put_lanes(&[LaneRow { id, lane, passed: None }]).await?;
        Ok(id)
    }

    /// Whether anything limits a task of this lane: its end may let another start.
    pub async fn is_limited(&mut self, lane: u32) -> EngineResult<bool> {
        Ok(lane != PLAIN || self.tx.lanes().await?.first().is_some_and(|row| row.id == PLAIN))
    }

    /// Claims where there are lanes: in the order of all of them together, but for those that are closed.
    pub async fn claim_in_lanes(&mut self, node: &NodeRow, limit: usize) -> EngineResult<Vec<Grant>> {
        let room = Room::look(self.tx).await?;
        let executors = executors(node);
        let labels = body::labels(Some(&node.labels));
        let places = room.places();
        let has_place = |row: &&LaneRow| places.get(&row.lane.queue).is_none_or(|free| *free > 0);
        let is_mine = |row: &LaneRow| row.lane.fits(&executors, &labels);
        let with_places = || room.lanes.iter().filter(|row| row.id != PLAIN).filter(has_place);
        let mut line = Line {
            open: with_places().filter(|row| is_mine(row)).map(|row| row.id).collect(),
            is_plain_open: places.get(DEFAULT_QUEUE).is_none_or(|free| *free > 0),
            round: Round::new(self.now, room.free()),
            rivals: VecDeque::new(),
            places: places.clone(),
            room: &room,
        };
        // Who waits for the same permits and runs elsewhere is not passed for ever either.
        let is_rival =
            |row: &&LaneRow| !row.lane.semaphores.is_empty() && !is_mine(row) && room.has_node(&row.lane);
        let rivals: Vec<&LaneRow> = with_places().filter(is_rival).collect();
        self.line_up_rivals(&mut line, rivals).await?;
        let mut others = self.others_than(node);
        let mut grants = Vec::new();
        let mut begun: BTreeSet<Uuid> = BTreeSet::new();
        let mut kept: BTreeSet<Uuid> = BTreeSet::new();
        while grants.len() < limit {
            let left = limit - grants.len();
            let open: Vec<u32> = line.open.iter().copied().collect();
            let mut rows = self.tx.in_lanes(&open, left + kept.len()).await?;
            if line.is_plain_open {
                rows.extend(self.tx.claimable(&executors, left).await?);
            }
            rows.retain(|row| !kept.contains(&row.id));
            rows.sort_by_key(rank);
            rows.truncate(left);
            let of_holders = self.of_holders(&rows, &room).await?;
            let before = (line.closed(), kept.len());
            let mut chosen = Vec::with_capacity(rows.len());
            for row in rows {
                if !line.takes(&Place::of(&row, &of_holders)) {
                    continue;
                }
                match room.lane(row.lane).filter(|lane| lane.lane.near) {
                    // Its permits are kept with it.
                    Some(lane) if self.is_kept(&mut others, node, &row, lane).await? => {
                        kept.insert(row.id);
                    }
                    Some(_) => {
                        self.effects.taken.push(row.id);
                        chosen.push(row);
                    }
                    None => chosen.push(row),
                }
            }
            begun.extend(chosen.iter().map(|row| row.id));
            grants.extend(self.grant_all(node, chosen).await?);
            self.flush().await?;
            if (line.closed(), kept.len()) == before {
                break;
            }
        }
        self.remember_passed(&line, &begun).await?;
        Ok(grants)
    }

    /// The first of each of these lanes stands in the line, although it starts elsewhere.
    async fn line_up_rivals<'r>(&mut self, line: &mut Line<'r>, lanes: Vec<&'r LaneRow>) -> EngineResult<()> {
        for row in lanes {
            let first = match row.lane.executor.as_str() {
                WHOLE => {
                    self.tx.lane_pipelines(&[row.id], Stand::Waits, 1).await?.pop().map(|row| row.rank())
                }
                _ => self.tx.in_lanes(&[row.id], 1).await?.pop().map(|row| rank(&row)),
            };
            line.rivals.extend(first.map(|first| (first, row)));
        }
        line.rivals.make_contiguous().sort_by_key(|(at, _)| *at);
        Ok(())
    }

    /// External tasks and pipelines whose permits are free and whose queue goes on, in the order of the line. They
    /// take no place in their queue.
    pub(super) async fn open_starters(&mut self) -> EngineResult<Vec<Starter>> {
        let room = Room::look(self.tx).await?;
        let goes_on = |row: &&LaneRow| row.id != PLAIN && !room.is_paused(&row.lane.queue);
        let is_starter = |row: &&LaneRow| starts_by_itself(&row.lane);
        let going = || room.lanes.iter().filter(goes_on);
        let mut line = Line {
            open: going().filter(is_starter).map(|row| row.id).collect(),
            is_plain_open: !room.is_paused(DEFAULT_QUEUE),
            round: Round::new(self.now, room.free()),
            rivals: VecDeque::new(),
            places: BTreeMap::new(),
            room: &room,
        };
        let places = room.places();
        let has_place = |row: &LaneRow| places.get(&row.lane.queue).is_none_or(|free| *free > 0);
        let shares = |row: &&LaneRow| {
            !row.lane.semaphores.is_empty() && !is_starter(row) && has_place(row) && room.has_node(&row.lane)
        };
        let rivals: Vec<&LaneRow> = going().filter(shares).collect();
        self.line_up_rivals(&mut line, rivals).await?;
        let mut begun = BTreeSet::new();
        let mut open = Vec::new();
        loop {
            let lanes: Vec<u32> = line.open.iter().copied().collect();
            let most = limits::CLAIM_BATCH + begun.len();
            let mut rows = self.tx.in_lanes(&lanes, most).await?;
            if line.is_plain_open {
                rows.extend(self.tx.claimable(&[EXTERNAL.to_owned()], most).await?);
            }
            let wholes = self.tx.lane_pipelines(&lanes, Stand::Waits, most).await?;
            let of_holders = self.of_holders(&rows, &room).await?;
            let mut places: Vec<Place<'_>> = rows.iter().map(|row| Place::of(row, &of_holders)).collect();
            places.extend(wholes.iter().filter_map(Place::of_whole));
            places.retain(|place| !begun.contains(&place.at.2));
            places.sort_by_key(|place| place.at);
            let closed_before = line.closed();
            places.retain(|place| line.takes(place));
            if places.is_empty() && line.closed() == closed_before {
                break;
            }
            begun.extend(places.iter().map(|place| place.at.2));
            open.extend(places.iter().map(|place| match place.is_whole {
                true => Starter::Pipeline(place.at.2),
                false => Starter::Task(place.at.2),
            }));
            for row in rows {
                self.adopt(row);
            }
        }
        self.remember_passed(&line, &begun).await?;
        Ok(open)
    }

    /// Those of these tasks that belong to a pipeline, or to an attempt that made them, which holds permits until it
    /// has ended. Asked only where somebody has been passed for so long that others wait behind it.
    async fn of_holders(&mut self, rows: &[TaskRow], room: &Room) -> EngineResult<BTreeSet<Uuid>> {
        let now = self.now;
        let mut found = BTreeSet::new();
        if !room.lanes.iter().any(|row| row.passed.is_some_and(|passed| is_strict(passed, now))) {
            return Ok(found);
        }
        for row in rows {
            let (mut pipeline, mut maker) = (row.pipeline_id, row.rare.spawned_by);
            loop {
                let stand = match pipeline {
                    Some(pipeline) => self.pipeline(pipeline).await?.stand(),
                    None => None,
                };
                let Some(above) = maker.filter(|_| stand != Some(Stand::Holds)) else {
                    found.extend((stand == Some(Stand::Holds)).then_some(row.id));
                    break;
                };
                self.load(&[above]).await?;
                let above = self.tasks.get(&above).filter(|above| above.phase == Phase::Running);
                let Some(above) = above else { break };
                if room.lane(above.lane).is_some_and(|lane| !lane.lane.semaphores.is_empty()) {
                    found.insert(row.id);
                    break;
                }
                (pipeline, maker) = (above.pipeline_id, above.rare.spawned_by);
            }
        }
        Ok(found)
    }

    /// Stores who was passed, and forgets it of those who have begun.
    async fn remember_passed(&mut self, line: &Line<'_>, begun: &BTreeSet<Uuid>) -> EngineResult<()> {
        let mut changed: BTreeMap<u32, LaneRow> = BTreeMap::new();
        for row in line.room.lanes.iter() {
            if row.passed.is_some_and(|passed| begun.contains(&passed.task)) {
                changed.insert(row.id, LaneRow { passed: None, ..row.clone() });
            }
        }
        changed.extend(line.round.changed().map(|row| (row.id, row)));
        if changed.is_empty() {
            return Ok(());
        }
        Ok(self.tx.put_lanes(&changed.into_values().collect::<Vec<_>>()).await?)
    }
}

/// What starts without a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Starter {
    Task(Uuid),
    Pipeline(Uuid),
}

/// Whoever stands in the line.
struct Place<'r> {
    at: Rank,
    lane: u32,
    queue: &'r str,
    is_whole: bool,
    is_of_holder: bool,
}

impl<'r> Place<'r> {
    fn of(row: &'r TaskRow, holders: &BTreeSet<Uuid>) -> Self {
        let is_of_holder = holders.contains(&row.id);
        Self { at: rank(row), lane: row.lane, queue: &row.queue, is_whole: false, is_of_holder }
    }

    fn of_whole(row: &'r PipelineRow) -> Option<Self> {
        let gate = row.rare.gate.as_ref()?;
        Some(Self {
            at: row.rank(),
            lane: gate.lane,
            queue: &gate.of.queue,
            is_whole: true,
            is_of_holder: false,
        })
    }
}

/// One claim: what is still open, and what is left of it.
struct Line<'r> {
    room: &'r Room,
    open: BTreeSet<u32>,
    is_plain_open: bool,
    round: Round,
    /// The first of each lane of other nodes, in order.
    rivals: VecDeque<(Rank, &'r LaneRow)>,
    places: BTreeMap<String, u64>,
}

impl Line<'_> {
    /// Rises when anything is closed.
    fn closed(&self) -> usize {
        self.room.lanes.len() + 1 - self.open.len() - usize::from(self.is_plain_open)
    }

    /// Whether the next in order may start here; what it takes is taken.
    fn takes(&mut self, row: &Place<'_>) -> bool {
        let at = row.at;
        while let Some((rival, lane)) = self.rivals.pop_front_if(|(rival, _)| *rival < at) {
            self.round.stands(rival.2, rival, lane);
        }
        let lane = self.room.lane(row.lane).filter(|_| row.lane != PLAIN);
        let is_open = if row.lane == PLAIN { self.is_plain_open } else { self.open.contains(&row.lane) };
        if !is_open {
            return false;
        }
        if let Some(lane) = lane {
            if !self.round.may_take(at.2, at, lane, row.is_of_holder) {
                self.open.remove(&lane.id);
                return false;
            }
            self.round.take(at, lane);
        }
        if let Some(free) = self.places.get_mut(row.queue) {
            *free -= 1;
            if *free == 0 {
                self.close_queue(row.queue);
            }
        }
        true
    }

    fn close_queue(&mut self, queue: &str) {
        let room = self.room;
        self.open.retain(|id| room.lane(*id).is_some_and(|row| row.lane.queue != queue));
        self.is_plain_open &= queue != DEFAULT_QUEUE;
    }
}
