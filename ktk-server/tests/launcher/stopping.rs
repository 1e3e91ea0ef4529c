//! Attempts that are asked to end, or made to.

use std::fs;
use std::time::{Duration, Instant};

use ktk_server::exec::launcher::Ended;
use rustix::process::Pid;
use tokio::io::AsyncReadExt;

use crate::bench::{Bench, PATIENCE, gone, is_gone, output, state, until};

pub(super) async fn a_command_that_ignores_term_is_killed_after_the_grace_period(bench: Bench) {
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

pub(super) async fn a_stop_leaves_the_grace_period_to_the_whole_tree(bench: Bench) {
    let launcher = bench.launcher().await;
    // The leader dies of SIGTERM at once, its child needs a moment.
    let script = "(trap 'sleep 0.1; echo clean; exit' TERM; echo ready; while :; do sleep 0.02; done) & wait";
    let mut process = launcher.spawn(bench.script(script)).await.unwrap();
    process.stdout.read_u8().await.unwrap();
    process.stop(PATIENCE);
    let (ended, stdout, _) = output(&mut process).await;
    assert_eq!((ended, stdout.as_str()), (Ended::Signaled(15), "eady\nclean\n"));
}

pub(super) async fn a_stop_reaches_processes_that_left_the_session(bench: Bench) {
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

pub(super) async fn a_stopped_command_can_be_stopped(bench: Bench) {
    let launcher = bench.launcher().await;
    let mut process = launcher.spawn(bench.script("kill -STOP $$; sleep 60")).await.unwrap();
    let pid = Pid::from_raw(process.pid as i32).unwrap();
    until(|| (state(pid) == Some('T')).then_some(())).await;
    process.stop(PATIENCE);
    assert_eq!(process.wait().await, Ended::Signaled(15));
}

pub(super) async fn a_forking_tree_is_killed(bench: Bench) {
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

pub(super) async fn dropping_a_process_kills_it(bench: Bench) {
    let launcher = bench.launcher().await;
    let process = launcher.spawn(bench.script("(setsid sleep 600 &); exec sleep 600")).await.unwrap();
    let pid = Pid::from_raw(process.pid as i32).unwrap();
    drop(process);
    gone(pid).await;
    until(|| bench.marked().is_empty().then_some(())).await;
}
