//! Any sequence of operations gives the same on every store.

use ktk_client::api::{Phase, Reason, unique::HeldWhile};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    rows::{
        at, attempt, entity, event, id, lane, new_pipeline, new_task, node, pipeline, request, task,
        tombstone,
    },
    script::{Script, Step},
};
use crate::{
    model::{
        gate::{Gate, Stand},
        rare::{PipelineRare, TaskRare},
        row::{EventRow, NeedRow, PipelineRow, ResultRow, TaskRow, WholeKind},
        unique::Key,
    },
    store::{ListQuery, Store, memory::MemoryStore},
};

fn an_id() -> impl Strategy<Value = Uuid> {
    (1..8_u64).prop_map(id)
}

fn ids() -> impl Strategy<Value = Vec<Uuid>> {
    prop::collection::vec(an_id(), 0..4)
}

/// Lanes but the plain one, each once.
fn lanes() -> impl Strategy<Value = Vec<u32>> {
    prop::sample::subsequence(vec![1, 2], 0..=2)
}

fn a_word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b", "ab", "ä"]).prop_map(str::to_owned)
}

fn a_stand() -> impl Strategy<Value = Stand> {
    prop::sample::select(vec![Stand::Away, Stand::Waits, Stand::Holds])
}

prop_compose! {
    fn a_task()(
        number in 1..8_u64, context in an_id(), incarnation in 1..3_u32, newest: bool, namespace in a_word(),
        name in a_word(), head in prop::sample::select(vec![0, 1, 1 << 63, u64::MAX]),
        pipeline_id in prop::option::of(an_id()), executor in a_word(),
        (priority, ready, due) in (-1..2_i32, prop::option::of(0..3_i64), prop::option::of(0..5_i64)),
        phase in prop::sample::select(Phase::ALL),
        reason in prop::sample::select(vec![None, Some(Reason::Queued), Some(Reason::Held)]),
        (admitted, node_id, version, lane, expires, key) in (
            any::<bool>(), prop::option::of(an_id()), 1..40_u64, 0..3_u32, prop::option::of(0..5_i64),
            prop::option::of(a_word()),
        ),
    ) -> TaskRow {
        let unique = key.map(|key| Key { key, held_while: HeldWhile::Unfinished, waits: admitted });
        let spawned_by = newest.then_some(context);
        TaskRow {
            context_id: context, incarnation, newest, namespace, name, head, pipeline_id, executor, priority,
            ready_at: ready.map(at), due_at: due.map(at), phase, reason, admitted, node_id, version,
            lane, rare: TaskRare { expires_at: expires.map(at), unique, spawned_by, ..TaskRare::default() }, ..task(number)
        }
    }
}

prop_compose! {
    fn a_pipeline()(
        number in 1..8_u64, incarnation in 1..3_u32, newest: bool, namespace in a_word(), name in a_word(),
        head in prop::sample::select(vec![0, 1, 1 << 63, u64::MAX]), version in 1..40_u64,
        (key, due, expires) in
            (prop::option::of(a_word()), prop::option::of(0..5_i64), prop::option::of(0..5_i64)),
        phase in prop::sample::select(Phase::ALL),
        gate in prop::option::of((1..3_u32, a_stand(), -1..2_i32, prop::option::of(0..3_i64))),
    ) -> PipelineRow {
        let gate = gate.map(|(lane, stand, priority, since)| {
            Gate { lane, stand, priority, since: since.map(at), ..Gate::default() }
        });
        let unique = key.map(|key| Key { key, held_while: HeldWhile::Unfinished, waits: newest });
        let (due_at, expires_at) = (due.map(at), expires.map(at));
        let rare = PipelineRare { unique, due_at, expires_at, gate, ..PipelineRare::default() };
        PipelineRow { incarnation, newest, namespace, name, head, version, phase, rare, ..pipeline(number) }
    }
}

prop_compose! {
    fn a_query()(
        namespace in prop::option::of(a_word()), after in prop::option::of((a_word(), a_word(), 0..3_u32)),
        newest_only: bool, limit in 0..5_usize,
    ) -> ListQuery {
        ListQuery { namespace, after, newest_only, limit }
    }
}

