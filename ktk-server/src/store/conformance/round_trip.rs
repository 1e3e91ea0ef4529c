//! Every field of every row comes back as it was written.

use jiff::Timestamp;
use ktk_client::api::{
    Phase, Reason,
    event::Severity,
    node::NodePhase,
    restart::{Action, Cascade, Decision},
    task::{RunIf, TaskProgress},
    unique::HeldWhile,
    worker::Fence,
};
use uuid::Uuid;

use super::{
    rows::{attempt, event, id, new_pipeline, new_task, node, pipeline, request, task, tombstone},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::{
        rare::{PipelineRare, Stage, TaskRare, WholeWish},
        row::{
            AttemptRow, Change, EventRow, NodeRow, PipelineRow, RequestRow, ResultRow, StopWish, TaskRow,
            TombstoneRow,
        },
        unique::Key,
    },
    store::Store,
};

const ODD: &str = "äöü 🦀 \u{0} \n ' \" % \\ \u{7f}";

fn early() -> Timestamp {
    Timestamp::from_second(Timestamp::MIN.as_second()).expect("it is in range")
}

fn late() -> Timestamp {
    Timestamp::from_second(Timestamp::MAX.as_second()).expect("it is in range")
}

/// Every optional field present, every number at its end.
pub fn full_task() -> TaskRow {
    TaskRow {
        id: Uuid::max(),
        context_id: id(1),
        parent_id: Some(Uuid::nil()),
        incarnation: u32::MAX,
        newest: false,
        namespace: ODD.into(),
        name: ODD.into(),
        head: u64::MAX,
        pipeline_id: Some(id(2)),
        step: Some(ODD.into()),
        execution_id: id(3),
        labels: Some("{\"a\":\"b\"}".into()),
        command: ODD.into(),
        executor: ODD.into(),
        queue: ODD.into(),
        lane: u32::MAX,
        priority: i32::MIN,
        run_if: RunIf::Always,
        cascade: Cascade::None,
        phase: Phase::Running,
        reason: Some(Reason::Interrupted),
        message: Some(ODD.into()),
        admitted: true,
        needs: u32::MAX,
        live_needs: u32::MAX,
        bad_needs: u32::MAX,
        attempt: u32::MAX,
        counted: u32::MAX,
        lost: u32::MAX,
        token: Some([7; 32]),
        fence: Some(Fence { epoch: u64::MAX, counter: u64::MAX }),
        node_id: Some(id(4)),
        node: Some(ODD.into()),
        exit_code: Some(i32::MIN),
        output_digest: Some("00".repeat(16)),
        stop: Some(StopWish { reason: Reason::ByUser, now: true }),
        wish: Some("{}".into()),
        created_at: early(),
        updated_at: late(),
        ready_at: Some(early()),
        started_at: Some(late()),
        finished_at: Some(early()),
        due_at: Some(late()),
        deleted_at: Some(early()),
        version: i64::MAX as u64,
        rare: TaskRare {
            stub: true,
            held: true,
            progress: Some(TaskProgress {
                percent: 12.5,
                message: Some("half way".into()),
                at: Timestamp::from_microsecond(7).expect("a small number"),
            }),
            unique: Some(Key { key: ODD.into(), held_while: HeldWhile::Pending, waits: true }),
            jq: Some(Stage::Waiting),
            ttl: Some(ktk_client::api::Duration::from_secs(90)),
            expires_at: Some(late()),
            decision: Some(Decision { action: Action::Keep, why: "ü".into(), at: early() }),
            ..TaskRare::default()
        },
    }
}

