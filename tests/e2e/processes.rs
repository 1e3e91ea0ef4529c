//! No process of a task outlives its attempt, its cancel, or the server, however it tries to get away.

use std::{fs, time::Duration};

use ktk_tests::{Place, eventually, is_alive};

use crate::scripts::script;

const SOON: Duration = Duration::from_secs(30);

/// Ways to get away; each child writes its process id.
const ESCAPES: &str = r#"
child='echo $$ >>pids; exec sleep 1000'
sh -c "$child" &
setsid sh -c "$child" &
setsid sh -c "sh -c '$child' & exit"
setsid nohup sh -c "trap '' TERM HUP INT; echo \$\$ >>pids; while :; do sleep 1; done" >/dev/null 2>&1 &
env -i PATH="$PATH" setsid sh -c "cd /; echo \$\$ >>$PWD/pids; exec sleep 1000" </dev/null >/dev/null 2>&1 &
env -i PATH="$PATH" sh -c "setsid sh -c 'cd /; setsid sh -c \"echo \\\$\\\$ >>$PWD/pids; exec sleep 1000\" &' &"
while test $(wc -l <pids) -lt 6; do sleep 0.01; done
"#;

fn place_with(name: &str, end: &str) -> Place {
    let place = Place::started();
    place.file("pids", "");
    script(&place, name, &format!("{ESCAPES}\n{end}"));
    place
}

/// The processes that got away so far, all six.
fn escaped(place: &Place) -> Vec<u32> {
    eventually("all six have begun", SOON, || {
        let text = fs::read_to_string(place.work().join("pids")).ok()?;
        let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        (pids.len() == 6 && pids.iter().all(|pid| is_alive(*pid))).then_some(pids)
    })
}

fn until_gone(pids: &[u32]) {
    eventually(&format!("all of {pids:?} have gone"), SOON, || {
        pids.iter().all(|pid| !is_alive(*pid)).then_some(())
    });
}

#[test]
fn with_the_attempt() {
    let place = place_with("escape.sh", "exit 3");
    place.ktk("run -- sh escape.sh").code(3);
    let text = fs::read_to_string(place.work().join("pids")).unwrap();
    let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(pids.len(), 6);
    until_gone(&pids);
}

#[test]
fn with_its_cancel() {
    let place = place_with("escape.sh", "exec sleep 1000");
    place.ok("create task x -- sh escape.sh");
    let pids = escaped(&place);
    place.ok("cancel x --now");
    place.ktk("wait x").code(1);
    until_gone(&pids);
}

#[test]
fn with_its_timeout() {
    let place = place_with("escape.sh", "exec sleep 1000");
    let running = place.spawn("run --timeout 3s -- sh escape.sh");
    let pids = escaped(&place);
    running.wait().code(124);
    until_gone(&pids);
}

#[test]
fn with_a_killed_server() {
    let place = place_with("escape.sh", "exec sleep 1000");
    place.ok("create task x --retry 0 -- sh escape.sh");
    let pids = escaped(&place);
    place.kill_server();
    until_gone(&pids);
    place.until_nothing_is_left();
}

#[test]
fn with_a_stopped_server() {
    let place = place_with("escape.sh", "exec sleep 1000");
    place.ok("create task x -- sh escape.sh");
    let pids = escaped(&place);
    place.ok("server stop --now");
    until_gone(&pids);
    place.until_nothing_is_left();
}

#[test]
fn one_that_ignores_sigterm_ends_after_the_grace_period() {
    let place = Place::started();
    script(&place, "deaf.sh", "trap '' TERM; echo $$ >pid; while :; do sleep 0.05; done");
    place.file(
        "deaf.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: deaf}\nspec:\n  gracePeriod: 500ms\n  run: {command: [sh, deaf.sh]}\n",
    );
    place.ok("create -f deaf.yaml");
    let pid = eventually("it runs", SOON, || {
        fs::read_to_string(place.work().join("pid")).ok()?.trim().parse::<u32>().ok()
    });
    let asked = std::time::Instant::now();
    place.ok("cancel deaf");
    place.ktk("wait deaf").is(1, "", "error: task/deaf is Cancelled (ByUser)\n");
    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(8), "{took:?}");
    assert!(!is_alive(pid));
}

#[test]
fn outputs_end_with_the_process_and_not_with_who_holds_its_streams() {
    let place = Place::started();
    // The child keeps standard output open for much longer than the task lives.
    place.ktk("run -- sh -c 'setsid sleep 1000 & echo done'").is(0, "done\n", "");
}

#[test]
fn many_at_once() {
    let place = Place::new().with_env("KTK_SLOTS", "16");
    place.start();
    let directory = place.work().join("seen");
    fs::create_dir(&directory).unwrap();
    script(&place, "count.sh", "echo $KTK_ATTEMPT >\"seen/$1\"");
    let mut text = String::new();
    for number in 0..200 {
        text += &format!(
            "---\napiVersion: ktk/v1\nkind: Task\nmetadata: {{name: t{number}}}\nspec: {{run: {{command: [sh, count.sh, t{number}]}}}}\n"
        );
    }
    place.file("many.yaml", text);
    place.ok("create -f many.yaml");
    place.ok("wait --all");
    let seen = crate::scripts::numbers_in(&directory);
    assert_eq!(seen.len(), 200);
    assert!(seen.values().all(|attempt| *attempt == 1));
}
