//! kill -9 at any moment: what was acknowledged is there, what ran runs again, nothing is left.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ktk_client::api::{
    Task,
    task::{RetrySpec, TaskSpec},
};
use ktk_tests::{Place, children_of, eventually, is_alive, is_long_run, kill, stand_still};

use crate::scripts::script;

const SOON: Duration = Duration::from_secs(30);

/// How long a node is taken for there that says nothing.
const LEASE: Duration = Duration::from_secs(15);

/// Creates tasks one after the other, each by a call of its own, until told to stop; answers the acknowledged ones.
fn create_until(
    place: &Place,
    round: u32,
    writer: u32,
    enough: &AtomicBool,
    count: &AtomicU32,
) -> BTreeMap<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        let mut acknowledged = BTreeMap::new();
        for number in 0.. {
            let name = format!("r{round}-w{writer}-{number}");
            let retry = RetrySpec {
                limit: Some(1_000),
                backoff: Some(ktk_client::api::Duration::default()),
                ..RetrySpec::default()
            };
            let spec = TaskSpec { retry: Some(retry), ..TaskSpec::command(["true"]) };
            let made = client.tasks().create(&Task::new(&name, spec)).await;
            if let Ok(made) = made {
                let id = made.object.metadata.id.unwrap().to_string();
                acknowledged.insert(name, id);
                count.fetch_add(1, Ordering::SeqCst);
            }
            if enough.load(Ordering::SeqCst) {
                break;
            }
        }
        acknowledged
    })
}

#[test]
fn nothing_acknowledged_is_lost() {
    let place = Place::new();
    let rounds = if is_long_run() { 200 } else { 20 };
    let mut acknowledged = BTreeMap::new();
    for round in 0..rounds {
        place.start();
        let pid = place.server();
        let (enough, count) = (AtomicBool::new(false), AtomicU32::new(0));
        let made = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for writer in 0..3 {
                let (place, enough, count, made) = (&place, &enough, &count, &made);
                scope.spawn(move || {
                    let mine = create_until(place, round, writer, enough, count);
                    made.lock().unwrap().extend(mine);
                });
            }
            // A different moment in each round: after so many answers.
            let moment = 1 + round * 7 % 23;
            eventually("the stream of creates flows", SOON, || {
                (count.load(Ordering::SeqCst) >= moment).then_some(())
            });
            kill(pid);
            enough.store(true, Ordering::SeqCst);
        });
        eventually("the server is dead", SOON, || (!is_alive(pid)).then_some(()));
        acknowledged.append(&mut made.into_inner().unwrap());
    }
    place.start();
    let list = place.ktk("get tasks -o json").code(0).json();
    let kept: BTreeMap<&str, &str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["metadata"]["name"].as_str().unwrap(), task["metadata"]["id"].as_str().unwrap()))
        .collect();
    for (name, id) in &acknowledged {
        assert_eq!(
            kept.get(name.as_str()),
            Some(&id.as_str()),
            "{name} was acknowledged and is not as it was"
        );
    }
    assert!(acknowledged.len() >= rounds as usize, "{} were acknowledged", acknowledged.len());
    // All of them run to their end, as often as it takes.
    place.typed("wait --all").within(Duration::from_secs(100)).output().code(0);
}

#[test]
fn what_ran_runs_again_and_alone() {
    let place = Place::started();
    script(
        &place,
        "mark.sh",
        "echo $$ >\"pid-$KTK_ATTEMPT\"; while ! test -e go; do sleep 0.02; done; echo done",
    );
    place.ok("create task x --retry 9 -- sh mark.sh");
    let pid_of = |attempt: u32| {
        let path = place.work().join(format!("pid-{attempt}"));
        eventually("the attempt has begun", SOON, || {
            std::fs::read_to_string(&path).ok()?.trim().parse::<u32>().ok()
        })
    };
    for attempt in 1..=3 {
        let process = pid_of(attempt);
        place.kill_server();
        eventually("the process died with its server", SOON, || (!is_alive(process)).then_some(()));
        // Nobody restarts it by hand: the next command does.
        place.ok("get tasks");
    }
    pid_of(4);
    place.file("go", "");
    place.ok("wait x");
    let task = place.ktk("get task x -o json").code(0).json();
    let attempts = task["status"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 4, "{attempts:#?}");
    for attempt in &attempts[..3] {
        assert_eq!(attempt["reason"], "NodeLost", "{attempt:#?}");
    }
    assert_eq!(place.ok("logs x"), "done\n");
}

