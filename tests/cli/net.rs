//! Over the network: who gets in, and that everything works there as it does over the socket.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use expectrl::Expect as _;
use ktk_tests::{Output, Place, eventually};

/// A place whose server listens on a port of this machine, and where.
fn listening(flags: &str) -> (Place, String) {
    let mut place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0");
    for flag in flags.split_whitespace() {
        let (name, value) = flag.split_once('=').expect("NAME=VALUE");
        place = place.with_env(name, value);
    }
    place.start();
    let status = place.ktk("server status -o json").json();
    let address = status["listen"].as_str().expect("it listens").to_owned();
    (place, address)
}

/// A command over the network, as whoever has a token.
fn over(place: &Place, address: &str, token: &str, line: &str) -> Output {
    place.typed(line).env("KTK_SERVER", address).env("KTK_TOKEN", token).output()
}

#[test]
fn every_verb_works_over_a_port() {
    let (place, address) = listening("");
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    over(&place, &address, "", "get tasks")
        .code(4)
        .says("Unauthorized")
        .says("hint: a token is in a context (ktk login), or in KTK_TOKEN\n");
    let token = place.ok("create token ci --role operator").trim().to_owned();
    let ktk = |line: &str| over(&place, &address, &token, line);
    ktk("auth whoami").code(0).prints("token/ci: operator of all namespaces, until");
    ktk("run --name hello -- echo out").code(0).prints("out\n");
    ktk("run -- sh -c 'exit 3'").code(3);
    // Where a command is typed means nothing to a server elsewhere.
    let fresh = ktk("run -- pwd").code(0).stdout;
    assert!(fresh.trim() != place.work().display().to_string() && fresh.starts_with('/'), "{fresh}");
    ktk("run --working-dir sub -- pwd").code(2).says("is relative, and the server is not of this machine");
    ktk("run --working-dir / -- pwd").code(0).prints("/\n");
    ktk("get tasks hello -o name").is(0, "task/hello\n", "");
    ktk("describe task hello").code(0).prints("token/ci");
    ktk("logs hello").is(0, "out\n", "");
    ktk("create task slow -- sleep 600").code(0);
    ktk("wait slow --for=condition=Running --timeout 20s").code(0);
    let watch = place
        .typed("get tasks slow -w -o name")
        .env("KTK_SERVER", address.as_str())
        .env("KTK_TOKEN", token.as_str())
        .spawn();
    watch.until_stdout("task/slow\n");
    ktk("cancel slow").code(0);
    ktk("wait slow --timeout 20s").code(1);
    watch.signal(rustix::process::Signal::TERM);
    let _ = watch.wait();
    ktk("restart hello").code(0);
    ktk("wait hello --timeout 20s").code(0);
    ktk("tree hello").code(0);
    ktk("events").code(0).prints("hello");
    ktk("delete task slow").code(0);
    ktk("server stop").code(4);
    ktk("get tokens").code(4);
    place.ok("server stop");
    ktk("get tasks").code(6).says("cannot reach the server at http://127.0.0.1:");
}

#[test]
fn beyond_this_machine_takes_tls() {
    let place = Place::new();
    let refused = place.ktk("server run --listen 0.0.0.0:0");
    refused.code(1).says("that takes TLS: give --tls-cert and --tls-key, or --tls-self-signed");
    place.ktk("server run --listen 0.0.0.0:0 --no-auth").code(2);
    place.ktk("server run --listen example.org:1").code(2).says("is no address");
    place.ktk("server run --listen 0.0.0.0:0 --tls-cert x.pem").code(2).says("tls-key");
    place.file("x.pem", "nothing");
    place
        .ktk("server run --listen 127.0.0.1:0 --tls-cert x.pem --tls-key x.pem")
        .code(1)
        .says("there is no certificate in x.pem");
    place.ktk("server status").code(6);
}

