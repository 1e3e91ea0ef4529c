//! No-op lifecycles: tasks created in batches over the socket, carried out by handlers of this process; against a
//! bare SQLite loop of the same batches.

use std::time::Instant;

use ktk_client::{Client, api::task::TaskSpec};
use rusqlite::{Connection, params};

use crate::support::{
    ROUNDS, Server,
    sample::{Sample, heading, line, ratio},
    work::{self, NoopWorker},
};

const BATCHES: [usize; 2] = [100, 1000];

pub async fn run() -> anyhow::Result<()> {
    heading(
        "no-op lifecycles over the socket, against insert + claim + complete in SQLite",
        "each create and each report, on both sides: a log that is synced",
    );
    for batch in BATCHES {
        let count = batch * 20;
        // The other side keeps all as well.
        let server = Server::start(&["--retention", "none"]).await?;
        let worker = NoopWorker::start(&server.client, 1024).await?;
        let mut bare = Bare::open()?;
        let (mut ours, mut theirs) = (Sample::default(), Sample::default());
        for round in 0..=ROUNDS {
            let begun = Instant::now();
            create(&server.client, count, batch).await?;
            worker.handled(&server.client, count).await?;
            let our_time = begun.elapsed();
            let begun = Instant::now();
            bare.run(count, batch)?;
            // The first round fills caches.
            if round > 0 {
                ours.push_rate(count, our_time);
                theirs.push_rate(count, begun.elapsed());
            }
        }
        line(&format!("ktk, batches of {batch}"), "/s", &ours);
        line(&format!("bare SQLite, batches of {batch}"), "/s", &theirs);
        ratio("ktk to bare SQLite", &ours, &theirs);
        worker.stop().await?;
        server.stop().await?;
    }
    Ok(())
}

/// Two producers, so that one writes its batch while the other's is stored.
async fn create(client: &Client, count: usize, batch: usize) -> anyhow::Result<()> {
    let spec = TaskSpec::handler(work::NOOP);
    let half = count / 2;
    tokio::try_join!(work::create(client, &spec, half, batch), work::create(client, &spec, half, batch))?;
    Ok(())
}

/// The least that a durable queue of named tasks does: a name is there once, what waits is found by priority and age,
/// an end is that of the attempt that was granted, and says when it was.
struct Bare {
    connection: Connection,
    next: u128,
    _dir: tempfile::TempDir,
}

impl Bare {
    fn open() -> anyhow::Result<Self> {
        let dir = tempfile::TempDir::new()?;
        let connection = Connection::open(dir.path().join("bare.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE tasks (id BLOB PRIMARY KEY, name TEXT NOT NULL, priority INTEGER NOT NULL,
                 state INTEGER NOT NULL, node TEXT, fence INTEGER, created_at INTEGER NOT NULL,
                 started_at INTEGER, finished_at INTEGER, body TEXT NOT NULL) WITHOUT ROWID;
             CREATE UNIQUE INDEX names ON tasks (name);
             CREATE INDEX waiting ON tasks (priority DESC, id) WHERE state = 0;",
        )?;
        Ok(Self { connection, next: 0, _dir: dir })
    }

    fn run(&mut self, count: usize, batch: usize) -> anyhow::Result<()> {
        for round in 0..count / batch {
            let now = round as i64;
            self.create(batch, now)?;
            let granted = self.claim(batch, now)?;
            let complete = self.connection.transaction()?;
            for (id, fence) in granted {
                complete
                    .prepare_cached(
                        "UPDATE tasks SET state = 2, finished_at = ?3 WHERE id = ?1 AND fence = ?2",
                    )?
                    .execute(params![id, fence, now])?;
            }
            complete.commit()?;
        }
        Ok(())
    }

    fn create(&mut self, batch: usize, now: i64) -> anyhow::Result<()> {
        let body = r#"{"spec":{"type":"noop"},"createdBy":"uid:1000"}"#;
        let create = self.connection.transaction()?;
        for _ in 0..batch {
            self.next += 1;
            // Names come in no order.
            let name =
                format!("task-{:032x}", self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            create
                .prepare_cached(
                    "INSERT INTO tasks (id, name, priority, state, created_at, body) VALUES (?1, ?2, 0, 0, ?3, ?4)",
                )?
                .execute(params![self.next.to_be_bytes(), name, now, body])?;
        }
        Ok(create.commit()?)
    }

    /// Ids and fences.
    fn claim(&mut self, batch: usize, now: i64) -> anyhow::Result<Vec<(Vec<u8>, i64)>> {
        let claim = self.connection.transaction()?;
        let granted = claim
            .prepare_cached(
                "UPDATE tasks SET state = 1, node = 'bench.g1', fence = ?2, started_at = ?2 WHERE id IN \
                 (SELECT id FROM tasks WHERE state = 0 ORDER BY priority DESC, id LIMIT ?1) RETURNING id, fence",
            )?
            .query_map(params![batch as i64, now], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        claim.commit()?;
        Ok(granted)
    }
}
