//! Queues and semaphores: made, shown, deleted.

use ktk_tests::Place;

use crate::manifests::task;

#[test]
fn queues_and_semaphores_come_and_go() {
    let place = Place::started();
    place.ktk("create queue batch --max-running 4").is(0, "queue/batch created\n", "");
    place.ktk("create semaphore gpu --permits 2").is(0, "semaphore/gpu created\n", "");
    place.file(
        "more.yaml",
        "apiVersion: ktk/v1\nkind: Semaphore\nmetadata: {name: licence}\nspec: {permits: 1}\n---\n\
         apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: slow, labels: {a: b}}\nspec: {paused: true}\n",
    );
    place.ktk("create -f more.yaml -n ci").is(0, "semaphore/licence created\nqueue/slow created\n", "");
    place.ktk("get q -n other --no-headers -o name").is(0, "queue/batch\nqueue/default\nqueue/slow\n", "");
    assert_eq!(place.field("semaphore", "gpu", "/spec/permits"), "2");
    place.ktk("get sem,queues -l a=b").is(
        0,
        "NAME   STATUS   WAITING   RUNNING   MAX-RUNNING   AGE\n\
         slow   Paused   0         0         <none>        <age>\n",
        "",
    );
    place.ktk("describe semaphore gpu").code(0);
    place.ktk("delete queue/batch semaphore/licence").is(
        0,
        "queue \"batch\" deleted\nsemaphore \"licence\" deleted\n",
        "",
    );
    place.ktk("get semaphores -o name").is(0, "semaphore/gpu\n", "");
}

#[test]
fn wrong_ones_are_refused_with_the_field() {
    let place = Place::started();
    place.ktk("create queue default").is(
        5,
        "",
        "Error from server (AlreadyExists): queue \"default\" already exists\n",
    );
    place.ktk("delete queue default").is(
        5,
        "",
        "Error from server (Conflict): queue \"default\" always exists\n",
    );
    place.ktk("create queue q --max-running 0").code(7).says("spec.maxRunning: must be at least 1");
    place.ktk("create semaphore s --permits 2000000").code(7).says("spec.permits: must be from 1 to 1000000");
    place.ktk("create semaphore s --permits -1").code(2);
    place.file("s.yaml", "apiVersion: ktk/v1\nkind: Semaphore\nmetadata: {name: s}\nspec: {permit: 1}\n");
    place
        .ktk("create -f s.yaml")
        .code(7)
        .says("s.yaml:4:8: spec.permit: unknown field (did you mean \"permits\"?)");
    place.file("q.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q, namespace: ci}\nspec: {}\n");
    place.ktk("create -f q.yaml").code(7).says("q.yaml:3:32: metadata.namespace: it belongs to no namespace");
    place.ktk("get semaphores").is(0, "", "No resources found\n");
}

/// A task's manifest with more of a spec.
fn limited(name: &str, command: &str, more: &str) -> String {
    format!("{}  {more}\n---\n", task(name, command))
}

#[test]
fn permits_are_shown_with_who_waits_and_why() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 1");
    place.file("a.yaml", limited("a", "[sleep, '600']", "semaphores: [gpu]"));
    place.ok("create -f a.yaml");
    place.ok("wait a --for=condition=Running --timeout 20s");
    place.file("b.yaml", limited("b", "['true']", "semaphores: [{name: gpu, permits: 1}]"));
    place.ok("create -f b.yaml");
    place.ktk("get task b --no-headers").is(0, "b     Pending   WaitingForPermit   0     0     <age>\n", "");
    place.ktk("get semaphore gpu --no-headers").is(0, "gpu   1     1     1     <age>\n", "");
    let page = place.ktk("describe semaphore gpu").code(0).stdout.clone();
    for part in
        ["Holders:\n  Task   Namespace", "\n  a@1    default     1", "\n  b@1    default     1         0"]
    {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    let why = place.ktk("why b").code(0).stdout.clone();
    for part in ["task/b@1 is Pending/WaitingForPermit\n", "held by a@1 (1, ", "number 1 in the line\n"] {
        assert!(why.contains(part), "{part:?} is missing:\n{why}");
    }
    let json = place.ktk("why task/b -o json").code(0).json();
    assert_eq!(json["waits"][0]["for"], "Permit");
    place.ktk("delete semaphore gpu").code(5).says("in use by task/a (Running), task/b (Pending)");
    place.ktk("scale semaphore gpu --permits 2").is(0, "semaphore/gpu scaled\n", "");
    place.ok("wait b --timeout 20s");
    place.ktk("scale queue default --permits 2").is(
        2,
        "",
        "error: queues have no permits\nhint: --max-running N, or none\n",
    );
    place.ktk("scale semaphore gpu --max-running 2").code(2).says("semaphores have permits");
    place.ok("cancel a --now");
}

