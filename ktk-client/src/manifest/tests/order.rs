//! The order of creation.

use super::*;

fn task(name: &str, needs: &str) -> String {
    format!(
        "---\napiVersion: ktk/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec: {{type: x, needs: [{needs}]}}\n"
    )
}

#[test]
fn needs_come_first_and_the_rest_stays_as_it_was() {
    let text =
        [task("report", "merge, elsewhere"), task("free", ""), task("merge", "split"), task("split", "")]
            .concat();
    assert_eq!(order(&documents(&text)).expect("no cycle"), [3, 2, 0, 1]);
    let text = [
        task("a", "nightly.extract"),
        task("nightly", ""),
        "---\n{apiVersion: ktk/v1, kind: Pipeline, metadata: {name: nightly}, \
         spec: {steps: [{name: extract, type: x}]}}\n"
            .to_owned(),
    ]
    .concat();
    assert_eq!(order(&documents(&text)).expect("no cycle"), [2, 0, 1]);
}

#[test]
fn queues_semaphores_and_types_come_before_who_names_them() {
    let entity = |kind: &str, name: &str, spec: &str| {
        format!("---\n{{apiVersion: ktk/v1, kind: {kind}, metadata: {{name: {name}}}, spec: {spec}}}\n")
    };
    let text = [
        task("a", "").replace("type: x", "type: x@2, queue: q, semaphores: [s]"),
        entity("Queue", "other", "{}"),
        entity("Semaphore", "s", "{permits: 1}"),
        entity("TaskType", "x", "{version: 2, external: {}, defaults: {queue: q}}"),
        entity("Queue", "q", "{}"),
    ]
    .concat();
    let order = order(&documents(&text)).expect("no cycle");
    let place = |number: usize| order.iter().position(|one| *one == number);
    assert_eq!(order.len(), 5);
    assert!([2, 3, 4].iter().all(|number| place(*number) < place(0)), "{order:?}");
    assert!(place(4) < place(3), "{order:?}");
}

#[test]
fn namespaces_are_apart() {
    let other = task("b", "a").replace("{name: b}", "{name: b, namespace: other}");
    let text = [other, task("a", "b")].concat();
    assert_eq!(order(&documents(&text)).expect("no cycle"), [0, 1]);
}

#[test]
fn a_cycle_between_documents_is_named_at_its_need() {
    let text = [task("a", "x, b"), task("b", "c"), task("c", "a")].concat();
    let problems = order(&documents(&text)).expect_err("a cycle");
    assert_eq!(
        problems[0].to_string(),
        "f:5:28: spec.needs[1]: cycle: a → b → c → a (each needs the next): remove one of these needs"
    );
}
