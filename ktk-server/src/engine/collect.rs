//! What the collector does: finds what is past its time, and removes it, whole by whole. Every removal is judged again
//! in its own transaction: whatever happened since the plan was made counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ktk_client::api::Phase;
use uuid::Uuid;

use super::{
    error::EngineResult,
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        clocks::{later, own_time},
        retention::{Ended, Jump, Retention, Rule},
        row::{WholeKind, WholeRow},
    },
    mutants,
    store::{Operation, Tx},
};

/// Something that is past its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Going {
    pub whole: WholeRow,
    pub rule: Rule,
    /// Since when it may go; of what is too much, since it ended.
    pub since: Timestamp,
}

impl Going {
    /// Where it stands among all that goes.
    pub fn place(&self) -> (Timestamp, Uuid) {
        (self.since, self.whole.id)
    }
}

/// What goes now.
#[derive(Clone, Debug, Default)]
pub struct Harvest {
    /// The longest due first; no more than one plan takes.
    pub going: Vec<Going>,
    /// Whether more goes than one plan takes, and where this one ends.
    pub has_more: bool,
    pub last: Option<(Timestamp, Uuid)>,
    /// How many tasks go for their time, in all.
    pub timed: u64,
    /// When the next one goes by its own time, and when the next one may go for its age.
    pub next: Option<Timestamp>,
    pub next_aged: Option<Timestamp>,
    /// How many tasks may end until something can be too much.
    pub room: Option<u64>,
    /// All tasks that are stored.
    pub tasks: u64,
}

/// Finds what is past its time, in one snapshot. It reads no further than what can be past its time, unless there is
/// more than is to be kept.
#[derive(Clone, Debug)]
pub struct PlanHarvest {
    pub retention: Retention,
    pub now: Timestamp,
    pub jump: Option<Jump>,
    /// Only what stands behind this.
    pub after: Option<(Timestamp, Uuid)>,
}

impl Operation for PlanHarvest {
    type Output = Harvest;
    type Error = super::error::EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Harvest> {
        let tasks = tx.count_tasks().await?;
        let least = self.retention.least_count();
        let is_too_much = least.is_some_and(|least| tasks > least);
        let mut found = Found::default();
        for kind in [WholeKind::Task, WholeKind::Pipeline] {
            self.expired(tx, kind, &mut found).await?;
            self.walk(tx, kind, is_too_much, &mut found).await?;
        }
        let ended: Vec<Ended> = found.wholes.values().filter_map(ended).collect();
        let plan = self.retention.plan(&ended, &BTreeSet::new(), self.now, self.jump.as_ref());
        let stays: Vec<Ended> = ended.iter().filter(|one| !plan.contains_key(&one.id)).copied().collect();
        let room = match least {
            Some(least) if !is_too_much => Some(least - tasks),
            _ => self.retention.room(&stays),
        };
        let mut going: Vec<Going> = plan
            .into_iter()
            .filter_map(|(id, rule)| self.going(found.wholes.remove(&id)?, rule))
            .filter(|going| self.after.is_none_or(|after| going.place() > after))
            .collect();
        going.sort_by_key(Going::place);
        let timed = going.iter().filter(|going| !matches!(going.rule, Rule::Count(..)));
        let timed = timed.map(|going| going.whole.tasks).sum();
        let Found { next, next_aged, .. } = found;
        let mut harvest = Harvest { next, next_aged, room, tasks, timed, ..Harvest::default() };
        let mut rest = going.into_iter();
        while harvest.going.len() < limits::HARVEST && !rest.as_slice().is_empty() {
            let some: Vec<Going> = rest.by_ref().take(limits::COLLECT_BATCH).collect();
            harvest.last = some.last().map(Going::place);
            harvest.going.extend(free(tx, some).await?);
        }
        harvest.has_more = !rest.as_slice().is_empty();
        Ok(harvest)
    }
}

#[derive(Default)]
struct Found {
    wholes: BTreeMap<Uuid, WholeRow>,
    next: Option<Timestamp>,
    next_aged: Option<Timestamp>,
}

