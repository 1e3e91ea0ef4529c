//! Versions are never given twice: over restarts, blocks and rollbacks.

use super::{open, raw};
use crate::store::{
    Durability, Operation, Store, StoreError, Tx,
    conformance::rows::{new_task, task},
    sqlite::numbers::BLOCK,
};

/// Takes versions, writes a task with the last of them, and may fail then.
struct Take {
    versions: u64,
    durability: Durability,
    fails: bool,
}

impl Operation for Take {
    type Output = (u64, u64);
    type Error = StoreError;

    fn durability(&self) -> Durability {
        self.durability
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(u64, u64), StoreError> {
        let first = tx.next_version();
        let last = (1..self.versions).map(|_| tx.next_version()).last().unwrap_or(first);
        assert!(last == 0 || last - first == self.versions - 1);
        tx.insert_tasks(&[new_task(task(last))]).await?;
        if self.fails { Err(StoreError::Failed("on purpose".into())) } else { Ok((first, last)) }
    }
}

const SYNCED: Take = Take { versions: 1, durability: Durability::Synced, fails: false };
const RELAXED: Take = Take { durability: Durability::Relaxed, ..SYNCED };

fn reserved(dir: &std::path::Path) -> u64 {
    let end: i64 = raw(dir).query_row("SELECT versions_end FROM meta", [], |row| row.get(0)).unwrap();
    end.cast_unsigned()
}

#[tokio::test]
async fn each_start_begins_a_block() {
    let dir = tempfile::tempdir().unwrap();
    for start in 0..4 {
        let store = open(dir.path());
        assert_eq!(reserved(dir.path()), (start + 1) * BLOCK);
        assert_eq!(store.write(SYNCED).await.unwrap(), (start * BLOCK + 1, start * BLOCK + 1));
        store.close().await;
    }
}

#[tokio::test]
async fn a_block_that_is_used_up_is_followed_by_another() {
    for across in [SYNCED, RELAXED] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        store.write(Take { versions: BLOCK - 1, ..SYNCED }).await.unwrap();
        assert_eq!(reserved(dir.path()), BLOCK);
        let (first, last) = store.write(Take { versions: 5, ..across }).await.unwrap();
        assert!(first >= BLOCK && last > BLOCK, "{first} to {last}");
        assert!(reserved(dir.path()) >= last);
        let (next, _) = store.write(RELAXED).await.unwrap();
        assert_eq!(next, last + 1);
        store.close().await;
        let (first, _) = open(dir.path()).write(SYNCED).await.unwrap();
        assert!(first > next);
    }
}

#[tokio::test]
async fn a_block_that_was_rolled_back_is_set_aside_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let much = 3 * BLOCK;
    store.write(Take { versions: much, fails: true, ..SYNCED }).await.unwrap_err();
    assert_eq!(reserved(dir.path()), BLOCK);
    let (first, last) = store.write(SYNCED).await.unwrap();
    assert!(first > much);
    assert!(reserved(dir.path()) >= last);
    store.close().await;
    let (next, _) = open(dir.path()).write(SYNCED).await.unwrap();
    assert!(next > last);
}