/// Tasks with all fields set, none set, and each word of each enum.
pub async fn tasks<S: Store>(store: S) {
    let mut rows = vec![full_task(), task(5), TaskRow { head: 0, ready_at: None, ..task(6) }];
    rows.extend(
        Phase::ALL.iter().map(|phase| TaskRow { phase: *phase, ..task(10 + u64::from(phase.number())) }),
    );
    rows.extend(
        Reason::ALL
            .iter()
            .map(|reason| TaskRow { reason: Some(*reason), ..task(30 + u64::from(reason.number())) }),
    );
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let new = rows.iter().cloned().map(new_task).collect();
    write(&store, [Step::InsertTasks(new)]).await;
    rows.sort_by_key(|row| row.id);
    assert_eq!(see(&store, Step::Tasks(ids.clone())).await, Seen::Tasks(rows.clone()));
    // The same by updates: each becomes what another was.
    for (number, row) in rows.iter_mut().enumerate() {
        let id = row.id;
        *row = match number % 2 {
            0 => TaskRow { version: 1_000 + number as u64, ..full_task() },
            _ => task(2_000 + number as u64),
        };
        row.id = id;
        row.context_id = id;
        row.incarnation = number as u32;
    }
    write(&store, [Step::UpdateTasks(rows.clone())]).await;
    assert_eq!(see(&store, Step::Tasks(ids)).await, Seen::Tasks(rows));
}

/// Pipelines.
pub async fn pipelines<S: Store>(store: S) {
    let full = PipelineRow {
        id: Uuid::max(),
        context_id: id(1),
        parent_id: Some(Uuid::nil()),
        incarnation: u32::MAX,
        newest: false,
        namespace: ODD.into(),
        name: ODD.into(),
        head: u64::MAX,
        labels: Some("{}".into()),
        phase: Phase::Cancelled,
        reason: Some(Reason::Replaced),
        message: Some(ODD.into()),
        total: u32::MAX,
        done: u32::MAX,
        failed: u32::MAX,
        cancelled: u32::MAX,
        admitted: u32::MAX,
        max_parallel: Some(u32::MAX),
        fail_fast: true,
        tripped: true,
        cancel: Some(StopWish { reason: Reason::PipelineCancelled, now: false }),
        restarts: u32::MAX,
        created_at: early(),
        updated_at: late(),
        started_at: Some(early()),
        finished_at: Some(late()),
        deleted_at: Some(late()),
        version: i64::MAX as u64,
        rare: PipelineRare {
            wish: Some(WholeWish {
                parent: Some(id(7)),
                reason: Some("ü".into()),
                by: "uid:1".into(),
                cascade: Cascade::All,
                changes: [("params.n".to_owned(), serde_json::json!(1))].into(),
            }),
            held: true,
            ttl: Some(ktk_client::api::Duration::from_secs(90)),
            expires_at: Some(late()),
            has_hooks: true,
            unique: Some(Key { key: ODD.into(), held_while: HeldWhile::Pending, waits: true }),
            due_at: Some(late()),
            ..PipelineRare::default()
        },
    };
    let rows = vec![pipeline(5), full.clone()];
    let ids = vec![id(5), full.id];
    let new = rows.iter().cloned().map(new_pipeline).collect();
    write(&store, [Step::InsertPipelines(new)]).await;
    assert_eq!(see(&store, Step::Pipelines(ids.clone())).await, Seen::Pipelines(rows));
    let texts = ids.iter().zip([5, full.version]).map(|(id, version)| (*id, format!("{{\"p\":{version}}}")));
    assert_eq!(see(&store, Step::PipelineBodies(ids.clone())).await, Seen::Texts(texts.collect()));
    let changed = PipelineRow { id: id(5), version: 7, name: "other".into(), ..full.clone() };
    write(&store, [Step::UpdatePipelines(vec![changed.clone()])]).await;
    assert_eq!(see(&store, Step::Pipelines(ids)).await, Seen::Pipelines(vec![changed, full]));
}