impl Found {
    fn arm(&mut self, at: Timestamp) {
        self.next = self.next.into_iter().chain([at]).min();
    }

    fn arm_aged(&mut self, at: Option<Timestamp>) {
        self.next_aged = [self.next_aged, at].into_iter().flatten().min();
    }
}

impl PlanHarvest {
    /// What has a time of its own, up to the first whose time is yet to come.
    async fn expired<T: Tx>(&self, tx: &mut T, kind: WholeKind, found: &mut Found) -> EngineResult<()> {
        let mut after = (Timestamp::MIN, Uuid::nil());
        loop {
            let page = tx.expiring(kind, after, limits::SCAN_PAGE).await?;
            let is_last = page.len() < limits::SCAN_PAGE;
            for row in page {
                let Some(one) = ended(&row) else { continue };
                let Some(own) = one.ttl.map(|ttl| own_time(one.at, ttl)) else { continue };
                if own > self.now {
                    found.arm(own);
                    return Ok(());
                }
                after = (own, row.id);
                self.note(row, &one, found);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// What the retention may let go, in the order of its making: nothing ends before it is made, so that the walk
    /// ends where everything is younger than whatever goes for its age.
    async fn walk<T: Tx>(
        &self,
        tx: &mut T,
        kind: WholeKind,
        is_whole: bool,
        found: &mut Found,
    ) -> EngineResult<()> {
        let age = self.retention.least_age();
        if age.is_none() && !is_whole {
            return Ok(());
        }
        let mut after = Uuid::nil();
        loop {
            let page = tx.wholes(kind, after, limits::SCAN_PAGE).await?;
            let is_last = page.len() < limits::SCAN_PAGE;
            for row in page {
                after = row.id;
                let earliest = age.map(|age| later(row.created_at, age.get()));
                if !is_whole && earliest.is_some_and(|earliest| earliest > self.now) {
                    found.arm_aged(earliest);
                    return Ok(());
                }
                match ended(&row) {
                    Some(one) => self.note(row, &one, found),
                    // What has not ended goes for its age when it has been over for that long.
                    None => found.arm_aged(age.map(|age| later(self.now, age.get()))),
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn note(&self, row: WholeRow, one: &Ended, found: &mut Found) {
        match self.retention.until(one, self.jump.as_ref()) {
            Some((due, Rule::Ttl(_))) if due > self.now => found.arm(due),
            Some((due, _)) if due > self.now => found.arm_aged(Some(due)),
            _ => {}
        }
        found.wholes.insert(row.id, row);
    }

    fn going(&self, whole: WholeRow, rule: Rule) -> Option<Going> {
        let one = ended(&whole)?;
        let since = match rule {
            Rule::Count(..) => one.at,
            Rule::Ttl(_) | Rule::Age(..) => self.retention.until(&one, self.jump.as_ref())?.0,
        };
        Some(Going { whole, rule, since })
    }
}

/// What has ended, and is not being deleted already.
fn ended(row: &WholeRow) -> Option<Ended> {
    let at = row.finished_at.filter(|_| row.phase.is_terminal() && row.deleted_at.is_none())?;
    Some(Ended { id: row.id, phase: row.phase, at, ttl: row.ttl, tasks: row.tasks })
}

/// Those that nothing unfinished needs, be it by way of others that have ended: one of these may be restarted, and
/// then needs what it needed.
async fn free<T: Tx>(tx: &mut T, going: Vec<Going>) -> EngineResult<Vec<Going>> {
    if mutants::lives("M12") {
        return Ok(going);
    }
    let mut owners: BTreeMap<Uuid, Uuid> = BTreeMap::new();
    for one in &going {
        for context in contexts_of(tx, &one.whole).await? {
            owners.insert(context, one.whole.id);
        }
    }
    let needed = needed(tx, &owners).await?;
    Ok(going.into_iter().filter(|one| !needed.contains(&one.whole.id)).collect())
}

/// The contexts of a whole.
async fn contexts_of<T: Tx>(tx: &mut T, whole: &WholeRow) -> EngineResult<BTreeSet<Uuid>> {
    if whole.kind == WholeKind::Task {
        return Ok([whole.context_id].into());
    }
    let mut contexts = BTreeSet::new();
    for incarnation in tx.pipelines_named(&whole.namespace, &whole.name).await? {
        if incarnation.context_id == whole.context_id {
            contexts.extend(tx.tasks_within(incarnation.id).await?.iter().map(|task| task.context_id));
        }
    }
    Ok(contexts)
}

/// Of these contexts and their owners, the owners that somebody outside who has not ended needs. One walk down the
/// edges for all of them together.
async fn needed<T: Tx>(tx: &mut T, owners: &BTreeMap<Uuid, Uuid>) -> EngineResult<BTreeSet<Uuid>> {
    let mut needs_of: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    let mut known: BTreeSet<Uuid> = owners.keys().copied().collect();
    let mut unfinished = Vec::new();
    let mut open: Vec<Uuid> = known.iter().copied().collect();
    while !open.is_empty() {
        let edges = tx.dependents(&open).await?;
        let mut next = Vec::new();
        for edge in edges {
            let is_inside =
                owners.contains_key(&edge.need) && owners.get(&edge.need) == owners.get(&edge.dependent);
            if is_inside {
                continue;
            }
            needs_of.entry(edge.dependent).or_default().push(edge.need);
            if known.insert(edge.dependent) {
                next.push(edge.dependent);
            }
        }
        let rows = tx.newest_tasks(&next).await?;
        open = rows.iter().filter(|row| row.phase.is_terminal()).map(|row| row.context_id).collect();
        // Of a row that cannot be read nobody knows whether it has ended.
        let has_ended: BTreeSet<&Uuid> = open.iter().collect();
        unfinished.extend(next.into_iter().filter(|context| !has_ended.contains(context)));
    }
    // And back up: whatever lies above what has not ended is needed.
    let mut needed = BTreeSet::new();
    let mut seen: BTreeSet<Uuid> = BTreeSet::new();
    while let Some(context) = unfinished.pop() {
        for need in needs_of.get(&context).into_iter().flatten() {
            if seen.insert(*need) {
                needed.extend(owners.get(need));
                unfinished.push(*need);
            }
        }
    }
    Ok(needed)
}

/// Removes these, as far as they are as they were when the plan was made and nothing unfinished needs them.
pub struct Collect {
    pub ask: Ask,
    pub going: Vec<Going>,
}

impl Operation for Collect {
    /// What has gone.
    type Output = Done<Vec<Going>>;
    type Error = super::error::EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let mut same = Vec::new();
        for going in &self.going {
            if unit.is_as_planned(&going.whole).await? {
                same.push(going.clone());
            }
        }
        let gone = free(unit.tx, same).await?;
        for going in &gone {
            unit.take_away(&going.whole).await?;
        }
        unit.finish().await?;
        Ok(Done { answer: gone, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    async fn is_as_planned(&mut self, whole: &WholeRow) -> EngineResult<bool> {
        let is_same =
            |newest: bool, phase: Phase, finished: Option<Timestamp>, deleted: Option<Timestamp>| {
                newest && phase.is_terminal() && finished == whole.finished_at && deleted.is_none()
            };
        Ok(match whole.kind {
            WholeKind::Task => {
                let row = self.tx.tasks(&[whole.id]).await?.pop();
                row.is_some_and(|row| is_same(row.newest, row.phase, row.finished_at, row.deleted_at))
            }
            WholeKind::Pipeline => {
                let row = self.tx.pipelines(&[whole.id]).await?.pop();
                row.is_some_and(|row| is_same(row.newest, row.phase, row.finished_at, row.deleted_at))
            }
        })
    }

    async fn take_away(&mut self, whole: &WholeRow) -> EngineResult<()> {
        match whole.kind {
            WholeKind::Task => self.remove_context(whole.context_id).await,
            WholeKind::Pipeline => match self.tx.pipelines(&[whole.id]).await?.pop() {
                Some(row) => self.remove_whole_pipeline(&row).await,
                None => Ok(()),
            },
        }
    }
}
