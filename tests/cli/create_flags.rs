//! `ktk create TYPE NAME --…`: manifests by flags, dry runs, and what exists already (K9 97, 98, U18).

use ktk_tests::Place;

#[test]
fn k9_98_dry_run_writes_the_manifest_that_would_be_sent() {
    let place = Place::new();
    place
        .ktk(
            "create task t --dry-run=client -o yaml --queue batch --retry 2 --retry-on 75 --semaphore gpu --hold \
             --label a=b --working-dir /tmp -- ls",
        )
        .is(
            0,
            "apiVersion: ktk/v1\n\
             kind: Task\n\
             metadata:\n  labels:\n    a: b\n  name: t\n  namespace: default\n\
             spec:\n  hold: true\n  queue: batch\n  retry:\n    limit: 2\n    onExitCodes:\n    - 75\n  \
             run:\n    command:\n    - ls\n    workingDir: /tmp\n  semaphores:\n  - gpu\n",
            "",
        );
    assert!(place.servers().is_empty(), "nobody was asked");
    place.ktk("create task t --dry-run -- ls").is(0, "task/t created (dry run)\n", "");
    place.ktk("create queue q --dry-run=foo").is(
        2,
        "",
        "error: Invalid dry-run value (foo). Must be \"none\", \"server\", or \"client\".\n",
    );
}

#[test]
fn k9_98_what_a_dry_run_writes_can_be_created() {
    let place = Place::started();
    place.ok("create queue batch");
    let manifest =
        place.ok("create task t --dry-run -o yaml --queue batch --http http://127.0.0.1:1/x --hold");
    place.typed("create -f -").stdin(manifest).output().is(0, "task/t created\n", "");
    assert_eq!(place.field("task", "t", "/spec/http/url"), "http://127.0.0.1:1/x");
    assert_eq!(place.field("task", "t", "/spec/queue"), "batch");
}

#[test]
fn k9_97_a_server_dry_run_does_all_but_keep_it() {
    let place = Place::started();
    for what in ["task t -- true", "queue q", "semaphore s --permits 2"] {
        let (kind, rest) = what.split_once(' ').unwrap();
        let name = &rest[..1];
        let line = format!("create {kind} --dry-run=server {rest}");
        place.ktk(&line).is(0, &format!("{kind}/{name} created (server dry run)\n"), "");
        place.ktk(&line).code(0);
        place.ktk(&format!("get {kind} {name}")).code(3);
        place.ok(&format!("create {kind} {rest}"));
        place.ktk(&line).code(5).says("AlreadyExists");
    }
    place.ktk("create task u --dry-run=server --queue nosuch -- true").code(7).says("nosuch");
    let made = place.ktk("create task u --dry-run=server -o json -- true").code(0).json();
    assert_eq!(made["metadata"]["createdBy"].as_str().map(|by| by.starts_with("uid:")), Some(true));
    place.ktk("get task u").code(3);
    place.ktk("create task u --dry-run=none -- true").is(0, "task/u created\n", "");
}

#[test]
fn u18_create_is_idempotent_where_that_is_asked_for() {
    let place = Place::started();
    for what in ["task t -- true", "queue q", "semaphore s --permits 2"] {
        let (kind, rest) = what.split_once(' ').unwrap();
        let name = &rest[..1];
        let line = format!("create {kind} --if-not-exists {rest}");
        place.ktk(&line).is(0, &format!("{kind}/{name} created\n"), "");
        place.ktk(&line).is(0, &format!("{kind}/{name} unchanged\n"), "");
        place.ktk(&line.replace(" --if-not-exists", "")).code(5);
    }
    let there = place.ktk("create queue q --if-not-exists --max-running 9 -o json").code(0).json();
    assert_eq!((&there["created"], there["spec"].get("maxRunning")), (&false.into(), None));
    place.file("m.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q}\nspec: {}\n---\napiVersion: ktk/v1\nkind: Queue\nmetadata: {name: r}\nspec: {}\n");
    place.ktk("create -f m.yaml --if-not-exists").is(0, "queue/q unchanged\nqueue/r created\n", "");
    place.ktk("create -f m.yaml --if-not-exists --dry-run=server").is(
        0,
        "queue/q unchanged (server dry run)\nqueue/r unchanged (server dry run)\n",
        "",
    );
}

#[test]
fn k9_96_a_name_can_be_generated() {
    let place = Place::started();
    let made = place.ok("create task --generate-name gen- -o name -- true");
    assert!(made.starts_with("task/gen-") && made.trim().split('-').count() == 3, "{made}");
    place.file(
        "g.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {generateName: g-}\nspec: {run: {command: ['true']}}\n",
    );
    assert!(place.ok("create -f g.yaml").starts_with("task/g-"));
    place.ktk("create task -- true").code(2);
}
