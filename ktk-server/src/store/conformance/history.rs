//! Versions, changes, and what deleted objects leave.

use super::{
    rows::{at, id, new_pipeline, new_task, node, pipeline, task, tombstone},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::row::{Change, NodeRow, TaskRow},
    store::Store,
};

fn changed(row: &TaskRow) -> Change {
    Change::Task(Box::new(row.clone()))
}

/// Tasks and pipelines in one order, each at its latest version only.
pub async fn changes_in_version_order<S: Store>(store: S) {
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(vec![]));
    let tasks = [task(3), task(1), task(5)].map(new_task).to_vec();
    write(&store, [Step::InsertTasks(tasks), Step::InsertPipelines(vec![new_pipeline(pipeline(2))])]).await;
    let pipeline = Change::Pipeline(Box::new(pipeline(2)));
    let all = vec![changed(&task(1)), pipeline.clone(), changed(&task(3)), changed(&task(5))];
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(all.clone()));
    assert_eq!(see(&store, Step::Changes(1, 2)).await, Seen::Changes(all[1..3].to_vec()));
    assert_eq!(see(&store, Step::Changes(5, 10)).await, Seen::Changes(vec![]));
    assert_eq!(see(&store, Step::Changes(u64::MAX, 10)).await, Seen::Changes(vec![]));
    let again = TaskRow { version: 9, ..task(1) };
    write(&store, [Step::UpdateTasks(vec![again.clone()])]).await;
    let all = vec![pipeline, changed(&task(3)), changed(&task(5)), changed(&again)];
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(all));
}

/// A deletion is a change of its own.
pub async fn deletions_are_changes<S: Store>(store: S) {
    write(&store, [Step::InsertTasks([task(1), task(2)].map(new_task).to_vec())]).await;
    write(&store, [Step::DeleteTasks(vec![id(1)]), Step::InsertTombstones(vec![tombstone(3, 0)])]).await;
    let all = vec![changed(&task(2)), Change::Deleted(tombstone(3, 0))];
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(all));
}

/// History begins behind the newest tombstone that was removed, and never earlier again.
pub async fn trimmed_history<S: Store>(store: S) {
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(0));
    let rows = vec![tombstone(3, 10), tombstone(4, 20), tombstone(6, 30)];
    write(&store, [Step::InsertTombstones(rows), Step::TrimTombstones(at(10))]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(0));
    write(&store, [Step::TrimTombstones(at(30))]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(4));
    assert_eq!(
        see(&store, Step::Changes(0, 10)).await,
        Seen::Changes(vec![Change::Deleted(tombstone(6, 30))])
    );
    write(&store, [Step::TrimTombstones(at(30))]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(4));
}

/// The newest tombstones are kept, and history begins behind the others.
pub async fn limited_history<S: Store>(store: S) {
    let rows = vec![tombstone(3, 10), tombstone(4, 20), tombstone(6, 30)];
    write(&store, [Step::InsertTombstones(rows), Step::LimitTombstones(3)]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(0));
    write(&store, [Step::LimitTombstones(1)]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(4));
    let left = vec![Change::Deleted(tombstone(6, 30))];
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(left));
    write(&store, [Step::LimitTombstones(0), Step::LimitTombstones(0)]).await;
    assert_eq!(see(&store, Step::HistoryStart).await, Seen::Number(6));
}

/// The newest version of any row; it stays when that row goes.
pub async fn newest_version<S: Store>(store: S) {
    assert_eq!(see(&store, Step::Version).await, Seen::Number(0));
    write(&store, [Step::InsertTasks(vec![new_task(task(3))])]).await;
    assert_eq!(see(&store, Step::Version).await, Seen::Number(3));
    write(&store, [Step::InsertPipelines(vec![new_pipeline(pipeline(5))])]).await;
    assert_eq!(see(&store, Step::Version).await, Seen::Number(5));
    write(&store, [Step::PutNode(NodeRow { version: 7, ..node(1) })]).await;
    assert_eq!(see(&store, Step::Version).await, Seen::Number(7));
    write(&store, [Step::DeleteTasks(vec![id(3)]), Step::InsertTombstones(vec![tombstone(8, 0)])]).await;
    assert_eq!(see(&store, Step::Version).await, Seen::Number(8));
    write(&store, [Step::TrimTombstones(at(1))]).await;
    assert_eq!(see(&store, Step::Version).await, Seen::Number(8));
}
