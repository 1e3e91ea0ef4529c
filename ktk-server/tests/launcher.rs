//! The launcher against real processes. It needs a program that can be a launcher, and the launcher needs the main
//! thread, so this file has a main of its own: `internal launcher` makes it one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ktk_server::exec::launcher::{
    self, Ended, Launcher, LauncherConfig, Mark, NotExecutable, Process, SpawnError, SpawnRequest,
};
use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;

/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("internal") {
        return launcher::run();
    }
    let mut trials = Vec::new();
    macro_rules! trials {
        ($($name:ident),* $(,)?) => {
            $(trials.push(Trial::test(stringify!($name), || in_runtime($name(Bench::new(stringify!($name))))));)*
        };
    }
    trials!(
        an_exit_code_is_reported,
        a_signal_is_reported,
        stdout_and_stderr_are_apart,
        the_environment_is_exactly_what_was_asked_for,
        only_three_descriptors_are_open,
        signals_are_as_a_shell_would_leave_them,
        the_working_directory_is_the_one_asked_for,
        standard_input_is_empty_unless_given,
        a_mebibyte_of_standard_input_arrives,
        a_script_without_an_interpreter_line_is_the_shells,
        what_cannot_be_started_says_why,
        a_command_that_ignores_term_is_killed_after_the_grace_period,
        a_stop_leaves_the_grace_period_to_the_whole_tree,
        a_stop_reaches_processes_that_left_the_session,
        a_stopped_command_can_be_stopped,
        a_child_with_a_session_of_its_own_ends_with_the_attempt,
        a_daemon_ends_with_the_attempt,
        an_orphan_without_environment_ends_with_the_attempt,
        an_orphan_of_another_attempt_is_spared,
        an_orphan_of_nobody_known_ends_with_the_last_that_may_own_it,
        dead_children_are_reaped,
        a_forking_tree_is_killed,
        dropping_a_process_kills_it,
        dropping_the_launcher_kills_everything,
        shutting_down_kills_everything,
        a_killed_launcher_loses_its_attempts,
        a_command_that_kills_its_parent_gains_nothing,
        the_launcher_ignores_what_would_end_it,
        leftovers_are_killed_by_their_mark,
        many_at_once_keep_their_own_ends,
    );
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn in_runtime(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 2, test).await.map_err(|_| Failed::from("the test took too long"))
    })
}

/// A test's own directory and mark.
struct Bench {
    dir: tempfile::TempDir,
    store_id: String,
}

impl Bench {
    fn new(test: &str) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let store_id = format!("{test}-{}-{}", std::process::id(), dir.path().display());
        Bench { dir, store_id }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn launcher(&self) -> Launcher {
        let config = LauncherConfig {
            program: "/proc/self/exe".into(),
            args: vec!["internal".into(), "launcher".into()],
        };
        Launcher::start(&config).await.unwrap()
    }

    fn request(&self, argv: &[&str]) -> SpawnRequest {
        SpawnRequest {
            mark: Mark { store_id: self.store_id.clone(), task_id: "task".into(), attempt: 1 },
            argv: argv.iter().map(|&argument| argument.to_owned()).collect(),
            env: vec![("PATH".into(), std::env::var("PATH").unwrap())],
            dir: self.dir.path().to_owned(),
            stdin: None,
        }
    }

    fn script(&self, text: &str) -> SpawnRequest {
        self.request(&["sh", "-c", text])
    }

    fn attempt(&self, attempt: u32, text: &str) -> SpawnRequest {
        let mut request = self.script(text);
        request.mark.attempt = attempt;
        request
    }

