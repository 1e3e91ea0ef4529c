//! What is collected as a whole, and what the server notes.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    rows::{at, id, new_pipeline, new_task, pipeline, task},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::{
        rare::{PipelineRare, TaskRare},
        row::{PipelineRow, TaskRow, WholeKind, WholeRow},
    },
    store::Store,
};

async fn wholes<S: Store>(store: &S, step: Step) -> Vec<WholeRow> {
    match see(store, step).await {
        Seen::Wholes(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn numbers(rows: &[WholeRow]) -> Vec<(Uuid, u64)> {
    rows.iter().map(|row| (row.id, row.tasks)).collect()
}

/// Newest incarnations by id, each with all the tasks that go with it; a pipeline's tasks are its own.
pub async fn newest_incarnations_with_all_their_tasks<S: Store>(store: S) {
    let second = TaskRow { context_id: id(1), incarnation: 2, ..task(4) };
    let of = |pipeline, number| TaskRow { pipeline_id: Some(id(pipeline)), ..task(number) };
    let first = TaskRow { newest: false, phase: ktk_client::api::Phase::Failed, ..task(1) };
    let rows = [first, task(2), second, of(20, 5), of(20, 6), of(21, 7)];
    write(&store, [Step::InsertTasks(rows.map(new_task).to_vec())]).await;
    let again = PipelineRow { context_id: id(20), name: "n20".into(), incarnation: 2, ..pipeline(21) };
    let first = PipelineRow { newest: false, name: "n20".into(), ..pipeline(20) };
    let other = PipelineRow { name: "n20".into(), incarnation: 3, ..pipeline(22) };
    write(&store, [Step::InsertPipelines([first, again, other].map(new_pipeline).to_vec())]).await;
    let tasks = wholes(&store, Step::Wholes(WholeKind::Task, Uuid::nil(), 10)).await;
    assert_eq!(numbers(&tasks), [(id(2), 1), (id(4), 2)]);
    let row = task(2);
    let whole = WholeRow {
        kind: WholeKind::Task,
        id: row.id,
        context_id: row.context_id,
        namespace: row.namespace,
        name: row.name,
        phase: row.phase,
        created_at: row.created_at,
        finished_at: row.finished_at,
        deleted_at: row.deleted_at,
        ttl: None,
        tasks: 1,
    };
    assert_eq!(tasks[0], whole);
    assert_eq!(numbers(&wholes(&store, Step::Wholes(WholeKind::Task, id(2), 10)).await), [(id(4), 2)]);
    assert_eq!(numbers(&wholes(&store, Step::Wholes(WholeKind::Task, Uuid::nil(), 1)).await), [(id(2), 1)]);
    let pipelines = wholes(&store, Step::Wholes(WholeKind::Pipeline, Uuid::nil(), 10)).await;
    assert_eq!(numbers(&pipelines), [(id(21), 3), (id(22), 0)]);
    assert_eq!(see(&store, Step::CountTasks).await, Seen::Number(6));
}

/// Those with a time of their own, by that time.
pub async fn in_the_order_of_their_times<S: Store>(store: S) {
    let rare = |micros: i64| TaskRare { expires_at: Some(at(micros)), ..TaskRare::default() };
    let expiring = |number, micros| TaskRow { rare: rare(micros), ..task(number) };
    let rows = [task(1), expiring(2, 30), expiring(3, 9), expiring(4, 30), expiring(5, 100)];
    write(&store, [Step::InsertTasks(rows.map(new_task).to_vec())]).await;
    let rare = PipelineRare { expires_at: Some(at(7)), ..PipelineRare::default() };
    let rows = [pipeline(6), PipelineRow { rare, ..pipeline(7) }];
    write(&store, [Step::InsertPipelines(rows.map(new_pipeline).to_vec())]).await;
    let seen = async |kind, after: (Timestamp, Uuid), limit| {
        let rows = wholes(&store, Step::Expiring(kind, after, limit)).await;
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let first = (Timestamp::MIN, Uuid::nil());
    assert_eq!(seen(WholeKind::Task, first, 10).await, [3, 2, 4, 5].map(id));
    assert_eq!(seen(WholeKind::Task, first, 2).await, [3, 2].map(id));
    assert_eq!(seen(WholeKind::Task, (at(30), id(2)), 10).await, [4, 5].map(id));
    assert!(seen(WholeKind::Task, (at(100), id(5)), 10).await.is_empty());
    assert_eq!(seen(WholeKind::Pipeline, first, 10).await, [id(7)]);
    write(&store, [Step::UpdateTasks(vec![TaskRow { version: 90, ..task(3) }])]).await;
    assert_eq!(seen(WholeKind::Task, first, 1).await, [id(2)], "it has none any more");
}

/// What the server notes is there until it notes something else.
pub async fn facts_are_replaced<S: Store>(store: S) {
    let fact = |name: &str| Step::Fact(name.into());
    assert_eq!(see(&store, fact("a")).await, Seen::Fact(None));
    let put = |value: &str| Step::PutFact("a".into(), value.into());
    write(&store, [put("1"), put("2")]).await;
    assert_eq!(see(&store, fact("a")).await, Seen::Fact(Some("2".into())));
    assert_eq!(see(&store, fact("b")).await, Seen::Fact(None));
}
