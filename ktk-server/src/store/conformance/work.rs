//! The order of work, what runs, and what a clock moves.

use jiff::Timestamp;
use ktk_client::api::{Phase, Reason, unique::HeldWhile};

use super::{
    rows::{at, ended, id, lane, new_task, task},
    run,
    script::{Failed, Seen, Step},
    see, write,
};
use crate::{
    model::{
        lane::{LaneRow, Passed, Running},
        rare::{Stage, TaskRare},
        row::TaskRow,
        unique::Key,
    },
    store::{LiveCounts, Store},
};

async fn insert<S: Store>(store: &S, rows: impl IntoIterator<Item = TaskRow>) {
    write(store, [Step::InsertTasks(rows.into_iter().map(new_task).collect())]).await;
}

async fn numbers<S: Store>(store: &S, step: Step) -> Vec<u64> {
    match see(store, step).await {
        Seen::Tasks(rows) => rows.iter().map(|row| row.head).collect(),
        other => panic!("no tasks: {other:?}"),
    }
}

fn processes(limit: usize) -> Step {
    Step::Claimable(vec![String::new()], limit)
}

/// By priority, the highest first; then by `ready_at`; then by id.
pub async fn order_of_claims<S: Store>(store: S) {
    insert(
        &store,
        [
            TaskRow { priority: -1, ready_at: Some(at(0)), ..task(1) },
            TaskRow { ready_at: Some(at(5)), ..task(2) },
            TaskRow { ready_at: Some(at(5)), ..task(4) },
            TaskRow { ready_at: Some(at(5)), ..task(3) },
            TaskRow { ready_at: Some(at(4)), ..task(5) },
            TaskRow { priority: i32::MAX, ready_at: Some(at(9)), ..task(6) },
            TaskRow { priority: i32::MIN, ready_at: None, ..task(7) },
        ],
    )
    .await;
    assert_eq!(numbers(&store, processes(10)).await, [6, 5, 2, 3, 4, 1, 7]);
    assert_eq!(numbers(&store, processes(3)).await, [6, 5, 2]);
    assert_eq!(numbers(&store, processes(0)).await, [0; 0]);
}

/// One order over all of them together; an executor named twice counts once.
pub async fn several_executors<S: Store>(store: S) {
    let of =
        |number, executor: &str, priority| TaskRow { executor: executor.into(), priority, ..task(number) };
    insert(&store, [of(1, "", 0), of(2, "a", 5), of(3, "b", 3), of(4, "a", 1), of(5, "c", 9), of(6, "", 4)])
        .await;
    let claim =
        |names: &[&str], limit| Step::Claimable(names.iter().map(|&name| name.into()).collect(), limit);
    assert_eq!(numbers(&store, claim(&["", "a", "b", "a"], 10)).await, [2, 6, 3, 4, 1]);
    assert_eq!(numbers(&store, claim(&["b", "a"], 2)).await, [2, 3]);
    assert_eq!(numbers(&store, claim(&["d"], 10)).await, [0; 0]);
    assert_eq!(numbers(&store, claim(&[], 10)).await, [0; 0]);
}

/// Nothing else is claimed, and what changes is found or gone at once.
pub async fn only_what_is_queued_and_admitted<S: Store>(store: S) {
    let mut rows = vec![task(1), TaskRow { admitted: false, ..task(2) }];
    let others = Reason::ALL.iter().filter(|reason| **reason != Reason::Queued);
    rows.extend(others.zip(10..).map(|(reason, number)| TaskRow { reason: Some(*reason), ..task(number) }));
    rows.extend(
        Phase::ALL[1..].iter().zip(50..).map(|(phase, number)| TaskRow { phase: *phase, ..task(number) }),
    );
    rows.push(TaskRow { reason: None, ..task(60) });
    insert(&store, rows).await;
    assert_eq!(numbers(&store, processes(100)).await, [1]);
    let admitted = TaskRow { version: 101, ..task(2) };
    let started =
        TaskRow { version: 102, phase: Phase::Running, reason: None, node_id: Some(id(7)), ..task(1) };
    let moved = TaskRow { version: 103, executor: "a".into(), ..task(10) };
    write(&store, [Step::UpdateTasks(vec![admitted, started, moved])]).await;
    assert_eq!(numbers(&store, processes(100)).await, [2]);
    assert_eq!(numbers(&store, Step::Claimable(vec!["a".into()], 100)).await, [10]);
    write(&store, [Step::DeleteTasks(vec![id(2)])]).await;
    assert_eq!(numbers(&store, processes(100)).await, [0; 0]);
}

