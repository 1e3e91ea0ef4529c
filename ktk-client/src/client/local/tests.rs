//! Starting, replacing and waiting for a local server: a shell script is started, and the test
//! answers on the socket in its place.
#![expect(clippy::disallowed_methods, reason = "tests start tasks and make ids by hand")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};

use super::*;
use crate::{
    api::{age, task::Task},
    client::{Client, ClientBuilder, ServerAddress},
    limits,
};

/// A data directory with a script in the place of the server.
struct Place {
    directory: tempfile::TempDir,
    notices: Arc<Mutex<Vec<Notice>>>,
}

impl Place {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("server");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("ours");
        Self { directory, notices: Arc::default() }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        socket_path(&self.data())
    }

    /// A client that starts the script; as soon as it is ready, the test answers in its place.
    fn builder(&self, answers: &Answers) -> ClientBuilder {
        let (socket, answers, notices) = (self.socket(), answers.clone(), self.notices.clone());
        Client::builder()
            .address(ServerAddress::DataDir(self.data()))
            .autostart(Autostart::Auto)
            .program(self.directory.path().join("server"))
            .on_notice(move |notice| {
                if matches!(notice, Notice::ServerStarted { .. } | Notice::ServerReplaced { .. }) {
                    answers.clone().listen(&socket);
                }
                notices.lock().expect("no panic").push(notice);
            })
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.data().join("starts")).unwrap_or_default().lines().count()
    }

    fn notices(&self) -> Vec<Notice> {
        self.notices.lock().expect("no panic").clone()
    }
}

/// Says that it is ready after it has left a mark; stays for a moment as a server does.
const READY: &str = r#"echo started >> "$5/starts"; echo ready"#;

/// A server of a few words.
#[derive(Clone)]
struct Answers {
    version: String,
    /// Answers of `/rpc`, in order; the last one is repeated.
    bodies: Arc<Mutex<Vec<(String, String)>>>,
    calls: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Answers {
    fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            bodies: Arc::new(Mutex::new(vec![(String::new(), task_answer())])),
            calls: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// The next answer has these headers and this body; then comes the usual one.
    fn first(self, headers: &str, body: &str) -> Self {
        self.bodies.lock().expect("no panic").insert(0, (headers.to_owned(), body.to_owned()));
        self
    }

    fn listen(self, socket: &Path) -> tokio::task::JoinHandle<()> {
        let _ = fs::remove_file(socket);
        let listener = UnixListener::bind(socket).expect("a free path");
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(self.clone().serve(stream));
            }
        })
    }

    async fn serve(self, mut stream: UnixStream) {
        let mut bytes = Vec::new();
        loop {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
                continue;
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().expect("a number"));
            while bytes.len() < end + 4 + length {
                stream.read_buf(&mut bytes).await.expect("the rest");
            }
            let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
            bytes.drain(..end + 4 + length);
            let own = (self.version.as_str(), "b");
            let wanted = head.lines().find_map(|line| line.strip_prefix("ktk-not-older-than: "));
            let mut status = "200 OK";
            let (extra, answer) = if head.starts_with("get /healthz") {
                (String::new(), "ok".to_owned())
            } else if wanted.is_some_and(|wanted| age::is_older(own, age::read_header(wanted))) {
                status = "412 Precondition Failed";
                (String::new(), "{}".to_owned())
            } else {
                self.calls.fetch_add(1, Ordering::SeqCst);
                self.requests.lock().expect("no panic").push(body);
                let mut bodies = self.bodies.lock().expect("no panic");
                if bodies.len() > 1 { bodies.remove(0) } else { bodies[0].clone() }
            };
            let text = format!(
                "HTTP/1.1 {status}\r\nktk-version: {}\r\nktk-build: b\r\nktk-auto-started: true\r\n{extra}\
                 content-length: {}\r\n\r\n{answer}",
                self.version,
                answer.len()
            );
            let is_written = stream.write_all(text.as_bytes()).await.is_ok();
            // A server that was stopped closes its connections.
            if !is_written || answer.contains("\"pid\"") {
                return;
            }
        }
    }
}

fn task_answer() -> String {
    let task = Task::new("x", Default::default());
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": task}).to_string()
}

fn refusal(reason: &str) -> String {
    let error = serde_json::json!({"code": -32000, "message": "because", "data": {"reason": reason}});
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "error": error}).to_string()
}

