//! A small store of each schema that has landed is kept in `tests/fixtures/`, and is opened.
//!
//! To make the one of a new schema:
//! `KTK_TEST_WRITE_FIXTURE=1 cargo nextest run -p ktk-server store::sqlite::tests::fixture`

use std::{fs, path::PathBuf};

use super::open;
use crate::{
    model::{
        rare::TaskRare,
        row::{NeedRow, ResultRow, TaskRow},
    },
    store::{
        Store,
        conformance::{
            round_trip::full_task,
            rows::{
                at, attempt, event, id, new_pipeline, new_task, node, pipeline, request, task, tombstone,
            },
            script::{Script, Seen, Step},
            write,
        },
        sqlite::schema::SCHEMA,
    },
};

fn fixture(schema: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/schema-{schema}"))
}

/// What the store of schema 1 holds. A later schema adds what is new in it, and changes nothing.
fn content() -> Vec<Step> {
    vec![
        Step::InsertTasks(
            [
                task(1),
                TaskRow { pipeline_id: Some(id(9)), ..task(2) },
                TaskRow {
                    context_id: id(50),
                    lane: 0,
                    rare: TaskRare::default(),
                    token: None,
                    ..full_task()
                },
            ]
            .map(new_task)
            .to_vec(),
        ),
        Step::InsertAttempts(vec![attempt(id(1), 1)]),
        Step::PutTaskResults(vec![ResultRow {
            task_id: id(1),
            outputs: Some("{}".into()),
            ..ResultRow::default()
        }]),
        Step::InsertNeeds(vec![NeedRow { need: id(1), dependent: id(2) }]),
        Step::InsertPipelines(vec![new_pipeline(pipeline(9))]),
        Step::InsertTombstones(vec![tombstone(10, 0), tombstone(11, 5)]),
        Step::TrimTombstones(at(1)),
        Step::InsertEvents(vec![event(12, id(1), 0)]),
        Step::PutNode(node(13)),
        Step::InsertRequest(request("task.create/1", 0)),
    ]
}

fn all() -> Script {
    let ids = vec![id(1), id(2), full_task().id];
    Script::new([
        Step::Changes(0, 100),
        Step::TaskBodies(ids.clone()),
        Step::TaskResults(ids.clone()),
        Step::Attempts(ids.clone()),
        Step::NeedsOf(ids),
        Step::PipelineBodies(vec![id(9)]),
        Step::HistoryStart,
        Step::ListEvents(None, None, 100),
        Step::Nodes,
        Step::Request("task.create/1".into()),
    ])
}

#[tokio::test]
async fn each_schema_that_has_landed_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = open(dir.path());
    write(&fresh, content()).await;
    let expected = fresh.read(all()).await.unwrap();
    assert!(!expected.contains(&Seen::Tasks(vec![])));
    fresh.close().await;
    #[expect(clippy::disallowed_methods, reason = "whoever makes a schema says so by hand")]
    if std::env::var_os("KTK_TEST_WRITE_FIXTURE").is_some() {
        fs::create_dir_all(fixture(SCHEMA)).unwrap();
        fs::write(fixture(SCHEMA).join("ktk.db"), fs::read(dir.path().join("ktk.db")).unwrap()).unwrap();
    }
    for schema in 1..=SCHEMA {
        let dir = tempfile::tempdir().unwrap();
        let old = fs::read(fixture(schema).join("ktk.db")).expect("each schema has its fixture");
        fs::write(dir.path().join("ktk.db"), old).unwrap();
        let store = open(dir.path());
        assert_eq!(store.read(all()).await.unwrap(), expected, "schema {schema}");
        assert_eq!(store.info().epoch, 2);
        store.close().await;
    }
}