/// What waits for its own pipeline, in the order of claims.
pub async fn gated<S: Store>(store: S) {
    let of = |number, pipeline, priority| TaskRow {
        pipeline_id: Some(id(pipeline)),
        admitted: false,
        priority,
        ..task(number)
    };
    let held = TaskRow { reason: Some(Reason::Held), ..of(7, 100, 9) };
    let admitted = TaskRow { admitted: true, ..of(6, 100, 9) };
    let alone = TaskRow { admitted: false, ..task(8) };
    insert(&store, [of(1, 100, 0), of(2, 100, 1), of(3, 200, 5), of(4, 100, 0), held, admitted, alone]).await;
    assert_eq!(numbers(&store, Step::Gated(id(100), 10)).await, [2, 1, 4]);
    assert_eq!(numbers(&store, Step::Gated(id(100), 1)).await, [2]);
    assert_eq!(numbers(&store, Step::Gated(id(300), 10)).await, [0; 0]);
    assert_eq!(numbers(&store, Step::PipelineTasks(id(100))).await, [1, 2, 4, 6, 7]);
    let old = TaskRow { newest: false, version: 104, ..of(4, 100, 0) };
    write(&store, [Step::UpdateTasks(vec![old])]).await;
    assert_eq!(numbers(&store, Step::PipelineTasks(id(100))).await, [1, 2, 6, 7]);
    assert_eq!(numbers(&store, Step::TasksWithin(id(100))).await, [1, 2, 4, 6, 7]);
}