#[test]
fn a_certificate_of_its_own_is_trusted_by_a_copy() {
    let (place, address) =
        listening("KTK_LISTEN=0.0.0.0:0 KTK_TLS_SELF_SIGNED=1 KTK_LISTEN_NAMES=ktk.example");
    let port = address.rsplit_once(':').expect("it has a port").1;
    let address = format!("https://localhost:{port}");
    let log = fs::read_to_string(place.data().join("server.log")).expect("it has a log");
    let fingerprint =
        log.split("sha256=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    assert_eq!(fingerprint.trim_matches('"').len(), 95, "{log}");
    let token = place.ok("create token me --role viewer -n ci").trim().to_owned();
    over(&place, &address, &token, "get tasks").code(6).says("certificate");
    let certificate = place.data().join("tls/cert.pem");
    fs::copy(&certificate, place.work().join("lab.pem")).expect("it is there");
    let login = place.typed(&format!("login lab --server {address} --certificate-authority lab.pem"));
    login.stdin(format!("{token}\n")).output().code(0).prints("Logged in as token/me (viewer, until");
    let file = place.home().join(".config/ktk/config.yaml");
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o600);
    // The context says the server, the token and the namespace.
    place.ktk("auth whoami").code(0).prints("token/me: viewer of ci");
    place.ktk("get tasks").is(0, "", "No resources found in ci namespace.\n");
    place
        .ktk("get tasks --context nosuch")
        .code(2)
        .says("context was not found for specified context: nosuch");
    let wrong = place.typed("login lab").stdin("ktkt_00\n").output();
    wrong.code(4).says("Unauthorized");
    place.ktk("get tasks").code(0);
    place.typed("login lab").output().code(2).says("there is no token on standard input");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    place.ktk("get tasks").code(2).says("run chmod 600");
    // A flag names another server: the context is not asked.
    let data = place.data().display().to_string();
    place.ktk(&format!("get tokens -o name --data-dir {data}")).is(0, "token/me\n", "");
    place.ktk("get tasks --server https://ktk.example:1/x").code(2).says("nothing else");
    place.ktk("get tasks --server http://ktk.example:1").code(2).says("over https only");
}

/// What a raw request is answered with: the status, and the whole text.
fn raw(address: &str, request: &str) -> (u16, String) {
    let host = address.split("//").nth(1).expect("a URL");
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    stream.write_all(request.replace("$HOST", host).as_bytes()).expect("it reads");
    let mut bytes = Vec::new();
    // A stream that stays open is read until its head is there.
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("text/event-stream")
            || text.contains("\r\n\r\n") && request.contains("connection: x")
        {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

#[test]
fn guesses_are_slowed_down_and_the_right_token_is_not() {
    let (place, address) = listening("");
    let token = place.ok("create token v --role viewer").trim().to_owned();
    let guess = |token: &str| {
        raw(
            &address,
            &format!(
                "POST /rpc HTTP/1.1\r\nhost: $HOST\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 authorization: Bearer {token}\r\ncontent-length: 2\r\n\r\n[]"
            ),
        )
    };
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..600 {
        let (status, text) = guess(&format!("ktkt_{n:064}"));
        assert!(status != 429 || text.contains("retry-after: "), "{text}");
        *seen.entry(status).or_insert(0) += 1;
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [401, 429], "{seen:?}");
    assert_eq!(guess(&token).0, 200);
}

#[test]
fn nothing_of_a_token_is_written_down() {
    let (place, address) = listening("");
    let token = place.ok("create token canary --role operator").trim().to_owned();
    let canary = token.trim_start_matches("ktkt_").to_owned();
    over(&place, &address, &token, "run -- true").code(0);
    over(&place, &address, &token, "get task nosuch").code(3);
    let wrong = canary.replace('0', "1").replace('a', "0");
    over(&place, &address, &format!("ktkt_{wrong}"), "get tasks").code(4);
    raw(&address, &format!("GET /watch?token={canary} HTTP/1.1\r\nhost: $HOST\r\nconnection: close\r\n\r\n"));
    for line in ["describe token canary", "get token canary -o json", "events -A", "server status -o json"] {
        assert!(!place.ok(line).contains(&canary), "{line}");
    }
    // In arguments: none is taken there.
    place.ktk(&format!("get tasks --token {token}")).code(2);
    place.ok("server stop");
    let mut files = 0;
    for entry in walk(place.data()) {
        let bytes = fs::read(&entry).expect("it is ours");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&canary) && !text.contains(&wrong), "{}", entry.display());
        files += 1;
    }
    assert!(files >= 3, "{files}");
}

