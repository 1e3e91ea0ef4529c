//! Rows to begin from: plausible, small, each case changes what it is about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ktk_client::api::{Phase, Reason, event::Severity, node::NodePhase, restart::Cascade, task::RunIf};
use uuid::Uuid;

use crate::model::{
    entity::EntityRow,
    lane::{Lane, LaneRow},
    rare::{PipelineRare, TaskRare},
    row::{
        AttemptRow, EventRow, NewPipeline, NewTask, NodeRow, PipelineRow, RequestRow, TaskRow, TombstoneRow,
    },
};

/// An id that can be told from others by its number.
pub fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0193_6f2e_8c00_7000, 0x8000_0000_0000_0000 | number)
}

/// A time, some microseconds after a fixed one.
pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_790_000_000_000_000 + micros).expect("it is in range")
}

/// A queued task, root of its context, that any node may claim.
pub fn task(number: u64) -> TaskRow {
    TaskRow {
        id: id(number),
        context_id: id(number),
        parent_id: None,
        incarnation: 1,
        newest: true,
        namespace: "default".into(),
        name: format!("task-{number:06}"),
        head: number,
        pipeline_id: None,
        step: None,
        execution_id: id(number),
        labels: None,
        command: "true".into(),
        executor: String::new(),
        queue: "default".into(),
        lane: 0,
        priority: 0,
        run_if: RunIf::Success,
        cascade: Cascade::Auto,
        phase: Phase::Pending,
        reason: Some(Reason::Queued),
        message: None,
        admitted: true,
        needs: 0,
        live_needs: 0,
        bad_needs: 0,
        attempt: 0,
        counted: 0,
        lost: 0,
        fence: None,
        token: None,
        node_id: None,
        node: None,
        exit_code: None,
        output_digest: None,
        stop: None,
        wish: None,
        created_at: at(0),
        updated_at: at(0),
        ready_at: Some(at(0)),
        started_at: None,
        finished_at: None,
        due_at: None,
        deleted_at: None,
        version: number,
        rare: TaskRare::default(),
    }
}

/// The same task, ended.
pub fn ended(row: TaskRow, phase: Phase, version: u64) -> TaskRow {
    TaskRow { phase, reason: None, finished_at: Some(at(9)), fence: None, node_id: None, version, ..row }
}

/// The next incarnation of a task.
pub fn restart_of(row: &TaskRow, number: u64) -> TaskRow {
    TaskRow {
        context_id: row.context_id,
        parent_id: Some(row.id),
        incarnation: row.incarnation + 1,
        name: row.name.clone(),
        namespace: row.namespace.clone(),
        ..task(number)
    }
}

/// A task with its manifest.
pub fn new_task(row: TaskRow) -> NewTask {
    NewTask { body: format!("{{\"n\":{}}}", row.version), row }
}

/// A pipeline that has not begun.
pub fn pipeline(number: u64) -> PipelineRow {
    PipelineRow {
        id: id(number),
        context_id: id(number),
        parent_id: None,
        incarnation: 1,
        newest: true,
        namespace: "default".into(),
        name: format!("pipeline-{number:06}"),
        head: number,
        labels: None,
        phase: Phase::Pending,
        reason: None,
        message: None,
        total: 3,
        done: 0,
        failed: 0,
        cancelled: 0,
        admitted: 0,
        max_parallel: None,
        fail_fast: false,
        tripped: false,
        cancel: None,
        restarts: 0,
        created_at: at(0),
        updated_at: at(0),
        started_at: None,
        finished_at: None,
        deleted_at: None,
        version: number,
        rare: PipelineRare::default(),
    }
}

/// A pipeline with its manifest.
pub fn new_pipeline(row: PipelineRow) -> NewPipeline {
    NewPipeline { body: format!("{{\"p\":{}}}", row.version), row }
}

/// An attempt that ended well.
pub fn attempt(task: Uuid, number: u32) -> AttemptRow {
    AttemptRow {
        task_id: task,
        number,
        node: "local.g1".into(),
        started_at: at(1),
        finished_at: at(2),
        reason: None,
        exit_code: Some(0),
        signal: None,
        message: None,
    }
}

/// An event of an object.
pub fn event(number: u64, object: Uuid, micros: i64) -> EventRow {
    EventRow {
        id: id(number),
        at: at(micros),
        namespace: "default".into(),
        severity: Severity::Normal,
        reason: "Created".into(),
        object_kind: "Task".into(),
        object_id: object,
        object_name: "task".into(),
        object_incarnation: 1,
        pipeline_id: None,
        by: "somebody".into(),
        message: format!("event {number}"),
    }
}

/// A node that takes work.
pub fn node(number: u64) -> NodeRow {
    NodeRow {
        id: id(number),
        name: format!("node-{number}"),
        role: "worker".into(),
        generation: 1,
        slots: 4,
        labels: "{}".into(),
        types: "[]".into(),
        processes: true,
        phase: NodePhase::Ready,
        registered_at: at(0),
        heartbeat_at: at(0),
        version: number,
    }
}

/// A lane of tasks that need a permit.
pub fn lane(id: u32) -> LaneRow {
    let semaphores = BTreeMap::from([(format!("s{id}"), id)]);
    LaneRow { id, lane: Lane { semaphores, ..Lane::default() }, passed: None }
}

/// An object without a namespace.
pub fn entity(kind: &str, name: &str, version: u64) -> EntityRow {
    EntityRow {
        id: id(version),
        kind: kind.into(),
        name: name.into(),
        labels: None,
        body: format!("{{\"v\":{version}}}"),
        created_at: at(0),
        updated_at: at(0),
        version,
    }
}

/// A remembered request.
pub fn request(key: &str, micros: i64) -> RequestRow {
    RequestRow { key: key.into(), digest: [7; 32], answer: "{}".into(), at: at(micros) }
}

/// What is left of a task.
pub fn tombstone(version: u64, micros: i64) -> TombstoneRow {
    TombstoneRow {
        version,
        kind: "Task".into(),
        id: id(version),
        context_id: id(version),
        pipeline_id: None,
        namespace: "default".into(),
        name: format!("task-{version}"),
        incarnation: 1,
        labels: None,
        at: at(micros),
    }
}
