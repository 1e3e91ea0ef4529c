//! What is opened, what is refused, and that a refusal touches nothing.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use rusqlite::config::DbConfig;

use super::{open, raw};
use crate::store::{
    Store, StoreError,
    conformance::{
        rows::{id, new_task, task},
        script::{Seen, Step},
        see, write,
    },
    sqlite::{SqliteOptions, SqliteStore, schema::SCHEMA},
};

fn refusal(dir: &Path) -> StoreError {
    SqliteStore::open(dir, &SqliteOptions::default()).map(|store| store.info()).unwrap_err()
}

/// Every file of a directory but the lock.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named.filter(|(name, _)| name != "lock").map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn all_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    write(&first, [Step::InsertTasks(vec![new_task(task(1))])]).await;
    first.close().await;
    assert_eq!(files(dir.path()).into_keys().collect::<Vec<_>>(), ["ktk.db"]);
    let second = open(dir.path());
    assert_eq!(see(&second, Step::Tasks(vec![id(1)])).await, Seen::Tasks(vec![task(1)]));
    assert_eq!(first.info().id, second.info().id);
    assert_eq!((first.info().epoch, second.info().epoch), (1, 2));
    assert_eq!(first.info().kind, "sqlite");
}

#[tokio::test]
async fn two_stores_have_two_identities() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = dirs.each_ref().map(|dir| open(dir.path()).info().id);
    assert_ne!(one, other);
    assert_eq!(one.get_version_num(), 4);
}

#[tokio::test]
async fn its_files_are_its_owners() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, [Step::InsertTasks(vec![new_task(task(1))])]).await;
    for name in ["ktk.db", "ktk.db-wal", "ktk.db-shm", "lock"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_second_server_is_refused_until_the_first_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = refusal(dir.path());
    assert!(matches!(&error, StoreError::Locked(at) if *at == dir.path().display().to_string()), "{error}");
    store.close().await;
    open(dir.path());
}

#[tokio::test]
async fn the_last_handle_frees_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let other = store.clone();
    drop(store);
    assert!(matches!(refusal(dir.path()), StoreError::Locked(_)));
    drop(other);
    // The threads end by themselves: until then the directory is taken.
    let freed = (0..10_000).any(|_| {
        std::thread::yield_now();
        !matches!(SqliteStore::open(dir.path(), &SqliteOptions::default()), Err(StoreError::Locked(_)))
    });
    assert!(freed);
}

#[tokio::test]
async fn a_newer_schema_is_refused_before_anything_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().await;
    raw(dir.path()).pragma_update(None, "user_version", SCHEMA + 1).unwrap();
    let before = files(dir.path());
    let error = refusal(dir.path());
    assert!(
        matches!(error, StoreError::NewerSchema { found, known } if found == SCHEMA + 1 && known == SCHEMA),
        "{error}"
    );
    assert_eq!(files(dir.path()), before);
}

#[tokio::test]
async fn a_newer_schema_in_the_log_is_refused_too() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().await;
    let newer = raw(dir.path());
    newer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    newer.pragma_update(None, "user_version", SCHEMA + 1).unwrap();
    drop(newer);
    let before = files(dir.path());
    assert!(!before["ktk.db-wal"].is_empty());
    assert!(matches!(refusal(dir.path()), StoreError::NewerSchema { .. }));
    let after = files(dir.path());
    assert_eq!((&after["ktk.db"], &after["ktk.db-wal"]), (&before["ktk.db"], &before["ktk.db-wal"]));
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() {
    for content in [&b"hello"[..], &[0; 4_096], b"SQLite format 3\0 and nothing more"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ktk.db"), content).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        assert_eq!(fs::read(dir.path().join("ktk.db")).unwrap(), content);
    }
    let dir = tempfile::tempdir().unwrap();
    raw(dir.path()).execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = files(dir.path());
    let error = refusal(dir.path());
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(files(dir.path()), before);
}

#[tokio::test]
async fn no_new_store_is_made_over_what_an_old_one_left() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ktk.db-wal"), "the last changes of a store").unwrap();
    for prepare in [|_: &Path| (), |dir: &Path| fs::write(dir.join("ktk.db"), "").unwrap()] {
        prepare(dir.path());
        let error = refusal(dir.path());
        assert!(error.to_string().contains("missing or empty"), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/null", dir.path().join("ktk.db")).unwrap();
    assert!(refusal(dir.path()).to_string().contains("not a plain file"));
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent");
    let error = refusal(&absent);
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains(absent.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_directory_may_be_reached_by_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    open(&link).close().await;
    assert!(real.join("ktk.db").exists());
}

#[test]
fn sqlite_is_new_enough() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}
