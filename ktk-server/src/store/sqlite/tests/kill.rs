//! kill -9 at any moment: what was acknowledged is there, each operation whole or not at all.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use futures_util::future::join_all;

use super::open;
use crate::{
    model::row::TaskRow,
    store::{
        Durability, Operation, Store, StoreError, Tx,
        conformance::rows::{id, new_task, task},
        sqlite::SqliteStore,
    },
};

/// The directory of the process that is to be killed.
const DIR: &str = "KTK_TEST_KILL_DIR";
const ROUNDS: usize = 20;
const WRITERS: u64 = 8;

/// Two tasks, which belong together.
struct Pair {
    number: u64,
    durability: Durability,
}

impl Operation for Pair {
    type Output = u64;
    type Error = StoreError;

    fn durability(&self) -> Durability {
        self.durability
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<u64, StoreError> {
        let rows = [2 * self.number, 2 * self.number + 1]
            .map(|number| TaskRow { version: tx.next_version(), ..task(number) });
        let last = rows[1].version;
        tx.insert_tasks(&rows.map(new_task)).await?;
        Ok(last)
    }
}

struct Look(Vec<u64>);

impl Operation for Look {
    type Output = Vec<TaskRow>;
    type Error = StoreError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<TaskRow>, StoreError> {
        let ids: Vec<_> = self.0.iter().flat_map(|number| [id(2 * number), id(2 * number + 1)]).collect();
        tx.tasks(&ids).await
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives() {
    #[expect(clippy::disallowed_methods, reason = "how this test tells its own child what it is")]
    if let Some(dir) = std::env::var_os(DIR) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut last_version = 0;
    for round in 0..ROUNDS {
        let acknowledged = one_life(dir.path(), 20 + 37 * round);
        let store = open(dir.path());
        last_version = check(&store, &acknowledged, last_version).await;
        store.close().await;
    }
}

/// Starts a writer, kills it after some answers, and gives them all: (number, version).
fn one_life(dir: &Path, answers: usize) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::sqlite::tests::kill::what_was_acknowledged_survives", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((number, version)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        // The last line may be cut off in the middle.
        let Some(version) = version.strip_suffix('.') else { continue };
        acknowledged.push((number.parse().unwrap(), version.parse().unwrap()));
        if acknowledged.len() == answers {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= answers, "the child ended by itself");
    acknowledged
}

async fn write_until_killed(dir: &Path) {
    let store = open(dir);
    // Numbers that no other life has used.
    let first = store.info().epoch * 1_000_000;
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        async move {
            for round in 0.. {
                let number = first + round * WRITERS + writer;
                let durability = if writer % 4 == 0 { Durability::Relaxed } else { Durability::Synced };
                let version = store.write(Pair { number, durability }).await.unwrap();
                let mut out = std::io::stdout();
                out.write_all(format!("ack {number} {version}.\n").as_bytes()).unwrap();
                out.flush().unwrap();
            }
        }
    });
    join_all(writers).await;
}

/// The newest version that was used.
async fn check(store: &SqliteStore, acknowledged: &[(u64, u64)], last_version: u64) -> u64 {
    let highest = acknowledged.iter().map(|(number, _)| *number).max().unwrap();
    let life = highest / 1_000_000 * 1_000_000;
    assert_eq!(life / 1_000_000 + 1, store.info().epoch);
    // Beyond the highest: what was written, but not acknowledged.
    let rows = store.read(Look((life..highest + 10 * WRITERS).collect())).await.unwrap();
    assert_eq!(rows.len() % 2, 0);
    for pair in rows.chunks(2) {
        assert_eq!(pair[0].version + 1, pair[1].version, "half of an operation");
        assert!(pair[0].version > last_version, "a version was used again");
    }
    for (number, version) in acknowledged {
        let found = rows.iter().filter(|row| [id(2 * number), id(2 * number + 1)].contains(&row.id));
        assert_eq!(
            found.map(|row| row.version).collect::<Vec<_>>(),
            [version - 1, *version],
            "{number} is lost"
        );
    }
    rows.iter().map(|row| row.version).max().unwrap()
}
