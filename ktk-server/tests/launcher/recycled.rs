//! A pid, once its process is dead and reaped, may become anybody's: nobody is signalled for having it. The next pid
//! can be chosen in a namespace of its own, where these tests play.

use std::{
    fs,
    process::{Command, ExitCode},
    time::Duration,
};

use ktk_server::exec::launcher::Ended;
use rustix::process::Pid;

use crate::bench::{Bench, is_gone, until};

/// Plays the part that needs a namespace, as the first process of one.
pub(super) fn play(store_id: &str, dir: &str) -> ExitCode {
    let bench = Bench::resume(store_id, dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(a_session_number_that_another_attempt_got(bench));
    ExitCode::SUCCESS
}

/// The first attempt's leader is dead and reaped while another of its processes has its grace period; then a process
/// of the second attempt gets the leader's pid and begins a session of that number.
async fn a_session_number_that_another_attempt_got(bench: Bench) {
    let launcher = bench.launcher().await;
    let stubborn = "setsid sh -c 'trap \"\" TERM; echo $$ > away; exec sleep 600' & wait";
    let mut first = launcher.spawn(bench.attempt(1, stubborn)).await.unwrap();
    let leader = Pid::from_raw(first.pid as i32).unwrap();
    let away = bench.pid_in("away").await;
    first.stop(Duration::from_secs(4));
    until(|| is_gone(leader).then_some(())).await;
    let number = leader.as_raw_nonzero();
    let taking = format!(
        "(echo {} > /proc/sys/kernel/ns_last_pid; setsid sh -c 'echo $$ > taken; exec sleep 600' &)
        while ! [ -s taken ]; do :; done; exec sleep 600",
        number.get() - 1
    );
    let mut second = launcher.spawn(bench.attempt(2, &taking)).await.unwrap();
    assert_eq!(bench.pid_in("taken").await, leader, "the pid was given again");
    assert!(!is_gone(away), "the first attempt still has its grace period");
    assert_eq!(first.wait().await, Ended::Signaled(15));
    assert!(is_gone(away));
    assert!(!is_gone(leader), "it is the second attempt's now");
    second.kill();
    assert_eq!(second.wait().await, Ended::Signaled(9));
    assert!(is_gone(leader));
}

pub(super) async fn a_pid_that_was_given_again_is_not_signalled(bench: Bench) {
    let own = std::env::current_exe().unwrap();
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(own);
    let dir = bench.path("");
    let played = unshare.args(["internal", "recycled", &bench.store_id]).arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{said}");
    assert!(fs::exists(bench.path("taken")).unwrap(), "it was played: {said}");
}