#[test]
fn a_task_that_must_not_run_twice_does_not() {
    let place = Place::started();
    script(&place, "once.sh", "echo $$ >>runs; while ! test -e go; do sleep 0.02; done");
    place.ok("create task x --retry 0 -- sh once.sh");
    let runs = || std::fs::read_to_string(place.work().join("runs")).unwrap_or_default().lines().count();
    eventually("it runs", SOON, || (runs() == 1).then_some(()));
    place.kill_server();
    place.ktk("wait x").is(1, "", "started the local server (pid <pid>, data in <root>/home/.local/share/ktk)\nerror: task/x is Failed (NodeLost)\n");
    assert_eq!(runs(), 1);
}

#[test]
fn a_killed_launcher_takes_its_processes_along_and_is_started_again() {
    let place = Place::started();
    script(&place, "mark.sh", "echo $$ >\"pid-$KTK_ATTEMPT\"; while ! test -e go; do sleep 0.02; done");
    place.ok("create task x --retry 5 -- sh mark.sh");
    let path = place.work().join("pid-1");
    let process =
        eventually("it runs", SOON, || std::fs::read_to_string(&path).ok()?.trim().parse::<u32>().ok());
    let server = place.server();
    let launcher =
        children_of(server).into_iter().find(|found| found.command.contains("launcher")).expect("a launcher");
    kill(launcher.pid);
    eventually("the process died with its launcher", SOON, || (!is_alive(process)).then_some(()));
    eventually("it runs again", SOON, || place.work().join("pid-2").exists().then_some(()));
    place.file("go", "");
    place.ok("wait x");
    assert_eq!(place.server(), server, "the server went on");
    assert_eq!(place.ok("run -- echo still here"), "still here\n");
}

#[test]
fn a_server_that_stood_still_keeps_what_it_runs() {
    let place = Place::started();
    script(&place, "ended.sh", "echo $$ >>ended; while ! test -e still; do sleep 0.02; done");
    script(&place, "runs.sh", "echo $$ >>runs; while ! test -e go; do sleep 0.02; done");
    for name in ["ended", "runs"] {
        place.ok(&format!("create task {name} --retry 0 -- sh {name}.sh"));
        eventually("it runs", SOON, || place.work().join(name).exists().then_some(()));
    }
    stand_still(place.server(), || {
        place.file("still", "");
        let begun = Instant::now();
        let is_over = || (begun.elapsed() > LEASE + Duration::from_secs(2)).then_some(());
        eventually("a lease is over", SOON, is_over);
    });
    place.ok("wait ended --timeout 30s");
    place.file("go", "");
    place.ok("wait runs --timeout 30s");
    for name in ["ended", "runs"] {
        assert_eq!(place.field("task", name, "/status/attempt"), "1");
        assert_eq!(std::fs::read_to_string(place.work().join(name)).unwrap().lines().count(), 1);
    }
}

#[test]
fn a_pipeline_goes_on_over_deaths() {
    let place = Place::started();
    let mut text = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n".to_owned();
    for step in 0..12 {
        let needs = if step < 2 { String::new() } else { format!("s{}", step - 2) };
        text += &format!(
            "    - {{name: s{step}, needs: [{needs}], run: {{command: [sh, step.sh, s{step}]}}, retry: {{limit: 9, backoff: 1ms}}}}\n"
        );
    }
    place.file("p.yaml", text);
    script(
        &place,
        "step.sh",
        "sleep 0.05; echo x >>\"$KTK_DIR/$1\"; echo \"n=$KTK_ATTEMPT\" >\"$KTK_OUTPUT\"",
    );
    place.ok("create -f p.yaml");
    for round in 0..4 {
        let done = |place: &Place| place.field("pipeline", "p", "/status/steps/done").parse::<u32>().unwrap();
        eventually("it gets further", SOON, || (done(&place) >= round * 2).then_some(()));
        place.kill_server();
    }
    place.typed("wait pipeline/p").output().code(0);
    let list = place.ktk("get tasks -o json").code(0).json();
    for task in list["items"].as_array().unwrap() {
        assert_eq!(task["status"]["phase"], "Succeeded", "{task:#}");
        assert_eq!(task["metadata"]["restart"]["incarnation"], 1, "{task:#}");
        let last = task["status"]["attempts"].as_array().unwrap().last().unwrap();
        assert_eq!(
            task["status"]["outputs"]["n"],
            last["number"].to_string(),
            "the output is the last attempt's"
        );
    }
}
