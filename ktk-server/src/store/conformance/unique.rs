//! What a store refuses by itself, and that a refusal leaves nothing.

use ktk_client::api::Phase;

use super::{
    rows::{attempt, ended, id, new_pipeline, new_task, pipeline, request, restart_of, task, tombstone},
    run,
    script::{Failed, Seen, Step},
    see, write,
};
use crate::{
    model::row::{PipelineRow, TaskRow},
    store::Store,
};

fn insert(rows: impl IntoIterator<Item = TaskRow>) -> Step {
    Step::InsertTasks(rows.into_iter().map(new_task).collect())
}

async fn refused<S: Store>(store: &S, step: Step) {
    // A neighbour in the same operation, so that a refusal that leaves something is seen.
    let before = see(store, Step::Changes(0, 1_000)).await;
    let outcome = run(store, [insert([task(900)]), step.clone()]).await;
    assert_eq!(outcome, Err(Failed::Duplicate), "{step:?}");
    assert_eq!(see(store, Step::Changes(0, 1_000)).await, before, "{step:?}");
}

/// An id is used once.
pub async fn ids<S: Store>(store: S) {
    write(&store, [insert([task(1)]), Step::InsertPipelines(vec![new_pipeline(pipeline(2))])]).await;
    refused(&store, insert([TaskRow { id: id(1), ..task(3) }])).await;
    refused(&store, Step::InsertPipelines(vec![new_pipeline(PipelineRow { id: id(2), ..pipeline(3) })]))
        .await;
}

/// (namespace, name, incarnation).
pub async fn names<S: Store>(store: S) {
    write(&store, [insert([task(1)]), Step::InsertPipelines(vec![new_pipeline(pipeline(2))])]).await;
    refused(&store, insert([TaskRow { name: task(1).name, ..task(3) }])).await;
    refused(
        &store,
        insert([TaskRow { name: "x".into(), ..task(3) }, TaskRow { name: "x".into(), ..task(4) }]),
    )
    .await;
    let twin = PipelineRow { name: pipeline(2).name, ..pipeline(3) };
    refused(&store, Step::InsertPipelines(vec![new_pipeline(twin.clone())])).await;
    let elsewhere = TaskRow { name: task(1).name, namespace: "other".into(), ..task(3) };
    let later = PipelineRow { incarnation: 2, ..twin };
    write(&store, [insert([elsewhere]), Step::InsertPipelines(vec![new_pipeline(later)])]).await;
}

/// (context, incarnation).
pub async fn incarnations<S: Store>(store: S) {
    let first = ended(task(1), Phase::Failed, 1);
    write(&store, [insert([first.clone()])]).await;
    refused(&store, insert([TaskRow { context_id: id(1), ..task(2) }])).await;
    write(&store, [insert([restart_of(&first, 2)])]).await;
    refused(&store, insert([TaskRow { name: "x".into(), ..restart_of(&first, 3) }])).await;
}

/// No second row of a context that is not terminal, made or brought back.
pub async fn one_live_incarnation_per_context<S: Store>(store: S) {
    let first = task(1);
    write(&store, [insert([first.clone()])]).await;
    refused(&store, insert([restart_of(&first, 2)])).await;
    let first = ended(first, Phase::Succeeded, 3);
    let second = TaskRow { phase: Phase::Running, ..restart_of(&first, 4) };
    write(&store, [Step::UpdateTasks(vec![first.clone()]), insert([second])]).await;
    refused(&store, Step::UpdateTasks(vec![TaskRow { phase: Phase::Pending, version: 5, ..first }])).await;
}

/// A version belongs to one row of a kind.
pub async fn versions<S: Store>(store: S) {
    write(&store, [insert([task(1), task(2)]), Step::InsertTombstones(vec![tombstone(7, 0)])]).await;
    refused(&store, insert([TaskRow { version: 2, ..task(3) }])).await;
    refused(&store, Step::UpdateTasks(vec![TaskRow { version: 2, ..task(1) }])).await;
    refused(&store, Step::InsertTombstones(vec![tombstone(7, 0)])).await;
}

/// Attempts and requests are written once; needs are a set.
pub async fn parts<S: Store>(store: S) {
    write(
        &store,
        [
            insert([task(1)]),
            Step::InsertAttempts(vec![attempt(id(1), 1)]),
            Step::InsertRequest(request("k", 0)),
        ],
    )
    .await;
    refused(&store, Step::InsertAttempts(vec![attempt(id(1), 1)])).await;
    refused(&store, Step::InsertRequest(request("k", 5))).await;
    let need = crate::model::row::NeedRow { need: id(1), dependent: id(2) };
    write(&store, [Step::InsertNeeds(vec![need, need]), Step::InsertNeeds(vec![need])]).await;
    assert_eq!(see(&store, Step::Dependents(vec![id(1)])).await, Seen::Needs(vec![need]));
}

/// Rules hold after each row, in the order of the rows: what frees a place goes first.
pub async fn swaps_in_order<S: Store>(store: S) {
    let first = task(1);
    let second = TaskRow { phase: Phase::Failed, ..restart_of(&first, 2) };
    write(&store, [insert([first.clone(), second.clone()])]).await;
    let (first, second) =
        (ended(first, Phase::Failed, 3), TaskRow { phase: Phase::Pending, version: 4, ..second });
    refused(&store, Step::UpdateTasks(vec![second.clone(), first.clone()])).await;
    write(&store, [Step::UpdateTasks(vec![first, second])]).await;
}
