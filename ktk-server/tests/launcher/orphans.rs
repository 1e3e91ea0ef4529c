//! What attempts leave behind, and whose it is.

use std::fs;
use std::time::Duration;

use ktk_server::exec::launcher::{self, Ended};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;

use crate::bench::{Bench, PATIENCE, is_gone, state, until};

pub(super) async fn a_child_with_a_session_of_its_own_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    let script = "setsid sh -c 'echo $$ > away; exec sleep 600' & while ! [ -s away ]; do :; done; exit 7";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(7));
    assert!(is_gone(bench.pid_in("away").await));
}

pub(super) async fn a_daemon_ends_with_the_attempt(bench: Bench) {
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

pub(super) async fn an_orphan_without_environment_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    let script =
        "setsid env -i /bin/sh -c 'echo $$ > bare; exec /bin/sleep 600' & while ! [ -s bare ]; do :; done";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    assert_eq!(process.wait().await, Ended::Exited(0));
    assert!(is_gone(bench.pid_in("bare").await));
}

pub(super) async fn an_orphan_of_another_attempt_is_spared(bench: Bench) {
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

pub(super) async fn an_orphan_of_nobody_known_ends_with_the_last_that_may_own_it(bench: Bench) {
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

pub(super) async fn an_orphan_that_changed_its_group_ends_with_the_attempt(bench: Bench) {
    let launcher = bench.launcher().await;
    // Shells with job control give each job a group of its own; `env -i` takes the mark away too. The attempts beside
    // it leave nothing to be guessed.
    let mut other = launcher.spawn(bench.attempt(1, "exec sleep 600")).await.unwrap();
    let script = "set -m; env -i /bin/sh -c 'echo $$ > grouped; exec /bin/sleep 600' &
        setsid bash -c 'set -m; sh -c \"echo \\$\\$ > both; exec sleep 600\" & wait' &
        while ! [ -s grouped ] || ! [ -s both ]; do :; done; exec sleep 600";
    let mut request = bench.attempt(2, script);
    request.argv[0] = "bash".to_owned();
    let mut process = launcher.spawn(request).await.unwrap();
    let (grouped, both) = (bench.pid_in("grouped").await, bench.pid_in("both").await);
    let own = Some(process.pid);
    assert!(group_of(grouped) != own && group_of(both) != own, "they have left the group");
    assert_eq!(
        group_of(both),
        u32::try_from(both.as_raw_nonzero().get()).ok(),
        "in a session of its own too"
    );
    process.stop(PATIENCE);
    process.wait().await;
    assert!(is_gone(grouped) && is_gone(both));
    other.kill();
    assert_eq!(other.wait().await, Ended::Signaled(9));
}

/// Nothing once it has ended.
fn group_of(pid: Pid) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(2)?.parse().ok()
}

pub(super) async fn dead_children_are_reaped(bench: Bench) {
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

pub(super) async fn leftovers_are_killed_by_their_mark(bench: Bench) {
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
