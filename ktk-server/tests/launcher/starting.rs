//! What a command finds when it starts, what it says, and how a start fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ktk_server::exec::launcher::{Ended, NotExecutable, SpawnError};
use rustix::process::Signal;
use tokio::io::AsyncReadExt;

use crate::bench::{Bench, PATH, output, stdout_of, until};

pub(super) async fn an_exit_code_is_reported(bench: Bench) {
    let launcher = bench.launcher().await;
    for code in [0, 1, 75, 255] {
        let mut process = launcher.spawn(bench.script(&format!("exit {code}"))).await.unwrap();
        assert_eq!(process.wait().await, Ended::Exited(code));
        assert_eq!(process.wait().await, Ended::Exited(code));
        assert!(!process.has_survivors());
    }
}

pub(super) async fn a_signal_is_reported(bench: Bench) {
    let launcher = bench.launcher().await;
    for signal in [Signal::TERM, Signal::KILL, Signal::PIPE] {
        let script = format!("kill -{} $$", signal.as_raw());
        let mut process = launcher.spawn(bench.script(&script)).await.unwrap();
        assert_eq!(process.wait().await, Ended::Signaled(signal.as_raw()));
    }
}

pub(super) async fn stdout_and_stderr_are_apart(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!(output(&mut process).await, (Ended::Exited(3), "out\n".into(), "err\n".into()));
}

pub(super) async fn the_environment_is_exactly_what_was_asked_for(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["/usr/bin/env"]);
    request.env = vec![
        ("A".into(), "1".into()),
        ("EMPTY".into(), String::new()),
        ("LINES".into(), "a\nb=c".into()),
        ("KTK_ATTEMPT".into(), "99".into()),
    ];
    let expected = format!(
        "A=1\nEMPTY=\nLINES=a\nb=c\nKTK_STORE_ID={}\nKTK_TASK_ID=task\nKTK_ATTEMPT=1\n",
        bench.store_id
    );
    assert_eq!(stdout_of(request, &launcher).await, expected);
}

pub(super) async fn only_three_descriptors_are_open(bench: Bench) {
    // One that a careless parent would hand down.
    let inheritable = rustix::io::dup(fs::File::open("/dev/null").unwrap()).unwrap();
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["ls", "/proc/self/fd"]);
    request.stdin = Some(b"x".to_vec());
    // The fourth is the directory that ls reads.
    assert_eq!(stdout_of(request, &launcher).await, "0\n1\n2\n3\n");
    drop(inheritable);
}

pub(super) async fn signals_are_as_a_shell_would_leave_them(bench: Bench) {
    let launcher = bench.launcher().await;
    let status = stdout_of(bench.request(&["cat", "/proc/self/status"]), &launcher).await;
    for set in ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"] {
        let line = status.lines().find(|line| line.starts_with(set)).unwrap();
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
    let ids = stdout_of(bench.script("echo $$; cut -d' ' -f5,6 /proc/$$/stat"), &launcher).await;
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert!(ids[0] == ids[1] && ids[0] == ids[2], "pid, group and session: {ids:?}");
}

pub(super) async fn the_working_directory_is_the_one_asked_for(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["pwd", "-P"]);
    request.dir = bench.path("sub");
    fs::create_dir(&request.dir).unwrap();
    let expected = request.dir.canonicalize().unwrap();
    assert_eq!(stdout_of(request, &launcher).await.trim_end(), expected.to_str().unwrap());
}

pub(super) async fn standard_input_is_empty_unless_given(bench: Bench) {
    let launcher = bench.launcher().await;
    assert_eq!(stdout_of(bench.request(&["cat"]), &launcher).await, "");
    let mut request = bench.request(&["cat"]);
    request.stdin = Some(Vec::new());
    assert_eq!(stdout_of(request, &launcher).await, "");
    let mut request = bench.request(&["cat"]);
    request.stdin = Some(b"a\0b".to_vec());
    assert_eq!(stdout_of(request, &launcher).await, "a\0b");
}

pub(super) async fn a_mebibyte_of_standard_input_arrives(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["sha256sum"]);
    let text: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let mut cat = bench.request(&["cat"]);
    (request.stdin, cat.stdin) = (Some(text.clone()), Some(text.clone()));
    let mut process = launcher.spawn(cat).await.unwrap();
    let mut echoed = Vec::new();
    process.stdout.read_to_end(&mut echoed).await.unwrap();
    assert!(echoed == text);
    assert_eq!(stdout_of(request, &launcher).await.len(), 64 + "  -\n".len());
}

