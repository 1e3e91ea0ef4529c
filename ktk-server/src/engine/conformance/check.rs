//! The invariants: what must hold after every operation, computed from all rows from scratch.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use ktk_client::api::{Phase, Reason, task::RunIf, unique::HeldWhile};
use uuid::Uuid;

use super::dump::Dump;
use crate::{
    engine::object,
    model::{
        clocks::Clocks,
        gate::Stand,
        lane::PLAIN,
        rare::Stage,
        row::{PipelineRow, TaskRow},
    },
};

/// What a need counts as, written down once more and apart from the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    Moves,
    Good,
    Bad,
}

fn need(row: &TaskRow) -> Need {
    match (row.phase, row.reason) {
        (Phase::Succeeded | Phase::Skipped, _) => Need::Good,
        (Phase::Failed | Phase::Cancelled, _) | (Phase::Pending, Some(Reason::UpstreamFailed)) => Need::Bad,
        _ => Need::Moves,
    }
}

/// What a step counts as in its pipeline, its items included.
fn counted(row: &TaskRow) -> Need {
    let each = row.rare.for_each.clone().unwrap_or_default();
    match need(row) {
        _ if each.live > 0 => Need::Moves,
        Need::Good if each.bad > 0 => Need::Bad,
        own => own,
    }
}

/// A row in the message of a broken rule: made only when there is one.
#[derive(Clone, Copy)]
struct Shown<'a>(&'a TaskRow);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} {:#?}", self.0.name, self.0.incarnation, self.0)
    }
}

/// Panics with the rule that is broken.
pub fn check(before: &Dump, now: &Dump) {
    let newest = now.newest();
    for row in now.tasks.values() {
        let name = Shown(row);
        reason_is_legal(row, name);
        goes_when_it_can(row, now, &newest, name);
        fields_fit_the_phase(row, now, name);
        place_fits(row, now, name);
        needs_are_counted(row, now, &newest, name);
        results_fit(row, now, name);
        attempts_are_numbered(row, now, name);
    }
    limits_hold(before, now);
    contexts_are_trees(now);
    keys_are_held_once(now);
    pipelines_are_contexts(now);
    for row in now.pipelines.values() {
        pipeline_is_derived(row, now);
    }
    versions_rise(before, now);
}

fn reason_is_legal(row: &TaskRow, name: Shown<'_>) {
    use Reason::*;
    let legal: &[Option<Reason>] = match row.phase {
        Phase::Pending => &[
            Some(WaitingForUpstream),
            Some(UpstreamFailed),
            Some(Scheduled),
            Some(Backoff),
            Some(Held),
            Some(Queued),
        ],
        Phase::Running => &[None, Some(Stopping)],
        Phase::Succeeded => &[None, Some(Reused)],
        Phase::Failed => &[
            Some(ExitCode),
            Some(Signal),
            Some(Timeout),
            Some(NodeLost),
            Some(InvalidInput),
            Some(InvalidOutput),
            Some(HandlerError),
            Some(SpawnError),
            Some(DeadlineExceeded),
            Some(KeepaliveLost),
            Some(Reported),
        ],
        Phase::Cancelled => &[Some(ByUser), Some(PipelineCancelled), Some(Replaced)],
        Phase::Skipped => &[Some(NotNeeded), Some(WhenFalse)],
    };
    assert!(legal.contains(&row.reason), "phase and reason: {name}");
}

fn fields_fit_the_phase(row: &TaskRow, now: &Dump, name: Shown<'_>) {
    let is_running = row.phase == Phase::Running;
    // The items of a step run in its place.
    let runs = is_running && !row.is_for_each();
    assert_eq!(row.fence.is_some(), runs, "a fence while it runs: {name}");
    assert_eq!(row.token.is_some(), runs && !row.is_external(), "a token while it runs: {name}");
    assert_eq!(row.node_id.is_some(), runs && !row.is_external(), "a node while it runs: {name}");
    assert_eq!(row.stop.is_some(), row.reason == Some(Reason::Stopping), "a stop: {name}");
    assert_eq!(row.finished_at.is_some(), row.phase.is_terminal(), "the end: {name}");
    let has_clocks = row.rare.clocks != Clocks::default();
    let may_be_due = row.phase == Phase::Pending || (runs && has_clocks);
    assert!(row.due_at.is_none() || may_be_due, "due: {name}");
    assert!(!has_clocks || !row.phase.is_terminal(), "a clock that moves nothing: {name}");
    if matches!(row.reason, Some(Reason::Scheduled | Reason::Backoff)) {
        assert!(row.start_at().is_some(), "it waits for a time: {name}");
    }
    assert!(row.start_at().is_none_or(|at| row.due_at.is_some_and(|due| due <= at)), "due too late: {name}");
    if row.reason == Some(Reason::Queued) {
        assert!(row.ready_at.is_some(), "a queued task has a time: {name}");
        let is_gated = row.pipeline_id.is_some() && !row.admitted;
        let is_paused = now.queues.get(&row.queue).is_some_and(|queue| queue.paused);
        let may_wait = row.lane != PLAIN || is_paused || row.waits_for_key() || is_gated;
        assert!(!row.is_external() || may_wait, "nothing that it could wait for: {name}");
        assert!(!row.rare.held, "a held task is queued: {name}");
    }
    assert!(row.reason != Some(Reason::Held) || row.rare.held, "nobody holds it: {name}");
    assert!(row.wish.is_none() || !row.phase.is_terminal(), "a wish that was not granted: {name}");
    assert!(row.newest || row.phase.is_terminal(), "an old incarnation lives: {name}");
    assert_eq!(row.incarnation == 1, row.parent_id.is_none(), "its parent: {name}");
}

