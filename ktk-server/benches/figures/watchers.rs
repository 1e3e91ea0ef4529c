//! 10,000 watchers over a port: what each costs in memory, and how long a change takes to all of them at 200 changes a
//! second. It takes as many descriptors on both sides: `ulimit -n 40000`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use ktk_client::api::{
    Token,
    task::{CreateParams, TaskSpec},
    token::{Role, TokenSpec},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    Server,
    sample::{Sample, heading, line, tail_line},
};

const WATCHERS: usize = 10_000;
const CHANGES: usize = 2_000;
/// Between two changes: 200 a second.
const PAUSE: Duration = Duration::from_millis(5);
/// Each watcher notes one change in so many.
const NOTED: usize = 50;

pub async fn run() -> anyhow::Result<()> {
    heading("10,000 watchers, 200 changes a second", "each change is synced");
    let flags = ["--listen", "127.0.0.1:0", "--request-rate", "1000000"];
    let server = Server::start(&flags).await?;
    let spec = TokenSpec { role: Role::Viewer, ..TokenSpec::default() };
    let issued = server.client.tokens().create(&Token::new("bench", spec)).await?;
    let token = issued.token.context("a new token")?.expose().to_owned();
    let port = server.client.server().status().await?.listen.context("it listens")?.replace("http://", "");
    let before = resident_kb(server.pid())?;
    let (open, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let delays = Arc::new(Mutex::new(Vec::new()));
    let sent: Arc<Vec<Mutex<Option<Instant>>>> = Arc::new((0..CHANGES).map(|_| Mutex::new(None)).collect());
    let mut watchers = tokio::task::JoinSet::new();
    for number in 0..WATCHERS {
        let (token, port, open) = (token.clone(), port.clone(), Arc::clone(&open));
        let (delays, sent) = (Arc::clone(&delays), Arc::clone(&sent));
        #[expect(clippy::disallowed_methods, reason = "the benchmark keeps and drops them")]
        watchers.spawn(async move { watch(number, &port, &token, &open, &delays, &sent).await });
        if number % 200 == 199 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while open.load(Ordering::Relaxed) < WATCHERS {
        ensure!(
            begun.elapsed() < Duration::from_secs(120),
            "{} of them are open",
            open.load(Ordering::Relaxed)
        );
        ensure!(watchers.try_join_next().is_none(), "a watcher has ended: `ulimit -n 40000`?");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let each = (resident_kb(server.pid())? - before) / WATCHERS as f64;
    for (number, at) in sent.iter().enumerate() {
        let mut object = ktk_client::api::Task::new(format!("w{number}"), TaskSpec::handler("nobody-yet"));
        object.spec = TaskSpec { hold: true, ..TaskSpec::command(["true"]) };
        *at.lock().expect("nobody panics") = Some(Instant::now());
        server
            .client
            .tasks()
            .create_with(CreateParams { object, request_id: None, caller_env: None })
            .await?;
        tokio::time::sleep(PAUSE).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut memory = Sample::default();
    memory.push(each);
    line("memory of a watcher (goal: 64 KB)", "KB", &memory);
    let mut sample = Sample::default();
    let delays = std::mem::take(&mut *delays.lock().expect("nobody panics"));
    ensure!(delays.len() > WATCHERS * CHANGES / NOTED / 2, "only {} changes were noted", delays.len());
    let step = (delays.len() / 20_000).max(1);
    delays.into_iter().step_by(step).for_each(|delay| sample.push_ms(delay));
    tail_line("from a change to a watcher (goal: p99 1 s)", "ms", &sample);
    watchers.shutdown().await;
    server.stop().await
}

/// Watches, and notes how long some changes took.
async fn watch(
    number: usize,
    port: &str,
    token: &str,
    open: &AtomicUsize,
    delays: &Mutex<Vec<Duration>>,
    sent: &[Mutex<Option<Instant>>],
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(port).await?;
    let request =
        format!("GET /watch?summary=true HTTP/1.1\r\nhost: {port}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut text, mut piece, mut is_open) = (String::new(), vec![0; 4096], false);
    loop {
        let count = stream.read(&mut piece).await?;
        ensure!(count > 0, "the watch has ended");
        let now = Instant::now();
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
        if !is_open && text.contains("event: bookmark") {
            is_open = true;
            open.fetch_add(1, Ordering::Relaxed);
        }
        while let Some((event, rest)) = text.split_once("\n\n") {
            let name = event.split("\"name\":\"w").nth(1).and_then(|rest| rest.split('"').next());
            let change: Option<usize> = name.and_then(|name| name.parse().ok());
            if let Some(change) = change.filter(|change| change % NOTED == number % NOTED)
                && let Some(at) = *sent[change].lock().expect("nobody panics")
            {
                delays.lock().expect("nobody panics").push(now - at);
            }
            text = rest.to_owned();
        }
    }
}

/// What a process has in memory.
fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a size")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