fn a_write() -> impl Strategy<Value = Step> {
    let need = || (an_id(), an_id()).prop_map(|(need, dependent)| NeedRow { need, dependent });
    let an_event = (1..50_u64, an_id(), 0..5_i64, a_word(), prop::option::of(an_id())).prop_map(
        |(number, object, micros, namespace, pipeline_id)| EventRow {
            namespace,
            pipeline_id,
            ..event(number, object, micros)
        },
    );
    prop_oneof![
        8 => prop::collection::vec(a_task().prop_map(new_task), 1..3).prop_map(Step::InsertTasks),
        8 => prop::collection::vec(a_task(), 1..3).prop_map(Step::UpdateTasks),
        1 => ids().prop_map(Step::DeleteTasks),
        1 => ids().prop_map(Step::StripTasks),
        2 => (an_id(), a_word()).prop_map(|(id, body)| Step::PutTaskBodies(vec![(id, body)])),
        1 => (an_id(), a_word()).prop_map(|(id, body)| Step::PutPipelineBodies(vec![(id, body)])),
        2 => (an_id(), prop::option::of(a_word())).prop_map(|(task_id, outputs)|
            Step::PutTaskResults(vec![ResultRow { task_id, outputs, ..ResultRow::default() }])),
        2 => (an_id(), 1..4_u32).prop_map(|(task, number)| Step::InsertAttempts(vec![attempt(task, number)])),
        2 => prop::collection::vec(need(), 1..4).prop_map(Step::InsertNeeds),
        1 => ids().prop_map(Step::DeleteNeeds),
        3 => a_pipeline().prop_map(|row| Step::InsertPipelines(vec![new_pipeline(row)])),
        3 => a_pipeline().prop_map(|row| Step::UpdatePipelines(vec![row])),
        1 => ids().prop_map(Step::DeletePipelines),
        2 => (1..40_u64, 0..5_i64).prop_map(|(version, at)| Step::InsertTombstones(vec![tombstone(version, at)])),
        1 => (0..5_i64).prop_map(|micros| Step::TrimTombstones(at(micros))),
        1 => (0..3_u64).prop_map(Step::LimitTombstones),
        1 => a_word().prop_map(|name| Step::PutFact(name, "{}".into())),
        3 => prop::collection::vec(an_event, 1..4).prop_map(Step::InsertEvents),
        1 => ids().prop_map(Step::DeleteEvents),
        1 => (0..5_i64).prop_map(|micros| Step::TrimEvents(at(micros))),
        1 => (1..4_u64).prop_map(|number| Step::PutNode(node(number))),
        2 => (a_word(), a_word(), 1..40_u64).prop_map(|(kind, name, version)|
            Step::PutEntities(vec![entity(&kind, &name, version)])),
        1 => (a_word(), a_word()).prop_map(|(kind, name)| Step::DeleteEntities(kind, vec![name])),
        1 => (a_word(), 0..5_i64).prop_map(|(key, micros)| Step::InsertRequest(request(&key, micros))),
        1 => (0..5_i64).prop_map(|micros| Step::TrimRequests(at(micros))),
        1 => (0..3_u32).prop_map(|id| Step::PutLanes(vec![lane(id)])),
        1 => (0..3_u32).prop_map(|id| Step::DeleteLanes(vec![id])),
        1 => Just(Step::Fail),
        1 => Just(Step::NextVersion),
        1 => Just(Step::NextFence),
    ]
}

fn a_whole() -> impl Strategy<Value = WholeKind> {
    prop::sample::select(vec![WholeKind::Task, WholeKind::Pipeline])
}

