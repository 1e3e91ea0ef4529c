//! Who watches: changes at hand, changes of before the start, and changes that are not at hand yet.

use super::open;
use crate::{
    model::row::TaskRow,
    store::{
        conformance::{
            rows::{id, new_task, task},
            script::{Seen, Step},
            see, write,
        },
        sqlite::{
            SqliteOptions,
            open::open_reader,
            recent::{Recent, Written},
            session::Session,
            tx::changes,
            warm::Warm,
        },
    },
};

fn versions(seen: Seen) -> Vec<u64> {
    let Seen::Changes(changes) = seen else { panic!("{seen:?}") };
    changes.iter().map(crate::model::row::Change::version).collect()
}

#[tokio::test]
async fn changes_of_before_the_start_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, [Step::InsertTasks([task(1), task(2)].map(new_task).to_vec())]).await;
    store.close().await;
    let store = open(dir.path());
    write(&store, [Step::UpdateTasks(vec![TaskRow { version: 5, ..task(1) }])]).await;
    assert_eq!(versions(see(&store, Step::Changes(0, 10)).await), [2, 5], "a walk over all tasks");
    assert_eq!(versions(see(&store, Step::Changes(2, 10)).await), [5], "at hand");
    assert_eq!(see(&store, Step::Version).await, Seen::Number(5));
    store.close().await;
}

#[tokio::test]
async fn what_is_committed_but_not_at_hand_is_told_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let recent = Recent::new(0);
    write(&store, [Step::InsertTasks([task(1), task(2)].map(new_task).to_vec())]).await;
    let reader = open_reader(&dir.path().canonicalize().unwrap().join("ktk.db"), &SqliteOptions::default());
    let session = Session::new(reader.unwrap(), Warm::default(), recent.clone());
    let publish = |version| {
        let mut written = Written::default();
        written.push(version, id(version));
        recent.publish(&mut written);
    };
    publish(1);
    let told = |after| changes::after(&session, after, 10).unwrap().len();
    assert_eq!(told(0), 1, "the second would be passed over for ever, were a later one told before it");
    publish(2);
    assert_eq!((told(0), told(1)), (2, 1));
    store.close().await;
}

#[tokio::test]
async fn what_is_written_again_as_the_same_version_is_one_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, [Step::InsertTasks(vec![new_task(task(1))])]).await;
    let again = Step::UpdateTasks(vec![TaskRow { message: Some("again".into()), ..task(1) }]);
    let mut seen = write(&store, [again, Step::Changes(0, 10)]).await;
    assert_eq!(versions(seen.pop().unwrap()), [1], "one is at hand, and one is not committed yet");
    store.close().await;
}
