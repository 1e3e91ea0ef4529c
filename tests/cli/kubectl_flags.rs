//! Flags that kubectl's users know: those that are here mean the same, the others are refused with what there is instead.

use ktk_tests::Place;

#[test]
fn warnings_are_errors_where_that_is_asked_for() {
    let place = Place::started();
    let queue = |name: &str| {
        format!("apiVersion: ktk/v1\nkind: Queue\nmetadata: {{name: {name}}}\nspec: {{x: 1}}\n---\n")
    };
    place.file("one.yaml", queue("one"));
    place.file("two.yaml", queue("two") + &queue("three"));
    place.ktk("create -f one.yaml --validate=warn").code(0).says("Warning: ");
    let output = place.ktk("create -f one.yaml --validate=warn --if-not-exists --warnings-as-errors").code(1);
    assert!(output.stderr.ends_with("error: 1 warning received\n"), "{}", output.transcript());
    let typed = place.typed("create -f two.yaml --validate=warn").env("KTK_WARNINGS_AS_ERRORS", "1");
    typed.output().code(1).says("error: 2 warnings received");
    // It was done all the same, as by kubectl.
    place.ktk("get queue two three -o name").is(0, "queue/two\nqueue/three\n", "");
    place.ktk("get queue two --warnings-as-errors -o name").is(0, "queue/two\n", "");
    // What failed by itself keeps its code.
    place.ktk("create -f one.yaml --validate=warn --warnings-as-errors").code(5);
}

#[test]
fn what_is_called_otherwise_is_named() {
    let place = Place::new();
    for (line, hint) in [
        ("get tasks --show-managed-fields", "ktk apply view-last-applied"),
        ("get tasks --limit=5", "--chunk-size"),
        ("get tasks --template={{.x}}", "-o jsonpath=TEMPLATE"),
        ("get tasks --kubeconfig f", "--config"),
        ("--kuberc=f get tasks", "--preferences"),
        ("get tasks --token x", "KTK_TOKEN"),
        ("get tasks --as root", "KTK_TOKEN"),
        ("logs x -c app", "--attempt N"),
        ("apply -f x --server-side", "leave it out"),
        ("apply -f x --prune -l a=b", "--source NAME --prune"),
        ("apply --kustomize x", "-f -"),
        ("scale queue q --replicas=3", "--max-running N"),
    ] {
        let output = place.ktk(line).code(2);
        let hints: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert!(matches!(hints[..], [one] if one.contains(hint)), "{}", output.transcript());
        assert!(output.stderr.starts_with("error: unknown flag: -"), "{}", output.transcript());
    }
    // A slip of the fingers is what it was.
    place.ktk("get tasks --no-header").code(2).says("hint: did you mean --no-headers?");
    assert!(!place.data().exists());
}

#[test]
fn a_plan_is_the_servers() {
    let place = Place::started();
    for name in ["x", "y"] {
        place.ktk(&format!("run --name {name} -- false")).code(1);
    }
    place.ok("run --name z -- true");
    place.ok("restart z --force");
    place.ok("wait z");
    for line in ["restart x", "adopt z@1", "gc"] {
        let bare = place.ktk(&format!("{line} --dry-run")).code(0);
        let named = place.ktk(&format!("{line} --dry-run=server")).code(0);
        assert_eq!((bare.stdout, bare.stderr), (named.stdout, named.stderr), "{line}");
        place.ktk(&format!("{line} --dry-run=client")).is(
            2,
            "",
            "error: what would happen is planned by the server, and cannot be told without it\n\
             hint: --dry-run=server, or --dry-run alone\n",
        );
        place.ktk(&format!("{line} --dry-run=foo")).is(
            2,
            "",
            "error: Invalid dry-run value (foo). Must be \"none\", \"server\", or \"client\".\n",
        );
    }
    assert_eq!(place.field("task", "x", "/metadata/restart/incarnation"), "1");
    place.ok("restart x --dry-run=none");
    assert_eq!(place.field("task", "x", "/metadata/restart/incarnation"), "2");
}