fn a_load() -> impl Strategy<Value = Step> {
    let limit = || 0..5_usize;
    let heads =
        || (0..2_u64).prop_flat_map(|low| (Just(low), prop::sample::select(vec![0, 1, 1 << 63, u64::MAX])));
    prop_oneof![
        Just(Step::Version),
        ids().prop_map(Step::Tasks),
        ids().prop_map(Step::NewestTasks),
        an_id().prop_map(Step::ContextTasks),
        (a_word(), a_word()).prop_map(|(namespace, name)| Step::TaskNamed(namespace, name)),
        (heads(), limit()).prop_map(|((low, high), limit)| Step::TasksByHead(low..=high, limit)),
        an_id().prop_map(Step::PipelineTasks),
        an_id().prop_map(Step::TasksWithin),
        ids().prop_map(Step::TaskBodies),
        ids().prop_map(Step::TaskResults),
        ids().prop_map(Step::Attempts),
        ids().prop_map(Step::Dependents),
        ids().prop_map(Step::NeedsOf),
        (prop::collection::vec(a_word(), 0..3), limit())
            .prop_map(|(names, limit)| Step::Claimable(names, limit)),
        (lanes(), limit()).prop_map(|(lanes, limit)| Step::InLanes(lanes, limit)),
        (lanes(), prop::sample::select(vec![Phase::Pending, Phase::Running]), limit())
            .prop_map(|(lanes, phase, limit)| Step::LaneTasks(lanes, phase, limit)),
        prop::collection::vec(0..3_u32, 0..3).prop_map(Step::RunningIn),
        prop::collection::vec(0..3_u32, 0..3).prop_map(Step::WaitingIn),
        Just(Step::Lanes),
        (an_id(), limit()).prop_map(|(pipeline, limit)| Step::Gated(pipeline, limit)),
        (a_word(), a_word()).prop_map(|(namespace, key)| Step::PipelinesOfKey(namespace, key)),
        (0..5_i64, limit()).prop_map(|(now, limit)| Step::DuePipelines(at(now), limit)),
        (lanes(), a_stand(), limit())
            .prop_map(|(lanes, stand, limit)| Step::LanePipelines(lanes, stand, limit)),
        (lanes(), a_stand()).prop_map(|(lanes, stand)| Step::StandingIn(lanes, stand)),
        (an_id(), limit()).prop_map(|(task, limit)| Step::LiveChildren(task, limit)),
        limit().prop_map(Step::Evaluating),
        (a_word(), a_word()).prop_map(|(namespace, key)| Step::TasksOfKey(namespace, key)),
        an_id().prop_map(Step::RunningOn),
        (0..5_i64, limit()).prop_map(|(now, limit)| Step::Due(at(now), limit)),
        Just(Step::NextDue),
        Just(Step::LiveCounts),
        Just(Step::CountTasks),
        (a_whole(), an_id(), limit()).prop_map(|(kind, after, limit)| Step::Wholes(kind, after, limit)),
        (a_whole(), 0..5_i64, an_id(), limit()).prop_map(|(kind, micros, after, limit)| Step::Expiring(
            kind,
            (at(micros), after),
            limit
        )),
        a_word().prop_map(Step::Fact),
        ids().prop_map(Step::Pipelines),
        (a_word(), a_word()).prop_map(|(namespace, name)| Step::PipelineNamed(namespace, name)),
        (a_word(), a_word()).prop_map(|(namespace, name)| Step::PipelinesNamed(namespace, name)),
        (heads(), limit()).prop_map(|((low, high), limit)| Step::PipelinesByHead(low..=high, limit)),
        ids().prop_map(Step::PipelineBodies),
        a_query().prop_map(Step::ListTasks),
        a_query().prop_map(Step::ListLines),
        a_query().prop_map(Step::ListPipelines),
        (0..40_u64, limit()).prop_map(|(after, limit)| Step::Changes(after, limit)),
        Just(Step::HistoryStart),
        (prop::option::of(a_word()), prop::option::of(an_id()), limit())
            .prop_map(|(namespace, object, limit)| Step::ListEvents(namespace, object, limit)),
        Just(Step::Nodes),
        a_word().prop_map(Step::AllEntities),
        (a_word(), a_word()).prop_map(|(kind, name)| Step::Entities(kind, vec![name])),
        (a_word(), prop::option::of(a_word()), limit())
            .prop_map(|(kind, after, limit)| Step::ListEntities(kind, after, limit)),
        a_word().prop_map(Step::Request),
    ]
}

/// Operations: a few writes, then loads.
pub fn operations() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let operation = (prop::collection::vec(a_write(), 0..4), prop::collection::vec(a_load(), 0..6))
        .prop_map(|(writes, loads)| writes.into_iter().chain(loads).collect());
    prop::collection::vec(operation, 1..60)
}

/// Runs the same on a store and on the memory store, and compares all that is seen.
pub async fn same_as_memory<S: Store>(store: S, operations: Vec<Vec<Step>>) {
    let memory = MemoryStore::new(Uuid::nil());
    for steps in operations {
        let script = Script::new(steps.clone());
        let (ours, theirs) = (store.write(script.clone()).await, memory.write(script).await);
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            (Err(ours), Err(theirs)) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
            _ => false,
        };
        assert!(same, "{steps:#?}\n  ours: {ours:#?}\ntheirs: {theirs:#?}");
    }
}