    /// The numbers that a script has written to a file, once the line is whole.
    async fn pid_in(&self, name: &str) -> Pid {
        let text =
            until(|| fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n'))).await;
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    fn marked(&self) -> Vec<String> {
        let needle = format!("KTK_STORE_ID={}", self.store_id);
        let environ = |entry: &fs::DirEntry| fs::read(entry.path().join("environ")).unwrap_or_default();
        let entries = fs::read_dir("/proc").unwrap().map_while(Result::ok);
        let found =
            entries.filter(|entry| environ(entry).split(|&byte| byte == 0).any(|v| v == needle.as_bytes()));
        found.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

/// Waits for an event that nobody announces.
async fn until<T>(mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Dead and reaped.
fn is_gone(pid: Pid) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

async fn gone(pid: Pid) {
    until(|| is_gone(pid).then_some(())).await;
}

fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

async fn output(process: &mut Process) -> (Ended, String, String) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    tokio::try_join!(process.stdout.read_to_string(&mut stdout), process.stderr.read_to_string(&mut stderr))
        .unwrap();
    (process.wait().await, stdout, stderr)
}

async fn stdout_of(request: SpawnRequest, launcher: &Launcher) -> String {
    let (ended, stdout, stderr) = output(&mut launcher.spawn(request).await.unwrap()).await;
    assert_eq!((ended, stderr.as_str()), (Ended::Exited(0), ""), "{stdout}");
    stdout
}

async fn an_exit_code_is_reported(bench: Bench) {
    let launcher = bench.launcher().await;
    for code in [0, 1, 75, 255] {
        let mut process = launcher.spawn(bench.script(&format!("exit {code}"))).await.unwrap();
        assert_eq!(process.wait().await, Ended::Exited(code));
        assert_eq!(process.wait().await, Ended::Exited(code));
        assert!(!process.has_survivors());
    }
}

async fn a_signal_is_reported(bench: Bench) {
    let launcher = bench.launcher().await;
    for signal in [Signal::TERM, Signal::KILL, Signal::PIPE] {
        let script = format!("kill -{} $$", signal.as_raw());
        let mut process = launcher.spawn(bench.script(&script)).await.unwrap();
        assert_eq!(process.wait().await, Ended::Signaled(signal.as_raw()));
    }
}

async fn stdout_and_stderr_are_apart(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!(output(&mut process).await, (Ended::Exited(3), "out\n".into(), "err\n".into()));
}

async fn the_environment_is_exactly_what_was_asked_for(bench: Bench) {
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

async fn only_three_descriptors_are_open(bench: Bench) {
    // One that a careless parent would hand down.
    let inheritable = rustix::io::dup(fs::File::open("/dev/null").unwrap()).unwrap();
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["ls", "/proc/self/fd"]);
    request.stdin = Some(b"x".to_vec());
    // The fourth is the directory that ls reads.
    assert_eq!(stdout_of(request, &launcher).await, "0\n1\n2\n3\n");
    drop(inheritable);
}

async fn signals_are_as_a_shell_would_leave_them(bench: Bench) {
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

async fn the_working_directory_is_the_one_asked_for(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut request = bench.request(&["pwd", "-P"]);
    request.dir = bench.path("sub");
    fs::create_dir(&request.dir).unwrap();
    let expected = request.dir.canonicalize().unwrap();
    assert_eq!(stdout_of(request, &launcher).await.trim_end(), expected.to_str().unwrap());
}

async fn standard_input_is_empty_unless_given(bench: Bench) {
    let launcher = bench.launcher().await;
    assert_eq!(stdout_of(bench.request(&["cat"]), &launcher).await, "");
    let mut request = bench.request(&["cat"]);
    request.stdin = Some(Vec::new());
    assert_eq!(stdout_of(request, &launcher).await, "");
    let mut request = bench.request(&["cat"]);
    request.stdin = Some(b"a\0b".to_vec());
    assert_eq!(stdout_of(request, &launcher).await, "a\0b");
}

async fn a_mebibyte_of_standard_input_arrives(bench: Bench) {
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

async fn a_script_without_an_interpreter_line_is_the_shells(bench: Bench) {
    let launcher = bench.launcher().await;
    fs::write(bench.path("script"), "echo \"$0 $1\"\n").unwrap();
    fs::set_permissions(bench.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stdout_of(bench.request(&["./script", "a b"]), &launcher).await, "./script a b\n");
}

async fn what_cannot_be_started_says_why(bench: Bench) {
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
    let path = std::env::var("PATH").unwrap();
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

async fn a_command_that_ignores_term_is_killed_after_the_grace_period(bench: Bench) {
    let launcher = bench.launcher().await;
    let script = "trap '' TERM; echo ready; while :; do sleep 60; done";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    process.stdout.read_u8().await.unwrap();
    let asked = Instant::now();
    process.stop(Duration::from_secs(3600));
    process.stop(Duration::from_millis(200));
    assert_eq!(process.wait().await, Ended::Signaled(9));
    assert!(asked.elapsed() >= Duration::from_millis(200));
    assert_eq!(bench.marked(), [""; 0]);
}

async fn a_stop_leaves_the_grace_period_to_the_whole_tree(bench: Bench) {
    let launcher = bench.launcher().await;
    // The leader dies of SIGTERM at once, its child needs a moment.
    let script = "(trap 'sleep 0.1; echo clean; exit' TERM; echo ready; while :; do sleep 0.02; done) & wait";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    process.stdout.read_u8().await.unwrap();
    process.stop(PATIENCE);
    let (ended, stdout, _) = output(&mut process).await;
    assert_eq!((ended, stdout.as_str()), (Ended::Signaled(15), "eady\nclean\n"));
}

async fn a_stop_reaches_processes_that_left_the_session(bench: Bench) {
    let launcher = bench.launcher().await;
    let script =
        "setsid sh -c 'trap \"echo bye > bye; exit\" TERM; echo $$ > away; while :; do sleep 0.02; done' &
        trap 'wait; exit 4' TERM; wait; wait";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    let away = bench.pid_in("away").await;
    process.stop(PATIENCE);
    assert_eq!(process.wait().await, Ended::Exited(4));
    assert_eq!(fs::read_to_string(bench.path("bye")).unwrap(), "bye\n");
    assert!(is_gone(away));
}

async fn a_stopped_command_can_be_stopped(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("kill -STOP $$; sleep 60")).await.unwrap();
    let pid = Pid::from_raw(process.pid as i32).unwrap();
    until(|| (state(pid) == Some('T')).then_some(())).await;
    process.stop(PATIENCE);
    assert_eq!(process.wait().await, Ended::Signaled(15));
}

async fn a_child_with_a_session_of_its_own_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    let script = "setsid sh -c 'echo $$ > away; exec sleep 600' & while ! [ -s away ]; do :; done; exit 7";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(7));
    assert!(is_gone(bench.pid_in("away").await));
}

async fn a_daemon_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    // Forks twice, with a session each, ignores everything and holds no descriptor.
    let script = "setsid sh -c 'trap \"\" HUP TERM INT; setsid sh -c \"
            trap \\\"\\\" HUP TERM INT; sleep 600 & echo \\$! > sleeper; echo \\$\\$ > daemon; wait\" &' \
            < /dev/null > /dev/null 2>&1 &
        while ! [ -s daemon ]; do :; done";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(0));
    assert!(is_gone(bench.pid_in("daemon").await));
    assert!(is_gone(bench.pid_in("sleeper").await));
}

async fn an_orphan_without_environment_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    let script =
        "setsid env -i /bin/sh -c 'echo $$ > bare; exec /bin/sleep 600' & while ! [ -s bare ]; do :; done";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(0));
    assert!(is_gone(bench.pid_in("bare").await));
}

async fn an_orphan_of_another_attempt_is_spared(bench: Bench) {
    let launcher = bench.launcher().await;
    let daemon =
        "(setsid sh -c 'echo $$ > daemon; exec sleep 600' &); while ! [ -s daemon ]; do :; done; sleep 600";
    let mut keeper = launcher.spawn(bench.attempt(1, daemon)).await.unwrap();
    let pid = bench.pid_in("daemon").await;
    for attempt in 2..20 {
        let mut process = launcher.spawn(bench.attempt(attempt, "(setsid sleep 600 &)")).await.unwrap();
        assert_eq!(process.wait().await, Ended::Exited(0));
    }
    assert!(!is_gone(pid));
    keeper.kill();
    assert_eq!(keeper.wait().await, Ended::Signaled(9));
    assert!(is_gone(pid));
}

async fn an_orphan_of_nobody_known_ends_with_the_last_that_may_own_it(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut other = launcher.spawn(bench.attempt(1, "exec sleep 600")).await.unwrap();
    let script =
        "setsid env -i /bin/sh -c 'echo $$ > bare; exec /bin/sleep 600' & while ! [ -s bare ]; do :; done";
    let mut process = launcher.spawn(bench.attempt(2, script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(0));
    let bare = bench.pid_in("bare").await;
    assert!(!is_gone(bare), "it may be the other's");
    // Starts too late to have anything to do with it, if the clock of start times has moved on.
    tokio::time::sleep(Duration::from_millis(30)).await;
    let mut late = launcher.spawn(bench.attempt(3, "exec sleep 600")).await.unwrap();
    other.stop(PATIENCE);
    assert_eq!(other.wait().await, Ended::Signaled(15));
    assert!(is_gone(bare));
    late.kill();
    assert_eq!(late.wait().await, Ended::Signaled(9));
}

async fn dead_children_are_reaped(bench: Bench) {
    let launcher = bench.launcher().await;
    // Orphans that end while their attempt runs, and zombies that their parent leaves behind.
    let script = "i=0; while [ $i -lt 500 ]; do (true &); i=$((i+1)); done
        sh -c 'i=0; while [ $i -lt 500 ]; do true & i=$((i+1)); done; exec sleep 600' &
        echo ready; exec sleep 600";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    process.stdout.read_u8().await.unwrap();
    let zombies = || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", launcher.pid())).unwrap();
        children
            .split_whitespace()
            .filter(|pid| state(Pid::from_raw(pid.parse().unwrap()).unwrap()) == Some('Z'))
            .count()
    };
    until(|| (zombies() == 0).then_some(())).await;
    process.kill();
    assert_eq!(process.wait().await, Ended::Signaled(9));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", launcher.pid())).unwrap();
    assert_eq!(children, "");
}

async fn a_forking_tree_is_killed(bench: Bench) {
    let launcher = bench.launcher().await;
    // Each generation starts the next with a session of its own and leaves; one of them stays each time.
    fs::write(
        bench.path("hop"),
        "n=$1; echo $n >> hops; [ $n -gt 150 ] && exec sleep 600\n setsid sh hop $((n+1)) & sleep 600 & [ $((n%2)) = 0 ] && exit; wait\n",
    )
    .unwrap();
    let mut process = launcher.spawn(bench.script("sh hop 1 & exec sleep 600")).await.unwrap();
    until(|| (fs::read_to_string(bench.path("hops")).ok()?.lines().count() > 20).then_some(())).await;
    process.kill();
    assert_eq!(process.wait().await, Ended::Signaled(9));
    assert_eq!(bench.marked(), [""; 0]);
}

async fn dropping_a_process_kills_it(bench: Bench) {
    let launcher = bench.launcher().await;
    let process = launcher.spawn(bench.script("(setsid sleep 600 &); exec sleep 600")).await.unwrap();
    let pid = Pid::from_raw(process.pid as i32).unwrap();
    drop(process);
    gone(pid).await;
    until(|| bench.marked().is_empty().then_some(())).await;
}

async fn dropping_the_launcher_kills_everything(bench: Bench) {
    let launcher = bench.launcher().await;
    let pid = Pid::from_raw(launcher.pid() as i32).unwrap();
    let script =
        "setsid sh -c 'echo $$ > away; exec sleep 600' & setsid env -i sh -c 'echo $$ > bare; sleep 600; :' &
        trap '' TERM; sleep 600; :";
    let process = launcher.spawn(bench.script(script)).await.unwrap();
    let (away, bare) = (bench.pid_in("away").await, bench.pid_in("bare").await);
    drop(launcher);
    assert!(!is_gone(away), "the process still holds the launcher");
    drop(process);
    gone(pid).await;
    assert!(is_gone(away) && is_gone(bare));
    assert_eq!(bench.marked(), [""; 0]);
}

async fn shutting_down_kills_everything(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process =
        launcher.spawn(bench.script("(setsid sleep 600 &) ; trap '' TERM; sleep 600; :")).await.unwrap();
    launcher.shut_down().await;
    assert_eq!(bench.marked(), [""; 0]);
    assert_eq!(process.wait().await, Ended::Lost);
    assert_eq!(launcher.spawn(bench.request(&["true"])).await.map(|_| ()), Err(SpawnError::LauncherGone));
}

async fn a_killed_launcher_loses_its_attempts(bench: Bench) {
    let launcher = bench.launcher().await;
    let script = "setsid sh -c 'echo $$ > away; exec sleep 600' & exec sleep 600";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    let (leader, away) = (Pid::from_raw(process.pid as i32).unwrap(), bench.pid_in("away").await);
    kill_process(Pid::from_raw(launcher.pid() as i32).unwrap(), Signal::KILL).unwrap();
    assert_eq!(process.wait().await, Ended::Lost);
    launcher.closed().await;
    until(|| matches!(state(leader), None | Some('Z')).then_some(())).await;
    assert_eq!(launcher.spawn(bench.request(&["true"])).await.map(|_| ()), Err(SpawnError::LauncherGone));
    assert!(!is_gone(away));
    assert_eq!(launcher::kill_leftovers(&bench.store_id), 1);
    until(|| bench.marked().is_empty().then_some(())).await;
}

async fn a_command_that_kills_its_parent_gains_nothing(bench: Bench) {
    let launcher = bench.launcher().await;
    // It may be gone before it has said that it started anything.
    match launcher.spawn(bench.script("kill -9 $PPID; sleep 600")).await {
        Ok(mut process) => assert_eq!(process.wait().await, Ended::Lost),
        Err(error) => assert_eq!(error, SpawnError::LauncherGone),
    }
    launcher.closed().await;
    launcher::kill_leftovers(&bench.store_id);
    until(|| bench.marked().is_empty().then_some(())).await;
}

async fn the_launcher_ignores_what_would_end_it(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("trap '' HUP; kill -HUP 0; exec sleep 600")).await.unwrap();
    let pid = Pid::from_raw(launcher.pid() as i32).unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::PIPE, Signal::QUIT, Signal::USR1] {
        kill_process(pid, signal).unwrap();
    }
    process.kill();
    assert_eq!(process.wait().await, Ended::Signaled(9));
    assert_eq!(stdout_of(bench.request(&["echo", "alive"]), &launcher).await, "alive\n");
    assert_eq!(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap(), "ktk-launcher\n");
}

