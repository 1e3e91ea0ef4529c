//! The memory store does what every store must.

use uuid::Uuid;

use super::MemoryStore;
use crate::store::{
    Store,
    conformance::{
        rows::{id, new_task, task},
        run,
        script::{Failed, Seen, Step},
        see, write,
    },
};

crate::conformance!((super::MemoryStore::new(uuid::Uuid::nil()), ()));

#[tokio::test]
async fn a_restart_keeps_the_data_and_begins_an_epoch() {
    let first = MemoryStore::new(Uuid::nil());
    let before = write(&first, [Step::InsertTasks(vec![new_task(task(1))]), Step::NextVersion]).await;
    let second = first.restarted();
    assert_eq!((first.info().epoch, second.info().epoch), (1, 2));
    assert_eq!(see(&second, Step::Tasks(vec![id(1)])).await, Seen::Tasks(vec![task(1)]));
    let after = write(&second, [Step::NextVersion]).await;
    assert_eq!((&before[1], &after[0]), (&Seen::Number(1), &Seen::Number(1_000_001)));
    assert_eq!(run(&first, []).await, Err(Failed::Unavailable));
}
