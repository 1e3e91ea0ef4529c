//! The table of exit codes, each by the shortest way to it.

use ktk_tests::Place;

#[test]
fn each_cause_has_its_code_and_its_line() {
    let place = Place::started();
    place.ok("run --name failed --detach -- false");
    place.ktk("wait task/failed").is(1, "", "error: task/failed is Failed (ExitCode)\n");
    for (line, code, stderr) in [
        ("get tasks -n empty", 0, "No resources found in empty namespace.\n"),
        ("get tasks -n empty --error-if-empty", 3, "No resources found in empty namespace.\n"),
        ("get task nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("describe task nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("logs nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("cancel nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("restart nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("tree nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("delete task nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        ("wait task/nosuch", 3, "Error from server (NotFound): task \"nosuch\" not found\n"),
        (
            "wait task/nosuch --timeout 100ms",
            124,
            "error: timed out waiting for the condition on task/nosuch: it is not there\n",
        ),
        ("cancel failed", 5, "Error from server (Conflict): task \"failed\" has ended already (Failed)\n"),
        (
            "create task failed -- true",
            5,
            "Error from server (AlreadyExists): task \"failed\" already exists\nhint: choose another name, or `ktk restart task/failed`\n",
        ),
        (
            "get nosuch",
            2,
            "error: the server doesn't have a resource type \"nosuch\"\nhint: there are tasks, pipelines, queues, semaphores, tasktypes, tokens, nodes, events\n",
        ),
        (
            "gte",
            2,
            "error: unknown command \"gte\" for \"ktk\"\nDid you mean this?\n    get\nSee 'ktk --help' for usage.\n",
        ),
        ("get tasks --nosuch", 2, "error: unknown flag: --nosuch\nSee 'ktk get --help' for usage.\n"),
        ("get tasks -l 'a in'", 2, "error: unable to parse requirement: found '', expected: '('\n"),
    ] {
        place.ktk(line).is(code, "", stderr);
    }
    place.ktk("create task Bad_Name -- true").code(7).says("Bad_Name");
    place.ktk("get tasks -o nosuch").code(2).says("nosuch");
    place.ktk("get tasks --field-selector spec.nosuch=1").code(2).says("spec.nosuch");
    place.ktk("run --nosuch -- true").code(2);
}

#[test]
fn several_failures_of_one_code_give_that_code() {
    let place = Place::started();
    place.ok("run --name there -- true");
    let output = place.ktk("get task a there b").code(3);
    let output = output.prints("there   Succeeded");
    output.says("task \"a\" not found\n").says("task \"b\" not found\n");
    place.ktk("cancel there nosuch").code(1);
}

#[test]
fn without_a_server_it_is_6_and_one_line() {
    let place = Place::new().with_env("KTK_AUTOSTART", "never");
    for line in
        ["get tasks", "logs x", "wait x", "restart x", "tree x", "cancel x", "delete task x", "events"]
    {
        let output = place.ktk(line).code(6);
        assert_eq!(output.stdout, "", "{line}");
        assert_eq!(output.stderr.lines().count(), 1, "{line}: {}", output.stderr);
        assert!(output.stderr.starts_with("error: cannot reach the server at "), "{line}: {}", output.stderr);
    }
    assert!(!place.data().exists());
    let socket = place.root().join("none.sock");
    let output = place.typed("get tasks").env("KTK_SERVER", format!("unix://{}", socket.display())).output();
    output.code(6).says("none.sock");
    place.ktk("get tasks --server ftp://x").code(2);
}

#[test]
fn the_help_topic_lists_them() {
    let place = Place::new();
    let text = place.ok("help exit-codes");
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 124, 125, 126, 127, 130] {
        let has_line = text.lines().any(|line| line.split_whitespace().next() == Some(&code.to_string()));
        assert!(has_line || text.contains(&code.to_string()), "{code} is not in\n{text}");
    }
    assert!(!place.data().exists(), "help starts no server");
}

#[test]
fn u6_a_code_says_what_it_was() {
    let place = Place::started();
    place.ktk("get tasks -l none").is(0, "", "No resources found in default namespace.\n");
    place.ktk("get tasks -l none --error-if-empty").is(3, "", "No resources found in default namespace.\n");
    // What is no difference is no 1.
    place.ktk("diff --nosuch").code(2);
    place.ktk("diff nosuch@1 nosuch@2").code(3);
}
