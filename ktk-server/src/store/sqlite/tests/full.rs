//! A full disk: changes are refused, reads go on, and it is over when there is room.

use super::raw;
use crate::store::{
    conformance::{
        rows::{id, new_task, task},
        run,
        script::{Failed, Seen, Step},
        see, write,
    },
    sqlite::{SqliteOptions, SqliteStore},
};

fn large(number: u64) -> Step {
    let mut row = new_task(task(number));
    row.body = "x".repeat(200_000);
    Step::InsertTasks(vec![row])
}

#[tokio::test]
async fn changes_are_refused_reads_go_on_and_room_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_pages: Some(400), ..SqliteOptions::default() };
    let store = SqliteStore::open(dir.path(), &options).unwrap();
    let mut stored = Vec::new();
    let full = loop {
        let number = stored.len() as u64 + 1;
        match run(&store, [large(number)]).await {
            Ok(_) => stored.push(number),
            Err(error) => break error,
        }
    };
    assert_eq!(full, Failed::Unavailable);
    assert!(!stored.is_empty());
    let all = Step::Tasks((1..50).map(id).collect());
    let expected = Seen::Tasks(stored.iter().copied().map(task).collect());
    for _ in 0..3 {
        assert_eq!(run(&store, [large(49)]).await, Err(Failed::Unavailable));
        assert_eq!(see(&store, all.clone()).await, expected);
    }
    write(&store, [Step::DeleteTasks(vec![id(1)])]).await;
    write(&store, [large(49)]).await;
    store.close().await;
    let check: String = raw(dir.path()).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
