//! `ktk get -w`: rows and documents of what changes.

use ktk_tests::{Place, masked};
use rustix::process::Signal;

#[test]
fn each_row_says_what_has_happened() {
    let place = Place::started();
    place.ok("create task old --external");
    let watch = place.typed("get tasks -w --output-watch-events").spawn();
    watch.until_stdout("old");
    place.ok("create task new --external");
    watch.until_stdout("new");
    place.ok("complete new");
    watch.until_stdout("Succeeded");
    place.ok("delete task old --yes");
    watch.until_stdout("DELETED");
    watch.signal(Signal::INT);
    let rows = masked(&watch.stdout());
    let seen: Vec<Vec<&str>> = rows.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(seen[0], ["EVENT", "NAME", "STATUS"], "{rows}");
    assert_eq!(seen[1][..2], ["ADDED", "old"], "{rows}");
    assert_eq!(seen[2][..2], ["ADDED", "new"], "{rows}");
    assert!(seen.contains(&vec!["MODIFIED", "new", "Succeeded"]), "{rows}");
    assert_eq!(seen.last().unwrap()[..], ["DELETED", "old", "Deleted"], "{rows}");
    assert_eq!(watch.wait().code, 130);
}

#[test]
fn u4_several_types_and_names_are_watched_at_once() {
    let place = Place::started();
    place.ok("create task a --external");
    place.ok("create task b --external");
    place.ok("create task c --external");
    let watch = place.typed("get -w task/a task/b -o name").spawn();
    watch.until_stdout("task/b");
    place.ok("complete c");
    place.ok("complete b");
    watch.until_stdout("task/a\ntask/b\ntask/b\n");
    assert!(!watch.stdout().contains("task/c"));
    let both = place.typed("get tasks,queues -w --no-headers").spawn();
    both.until_stdout("task/c");
    place.ok("create queue gpu");
    both.until_stdout("queue/gpu");
    place.ok("complete a");
    both.until_stdout("task/a   Succeeded");
}

#[test]
fn documents_come_one_a_line() {
    let place = Place::started();
    place.ok("create task one --external");
    let events = place.typed("get tasks -w -o json --output-watch-events").spawn();
    let names = place.typed("get tasks -w -o jsonpath='{.metadata.name}={.status.phase}{\"\\n\"}'").spawn();
    let columns =
        place.typed("get tasks --watch-only -o custom-columns=N:.metadata.name,P:.status.phase").spawn();
    let filtered = place.typed("get tasks -w --jq .status.phase").spawn();
    events.until_stdout("\"ADDED\"");
    names.until_stdout("one=");
    filtered.until_stdout("\n");
    // Whoever shows nothing at first is there when it has connected.
    while !columns.stdout().contains("one") {
        let _ = place.ktk("create task two --external");
        place.ok("complete one");
        place.ok("restart one");
    }
    events.until_stdout("\"MODIFIED\"");
    names.until_stdout("one=Succeeded\n");
    filtered.until_stdout("Succeeded\n");
    assert!(columns.stdout().starts_with("N"), "{}", columns.stdout());
    for line in events.stdout().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["type"].is_string() && event["object"]["kind"] == "Task", "{line}");
    }
}

#[test]
fn a_watch_ends_with_its_time_and_sorts_only_what_is_there() {
    let place = Place::started();
    place.ok("create task b --external");
    place.ok("create task a --external");
    place.ktk("get tasks -w -o name --sort-by .metadata.createdAt --request-timeout 300ms").is(
        0,
        "task/b\ntask/a\n",
        "Warning: --watch requested, --sort-by will be ignored for watch events received\n",
    );
    place.ktk("get nodes -w").code(2).says("cannot be watched");
}