pub(super) async fn a_script_without_an_interpreter_line_is_the_shells(bench: Bench) {
    let launcher = bench.launcher().await;
    fs::write(bench.path("script"), "echo \"$0 $1\"\n").unwrap();
    fs::set_permissions(bench.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stdout_of(bench.request(&["./script", "a b"]), &launcher).await, "./script a b\n");
}

pub(super) async fn what_cannot_be_started_says_why(bench: Bench) {
    let launcher = bench.launcher().await;
    let file = |name: &str, content: &[u8], mode| {
        fs::write(bench.path(name), content).unwrap();
        fs::set_permissions(bench.path(name), fs::Permissions::from_mode(mode)).unwrap();
        bench.path(name)
    };
    let plain = file("plain", b"x", 0o644);
    file("binary", b"\x7fELF\0\0", 0o755);
    file("lost", b"#!/no/such/interpreter\n", 0o755);
    let refusal = async |request| launcher.spawn(request).await.map(|_| ()).unwrap_err();

    let not_found = refusal(bench.request(&["no-such-command"])).await;
    let path = PATH.into();
    assert_eq!(not_found, SpawnError::NotFound { command: "no-such-command".into(), path });
    assert!(matches!(refusal(bench.request(&["./nope"])).await, SpawnError::NoSuchFile { .. }));
    let refused = refusal(bench.request(&["./plain"])).await;
    assert!(
        matches!(refused, SpawnError::NotExecutable { reason: NotExecutable::Permission, .. }),
        "{refused}"
    );
    let refused = refusal(bench.request(&["./binary"])).await;
    assert!(matches!(refused, SpawnError::NotExecutable { reason: NotExecutable::Format, .. }), "{refused}");
    let refused = refusal(bench.request(&["./lost"])).await;
    assert!(matches!(refused, SpawnError::NoInterpreter { .. }), "{refused}");
    assert_eq!(refusal(bench.request(&[])).await, SpawnError::EmptyCommand);
    assert_eq!(refusal(bench.request(&[""])).await, SpawnError::EmptyCommand);

    let mut request = bench.request(&["true"]);
    request.dir = bench.path("gone");
    assert_eq!(refusal(request.clone()).await, SpawnError::NoSuchDirectory { dir: request.dir });
    let mut request = bench.request(&["true"]);
    request.dir = plain;
    assert_eq!(refusal(request.clone()).await, SpawnError::NotADirectory { dir: request.dir });

    let large = "x".repeat(129 << 10);
    assert_eq!(refusal(bench.request(&["true", &large])).await, SpawnError::TooLarge);
    let mut arguments = vec!["true"];
    arguments.resize(40, &large[..120 << 10]);
    assert_eq!(refusal(bench.request(&arguments)).await, SpawnError::TooLarge);
    let huge = "x".repeat(20 << 20);
    assert_eq!(refusal(bench.request(&["true", &huge])).await, SpawnError::TooLarge);

    assert!(matches!(refusal(bench.request(&["true", "a\0b"])).await, SpawnError::NulByte { .. }));
    let mut request = bench.request(&["true"]);
    request.env.push(("A".into(), "\0".into()));
    let message = refusal(request).await.to_string();
    assert!(message.starts_with("environment variable `A` contains a NUL byte"), "{message}");
    let mut request = bench.request(&["true"]);
    request.env.push(("A=B".into(), String::new()));
    assert_eq!(refusal(request).await, SpawnError::BadVariable { name: "A=B".into() });

    // None of this has hurt it, and one large request in pieces still arrives.
    arguments.truncate(15);
    arguments[0] = "echo";
    assert_eq!(stdout_of(bench.request(&arguments), &launcher).await.len(), 14 * ((120 << 10) + 1));
}

pub(super) async fn many_at_once_keep_their_own_ends(bench: Bench) {
    let launcher = bench.launcher().await;
    let run = async |code: u32| {
        let request = bench.attempt(code, &format!("(setsid sleep 600 &); exit {code}"));
        launcher.spawn(request).await.unwrap().wait().await
    };
    let ends = futures_util::future::join_all((0..200).map(run)).await;
    let expected: Vec<Ended> = (0..200).map(Ended::Exited).collect();
    assert_eq!(ends, expected);
    assert_eq!(bench.marked(), [""; 0]);
}

pub(super) async fn a_start_that_nobody_waits_for_is_undone(bench: Bench) {
    let launcher = bench.launcher().await;
    for attempt in 0..50 {
        let start = launcher.spawn(bench.attempt(attempt, "exec sleep 600"));
        // Far enough to send the request, not to see the answer.
        assert!(futures_util::FutureExt::now_or_never(start).is_none());
    }
    assert_eq!(stdout_of(bench.request(&["echo", "still here"]), &launcher).await, "still here\n");
    until(|| bench.marked().is_empty().then_some(())).await;
}