#[test]
fn a_queue_is_scaled() {
    let place = Place::started();
    place.ok("create queue batch --max-running 1");
    let limited = |name: &str| limited(name, "[sleep, '600']", "queue: batch");
    place.file("a.yaml", limited("a"));
    place.file("b.yaml", limited("b"));
    place.ok("create -f a.yaml");
    place.ok("wait a --for condition=Running --timeout 20s");
    place.ok("create -f b.yaml");
    let why = place.ok("why b");
    assert!(why.contains("queue: queue/batch is full: 1 of its tasks run, 1 may\n"), "{why}");
    assert!(why.contains("until one of its tasks ends, or ktk scale queue/batch --max-running N\n"), "{why}");
    place.ktk("scale queue batch --max-running 2").is(0, "queue/batch scaled\n", "");
    place.ok("wait b --for condition=Running --timeout 20s");
    place.ktk("get queue batch --no-headers").is(0, "batch   Full   0     2     2     <age>\n", "");
    place.ktk("scale queue/batch --max-running none").is(0, "queue/batch scaled\n", "");
    assert!(place.ok("events --for queue/batch").contains("from 2 at once to no limit"));
    place.ktk("scale queue/batch --max-running 0").code(7).says("maxRunning: must be at least 1");
    place.ktk("scale queue/batch --max-running many").code(2).says("write a number, or none");
    place.ktk("scale queue/nosuch --max-running 1").code(3);
    place.ok("cancel a b --now");
}

#[test]
fn queues_are_paused_and_tasks_are_held() {
    let place = Place::started();
    place.ok("create queue batch");
    place.ktk("pause queue/batch").is(0, "queue/batch paused\n", "");
    place.file("a.yaml", limited("a", "['true']", "queue: batch") + &limited("b", "['true']", "hold: true"));
    place.ok("create -f a.yaml");
    place.ktk("get tasks --no-headers").is(
        0,
        "a     Pending   QueuePaused   0     0     <age>\n\
         b     Pending   Held          0     0     <age>\n",
        "",
    );
    place.ktk("why a b").is(
        0,
        "task/a@1 is Pending/QueuePaused\n  queue: queue/batch is paused\n    until ktk resume queue/batch\n\
         task/b@1 is Pending/Held\n  hold: somebody holds it\n    until ktk resume b\n",
        "",
    );
    place.ktk("resume b queue/batch").is(0, "task/b resumed\nqueue/batch resumed\n", "");
    place.ok("wait a b --timeout 20s");
    place
        .ktk("pause a nosuch")
        .code(1)
        .says("task \"a\" has ended already")
        .says("task \"nosuch\" not found");
    place.ktk("pause semaphore/gpu").code(2);
    place.ktk("why a").is(0, "task/a@1 is Succeeded\n  it waits for nothing: it has ended\n", "");
}

#[test]
fn what_a_manifest_names_has_to_be_there() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 1");
    place.file(
        "t.yaml",
        limited("t", "['true']", "queue: nosuch\n  semaphores: [{name: gpu, permits: 2}, lic]"),
    );
    let refused = place.ktk("create -f t.yaml").code(7);
    let refused = refused.says("t.yaml:6:10: spec.queue: there is no queue \"nosuch\"");
    let refused = refused.says("spec.semaphores[0].permits: 2 permits of \"gpu\", which has 1");
    refused.says("spec.semaphores[1]: there is no semaphore \"lic\"");
    place.file("n.yaml", limited("n", "['true']", "nodeSelector: zone=eu\n  affinity: nodes"));
    let refused = place.ktk("create -f n.yaml").code(7);
    refused.says("n.yaml:7:13: spec.affinity: must be execution, not \"nodes\"");
    place.file("n.yaml", limited("n", "['true']", "nodeSelector: zone=eu\n  affinity: execution"));
    place.ok("create -f n.yaml");
    let page = place.ok("describe task n");
    assert!(page.contains("Node Selector:   zone=eu\nAffinity:        execution\n"), "{page}");
    let why = place.ok("why n");
    assert!(why.contains("no present node runs processes and has the labels \"zone=eu\"\n"), "{why}");
    place.ktk("get task n --no-headers").is(0, "n     Pending   NoMatchingNode   0     0     <age>\n", "");
}
