//! What the sqlite store takes for a task's life, beside a bare loop over one table in the same
//! run: `cargo bench -p ktk-server --bench store [-- ROUNDS]`.
//!
//! A life is: insert (row and manifest), claim (find in order, update), end (load, update, insert
//! the attempt). 100 operations share a commit; every commit is synced, for both.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and ends where it fails")]

use std::{path::Path, time::Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use ktk_client::api::{Phase, Reason, restart::Cascade, task::RunIf};
use ktk_server::{
    model::row::{AttemptRow, NewTask, TaskRow},
    store::{
        Operation, Store, StoreError, Tx,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use rusqlite::{Connection, params};
use uuid::Uuid;

const BATCH: usize = 100;
const LIVES: usize = 20_000;
const BODY: &str = r#"{"spec":{"run":{"command":["convert","in.png","out.png"],"workingDir":"/srv/pictures"},"inputs":{"width":200,"height":300},"retry":{"limit":3}},"env":{"PATH":"/usr/local/bin:/usr/bin:/bin","HOME":"/home/someone","LANG":"C.UTF-8"}}"#;

fn main() {
    let rounds = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (mut lives, mut reads): ([Vec<Figure>; 3], Vec<f64>) = Default::default();
    for _ in 0..rounds {
        let dir = tempfile::tempdir_in(".").unwrap();
        lives[0].push(bare(dir.path()));
        let (batches, singles, read) = runtime.block_on(ours(dir.path()));
        lives[1].push(batches);
        lives[2].push(singles);
        reads.push(read);
    }
    println!("{LIVES} lives, {BATCH} operations a commit, synced, medians of {rounds} rounds");
    println!("{:24}{:>10}{:>8}{:>14}", "", "lives/s", "ratio", "CPU µs/life");
    let rate = |figures: &[Figure]| median(figures.iter().map(|figure| figure.per_second));
    let bare = rate(&lives[0]);
    for (name, figures) in
        ["bare loop", "store, 100 rows a call", "store, 100 calls at once"].iter().zip(&lives)
    {
        let cpu = median(figures.iter().map(|figure| figure.cpu_us));
        println!("{name:24}{:>10.0}{:>8.2}{cpu:>14.1}", rate(figures), rate(figures) / bare);
    }
    println!("a read of one task: {:.1} µs", median(reads.into_iter()));
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How fast it went, and what it cost: the clock is shared with whoever else uses the machine.
#[derive(Clone, Copy)]
struct Figure {
    per_second: f64,
    cpu_us: f64,
}

/// Times a piece of work.
struct Timer(Instant, f64);

impl Timer {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn stop(&self) -> Figure {
        let lives = LIVES as f64;
        let took = self.0.elapsed().as_secs_f64();
        Figure { per_second: lives / took, cpu_us: (cpu_seconds() - self.1) * 1e6 / lives }
    }
}

/// What all threads of this process have used, in user and kernel mode.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// What SQLite does at best: one table, one partial index, the same three steps.
fn bare(dir: &Path) -> Figure {
    let db = Connection::open(dir.join("bare.db")).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    db.execute_batch(
        "CREATE TABLE t (id BLOB PRIMARY KEY, state INTEGER NOT NULL, ready_at INTEGER, body TEXT) WITHOUT ROWID;
         CREATE INDEX t_ready ON t (ready_at, id) WHERE state = 0;",
    )
    .unwrap();
    let begun = Timer::start();
    for batch in 0..LIVES / BATCH {
        let transaction = db.unchecked_transaction().unwrap();
        let mut insert = db.prepare_cached("INSERT INTO t VALUES (?1, 0, ?2, ?3)").unwrap();
        for number in 0..BATCH {
            let number = (batch * BATCH + number) as u64;
            insert.execute(params![id(number).as_bytes(), number.cast_signed(), BODY]).unwrap();
        }
        transaction.commit().unwrap();
        let transaction = db.unchecked_transaction().unwrap();
        let mut find =
            db.prepare_cached("SELECT id FROM t WHERE state = 0 ORDER BY ready_at, id LIMIT ?1").unwrap();
        let found: Vec<[u8; 16]> =
            find.query_map([BATCH as i64], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let mut update = db.prepare_cached("UPDATE t SET state = ?2 WHERE id = ?1").unwrap();
        for id in &found {
            update.execute(params![id, 1]).unwrap();
        }
        transaction.commit().unwrap();
        let transaction = db.unchecked_transaction().unwrap();
        for id in &found {
            update.execute(params![id, 2]).unwrap();
        }
        transaction.commit().unwrap();
    }
    begun.stop()
}

async fn ours(dir: &Path) -> (Figure, Figure, f64) {
    let store = SqliteStore::open(dir, &SqliteOptions::default()).unwrap();
    let begun = Timer::start();
    for batch in 0..LIVES / BATCH {
        let numbers: Vec<u64> = (0..BATCH).map(|number| (batch * BATCH + number) as u64).collect();
        store.write(Insert(numbers)).await.unwrap();
        let claimed = store.write(Claim(BATCH)).await.unwrap();
        assert_eq!(claimed.len(), BATCH);
        store.write(End(claimed)).await.unwrap();
    }
    let batches = begun.stop();
    let begun = Timer::start();
    for batch in LIVES / BATCH..2 * LIVES / BATCH {
        let numbers = (0..BATCH).map(|number| (batch * BATCH + number) as u64);
        join_all(numbers.map(|number| store.write(Insert(vec![number])))).await;
        let claimed = join_all((0..BATCH).map(|_| store.write(Claim(1)))).await;
        join_all(claimed.into_iter().map(|claimed| store.write(End(claimed.unwrap())))).await;
    }
    let singles = begun.stop();
    let begun = Instant::now();
    for number in 0..2_000 {
        assert_eq!(store.read(Get(id(number))).await.unwrap(), 1);
    }
    let read = begun.elapsed().as_secs_f64() * 1e6 / 2_000.0;
    store.close().await;
    (batches, singles, read)
}

/// Ids in the order of their making, like UUIDv7.
fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0193_6f2e_8c00_7000 + (number << 16), 0x8000_0000_0000_0000 | number)
}

fn time(number: u64) -> Timestamp {
    Timestamp::from_microsecond(1_790_000_000_000_000 + number.cast_signed()).unwrap()
}

fn row(number: u64, version: u64) -> TaskRow {
    let now = time(number);
    let head = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    TaskRow {
        id: id(number),
        context_id: id(number),
        parent_id: None,
        incarnation: 1,
        newest: true,
        namespace: "default".into(),
        name: ktk_client::api::id::human_name(head) + &number.to_string(),
        head,
        pipeline_id: None,
        step: None,
        execution_id: id(number),
        labels: None,
        command: "convert in.png out.png".into(),
        executor: String::new(),
        queue: "default".into(),
        lane: 0,
        priority: 0,
        run_if: RunIf::Success,
        cascade: Cascade::Auto,
        phase: Phase::Pending,
        reason: Some(Reason::Queued),
        message: None,
        admitted: true,
        needs: 0,
        live_needs: 0,
        bad_needs: 0,
        attempt: 0,
        counted: 0,
        lost: 0,
        fence: None,
        token: None,
        node_id: None,
        node: None,
        exit_code: None,
        output_digest: None,
        stop: None,
        wish: None,
        created_at: now,
        updated_at: now,
        ready_at: Some(now),
        started_at: None,
        finished_at: None,
        due_at: None,
        deleted_at: None,
        version,
        rare: Default::default(),
    }
}

struct Insert(Vec<u64>);

impl Operation for Insert {
    type Output = ();
    type Error = StoreError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), StoreError> {
        let mut tasks = Vec::with_capacity(self.0.len());
        for number in &self.0 {
            tasks.push(NewTask { row: row(*number, tx.next_version()), body: BODY.into() });
        }
        tx.insert_tasks(&tasks).await
    }
}

struct Claim(usize);

impl Operation for Claim {
    type Output = Vec<Uuid>;
    type Error = StoreError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Uuid>, StoreError> {
        let mut rows = tx.claimable(&[String::new()], self.0).await?;
        for row in &mut rows {
            (row.phase, row.reason, row.attempt) = (Phase::Running, None, 1);
            (row.node_id, row.node) = (Some(id(1)), Some("local.g1".into()));
            (row.fence, row.version) = (Some(tx.next_fence()), tx.next_version());
            row.started_at = Some(time(row.version));
        }
        tx.update_tasks(&rows).await?;
        Ok(rows.iter().map(|row| row.id).collect())
    }
}

struct End(Vec<Uuid>);

impl Operation for End {
    type Output = ();
    type Error = StoreError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), StoreError> {
        let mut rows = tx.tasks(&self.0).await?;
        let now = time(2);
        for row in &mut rows {
            (row.phase, row.fence, row.node_id) = (Phase::Succeeded, None, None);
            (row.finished_at, row.exit_code, row.version) = (Some(now), Some(0), tx.next_version());
        }
        tx.update_tasks(&rows).await?;
        let attempts: Vec<_> = self.0.iter().map(|task| attempt(*task, now)).collect();
        tx.insert_attempts(&attempts).await
    }
}

fn attempt(task_id: Uuid, at: Timestamp) -> AttemptRow {
    AttemptRow {
        task_id,
        number: 1,
        node: "local.g1".into(),
        started_at: at,
        finished_at: at,
        reason: None,
        exit_code: Some(0),
        signal: None,
        message: None,
    }
}

struct Get(Uuid);

impl Operation for Get {
    type Output = usize;
    type Error = StoreError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<usize, StoreError> {
        Ok(tx.tasks(&[self.0]).await?.len())
    }
}
