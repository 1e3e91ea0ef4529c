//! The conformance suite, and what only files can suffer: crashes, restarts, links and a disk that fails.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;

use super::super::conformance::{FENCE, conformance_suite, entry, new_key, read_all, text_of};
use super::super::{LogWriter, Stream};
use super::*;
use crate::limits::{LOG_HEAD_BYTES, LOG_SEGMENTS, LOG_TAIL_BYTES};

fn store() -> (TempDir, Arc<dyn LogStore>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = reopen(&directory);
    (directory, store)
}

fn reopen(directory: &TempDir) -> Arc<dyn LogStore> {
    Arc::new(FileLogStore::open(&directory.path().join("logs")).expect("the directory opens"))
}

conformance_suite!(store);

fn file_of(directory: &TempDir, key: LogKey) -> PathBuf {
    let task = key.task.to_string();
    directory.path().join("logs").join(&task[34..]).join(format!("{task}.{}", key.attempt))
}

fn out(bytes: impl AsRef<[u8]>) -> Entry {
    entry(1, Stream::Stdout, bytes)
}

#[tokio::test]
async fn a_torn_tail_is_ignored_wherever_it_is_torn() {
    let (directory, store) = store();
    let key = new_key();
    store.append(key, FENCE, 0, &[out("whole"), out("torn")]).await.expect("it is written");
    let path = file_of(&directory, key);
    let whole = fs::read(&path).expect("the file is there");
    let first_end = whole.len() - 16 - 4;
    for kept in 0..whole.len() {
        fs::write(&path, &whole[..kept]).expect("it is cut");
        let text = text_of(&reopen(&directory), key).await.expect("it is read");
        assert_eq!(text, if kept < first_end { &b""[..] } else { b"whole" }, "cut after {kept} bytes");
        assert!(reopen(&directory).read(key, Cursor::at(5), 9).await.expect("it is read").ended);
    }
    for rest in [&[0; 64][..], b"remains of something else that lay there"] {
        fs::write(&path, [&whole[..], rest].concat()).expect("it is written");
        assert_eq!(text_of(&reopen(&directory), key).await.expect("it is read"), b"wholetorn");
    }
}

#[tokio::test]
async fn a_writer_goes_on_behind_a_torn_tail() {
    let (directory, store) = store();
    let key = new_key();
    store.append(key, FENCE, 0, &[out("whole"), out("torn")]).await.expect("it is written");
    let file = OpenOptions::new().write(true).open(file_of(&directory, key)).expect("it opens");
    file.set_len(file.metadata().expect("it is there").len() - 1).expect("it is cut");
    let store = reopen(&directory);
    let refused = store.append(key, FENCE, 9, &[out("!")]).await;
    assert!(matches!(refused, Err(LogError::Gap { end: 5, offset: 9, .. })), "{refused:?}");
    store.append(key, FENCE, 5, &[out("t")]).await.expect("it goes on");
    assert_eq!(text_of(&store, key).await.expect("it is read"), b"wholet");
    assert_eq!(text_of(&reopen(&directory), key).await.expect("it is read"), b"wholet");
}

#[tokio::test]
async fn a_large_log_reads_the_same_after_a_restart_and_keeps_its_size() {
    let (directory, store) = store();
    let key = new_key();
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    for number in 0..130u8 {
        let block = vec![number; 1 << 20];
        writer.write(Stream::Stdout, &block, Timestamp::UNIX_EPOCH).await.expect("it is written");
    }
    writer.finish().await.expect("it ends");
    let before = read_all(&store, key, 1 << 20).await.expect("it is read");
    let restarted = reopen(&directory);
    assert!(
        before == read_all(&restarted, key, 1 << 20).await.expect("it is read"),
        "both runs read the same"
    );
    let folder = file_of(&directory, key).parent().expect("it has one").to_owned();
    let files: Vec<_> = fs::read_dir(&folder).expect("it lists").flatten().collect();
    assert!(files.len() <= 1 + usize::from(LOG_SEGMENTS));
    let bytes: u64 = files.iter().map(|file| file.metadata().expect("it is there").len()).sum();
    assert!(bytes < LOG_HEAD_BYTES + LOG_TAIL_BYTES + (8 << 20), "{bytes} bytes on the disk");
    restarted.remove(key.task).await.expect("it is removed");
    assert_eq!(fs::read_dir(&folder).expect("it lists").count(), 0);
}

