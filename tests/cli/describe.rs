//! `ktk describe`.

use ktk_tests::Place;

use crate::manifests::BROKEN;

#[test]
fn a_task_with_its_attempts_restarts_and_events() {
    let place = Place::started();
    place.ktk("run --name x --label a=b --retry 1 -- sh -c 'exit 3'").code(3);
    place.ok("restart x");
    place.ktk("wait x").code(1);
    let output = place.ktk("describe task x").code(0);
    let mut from = 0;
    for part in [
        "Name:            x\n",
        "Namespace:       default\n",
        "Labels:          a=b\n",
        "Incarnation:     2\n",
        "Directory:       ",
        "Status:          Failed\n",
        "Reason:          ExitCode\n",
        "Exit Code:       3\n",
        "Attempts:\n  Number   Node       Age   Duration   Reason     Exit   Message\n",
        "  1        local.g1   ",
        "  2        local.g1   ",
        "Restarts:\n  x@1      Failed   ExitCode 3   ",
        "Outputs:         <none>\n",
        "Events:\n",
    ] {
        let at = output.stdout[from..].find(part);
        from +=
            at.unwrap_or_else(|| panic!("{part:?} is missing or not in its place:\n{}", output.transcript()));
    }
    place.ktk("describe task/nosuch").is(3, "", "Error from server (NotFound): task \"nosuch\" not found\n");
}

#[test]
fn a_pipeline_with_its_graph() {
    let place = Place::started();
    place.file("p.yaml", BROKEN);
    place.ktk("run -f p.yaml").code(1);
    let output = place.ktk("describe pipeline p").code(0);
    let dag = "DAG:\n\
               \x20 a         Succeeded\n\
               \x20 └─ b      Failed\n\
               \x20    ├─ c   UpstreamFailed\n\
               \x20    ├─ d   Succeeded\n\
               \x20    └─ e   Succeeded\n";
    let output = output.prints(dag).prints("Progress:        3 of 5 done, 2 failed\n");
    for step in ["a", "b", "d", "e"] {
        let is_started =
            |line: &&str| line.contains(" Started ") && line.contains(&format!(" task/p.{step} "));
        assert!(
            output.stdout.lines().any(|line| is_started(&line)),
            "{step} never started:\n{}",
            output.stdout
        );
    }
    let events = place.ktk("describe pipeline p --show-events=false").code(0);
    assert!(!events.stdout.contains("Events:"));
}

#[test]
fn outputs_and_what_was_taken() {
    let place = Place::started();
    place.file("p.yaml", BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ktk("describe task p.a").code(0).prints("got");
    assert_eq!(place.field("task", "p.a", "/status/outputs/got"), "hello");
    assert_eq!(place.field("task", "p.b", "/status/resolved/0/need"), "a");
    place.ktk("describe nodes").code(0).prints("Name:        local");
}

#[test]
fn what_manifests_name_is_described() {
    let place = Place::started();
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("describe -f p.yaml").is(3, "", "Error from server (NotFound): pipeline \"p\" not found\n");
    place.ktk("run -f p.yaml").code(1);
    assert!(place.ok("describe -f p.yaml").starts_with("Name:"));
    place.ktk("describe pipeline p -f p.yaml").code(2).says("you may not specify resource arguments as well");
}

#[test]
fn u5_programs_get_the_object_its_events_and_its_children() {
    let place = Place::started();
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    let described = place.ktk("describe pipeline p -o json").code(0).json();
    assert_eq!(described["object"]["metadata"]["name"], "p");
    assert_eq!(described["tasks"].as_array().map(Vec::len), Some(5));
    assert_eq!(described["events"][0]["reason"], "Created");
    let yaml = place.ok("describe task p.b -o yaml");
    assert!(yaml.contains("incarnations:") && yaml.contains("events:"), "{yaml}");
}