/// What was to go has gone, unless somebody that has not ended needs it; a stub is there for who descends from it.
fn goes_when_it_can(row: &TaskRow, now: &Dump, newest: &BTreeMap<Uuid, &TaskRow>, name: Shown<'_>) {
    if row.rare.stub {
        let has_children = now.tasks.values().any(|other| other.parent_id == Some(row.id));
        assert!(has_children && !row.newest && row.deleted_at.is_some(), "a stub for nobody: {name}");
    } else if row.pipeline_id.is_none() && row.deleted_at.is_some() && row.phase.is_terminal() {
        assert!(is_needed(row.context_id, now, newest), "it should be gone: {name}");
    }
}

fn is_needed(context: Uuid, now: &Dump, newest: &BTreeMap<Uuid, &TaskRow>) -> bool {
    let dependents = now.needs.iter().filter(|edge| edge.need == context).map(|edge| edge.dependent);
    dependents.filter_map(|dependent| newest.get(&dependent)).any(|row| !row.phase.is_terminal())
}

fn place_fits(row: &TaskRow, now: &Dump, name: Shown<'_>) {
    if row.is_for_each() {
        assert!(!row.admitted && row.lane == PLAIN, "a step in the place of its items: {name}");
        return;
    }
    let wants = row.phase == Phase::Running || row.reason == Some(Reason::Queued);
    assert!(!row.admitted || wants, "a place for nothing: {name}");
    assert!(row.admitted || row.phase != Phase::Running, "it runs without a place: {name}");
    let pipeline = row.pipeline_id.map(|id| &now.pipelines[&id]);
    let is_held_up = pipeline.is_some_and(|row| row.max_parallel.is_some() || row.is_barred());
    assert!(row.admitted || !wants || is_held_up || row.waits_for_key(), "nothing holds it back: {name}");
}

/// No more permits are held than there are, and no more run in a queue than may, but for what ran before somebody
/// made them less.
fn limits_hold(before: &Dump, now: &Dump) {
    for (name, size) in &now.permits {
        let (was, held) = (before.held(name), now.held(name));
        assert!(held <= u64::from(*size) || held <= was, "{held} permits of {name}, which has {size}");
    }
    for (name, spec) in &now.queues {
        let (was, running) = (before.running_in(name), now.running_in(name));
        let max = if spec.paused { Some(0) } else { spec.max_running.map(|max| max as usize) };
        let news = running.difference(&was).count();
        assert!(news == 0 || max.is_none_or(|max| running.len() <= max), "{running:?} run in {name}");
    }
}

