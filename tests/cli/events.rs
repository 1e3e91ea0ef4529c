//! `ktk events`.

use ktk_tests::Place;
use rustix::process::Signal;

#[test]
fn what_happened_oldest_first() {
    let place = Place::started();
    place.ktk("events").is(0, "", "No events found in default namespace.\n");
    place.ktk("run --name x -- false").code(1);
    place.ok("run --name y -- true");
    place.ktk("events --for task/x").is(
        0,
        "LAST SEEN   TYPE      REASON    OBJECT   MESSAGE\n\
         <age>   Normal    Created   task/x   created\n\
         <age>   Normal    Started   task/x   attempt 1 started on local.g1\n\
         <age>   Warning   Failed    task/x   ExitCode: exit code 1\n",
        "",
    );
    place.ktk("events --types=warning --no-headers").is(
        0,
        "<age>   Warning   Failed   task/x   ExitCode: exit code 1\n",
        "",
    );
    assert_eq!(place.ok("events -A --no-headers").lines().count(), 6);
    let list = place.ktk("events -o json").code(0).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 6);
    assert_eq!(items[0]["object"]["name"], "x");
    assert_eq!(items[2]["reason"], "Failed");
    place.ktk("events --for task/nosuch").code(3);
}

#[test]
fn a_watch_goes_on_with_what_happens() {
    let place = Place::started();
    place.ok("run --name x -- true");
    let all = place.spawn("events -w");
    all.until_stdout("attempt 1 succeeded");
    let one = place.spawn("events --for task/x -w --no-headers");
    one.until_stdout("attempt 1 succeeded");
    let lines = place.spawn("events -w -o json --types=Warning");
    place.ktk("run --name y -- false").code(1);
    place.ok("restart x");
    all.until_stdout("incarnation 2 created");
    all.until_stdout("ExitCode: exit code 1");
    lines.until_stdout("ExitCode: exit code 1");
    all.signal(Signal::INT);
    one.signal(Signal::INT);
    lines.signal(Signal::INT);
    let all = all.wait().code(130);
    for text in ["task/x   created", "task/y   created", "ExitCode"] {
        assert_eq!(all.stdout.matches(text).count(), 1, "{text}: {}", all.stdout);
    }
    // Of x alone: its next incarnation is another object.
    let one = one.wait().code(130);
    assert_eq!(one.stdout.lines().count(), 3, "{}", one.stdout);
    let lines = lines.wait().code(130);
    let event: serde_json::Value = serde_json::from_str(&lines.stdout).expect("one event in one line");
    assert_eq!(event["object"]["name"], "y");
    place.ktk("events -w --jq .").code(2).says("--watch has none");
}