#[tokio::test]
async fn a_call_that_reaches_nobody_starts_the_server_with_its_own_surroundings() {
    let script = r#"{ echo "$@"; pwd; cut -d' ' -f5 /proc/$$/stat; echo $$; env; ls -l /proc/self/fd/; } > "$5/seen" 2>&1; echo oops >&2; echo ready"#;
    let place = Place::new(script);
    let answers = Answers::new("0.1.0");
    let client = place.builder(&answers).server_args(["--store", "memory"]).build().expect("a client");
    assert_eq!(client.tasks().get("x").await.expect("an answer").metadata.name(), "x");
    assert!(matches!(place.notices()[..], [Notice::ServerStarted { .. }]), "{:?}", place.notices());

    let seen = fs::read_to_string(place.data().join("seen")).expect("written");
    let mut lines = seen.lines();
    let data = place.data();
    let args = format!("server run --auto-started --data-dir {} --store memory", data.display());
    assert_eq!((lines.next(), lines.next()), (Some(&*args), Some("/")));
    assert_ne!(lines.next(), lines.next(), "the leader of a process group cannot begin a session");
    assert!(seen.contains("PATH=") && !seen.contains("CARGO"), "{seen}");
    assert_eq!(fs::read_to_string(data.join(LOG_FILE)).expect("a log"), "oops\n");
    let mode = |path: &Path| fs::metadata(path).expect("made").permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join(LOG_FILE))), (0o700, 0o600));
    // The caller's environment goes along with what runs on this machine.
    assert!(client.transport().is_local());
}

#[tokio::test]
async fn many_that_reach_nobody_start_one_server() {
    let place = Place::new(READY);
    let answers = Answers::new("0.1.0");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let client = place.builder(&answers).build().expect("a client");
        calls.spawn(async move { client.tasks().get("x").await.map(|_| ()) });
    }
    for result in calls.join_all().await {
        result.expect("an answer");
    }
    assert_eq!((place.starts(), place.notices().len()), (1, 1));
}

#[tokio::test]
async fn a_server_that_dies_at_once_is_an_error_with_the_end_of_its_log() {
    let place = Place::new("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i >&2; done; exit 3");
    let client = place.builder(&Answers::new("0.1.0")).build().expect("a client");
    fs::create_dir(place.data()).expect("made");
    fs::write(place.data().join(LOG_FILE), "of an earlier start\n").expect("written");
    let error = client.tasks().get("x").await.expect_err("no server");
    assert!(error.is_unreachable());
    let Error::Autostart { reason, log, log_tail } = &error else { panic!("{error:?}") };
    assert!(reason.contains("exit status: 3"), "{reason}");
    assert_eq!(log.as_deref(), Some(&*place.data().join(LOG_FILE)));
    assert_eq!((log_tail.len(), log_tail[0].as_str(), log_tail[9].as_str()), (10, "line 3", "line 12"));
}

#[tokio::test]
async fn nothing_is_started_where_it_must_not_be_or_cannot() {
    let place = Place::new(READY);
    let answers = Answers::new("0.1.0");
    let client = place.builder(&answers).autostart(Autostart::Never).build().expect("a client");
    let error = client.tasks().get("x").await.expect_err("nobody there");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let client =
        place.builder(&answers).address(ServerAddress::Unix(place.socket())).build().expect("a client");
    assert!(matches!(client.tasks().get("x").await, Err(Error::Unreachable { .. })));
    assert_eq!(place.starts(), 0);
    assert!(!place.data().exists());

    let client = place.builder(&answers).program("/nonexistent/ktk").build().expect("a client");
    let error = client.tasks().get("x").await.expect_err("no program").to_string();
    assert!(error.contains("/nonexistent/ktk"), "{error}");
    let client = place.builder(&answers).program("ktk-no-such-program").build().expect("a client");
    let error = client.tasks().get("x").await.expect_err("no program").to_string();
    assert!(error.contains("no program ktk-no-such-program in PATH"), "{error}");
}

#[tokio::test]
async fn a_long_log_is_put_aside() {
    let place = Place::new("echo new >&2; echo ready");
    fs::create_dir(place.data()).expect("made");
    let log = place.data().join(LOG_FILE);
    fs::File::create(&log).expect("made").set_len(limits::SERVER_LOG_BYTES).expect("space");
    let client = place.builder(&Answers::new("0.1.0")).build().expect("a client");
    client.tasks().get("x").await.expect("an answer");
    assert_eq!(fs::read_to_string(&log).expect("a log"), "new\n");
    let aside = fs::metadata(place.data().join("server.log.1")).expect("put aside");
    assert_eq!(aside.len(), limits::SERVER_LOG_BYTES);
}

