//! No-op lifecycles: tasks created in batches over the socket, carried out by handlers of this process; against a
//! bare SQLite loop of the same batches.

use std::time::Instant;

use ktk_client::api::task::TaskSpec;
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
        "each create and each report, both sides: WAL, synchronous=FULL",
    );
    for batch in BATCHES {
        let count = batch * 20;
        let server = Server::start(&[]).await?;
        let worker = NoopWorker::start(&server.client, 1024).await?;
        let mut bare = Bare::open()?;
        let (mut ours, mut theirs) = (Sample::default(), Sample::default());
        for round in 0..=ROUNDS {
            let begun = Instant::now();
            work::create(&server.client, &TaskSpec::handler(work::NOOP), count, batch).await?;
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

/// The least that a durable queue does.
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
             CREATE TABLE tasks (id BLOB PRIMARY KEY, state INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
             CREATE INDEX live ON tasks (id) WHERE state = 0;",
        )?;
        Ok(Self { connection, next: 0, _dir: dir })
    }

    fn run(&mut self, count: usize, batch: usize) -> anyhow::Result<()> {
        let body = r#"{"spec":{"type":"noop"},"createdBy":"uid:1000"}"#;
        for _ in 0..count / batch {
            let insert = self.connection.transaction()?;
            for _ in 0..batch {
                self.next += 1;
                insert
                    .prepare_cached("INSERT INTO tasks VALUES (?1, 0, ?2)")?
                    .execute(params![self.next.to_be_bytes(), body])?;
            }
            insert.commit()?;
            let claim = self.connection.transaction()?;
            let ids: Vec<Vec<u8>> = claim
                .prepare_cached(
                    "UPDATE tasks SET state = 1 WHERE id IN \
                     (SELECT id FROM tasks WHERE state = 0 ORDER BY id LIMIT ?1) RETURNING id",
                )?
                .query_map([batch as i64], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            claim.commit()?;
            let complete = self.connection.transaction()?;
            for id in ids {
                complete.prepare_cached("UPDATE tasks SET state = 2 WHERE id = ?1")?.execute([id])?;
            }
            complete.commit()?;
        }
        Ok(())
    }
}
