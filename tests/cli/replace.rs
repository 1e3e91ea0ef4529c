//! `ktk replace`: objects become what manifests say, as a whole (K9 102).

use ktk_tests::Place;

use crate::manifests::task;

const QUEUE: &str = "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q}\nspec: {maxRunning: 4}\n";

#[test]
fn k9_102_replaced_as_a_whole() {
    let place = Place::started();
    place.file("q.yaml", QUEUE);
    place.ktk("replace -f q.yaml").code(3).says("queue \"q\" not found");
    place.ok("create queue q --paused");
    place.ok("label queue q a=1");
    place.ktk("replace -f q.yaml --dry-run=server").is(0, "queue/q replaced (server dry run)\n", "");
    assert_eq!(place.field("queue", "q", "/spec/paused"), "true");
    place.ktk("replace -f q.yaml").is(0, "queue/q replaced\n", "");
    place.ktk("get queue q -o jsonpath={.metadata.labels}{.spec}").is(0, "{\"maxRunning\":4}", "");
    place.ktk("replace").code(2).says("must specify -f");
    place.file("n.yaml", QUEUE.replace("name: q", "generateName: q-"));
    place.ktk("replace -f n.yaml").code(7).says("give it one in `name`");
}

#[test]
fn k9_102_a_stale_version_is_a_conflict() {
    let place = Place::started();
    place.ok("create queue q");
    let seen = place.ok("get queue q -o yaml");
    place.file("seen.yaml", seen.replace("spec: {}", "spec:\n  maxRunning: 2"));
    place.ktk("replace -f seen.yaml").is(0, "queue/q replaced\n", "");
    assert_eq!(place.field("queue", "q", "/spec/maxRunning"), "2");
    place.ktk("replace -f seen.yaml").is(
        5,
        "",
        "Error from server (Conflict): Operation cannot be fulfilled on queue/q: the object has been modified; please \
         apply your changes to the latest version and try again\n",
    );
}

#[test]
fn what_of_a_task_stays_as_it_was_made() {
    let place = Place::started();
    let held = task("t", "['true']").replace("spec:\n", "spec:\n  hold: true\n");
    place.file("t.yaml", &held);
    place.ok("create -f t.yaml");
    place.file("t.yaml", held.replace("hold: true", "priority: 3\n  hold: true"));
    place.ktk("replace -f t.yaml").is(0, "task/t replaced\n", "");
    assert_eq!(place.field("task", "t", "/spec/priority"), "3");
    place.file("t.yaml", held.replace("'true'", "'false'"));
    place
        .ktk("replace -f t.yaml")
        .code(7)
        .says("error when replacing \"t.yaml:6:")
        .says("ktk restart t --set 'run.command=");
    place.file("lost.yaml", held.replace("hold: true", "queue: nosuch"));
    place.ktk("replace --force -f lost.yaml").code(7).says("lost.yaml:5:").says("nosuch");
    place.ktk("get task t -o name").is(0, "task/t\n", "");
    place.ktk("replace --force -f t.yaml").is(0, "task/t replaced\n", "");
    assert_eq!(place.field("task", "t", "/spec/run/command/0"), "false");
    place.file(
        "x.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x}\nspec: {run: {command: [sleep, '60']}}\n",
    );
    place.ktk("replace --force -f x.yaml").is(0, "task/x replaced\n", "");
    place.ok("wait x --for=condition=Running");
    place.ktk("replace --force -f x.yaml").is(0, "task/x replaced\n", "");
    place.ok("cancel x --now");
}