#[tokio::test]
async fn a_start_waits_until_the_server_before_has_gone() {
    let place = Place::new(READY);
    prepare_data_dir(&place.data()).expect("a directory");
    let held = fs::File::create(place.data().join(LOCK_FILE)).expect("made");
    flock(&held, FlockOperation::NonBlockingLockExclusive).expect("free");
    let client = place.builder(&Answers::new("0.1.0")).build().expect("a client");
    let calling = tokio::spawn(async move { client.tasks().get("x").await });
    while !place.notices().contains(&Notice::WaitingForStop) {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.starts(), 0);
    drop(held);
    calling.await.expect("no panic").expect("an answer");
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn a_server_that_somebody_else_starts_is_taken_as_soon_as_it_answers() {
    let place = Place::new(READY);
    prepare_data_dir(&place.data()).expect("a directory");
    let held = fs::File::create(place.data().join(LOCK_FILE)).expect("made");
    flock(&held, FlockOperation::NonBlockingLockExclusive).expect("free");
    let client = place.builder(&Answers::new("0.1.0")).build().expect("a client");
    let calling = tokio::spawn(async move { client.tasks().get("x").await });
    while !place.notices().contains(&Notice::WaitingForStop) {
        tokio::task::yield_now().await;
    }
    // As `server run` does: its lock first, and later its socket.
    Answers::new("0.1.0").listen(&place.socket());
    let answer = tokio::time::timeout(Duration::from_secs(30), calling).await;
    answer.expect("it does not wait for the lock").expect("no panic").expect("an answer");
    assert_eq!(place.starts(), 0);
    drop(held);
}

#[tokio::test]
async fn new_work_that_a_stopping_server_refuses_goes_to_the_next() {
    let place = Place::new(READY);
    prepare_data_dir(&place.data()).expect("a directory");
    let old = Answers::new("0.1.0")
        .first("ktk-stopping: true\r\n", &refusal("Unavailable"))
        .first("ktk-stopping: true\r\n", &refusal("NotFound"));
    let old_calls = old.calls.clone();
    let serving = old.listen(&place.socket());
    let new = Answers::new("0.1.0");
    let client = place.builder(&new).build().expect("a client");
    // Any other refusal is an answer.
    assert!(client.tasks().get("x").await.expect_err("refused").is_not_found());
    let calling = tokio::spawn(async move { client.tasks().get("x").await });
    while old_calls.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    // It goes, as a server that has been stopped does.
    serving.abort();
    let _ = serving.await;
    fs::remove_file(place.socket()).expect("there");
    calling.await.expect("no panic").expect("an answer");
    assert_eq!(new.calls.load(Ordering::SeqCst) + old_calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_older_idle_server_is_replaced_and_a_busy_one_is_noticed_once() {
    for is_idle in [true, false] {
        let place = Place::new(READY);
        prepare_data_dir(&place.data()).expect("a directory");
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"pid":1}}"#.to_owned();
        let old = Answers::new("0.1.0").first("", &if is_idle { answer } else { refusal("Conflict") });
        let old_requests = old.requests.clone();
        old.listen(&place.socket());
        let new = Answers::new("0.2.0");
        let client = place.builder(&new).own_build("0.2.0", "b").build().expect("a client");
        for _ in 0..2 {
            client.tasks().get("x").await.expect("an answer");
        }
        let first = old_requests.lock().expect("no panic")[0].clone();
        assert!(first.contains("server.stop") && first.contains(r#""ifIdle":true"#), "{first}");
        let notices = place.notices();
        if is_idle {
            assert!(
                matches!(&notices[..], [Notice::ServerReplaced { version }] if version == "0.1.0"),
                "{notices:?}"
            );
            assert_eq!((place.starts(), new.calls.load(Ordering::SeqCst)), (1, 2));
        } else {
            let older = Notice::ServerOlder { version: "0.1.0".into(), own_version: "0.2.0".into() };
            assert_eq!((notices, place.starts()), (vec![older], 0));
        }
    }
}

#[tokio::test]
async fn what_follows_starts_a_crashed_server_and_no_stopped_one() {
    let place = Place::new(READY);
    prepare_data_dir(&place.data()).expect("a directory");
    let answers = Answers::new("0.1.0");
    let client = place.builder(&answers).build().expect("a client");
    let error = client.transport().revive(Revival::Resume).await.expect_err("no socket: it was stopped");
    assert!(error.is_stopping());
    // A socket that nobody listens on is what a crash leaves.
    drop(UnixListener::bind(place.socket()).expect("a free path"));
    assert!(client.transport().revive(Revival::Resume).await.expect("started"));
    assert_eq!(place.starts(), 1);
    assert!(client.transport().revive(Revival::Resume).await.expect("it answers"));
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_http_or_ends_early_is_a_lost_connection() {
    let place = Place::new(READY);
    prepare_data_dir(&place.data()).expect("a directory");
    let listener = UnixListener::bind(place.socket()).expect("a free path");
    tokio::spawn(async move {
        for text in ["HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "nonsense\r\n\r\n"].iter().cycle() {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut bytes = [0; 64];
            let _ = stream.read(&mut bytes).await;
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    let client =
        place.builder(&Answers::new("0.1.0")).timeout(Duration::from_secs(30)).build().expect("a client");
    for _ in 0..2 {
        let error = client.tasks().cancel("x").await.expect_err("lost");
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    }
}
