//! `ktk server start | status | stop`.

use ktk_tests::{Place, eventually, is_alive};

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn it_is_started_looked_at_and_stopped() {
    let place = Place::new();
    let nobody = "error: no server runs at unix://<root>/home/.local/share/ktk/run/ktk.sock\n\
                  hint: the next command starts it, or: ktk server start\n";
    place.ktk("server status").is(6, "", nobody);
    place.ktk("server status -o json").is(6, "", nobody);
    assert!(!place.data().exists(), "looking starts no server");
    let socket = "socket <root>/home/.local/share/ktk/run/ktk.sock";
    place.ktk("server start").is(0, &format!("server started (pid <pid>, {socket})\n"), "");
    place.ktk("server start").is(0, &format!("server runs already (pid <pid>, {socket})\n"), "");
    let status = place.ktk("server status -o json").code(0).json();
    assert_eq!(status["pid"], place.server());
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["socket"], place.socket().to_str().unwrap());
    assert_eq!(status["dataDir"], place.data().to_str().unwrap());
    assert_eq!(status["store"], "sqlite");
    assert_eq!(status["counts"], serde_json::json!({"pending": 0, "running": 0}));
    let keys: Vec<_> = status.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["build", "counts", "dataDir", "pid", "since", "socket", "store", "version"]);
    let shown = place.ok("server status");
    assert!(shown.contains("Tasks:    0 running, 0 pending\n"), "{shown}");
    let pid = place.server();
    place.ktk("server stop").is(0, "server stopped (pid <pid>)\n", "");
    assert!(!is_alive(pid), "stop waits until it has gone");
    assert!(!place.socket().exists());
    place.ktk("server stop").is(0, "", "no server runs\n");
}

#[test]
fn only_its_user_can_look_into_it() {
    let place = Place::started();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.socket()), 0o600);
    assert_eq!(mode(place.socket().parent().unwrap()), 0o700);
    assert_eq!(mode(place.data()), 0o700);
    assert_eq!(mode(&place.data().join("server.log")), 0o600);
    place.ok("run --name x -- true");
    assert_eq!(mode(std::path::Path::new(&place.field("task", "x", "/status/directory"))), 0o700);
}

#[test]
fn in_the_foreground_a_signal_stops_it() {
    let place = Place::new();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let server = place.spawn("server run");
        eventually("it answers", SOON, || (place.ktk("server status").code == 0).then_some(()));
        place.typed("run -- true").env("KTK_AUTOSTART", "never").output().ok();
        server.signal(signal);
        server.wait().code(0);
    }
    assert!(place.servers().is_empty());
}

#[test]
fn what_holds_is_printed_without_a_server() {
    let place = Place::new();
    let printed = place.typed("server run --slots 3 --labels zone=eu,gpu= --dump-config").output();
    let expected = "allowHttpTo: []\ndataDir: <root>/home/.local/share/ktk\nidleExit: <age>\nlabels:\n  gpu: \"\"\n  zone: eu\nretention: <age>,100000\nslots: 3\n\
                    socket: <root>/home/.local/share/ktk/run/ktk.sock\nstore: sqlite\n";
    printed.is(0, expected, "");
    let variables = place.typed("server run --idle-exit 5m");
    let variables = variables.env("KTK_DUMP_CONFIG", "1").env("KTK_LABELS", "zone=us").env("KTK_SLOTS", "7");
    let variables = variables.env("KTK_RETENTION", "failed=90d,100");
    let shown = variables.env("KTK_STORE", "memory").output().ok();
    for line in ["idleExit: 5m", "retention: 100,failed=90d", "zone: us", "slots: 7", "store: memory"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!place.data().exists(), "nothing is made");
    // A server that a command starts is started all the same.
    place.typed("run -- true").env("KTK_DUMP_CONFIG", "1").output().code(0);
}

#[test]
fn its_labels_are_its_nodes() {
    let place = Place::new();
    place.typed("server start").env("KTK_LABELS", "zone=eu,disk=fast").output().ok();
    let shown = place.ok("get nodes --show-labels --no-headers");
    assert!(shown.starts_with("local.g1 ") && shown.trim_end().ends_with("disk=fast,zone=eu"), "{shown}");
    for (selector, found) in [("zone=eu", 1), ("zone=us", 0), ("!zone", 0), ("disk in (fast,slow)", 1)] {
        let nodes = place.ktk(&format!("get nodes -l '{selector}' -o json")).code(0).json();
        assert_eq!(nodes["items"].as_array().unwrap().len(), found, "{selector}");
    }
    place.ktk("get nodes --field-selector status.phase=Ready").code(2).says("status.phase");
    let described = place.ok("describe node local");
    assert!(described.contains("Name:        local.g1\nID:"), "{described}");
    assert!(described.contains("Labels:      disk=fast\n             zone=eu\n"), "{described}");
    assert_eq!(place.ok("describe node local.g1"), described);
}

#[test]
fn it_answers_when_it_takes_work() {
    for _ in 0..5 {
        let place = Place::started();
        let nodes = place.ktk("get nodes -o json").code(0).json();
        assert_eq!(nodes["items"][0]["status"]["phase"], "Ready", "{nodes}");
    }
}

#[test]
fn it_says_what_it_cannot_use() {
    let place = Place::new();
    place.ktk("server run --labels zone").code(2).says("KEY=VALUE");
    place.ktk("server run --labels 'zone=a b'").code(2).says("label value");
    place.ktk("server run --store nosuch").code(2).says("nosuch");
    place.ktk("server run --idle-exit soon").code(2).says("soon");
    place.ktk("server nosuch").code(2).says("nosuch");
    let file = place.file("file", "");
    place.ktk(&format!("server run --data-dir {}", file.display())).says("file");
}

/// Secrets and tokens are in its memory.
#[test]
fn no_core_dump_of_it_is_written() {
    let place = Place::new();
    let ktk = place.binary().display();
    let line = format!("ulimit -S -c $(ulimit -H -c); exec {ktk} server run");
    let server = place.program("bash -c").arg(line).spawn();
    eventually("it answers", SOON, || (place.ktk("server status").code == 0).then_some(()));
    let own = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("it runs");
    let core = own.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // What a task does with its own memory is its own affair.
    place.ok("run -- bash -c 'ulimit -S -c $(ulimit -H -c)'");
    server.signal(rustix::process::Signal::TERM);
    server.wait().code(0);
}

#[test]
fn as_root_it_warns_once_and_commands_do_not() {
    let place = Place::new();
    let is_root = rustix::process::geteuid().is_root();
    let started = place.ktk("server start").code(0);
    let ran = place.ktk("run -- true").code(0);
    assert!(
        !format!("{}{}", started.stderr, ran.stderr).contains("root"),
        "{}{}",
        started.stderr,
        ran.stderr
    );
    place.ok("server stop");
    let log = std::fs::read_to_string(place.data().join("server.log")).expect("it has a log");
    assert_eq!(log.matches("running as root").count(), usize::from(is_root), "{log}");
}
