//! The end of a store: what waits is done, what comes later is told so.

use futures_util::future::{join, join_all};

use super::{empty, open};
use crate::store::{
    Store, StoreError,
    conformance::{
        rows::{id, new_task, task},
        run,
        script::{Failed, Script, Seen, Step},
        see,
    },
};

#[tokio::test]
async fn what_was_acknowledged_is_there_and_nothing_hangs() {
    let (store, dir) = empty();
    let writes = (1..=200).map(|number| {
        let store = store.clone();
        async move { (number, run(&store, [Step::InsertTasks(vec![new_task(task(number))])]).await) }
    });
    let (outcomes, ()) = join(join_all(writes), store.close()).await;
    let reopened = open(dir.path());
    for (number, outcome) in outcomes {
        let expected = match outcome {
            Ok(_) => vec![task(number)],
            Err(error) => {
                assert_eq!(error, Failed::Unavailable);
                vec![]
            }
        };
        assert_eq!(see(&reopened, Step::Tasks(vec![id(number)])).await, Seen::Tasks(expected));
    }
}

#[tokio::test]
async fn later_calls_are_refused() {
    let (store, _dir) = empty();
    store.close().await;
    store.close().await;
    assert_eq!(run(&store, [Step::Version]).await, Err(Failed::Unavailable));
    assert_eq!(store.read(Script::new([Step::Version])).await, Err(Failed::Unavailable));
}

#[tokio::test]
async fn reads_that_wait_are_answered() {
    let (store, _dir) = empty();
    let reads = (0..100).map(|_| store.read(Script::new([Step::Version])));
    let (outcomes, ()) = join(join_all(reads), store.close()).await;
    for outcome in outcomes {
        assert!(matches!(outcome, Ok(_) | Err(Failed::Unavailable)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_store_that_has_failed_says_why() {
    let (store, _dir) = empty();
    store.failure.set("the disk is gone");
    assert_eq!(store.failed().await, "the disk is gone");
    let failed = Failed::from(StoreError::Failed("the disk is gone".into()));
    assert_eq!(run(&store, [Step::Version]).await, Err(failed));
    // What is on the disk can still be looked at.
    assert_eq!(see(&store, Step::Version).await, Seen::Number(0));
}
