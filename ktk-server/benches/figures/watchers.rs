//! 10,000 watchers over a port: what each costs in memory, and how long a change takes to them at 200 changes a second,
//! where each watches a namespace of its own and where all watch everything (two million events a second). It takes as
//! many descriptors on both sides: `ulimit -n 40000`.

use std::{
    io::ErrorKind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use ktk_client::api::{
    Task, Token,
    task::{CreateParams, TaskSpec},
    token::{Role, TokenSpec},
};
use memchr::memmem;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use crate::support::{
    Server,
    sample::{Sample, heading, line, tail_line},
};

const WATCHERS: usize = 10_000;
const CHANGES: usize = 2_000;
/// Between two changes: 200 a second.
const PAUSE: Duration = Duration::from_millis(5);
/// Each watcher of everything notes one change in so many.
const NOTED: usize = 50;
/// What is kept of a piece, so that a name that comes in two is found.
const CARRIED: usize = 32;
const NAME: &[u8] = b"\"name\":\"w";

/// What all watchers share.
struct Scene {
    port: String,
    token: String,
    is_own: bool,
    open: AtomicUsize,
    sent: Vec<Mutex<Option<Instant>>>,
    delays: Mutex<Vec<Duration>>,
}

pub async fn run() -> anyhow::Result<()> {
    heading("10,000 watchers, 200 changes a second", "each change is synced");
    for is_own in [true, false] {
        measure(is_own).await?;
    }
    Ok(())
}

async fn measure(is_own: bool) -> anyhow::Result<()> {
    let flags = ["--listen", "127.0.0.1:0", "--request-rate", "1000000"];
    let server = Server::start(&flags).await?;
    let spec = TokenSpec { role: Role::Viewer, ..TokenSpec::default() };
    let issued = server.client.tokens().create(&Token::new("bench", spec)).await?;
    let scene = Arc::new(Scene {
        port: server.client.server().status().await?.listen.context("it listens")?.replace("http://", ""),
        token: issued.token.context("a new token")?.expose().to_owned(),
        is_own,
        open: AtomicUsize::new(0),
        sent: (0..CHANGES).map(|_| Mutex::new(None)).collect(),
        delays: Mutex::default(),
    });
    let before = resident_kb(server.pid())?;
    let mut watchers = open(&scene).await?;
    let each = (resident_kb(server.pid())? - before) / WATCHERS as f64;
    change(&server, &scene).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let who = if is_own { "each its own namespace" } else { "all everything" };
    let mut memory = Sample::default();
    memory.push(each);
    line(&format!("memory of a watcher, {who} (goal: 64 KB)"), "KB", &memory);
    let delays = std::mem::take(&mut *scene.delays.lock().expect("nobody panics"));
    let expected = if is_own { CHANGES } else { WATCHERS * CHANGES / NOTED };
    ensure!(delays.len() > expected / 2, "only {} of {expected} changes were noted", delays.len());
    let mut sample = Sample::default();
    let step = (delays.len() / 20_000).max(1);
    delays.into_iter().step_by(step).for_each(|delay| sample.push_ms(delay));
    tail_line(&format!("from a change to a watcher, {who} (goal: p99 1 s)"), "ms", &sample);
    watchers.shutdown().await;
    server.stop().await
}

/// Opens all of them.
async fn open(scene: &Arc<Scene>) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let (mut watchers, begun) = (JoinSet::new(), Instant::now());
    for number in 0..WATCHERS {
        let scene = Arc::clone(scene);
        #[expect(clippy::disallowed_methods, reason = "the benchmark keeps and drops them")]
        watchers.spawn(async move { watch(number, &scene).await });
        if number % 200 == 199 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while scene.open.load(Ordering::Relaxed) < WATCHERS {
        let open = scene.open.load(Ordering::Relaxed);
        ensure!(begun.elapsed() < Duration::from_secs(120), "{open} of them are open");
        ensure!(watchers.try_join_next().is_none(), "a watcher has ended: `ulimit -n 40000`?");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(watchers)
}

/// Makes the changes, one after the other.
async fn change(server: &Server, scene: &Scene) -> anyhow::Result<()> {
    for (number, at) in scene.sent.iter().enumerate() {
        let mut object = Task::new(format!("w{number}"), TaskSpec::command(["true"]));
        object.spec.hold = true;
        object.metadata.namespace = Some(format!("n{}", noted_by(number)));
        *at.lock().expect("nobody panics") = Some(Instant::now());
        server
            .client
            .tasks()
            .create_with(CreateParams { object, request_id: None, caller_env: None, dry_run: false })
            .await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Whose namespace a change is in.
fn noted_by(change: usize) -> usize {
    change * 7_919 % WATCHERS
}

/// Watches, and notes how long some changes took.
async fn watch(number: usize, scene: &Scene) -> anyhow::Result<()> {
    let Scene { port, token, is_own, .. } = scene;
    let mut stream = TcpStream::connect(port).await?;
    let of = if *is_own { format!("&namespace=n{number}") } else { String::new() };
    let request = format!(
        "GET /watch?summary=true{of} HTTP/1.1\r\nhost: {port}\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut is_open, mut carried) = (false, Vec::new());
    loop {
        stream.readable().await?;
        let mut piece = [0; 32 << 10];
        let kept = carried.len();
        piece[..kept].copy_from_slice(&carried);
        let count = match stream.try_read(&mut piece[kept..]) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        ensure!(count > 0, "the watch has ended");
        let text = &piece[..kept + count];
        if !is_open && memmem::find(text, b"event: bookmark").is_some() {
            is_open = true;
            scene.open.fetch_add(1, Ordering::Relaxed);
        }
        let rest = note(text, number, scene);
        carried = text[rest.max(text.len().saturating_sub(CARRIED))..].to_vec();
    }
}

/// Notes the changes of a text; says up to where it was read.
fn note(text: &[u8], number: usize, scene: &Scene) -> usize {
    let (now, mut read) = (Instant::now(), 0);
    for at in memmem::find_iter(text, NAME) {
        let name = &text[at + NAME.len()..];
        let Some(end) = name.iter().position(|byte| *byte == b'"') else { break };
        read = at + NAME.len() + end;
        let change: Option<usize> = str::from_utf8(&name[..end]).ok().and_then(|name| name.parse().ok());
        let is_mine = |change: &usize| scene.is_own || change % NOTED == number % NOTED;
        if let Some(change) = change.filter(is_mine)
            && let Some(at) = *scene.sent[change].lock().expect("nobody panics")
        {
            scene.delays.lock().expect("nobody panics").push(now - at);
        }
    }
    read
}

/// What a process has in memory.
fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a size")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