fn needs_are_counted(row: &TaskRow, now: &Dump, newest: &BTreeMap<Uuid, &TaskRow>, name: Shown<'_>) {
    let is_item = |need: &Uuid| newest.get(need).is_some_and(|need| need.is_item() && row.is_for_each());
    let (items, needs): (Vec<Uuid>, Vec<Uuid>) = now.needs_of(row.context_id).partition(is_item);
    if row.newest && row.is_for_each() {
        items_are_counted(row, &items, newest, name);
    }
    assert_eq!(row.needs as usize, needs.len(), "needs: {name}");
    if row.phase.is_terminal() {
        assert!(!row.is_evaluating(), "nothing is evaluated any more: {name}");
        return;
    }
    let classes: Vec<Need> =
        needs.iter().map(|context| need(newest.get(context).expect("a live task's need is there"))).collect();
    let count = |class| classes.iter().filter(|other| **other == class).count() as u32;
    let (moves, bad) = (count(Need::Moves), count(Need::Bad));
    assert_eq!((row.live_needs, row.bad_needs), (moves, bad), "live and bad needs: {name}");
    let may_start = match row.run_if {
        RunIf::Success => moves == 0 && bad == 0,
        RunIf::Failure => moves == 0 && bad > 0,
        RunIf::Always => moves == 0,
    };
    let may_start = row.is_item() || may_start;
    if row.phase == Phase::Running {
        return;
    }
    let each = row.rare.for_each.clone().unwrap_or_default();
    if each.is_expanded {
        let waits = row.run_if == RunIf::Success && bad > 0;
        assert!(moves == 0 || waits, "it waits for items of other needs: {name}");
        return;
    }
    let moves = moves + each.live;
    let may_start = may_start && each.live == 0;
    let waits_for_values = row.rare.jq.is_some_and(|stage| stage != Stage::Evaluated);
    let is_evaluated_next = may_start && waits_for_values;
    assert_eq!(row.is_evaluating(), is_evaluated_next, "its expressions: {name}");
    let expected: &[Reason] = match (may_start, row.run_if, moves) {
        (true, ..) if is_evaluated_next => &[Reason::WaitingForUpstream],
        (true, ..) => &[Reason::Queued, Reason::Scheduled, Reason::Backoff, Reason::Held],
        (false, RunIf::Success, _) if bad > 0 => &[Reason::UpstreamFailed],
        (false, _, 1..) => &[Reason::WaitingForUpstream],
        (false, ..) => &[],
    };
    assert!(row.reason.is_some_and(|reason| expected.contains(&reason)), "not {expected:?}: {name}");
}

/// A step counts its items, and waits for them once they are there.
fn items_are_counted(row: &TaskRow, items: &[Uuid], newest: &BTreeMap<Uuid, &TaskRow>, name: Shown<'_>) {
    let each = row.rare.for_each.as_ref().expect("it has items");
    let rows: Vec<&TaskRow> = items.iter().map(|item| newest[item]).collect();
    let count = |class| rows.iter().filter(|item| need(item) == class).count() as u32;
    assert_eq!((each.live, each.bad), (count(Need::Moves), count(Need::Bad)), "its items: {name}");
    let is_there = |item: &&&TaskRow| !item.rare.item.as_ref().expect("an item").gone;
    let there: Vec<&&TaskRow> = rows.iter().filter(is_there).collect();
    let gone = rows.iter().filter(|item| !is_there(item));
    gone.for_each(|item| assert_eq!(item.reason, Some(Reason::NotNeeded), "a gone item of {name}"));
    if !each.is_expanded {
        assert_ne!(row.phase, Phase::Running, "it runs without items: {name}");
        return;
    }
    assert_eq!(each.items as usize, there.len(), "items in all: {name}");
    let mut places: Vec<u32> =
        there.iter().filter_map(|item| item.rare.item.as_ref()).map(|item| item.index).collect();
    places.sort_unstable();
    assert_eq!(places, (0..each.items).collect::<Vec<u32>>(), "the places of its items: {name}");
    match row.phase {
        Phase::Running => assert!(each.live > 0, "nothing of it can move: {name}"),
        Phase::Pending => {
            assert_eq!(row.reason, Some(Reason::UpstreamFailed), "it waits for its items: {name}");
            assert!(each.live == 0 && each.bad > 0, "nothing holds it back: {name}");
        }
        _ => {}
    }
}

fn results_fit(row: &TaskRow, now: &Dump, name: Shown<'_>) {
    if row.rare.stub {
        assert!(!now.results.contains_key(&row.id), "results of a stub: {name}");
        return;
    }
    let result = now.results.get(&row.id);
    let outputs = result.and_then(|result| result.outputs.as_deref());
    let digest = outputs.map(|text| {
        let value: serde_json::Value = serde_json::from_str(text).expect("stored outputs are JSON");
        assert_eq!(value.is_array(), row.is_for_each(), "the form of its outputs: {name}");
        object::text_digest(&object::sorted(&value).to_string())
    });
    assert_eq!(row.output_digest, digest, "its outputs' digest: {name}");
    assert!(digest.is_none() || row.phase == Phase::Succeeded, "outputs of what did not succeed: {name}");
    if row.phase == Phase::Running || row.phase == Phase::Succeeded || row.phase == Phase::Skipped {
        let needs = match &row.rare.item {
            Some(item) if item.gone => 0,
            Some(item) => now.tasks.get(&item.step).map_or(0, |step| step.needs),
            None => row.needs,
        };
        assert_eq!(now.resolved(row.id).len(), needs as usize, "what it took: {name}");
    }
}

