//! A stored row that cannot be read is left out, and stops nobody.

use ktk_client::api::Phase;

use super::{empty, raw};
use crate::{
    model::row::TaskRow,
    store::{
        ListQuery,
        conformance::{
            rows::{at, event, id, new_pipeline, new_task, node, pipeline, task},
            script::{Seen, Step},
            see, write,
        },
    },
};

#[tokio::test]
async fn it_is_left_out_of_every_load() {
    let (store, dir) = empty();
    let row = |number| TaskRow { due_at: Some(at(number as i64)), head: 5, ..task(number) };
    let running = |number| TaskRow { phase: Phase::Running, node_id: Some(id(9)), ..row(number) };
    write(
        &store,
        [
            Step::InsertTasks([row(1), row(2), running(3), running(4)].map(new_task).to_vec()),
            Step::InsertPipelines([pipeline(5), pipeline(6)].map(new_pipeline).to_vec()),
            Step::InsertEvents(vec![event(7, id(1), 0), event(8, id(1), 0)]),
            Step::PutNode(node(9)),
            Step::PutNode(node(10)),
        ],
    )
    .await;
    raw(dir.path())
        .execute_batch(
            "UPDATE tasks SET run_if = 99 WHERE version IN (1, 3);
             UPDATE pipelines SET created_at = 9223372036854775807 WHERE version = 5;
             UPDATE events SET object_id = x'00' WHERE message = 'event 7';
             UPDATE nodes SET slots = -1 WHERE version = 9;",
        )
        .unwrap();
    let list = ListQuery { limit: 1, ..ListQuery::default() };
    let readable = Seen::Tasks(vec![row(2)]);
    for step in [
        Step::Tasks(vec![id(1), id(2)]),
        Step::NewestTasks(vec![id(1), id(2)]),
        Step::TasksByHead(0..=9, 1),
        Step::Claimable(vec![String::new()], 1),
        Step::Due(at(100), 1),
        Step::ListTasks(list.clone()),
    ] {
        assert_eq!(see(&store, step.clone()).await, readable, "{step:?}");
    }
    let nothing = Seen::Tasks(vec![]);
    assert_eq!(see(&store, Step::ContextTasks(id(1))).await, nothing);
    assert_eq!(see(&store, Step::TaskNamed("default".into(), task(1).name)).await, nothing);
    assert_eq!(see(&store, Step::RunningOn(id(9))).await, Seen::Tasks(vec![running(4)]));
    assert_eq!(see(&store, Step::NextDue).await, Seen::Time(Some(at(2))));
    let pipelines = Seen::Pipelines(vec![pipeline(6)]);
    assert_eq!(see(&store, Step::Pipelines(vec![id(5), id(6)])).await, pipelines);
    assert_eq!(see(&store, Step::ListPipelines(list)).await, pipelines);
    let Seen::Changes(changes) = see(&store, Step::Changes(0, 3)).await else { panic!("no changes") };
    assert_eq!(changes.iter().map(|change| change.version()).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(see(&store, Step::ListEvents(None, None, 9)).await, Seen::Events(vec![event(8, id(1), 0)]));
    assert_eq!(see(&store, Step::Nodes).await, Seen::Nodes(vec![node(10)]));
}

#[tokio::test]
async fn it_can_be_repaired_and_deleted() {
    let (store, dir) = empty();
    write(&store, [Step::InsertTasks([task(1), task(2)].map(new_task).to_vec())]).await;
    raw(dir.path()).execute_batch("UPDATE tasks SET phase = 99").unwrap();
    let list = ListQuery { limit: 9, ..ListQuery::default() };
    assert_eq!(see(&store, Step::ListLines(list)).await, Seen::Lines(vec![]));
    write(&store, [Step::UpdateTasks(vec![task(1)]), Step::DeleteTasks(vec![id(2)])]).await;
    assert_eq!(see(&store, Step::Tasks(vec![id(1), id(2)])).await, Seen::Tasks(vec![task(1)]));
}
