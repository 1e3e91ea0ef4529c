//! Unique keys: who is refused, who gets the holder, who takes its place.

use ktk_tests::Place;

use crate::manifests::task;

/// A task's manifest with a unique key.
fn unique(name: &str, command: &str, more: &str) -> String {
    format!("{}  unique: {{key: nightly{more}}}\n", task(name, command))
}

#[test]
fn one_of_a_key() {
    let place = Place::started();
    place.file("a.yaml", unique("a", "[sleep, '600']", ""));
    place.ktk("create -f a.yaml").is(0, "task/a created\n", "");
    place.ok("wait a --for=condition=Running --timeout 20s");
    place.file("b.yaml", unique("b", "['true']", ""));
    place.ktk("create -f b.yaml").is(
        5,
        "",
        "Error from server (Conflict): error when creating \"b.yaml\": Task \"b\": the unique key \"nightly\" is \
         held by task a@1 (Running)\n\
         hint: wait for it (ktk wait task/a), or cancel it (ktk cancel task/a)\n",
    );
    place.file("b.yaml", unique("b", "['true']", ", onConflict: return"));
    place.ktk("create -f b.yaml").is(0, "task/a unchanged: it holds the unique key\n", "");
    let returned = place.ktk("create -f b.yaml -o json").code(0).json();
    assert_eq!((&returned["created"], &returned["metadata"]["name"]), (&false.into(), &"a".into()));
    place.ktk("run -f b.yaml --detach").is(
        0,
        "task/a unchanged: it holds the unique key\n",
        "task/a holds the unique key: nothing new is run, this follows it\n",
    );
    place.file("b.yaml", unique("b", "[echo, new]", ", onConflict: replace"));
    place.ok("create -f b.yaml");
    place.ktk("wait b --timeout 20s").code(0);
    place.ktk("get task a --no-headers").is(0, "a     Cancelled   Replaced   1     0     <age>\n", "");
    place.ok("create -f b.yaml --namespace ci");
}

#[test]
fn a_key_that_is_none_is_refused_with_its_place() {
    let place = Place::started();
    place.file("a.yaml", format!("{}  unique: {{key: '', wile: pending}}\n", task("a", "['true']")));
    place
        .ktk("create -f a.yaml")
        .code(7)
        .says("a.yaml:6:21: spec.unique.wile: unknown field (did you mean \"while\"?)");
    place.file("a.yaml", unique("a", "['true']", ", onConflict: replaces"));
    place.ktk("create -f a.yaml").code(7).says("onConflict");
    place.file("a.yaml", format!("{}  unique: {{key: 'x-{{{{ inputs.n }}}}'}}\n", task("a", "['true']")));
    place.ktk("create -f a.yaml").code(7).says("spec.unique.key: {{ inputs.n }}: there is nothing in inputs");
}