#[tokio::test]
async fn files_are_lazy_and_private() {
    let (directory, store) = store();
    let key = new_key();
    let writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    writer.finish().await.expect("it ends");
    store.append(key, FENCE, 0, &[]).await.expect("nothing is written");
    let root = directory.path().join("logs");
    assert_eq!(fs::read_dir(&root).expect("it lists").count(), 0, "no output, no file");
    let key = new_key();
    store.append(key, FENCE, 0, &[out("x")]).await.expect("it is written");
    let path = file_of(&directory, key);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("it has one")), mode(&root)), (0o600, 0o700, 0o700));
}

#[tokio::test]
async fn links_are_not_followed() {
    let (directory, store) = store();
    let (key, outside) = (new_key(), directory.path().join("outside"));
    fs::write(&outside, "secret").expect("it is written");
    let path = file_of(&directory, key);
    fs::create_dir(path.parent().expect("it has one")).expect("the folder is new");
    symlink(&outside, &path).expect("a link");
    assert!(matches!(store.read(key, Cursor::START, 9).await, Err(LogError::Io { .. })));
    assert!(matches!(store.append(key, FENCE, 0, &[out("x")]).await, Err(LogError::Io { .. })));
    let other = new_key();
    let folder = file_of(&directory, other).parent().expect("it has one").to_owned();
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it is new");
    if !folder.exists() {
        symlink(&elsewhere, &folder).expect("a link");
        assert!(matches!(store.append(other, FENCE, 0, &[out("x")]).await, Err(LogError::Io { .. })));
    }
    assert_eq!(fs::read(&outside).expect("it is there"), b"secret");
    assert_eq!(fs::read_dir(&elsewhere).expect("it lists").count(), 0);
}

#[tokio::test]
async fn a_writer_gets_over_a_disk_that_fails() {
    let (directory, store) = store();
    let key = new_key();
    let folder = file_of(&directory, key).parent().expect("it has one").to_owned();
    // A file in the folder's place: every open fails, for root as well.
    fs::File::create(&folder).and_then(|mut file| file.write_all(b"in the way")).expect("it is written");
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..3 {
        let failed = writer.write(Stream::Stdout, &block, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(failed, Err(LogError::Io { .. })), "{failed:?}");
    }
    fs::remove_file(&folder).expect("it is removed");
    writer.write(Stream::Stdout, b"again", Timestamp::UNIX_EPOCH).await.expect("the disk is back");
    writer.finish().await.expect("it ends");
    let chunks = read_all(&store, key, 1 << 20).await.expect("it is read");
    let dropped: Vec<u64> = chunks.iter().filter_map(|chunk| chunk.dropped).collect();
    assert_eq!(dropped, [2 << 20], "the first block was kept, the others are counted");
    assert!(text_of(&store, key).await.expect("it is read") == [&block[..], b"again"].concat());
}

#[tokio::test]
async fn a_damaged_file_is_a_gap_and_no_endless_read() {
    let (directory, store) = store();
    let key = new_key();
    store.append(key, FENCE, 0, &[out("first"), out("second"), out("third")]).await.expect("it is written");
    let path = file_of(&directory, key);
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[16 + 16 + 5 + 12] = 77;
    fs::write(&path, bytes).expect("it is written");
    let chunks = read_all(&store, key, 100).await.expect("it is read");
    assert_eq!(chunks[0].entries, [out("first")]);
    assert_eq!(chunks[1].dropped, Some(11));
}