async fn leftovers_are_killed_by_their_mark(bench: Bench) {
    let start = |store_id: &str, attempt: &str| {
        std::process::Command::new("sh")
            .args(["-c", "sleep 600 & wait"])
            .env("KTK_STORE_ID", store_id)
            .env("KTK_TASK_ID", "task")
            .env("KTK_ATTEMPT", attempt)
            .spawn()
            .unwrap()
    };
    let mut own = start(&bench.store_id, "1");
    let mut foreign = start(&format!("{}x", bench.store_id), "1");
    let mut unmarked = start(&bench.store_id, "");
    until(|| (bench.marked().len() == 4).then_some(())).await;
    assert_eq!(launcher::kill_leftovers(&bench.store_id), 2);
    assert!(own.wait().unwrap().code().is_none());
    assert_eq!(launcher::kill_leftovers(&bench.store_id), 0);
    assert!(foreign.try_wait().unwrap().is_none() && unmarked.try_wait().unwrap().is_none());
    for child in [&mut foreign, &mut unmarked] {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
        for pid in children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()) {
            kill_process(pid, Signal::KILL).unwrap();
        }
        child.wait().unwrap();
    }
}

async fn many_at_once_keep_their_own_ends(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut running = tokio::task::JoinSet::new();
    for code in 0..200 {
        let (launcher, request) =
            (launcher.clone(), bench.attempt(code, &format!("(setsid sleep 600 &); exit {code}")));
        running.spawn(async move {
            let mut process = launcher.spawn(request).await.unwrap();
            (code, process.wait().await)
        });
    }
    let mut seen = BTreeSet::new();
    while let Some(result) = running.join_next().await {
        let (code, ended) = result.unwrap();
        assert_eq!(ended, Ended::Exited(code as i32));
        seen.insert(code);
    }
    assert_eq!(seen.len(), 200);
    assert_eq!(bench.marked(), [""; 0]);
}