fn attempts_are_numbered(row: &TaskRow, now: &Dump, name: Shown<'_>) {
    let mut numbers: Vec<u32> =
        now.attempts.iter().filter(|attempt| attempt.task_id == row.id).map(|a| a.number).collect();
    numbers.sort_unstable();
    let ended = row.attempt - u32::from(row.phase == Phase::Running && !row.is_for_each());
    let ended = if row.rare.stub { 0 } else { ended };
    assert_eq!(numbers, (1..=ended).collect::<Vec<u32>>(), "attempts: {name}");
}

/// Nobody is made while a key is held, and who waits for its holder has one to wait for. What holds its key only
/// until it starts may hold it again while another does.
fn keys_are_held_once(now: &Dump) {
    let mut keys: BTreeMap<(&str, &str), Vec<&TaskRow>> = BTreeMap::new();
    for row in now.tasks.values().filter(|row| row.holds_key()) {
        let key = row.rare.unique.as_ref().map_or("", |unique| &unique.key);
        keys.entry((&row.namespace, key)).or_default().push(row);
    }
    for (key, rows) in keys {
        let is_kept = |row: &&&TaskRow| {
            row.rare.unique.as_ref().is_some_and(|unique| unique.held_while == HeldWhile::Unfinished)
        };
        let (waiting, held): (Vec<&TaskRow>, Vec<&TaskRow>) =
            rows.iter().partition(|row| row.waits_for_key());
        assert!(held.iter().filter(is_kept).count() <= 1, "{key:?} is held twice: {held:#?}");
        assert!(waiting.len() <= 1, "two wait for {key:?}: {waiting:#?}");
        assert!(waiting.is_empty() || !held.is_empty(), "nobody holds {key:?}: {waiting:#?}");
    }
}

fn contexts_are_trees(now: &Dump) {
    let mut contexts: BTreeMap<Uuid, Vec<&TaskRow>> = BTreeMap::new();
    for row in now.tasks.values() {
        contexts.entry(row.context_id).or_default().push(row);
    }
    let mut names = BTreeSet::new();
    for (context, mut rows) in contexts {
        rows.sort_by_key(|row| row.incarnation);
        let root = rows[0];
        assert_eq!((root.id, root.incarnation), (context, 1), "the root: {root:?}");
        let last = rows.len() - 1;
        let mut place = None;
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(row.newest, index == last, "the newest: {row:?}");
            assert!(names.insert((&row.namespace, &row.name, row.incarnation)), "a name twice: {row:?}");
            assert_eq!(row.name, root.name, "one name: {row:?}");
            let of = |id| now.pipelines[&id].context_id;
            assert_eq!(row.pipeline_id.map(of), root.pipeline_id.map(of), "one pipeline: {row:?}");
            let pipeline = row.pipeline_id.map(|id| now.pipelines[&id].incarnation);
            assert!(pipeline >= place, "into an older pipeline: {row:?}");
            place = pipeline;
            assert_eq!(row.rare.spawned_by, root.rare.spawned_by, "one maker: {row:?}");
            if row.rare.spawned_by.is_none() {
                assert_eq!(row.execution_id, root.pipeline_id.map_or(context, of), "one execution: {row:?}");
            }
            if let Some(parent) = row.parent_id {
                let parent = rows.iter().find(|other| other.id == parent).expect("a parent of its context");
                assert!(parent.incarnation < row.incarnation, "an older parent: {row:?}");
                assert!(parent.phase.is_terminal(), "a parent that has ended: {row:?}");
            }
        }
        let live = rows.iter().filter(|row| !row.phase.is_terminal()).count();
        assert!(live <= 1, "{live} live incarnations of {}", root.name);
    }
}

fn pipelines_are_contexts(now: &Dump) {
    let mut contexts: BTreeMap<Uuid, Vec<&PipelineRow>> = BTreeMap::new();
    for row in now.pipelines.values() {
        contexts.entry(row.context_id).or_default().push(row);
    }
    for (context, mut rows) in contexts {
        rows.sort_by_key(|row| row.incarnation);
        assert_eq!((rows[0].id, rows[0].incarnation), (context, 1), "the root: {:?}", rows[0]);
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(row.newest, index == rows.len() - 1, "the newest: {row:?}");
            assert!(row.newest || row.phase.is_terminal(), "an old incarnation lives: {row:?}");
            assert_eq!((&row.name, row.incarnation as usize), (&rows[0].name, index + 1), "{row:?}");
            // Items follow when their step is expanded.
            let is_left = |step: &TaskRow| step.newest && !step.is_item();
            assert!(row.newest || !now.steps(row.id).any(is_left), "left behind: {row:?}");
        }
    }
}

