//! Queues and semaphores: made, shown, deleted.

use ktk_tests::Place;

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
         slow   Paused   <none>    <none>    <none>        <age>\n",
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