/// Unfinished tasks by their unique key.
pub async fn of_key<S: Store>(store: S) {
    let of = |number, namespace: &str, key: &str, phase| TaskRow {
        namespace: namespace.into(),
        phase,
        rare: TaskRare {
            unique: Some(Key { key: key.into(), held_while: HeldWhile::Pending, waits: number == 1 }),
            ..TaskRare::default()
        },
        ..task(number)
    };
    let rows = [
        of(3, "a", "k", Phase::Pending),
        of(1, "a", "k", Phase::Running),
        of(2, "a", "k", Phase::Succeeded),
        of(4, "b", "k", Phase::Pending),
        of(5, "a", r#"ü "k" \ "unique":{"#, Phase::Pending),
        task(6),
    ];
    insert(&store, rows).await;
    let found = async |namespace: &str, key: &str| {
        numbers(&store, Step::TasksOfKey(namespace.into(), key.into())).await
    };
    assert_eq!(found("a", "k").await, [1, 3]);
    assert_eq!(found("b", "k").await, [4]);
    assert_eq!(found("a", r#"ü "k" \ "unique":{"#).await, [5]);
    assert_eq!(found("a", "K").await, [0; 0]);
    let done = TaskRow { version: 101, ..of(3, "a", "k", Phase::Failed) };
    let other = TaskRow { version: 102, ..of(1, "a", "l", Phase::Running) };
    write(&store, [Step::UpdateTasks(vec![done, other])]).await;
    assert_eq!(found("a", "k").await, [0; 0]);
    assert_eq!(found("a", "l").await, [1]);
}

/// What is to be evaluated, and only that.
pub async fn evaluating<S: Store>(store: S) {
    let at = |number, jq| TaskRow { rare: TaskRare { jq, ..TaskRare::default() }, ..task(number) };
    let rows = [
        at(3, Some(Stage::Evaluating)),
        at(1, Some(Stage::Waiting)),
        at(2, Some(Stage::Evaluating)),
        at(4, Some(Stage::Evaluated)),
        at(5, None),
    ];
    insert(&store, rows).await;
    assert_eq!(numbers(&store, Step::Evaluating(10)).await, [2, 3]);
    assert_eq!(numbers(&store, Step::Evaluating(1)).await, [2]);
    let done = TaskRow { version: 102, ..at(2, Some(Stage::Evaluated)) };
    let next = TaskRow { version: 101, ..at(1, Some(Stage::Evaluating)) };
    write(&store, [Step::UpdateTasks(vec![done, next])]).await;
    assert_eq!(numbers(&store, Step::Evaluating(10)).await, [1, 3]);
}

/// Lanes but the plain one: in the order of claims, counted, and apart from it.
pub async fn lanes<S: Store>(store: S) {
    let of = |number, lane, priority| TaskRow { lane, priority, ..task(number) };
    let runs = |number, node_id| TaskRow { phase: Phase::Running, reason: None, node_id, ..of(number, 1, 0) };
    let held = TaskRow { reason: Some(Reason::Held), ..of(8, 1, 9) };
    let gated = TaskRow { admitted: false, pipeline_id: Some(id(100)), ..of(9, 1, 9) };
    let rows = [of(1, 1, 0), of(2, 2, 5), of(3, 1, 5), of(4, 0, 9), of(5, 2, 0), held, gated];
    insert(&store, rows).await;
    insert(&store, [runs(6, Some(id(7))), runs(7, None)]).await;
    assert_eq!(numbers(&store, processes(10)).await, [4]);
    assert_eq!(numbers(&store, Step::InLanes(vec![1, 2], 10)).await, [2, 3, 1, 5]);
    assert_eq!(numbers(&store, Step::InLanes(vec![1, 2], 2)).await, [2, 3]);
    assert_eq!(numbers(&store, Step::InLanes(vec![1], 10)).await, [3, 1]);
    assert_eq!(numbers(&store, Step::InLanes(vec![], 10)).await, [0; 0]);
    assert_eq!(numbers(&store, Step::LaneTasks(vec![1], Phase::Pending, 10)).await, [8, 9, 3, 1]);
    assert_eq!(numbers(&store, Step::LaneTasks(vec![2, 1], Phase::Running, 1)).await, [6]);
    let running = vec![Running { all: 2, on_nodes: 1 }, Running::default(), Running::default()];
    assert_eq!(see(&store, Step::RunningIn(vec![1, 0, 2])).await, Seen::Running(running));
    assert_eq!(see(&store, Step::WaitingIn(vec![0, 1, 2])).await, Seen::Waiting(vec![1, 2, 2]));
    write(&store, [Step::UpdateTasks(vec![ended(runs(6, None), Phase::Succeeded, 106)])]).await;
    assert_eq!(numbers(&store, Step::LaneTasks(vec![1], Phase::Running, 10)).await, [7]);
}

/// Lanes are one row each, seen as they are now also after a failure.
pub async fn lanes_are_kept_at_hand<S: Store>(store: S) {
    assert_eq!(see(&store, Step::Lanes).await, Seen::Lanes(vec![]));
    let seen = write(&store, [Step::PutLanes(vec![lane(2), lane(1)]), Step::Lanes]).await;
    assert_eq!(seen[1], Seen::Lanes(vec![lane(1), lane(2)]));
    let failing = [Step::DeleteLanes(vec![1]), Step::Lanes, Step::Fail];
    assert_eq!(run(&store, failing).await, Err(Failed::Itself));
    assert_eq!(write(&store, [Step::Lanes]).await, [Seen::Lanes(vec![lane(1), lane(2)])]);
    let passed = Some(Passed { task: id(5), times: 3, since: at(7) });
    let again = LaneRow { passed, ..lane(1) };
    write(&store, [Step::PutLanes(vec![again.clone()]), Step::DeleteLanes(vec![2, 9])]).await;
    assert_eq!(see(&store, Step::Lanes).await, Seen::Lanes(vec![again]));
}

/// Running attempts of a node, and only those.
pub async fn running_on<S: Store>(store: S) {
    let on = |number, node, phase| TaskRow { node_id: Some(id(node)), phase, reason: None, ..task(number) };
    let anywhere = TaskRow { phase: Phase::Running, ..task(5) };
    let running = Phase::Running;
    insert(
        &store,
        [on(1, 7, running), on(2, 7, Phase::Failed), on(3, 8, running), on(4, 7, running), anywhere],
    )
    .await;
    assert_eq!(numbers(&store, Step::RunningOn(id(7))).await, [1, 4]);
    write(&store, [Step::UpdateTasks(vec![ended(on(1, 7, running), Phase::Succeeded, 9)])]).await;
    assert_eq!(numbers(&store, Step::RunningOn(id(7))).await, [4]);
}

/// The earliest first, those of this very moment too.
pub async fn due<S: Store>(store: S) {
    let due = |number, micros| TaskRow { due_at: Some(at(micros)), ..task(number) };
    assert_eq!(see(&store, Step::NextDue).await, Seen::Time(None));
    insert(&store, [due(1, 30), due(2, 10), due(3, 20), due(4, 10), task(5)]).await;
    assert_eq!(see(&store, Step::NextDue).await, Seen::Time(Some(at(10))));
    assert_eq!(numbers(&store, Step::Due(at(9), 10)).await, [0; 0]);
    assert_eq!(numbers(&store, Step::Due(at(10), 10)).await, [2, 4]);
    assert_eq!(numbers(&store, Step::Due(at(29), 2)).await, [2, 4]);
    assert_eq!(numbers(&store, Step::Due(Timestamp::MAX, 10)).await, [2, 4, 3, 1]);
    let done = [2, 4].map(|number| TaskRow { version: 10 + number, ..task(number) });
    write(&store, [Step::UpdateTasks(done.to_vec())]).await;
    assert_eq!(see(&store, Step::NextDue).await, Seen::Time(Some(at(20))));
}

/// Unfinished tasks.
pub async fn counts<S: Store>(store: S) {
    let phase = |number, phase| TaskRow { phase, ..task(number) };
    let waiting = TaskRow { reason: Some(Reason::WaitingForUpstream), ..task(4) };
    let on_a_node = TaskRow { node_id: Some(id(7)), ..phase(6, Phase::Running) };
    let others = [phase(3, Phase::Running), waiting, phase(5, Phase::Skipped), on_a_node];
    insert(&store, [task(1), task(2)].into_iter().chain(others)).await;
    let counts = LiveCounts { pending: 3, running: 2, on_nodes: 1, claimable: 2 };
    assert_eq!(see(&store, Step::LiveCounts).await, Seen::Counts(counts));
}
