//! The launcher's own life and death.

use std::fs;
use std::process::ExitCode;

use ktk_server::exec::launcher::{self, Ended, Launcher, LauncherConfig, SpawnError};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, gone, is_gone, state, stdout_of, until};

pub(super) async fn dropping_the_launcher_kills_everything(bench: Bench) {
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

pub(super) async fn shutting_down_kills_everything(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process =
        launcher.spawn(bench.script("(setsid sleep 600 &) ; trap '' TERM; sleep 600; :")).await.unwrap();
    launcher.shut_down().await;
    assert_eq!(bench.marked(), [""; 0]);
    assert_eq!(process.wait().await, Ended::Lost);
    assert_eq!(launcher.spawn(bench.request(&["true"])).await.map(|_| ()), Err(SpawnError::LauncherGone));
}

pub(super) async fn a_killed_launcher_loses_its_attempts(bench: Bench) {
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

pub(super) async fn a_command_that_kills_its_parent_gains_nothing(bench: Bench) {
    let launcher = bench.launcher().await;
    // It may be gone before it has said that it started anything.
    match launcher.spawn(bench.script("kill -9 $PPID; sleep 600")).await {
        Ok(mut process) => assert_eq!(process.wait().await, Ended::Lost),
        Err(error) => assert_eq!(error, SpawnError::LauncherLost),
    }
    launcher.closed().await;
    launcher::kill_leftovers(&bench.store_id);
    until(|| bench.marked().is_empty().then_some(())).await;
}

pub(super) async fn the_launcher_ignores_what_would_end_it(bench: Bench) {
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

pub(super) async fn a_command_that_stops_its_parent_is_outlasted(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("kill -STOP $PPID; exit 6")).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(6));
}

pub(super) async fn what_is_no_launcher_is_refused(_: Bench) {
    for program in ["/bin/true", "/no/such/program"] {
        let config = LauncherConfig { program: program.into(), args: Vec::new() };
        assert!(Launcher::start(&config).await.is_err(), "{program}");
    }
}

pub(super) fn serve_until_killed(store_id: &str, dir: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::resume(store_id, dir);
        let launcher = bench.launcher().await;
        let script = "setsid sh -c 'echo $$ > away; exec sleep 600' &
            setsid env -i sh -c 'echo $$ > bare; sleep 600; :' &
            trap '' TERM HUP; echo $PPID > launcher; echo $$ > leader; sleep 600; :";
        launcher.spawn(bench.script(script)).await.unwrap().wait().await;
    });
    ExitCode::SUCCESS
}

pub(super) async fn everything_ends_when_the_server_is_killed(bench: Bench) {
    for is_launcher_stopped in [false, true] {
        let mut server = std::process::Command::new("/proc/self/exe")
            .args(["internal", "server", &bench.store_id])
            .arg(bench.path(""))
            .spawn()
            .unwrap();
        let mut pids = Vec::new();
        for name in ["launcher", "leader", "away", "bare"] {
            pids.push(bench.pid_in(name).await);
            fs::remove_file(bench.path(name)).unwrap();
        }
        let server_pid = Pid::from_raw(server.id() as i32).unwrap();
        if is_launcher_stopped {
            // The server would set it going again.
            kill_process(server_pid, Signal::STOP).unwrap();
            kill_process(pids[0], Signal::STOP).unwrap();
            until(|| (state(pids[0]) == Some('T')).then_some(())).await;
        }
        kill_process(server_pid, Signal::KILL).unwrap();
        server.wait().unwrap();
        for pid in pids {
            until(|| matches!(state(pid), None | Some('Z')).then_some(())).await;
        }
    }
}