/// All files below a directory.
fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("it is ours") {
        let entry = entry.expect("it is ours");
        let kind = entry.file_type().expect("it is ours");
        if kind.is_dir() {
            found.extend(walk(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn silent_and_dribbling_strangers_slow_nobody_down() {
    let (place, address) = listening("");
    let token = place.ok("create token v --role viewer").trim().to_owned();
    let host = address.split("//").nth(1).expect("a URL").to_owned();
    let silent: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(&host).expect("it listens")).collect();
    let mut dribbling: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(&host).expect("it listens")).collect();
    let mut slowest = Duration::ZERO;
    for (round, byte) in b"POST /rpc".iter().enumerate() {
        for stream in &mut dribbling {
            // One that is closed meanwhile has been thrown out in time.
            let _ = stream.write_all(&[*byte]);
        }
        let begun = std::time::Instant::now();
        if round % 2 == 0 {
            place.ktk("get tasks").code(0);
        } else {
            over(&place, &address, &token, "get tasks").code(0);
        }
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // All of them are thrown out by themselves.
    for mut stream in silent.into_iter().chain(dribbling) {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        assert!(end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    }
    eventually("it still answers", Duration::from_secs(10), || {
        (place.ktk("get tasks").code == 0).then_some(())
    });
}

/// A terminal shows a question, and nothing of what is typed.
#[test]
fn a_token_that_is_typed_is_not_shown() {
    let (place, address) = listening("");
    let token = place.ok("create token v --role viewer").trim().to_owned();
    let mut command = std::process::Command::new(place.binary());
    command.args(["login", "lab", "--server", &address]).env_clear().env("HOME", place.home());
    let mut terminal = expectrl::Session::spawn(command).expect("a terminal");
    terminal.set_expect_timeout(Some(Duration::from_secs(20)));
    terminal.expect("Token for http://127.0.0.1:").expect("it asks");
    terminal.expect(": ").expect("it has asked");
    terminal.send_line(&token).expect("it listens");
    let shown = terminal.expect("Logged in as token/v").expect("it takes the token");
    assert!(!String::from_utf8_lossy(shown.before()).contains(&token));
    let rest = terminal.expect(expectrl::Eof).expect("it ends");
    assert!(!String::from_utf8_lossy(rest.as_bytes()).contains(&token));
}

#[test]
fn u16_a_command_is_one_request_each_is_told_and_no_token() {
    let (place, address) = listening("");
    let token = place.ok("create token ci --role operator").trim().to_owned();
    let over = |line: &str| over(&place, &address, &token, line);
    let output = over("get task nosuch -v6").code(3);
    let line = output.stderr.lines().next().unwrap();
    assert!(line.starts_with(&format!("POST {address}/rpc task.get NotFound in ")), "{line}");
    assert!(line.ends_with(" milliseconds"), "{line}");
    // One request a command.
    let output = over("get tasks --verbose=6").code(0);
    assert_eq!(output.stderr.matches("POST ").count(), 1, "{}", output.stderr);
    assert_eq!(over("get tasks -v 5").stderr, "No resources found in default namespace.\n");
    let output = over("create token other --role viewer -v8").code(4);
    assert!(output.stderr.contains("request: {"), "{}", output.stderr);
    let output = place.ktk("create token other --role viewer -v=8").code(0);
    let made = output.stdout.trim();
    assert!(!made.is_empty() && !output.stderr.contains(made), "{}", output.stderr);
    assert!(output.stderr.contains("REDACTED"), "{}", output.stderr);
    assert!(!over("get tasks -v9").stderr.contains(&token));
}