fn pipeline_is_derived(row: &PipelineRow, now: &Dump) {
    let all: Vec<&TaskRow> = now.steps(row.id).collect();
    let steps: Vec<&TaskRow> = all.iter().copied().filter(|step| !step.is_item()).collect();
    let count = |class| steps.iter().filter(|step| counted(step) == class).count() as u32;
    let (moving, done, failed) = (count(Need::Moves), count(Need::Good), count(Need::Bad));
    assert_eq!(
        (row.total, row.done, row.failed),
        (steps.len() as u32, done, failed),
        "the counts of {row:#?}"
    );
    let cancelled = steps.iter().filter(|step| step.phase == Phase::Cancelled).count() as u32;
    assert_eq!(row.cancelled, cancelled, "cancelled steps of {row:#?}");
    let is_restart = |task: &&TaskRow| {
        let parent = task.parent_id.map(|parent| now.tasks[&parent].pipeline_id);
        task.pipeline_id == Some(row.id) && parent == Some(Some(row.id))
    };
    let restarts = now.tasks.values().filter(is_restart).count();
    assert_eq!(row.restarts as usize, restarts, "restarts of {row:#?}");
    let expected = match moving {
        1.. if row.started_at.is_some() => Phase::Running,
        1.. => Phase::Pending,
        0 if row
            .cancel
            .is_some_and(|stop| [Reason::Timeout, Reason::DeadlineExceeded].contains(&stop.reason)) =>
        {
            Phase::Failed
        }
        0 if row.cancel.is_some() => Phase::Cancelled,
        0 if failed > 0 => Phase::Failed,
        0 => Phase::Succeeded,
    };
    assert_eq!(row.phase, expected, "the phase of {row:#?}");
    assert_eq!(row.finished_at.is_some(), row.phase.is_terminal(), "the end of {row:#?}");
    if row.deleted_at.is_some() && row.phase.is_terminal() {
        let newest = now.newest();
        assert!(
            steps.iter().any(|step| is_needed(step.context_id, now, &newest)),
            "it should be gone: {row:#?}"
        );
    }
    assert!(row.rare.wish.is_none() || !row.phase.is_terminal(), "a wish that was not granted: {row:#?}");
    let stand = row.stand().unwrap_or_default();
    assert!(stand == Stand::Away || !row.phase.is_terminal(), "it has ended and stands there: {row:#?}");
    let has_begun = all.iter().any(|step| step.phase == Phase::Running && !step.is_for_each());
    assert!(
        !has_begun || row.stand().is_none_or(|stand| stand == Stand::Holds),
        "without its permits: {row:#?}"
    );
    let is_ready = all.iter().any(|step| step.reason == Some(Reason::Queued));
    let is_in_line = stand != Stand::Away || row.stand().is_none() || row.waits_for_key();
    assert!(!is_ready || is_in_line, "it does not stand in the line: {row:#?}");
    assert!(row.rare.due_at.is_none() || !row.phase.is_terminal(), "a clock that moves nothing: {row:#?}");
    let admitted = all.iter().filter(|step| step.admitted && !step.is_external()).count() as u32;
    if let Some(max) = row.max_parallel {
        assert_eq!(row.admitted, admitted, "places of {row:#?}");
        assert!(admitted <= max, "more places than there are: {row:#?}");
        let is_gated = |step: &&TaskRow| step.reason == Some(Reason::Queued) && !step.admitted;
        let gated = all.iter().any(|step| is_gated(step) && !step.waits_for_key());
        assert!(!gated || admitted == max || row.is_barred(), "a free place that nobody got: {row:#?}");
    }
}

fn versions_rise(before: &Dump, now: &Dump) {
    let mut all = BTreeSet::new();
    let mut newest = 0;
    let mut take = |version: u64| {
        assert!(all.insert(version), "version {version} twice");
        newest = newest.max(version);
    };
    for (id, row) in &now.tasks {
        take(row.version);
        match before.tasks.get(id) {
            Some(old) if old == row => {}
            _ => assert!(row.version > before.version, "a change keeps an old version: {row:#?}"),
        }
    }
    for (id, row) in &now.pipelines {
        take(row.version);
        match before.pipelines.get(id) {
            Some(old) if old == row => {}
            _ => assert!(row.version > before.version, "a change keeps an old version: {row:#?}"),
        }
    }
    assert!(now.version >= newest.max(before.version), "the newest version");
}