/// What belongs to a task.
pub async fn results_and_attempts<S: Store>(store: S) {
    let full = AttemptRow {
        task_id: id(1),
        number: u32::MAX,
        node: ODD.into(),
        started_at: early(),
        finished_at: late(),
        reason: Some(Reason::KeepaliveLost),
        exit_code: Some(i32::MAX),
        signal: Some(i32::MIN),
        message: Some(ODD.into()),
    };
    let attempts = vec![AttemptRow { exit_code: None, ..attempt(id(1), 1) }, full];
    let results = vec![
        ResultRow {
            task_id: id(1),
            outputs: Some(ODD.into()),
            resolved: Some("[]".into()),
            inputs: Some("{\"a\":1}".into()),
        },
        ResultRow { task_id: id(2), ..ResultRow::default() },
    ];
    let tasks = [1, 2].map(|number| new_task(task(number))).to_vec();
    write(
        &store,
        [
            Step::InsertTasks(tasks),
            Step::InsertAttempts(attempts.clone()),
            Step::PutTaskResults(results.clone()),
        ],
    )
    .await;
    assert_eq!(see(&store, Step::Attempts(vec![id(1)])).await, Seen::Attempts(attempts));
    assert_eq!(see(&store, Step::TaskResults(vec![id(1), id(2)])).await, Seen::Results(results));
}

/// Events, nodes, requests.
pub async fn events_nodes_and_requests<S: Store>(store: S) {
    let full = EventRow {
        namespace: ODD.into(),
        severity: Severity::Warning,
        reason: ODD.into(),
        object_kind: ODD.into(),
        object_name: ODD.into(),
        object_incarnation: u32::MAX,
        pipeline_id: Some(id(9)),
        by: ODD.into(),
        message: ODD.into(),
        at: late(),
        ..event(2, id(1), 0)
    };
    let events = vec![event(1, id(1), 0), full];
    let words = [NodePhase::Ready, NodePhase::Stopping, NodePhase::Stopped, NodePhase::Lost];
    let nodes: Vec<_> = words
        .iter()
        .zip(1..)
        .map(|(phase, number)| NodeRow {
            phase: *phase,
            name: ODD.into(),
            processes: number % 2 == 0,
            generation: u32::MAX,
            slots: u32::MAX,
            heartbeat_at: late(),
            ..node(number)
        })
        .collect();
    let request = RequestRow { key: ODD.into(), digest: [255; 32], answer: ODD.into(), at: early() };
    let mut steps = vec![Step::InsertEvents(events.clone()), Step::InsertRequest(request.clone())];
    steps.extend(nodes.iter().cloned().map(Step::PutNode));
    write(&store, steps).await;
    assert_eq!(see(&store, Step::ListEvents(None, None, 10)).await, Seen::Events(events));
    assert_eq!(see(&store, Step::Request(ODD.into())).await, Seen::Request(Some(request)));
    assert_eq!(see(&store, Step::Node(id(2))).await, Seen::Nodes(vec![nodes[1].clone()]));
    assert_eq!(see(&store, Step::Nodes).await, Seen::Nodes(nodes));
}

/// Tombstones.
pub async fn tombstones<S: Store>(store: S) {
    let full = TombstoneRow {
        kind: ODD.into(),
        pipeline_id: Some(id(9)),
        namespace: ODD.into(),
        name: ODD.into(),
        incarnation: u32::MAX,
        labels: Some("{}".into()),
        ..tombstone(2, 5)
    };
    let rows = vec![tombstone(1, 4), full];
    write(&store, [Step::InsertTombstones(rows.clone())]).await;
    let changes = rows.into_iter().map(Change::Deleted).collect();
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(changes));
}

/// A manifest and outputs of a mebibyte, and empty ones.
pub async fn large_texts<S: Store>(store: S) {
    let large = "x".repeat(1 << 20);
    let mut rows = vec![new_task(task(1)), new_task(task(2))];
    (rows[0].body, rows[1].body) = (large.clone(), String::new());
    let result = ResultRow {
        task_id: id(1),
        outputs: Some(large.clone()),
        resolved: Some(String::new()),
        inputs: Some(large.clone()),
    };
    let key = request("k", 0);
    write(
        &store,
        [Step::InsertTasks(rows), Step::PutTaskResults(vec![result.clone()]), Step::InsertRequest(key)],
    )
    .await;
    let texts = vec![(id(1), large), (id(2), String::new())];
    assert_eq!(see(&store, Step::TaskBodies(vec![id(1), id(2)])).await, Seen::Texts(texts));
    assert_eq!(see(&store, Step::TaskResults(vec![id(1)])).await, Seen::Results(vec![result]));
}
