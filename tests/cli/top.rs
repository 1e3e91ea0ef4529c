//! `ktk top`: what runs takes, and what waits; never a number that nobody measured.

use ktk_tests::{Place, eventually};
use std::time::Duration;

/// The cells of a table, row by row.
fn cells(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn what_runs_is_measured_by_task_node_and_queue() {
    let place = Place::started();
    place.ktk("top tasks").is(0, "", "No resources found in default namespace.\n");
    place.ok("create queue gpu --max-running 1");
    place.ok("create task outside --external --label kind=outside");
    place.ok("create task busy --label kind=busy -- sh -c 'while :; do :; done'");
    let shown = eventually("it is measured", Duration::from_secs(30), || {
        let shown = place.ok("top task busy");
        let cpu = cells(&shown)[1][1].trim_end_matches('m').parse::<u64>().unwrap_or(0);
        (cpu > 0).then_some(shown)
    });
    let rows = cells(&shown);
    assert_eq!(rows[0], ["NAME", "CPU(cores)", "MEMORY(bytes)", "PROCESSES", "NODE", "RUNNING"]);
    assert_eq!((rows[1][0], rows[1][3]), ("busy", "1"));
    assert!(rows[1][2].ends_with("Ki") || rows[1][2].ends_with("Mi"), "{shown}");
    // Nobody here knows what somebody outside takes.
    place.ktk("top tasks -l kind=outside --no-headers").is(
        0,
        "outside   <unknown>   <unknown>   <unknown>   <none>   <age>\n",
        "",
    );
    let names =
        |line: &str| -> Vec<String> { cells(&place.ok(line)).iter().map(|row| row[0].to_owned()).collect() };
    assert_eq!(names("top tasks --no-headers --sort-by=cpu"), ["busy", "outside"]);
    assert_eq!(names("top tasks --no-headers --sort-by=memory"), ["busy", "outside"]);
    assert_eq!(names("top tasks -A"), ["NAMESPACE", "default", "default"]);
    let json = place.ktk("top tasks -o json").code(0).json();
    assert!(json["items"][0]["usage"]["memoryBytes"].as_u64().unwrap() > 10_000, "{json}");
    assert!(json["items"][1].get("usage").is_none(), "{json}");

    let nodes = place.ok("top nodes");
    let rows = cells(&nodes);
    assert_eq!(rows[0], ["NAME", "RUNNING", "SLOTS", "CPU(cores)", "MEMORY(bytes)", "OLDEST"]);
    assert_eq!((rows.len(), rows[1][1]), (2, "1"));
    assert!(rows[1][3].ends_with('m') && rows[1][3] != "0m", "{nodes}");

    let queues = place.ok("top q");
    let rows = cells(&queues);
    assert_eq!(rows[0], ["NAME", "RUNNING", "WAITING", "OLDEST", "CPU(cores)", "MEMORY(bytes)"]);
    assert_eq!((rows[1][0], rows[1][1], rows[1][2], rows[1][3]), ("default", "1", "0", "<none>"));
    assert_eq!(rows[2], ["gpu", "0", "0", "<none>", "0m", "0Ki"]);
    place.ok("pause queue/default");
    place.ok("create task late -- true");
    let rows = place.ok("top queue default --no-headers");
    let rows = cells(&rows);
    assert_eq!(rows[0][2], "1");
    assert!(rows[0][3].ends_with('s'), "{rows:?}");
}

#[test]
fn wrong_usage_of_top() {
    let place = Place::started();
    place.ktk("top").code(2);
    place.ktk("top pods").code(2).says("the server doesn't have a resource type \"pods\"");
    place.ktk("top pipelines").code(2).says("ktk top does not take pipelines");
    place.ktk("top tasks,nodes").code(2).says("you may only specify a single resource type");
    place.ktk("top task x").code(3).says("there is no task \"x\" that runs");
    place.ktk("top tasks --sort-by=size").code(2);
    place.ktk("top tasks -l 'a in'").code(2);
    place.ktk("top task x -l a=b").code(2).says("name cannot be provided when a selector is specified");
}
