//! `ktk diff -f`: what an apply would change (K10, U7).

use ktk_tests::{Output, Place};

use crate::manifests::{BROKEN, task};

const QUEUE: &str = "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q}\nspec: {maxRunning: 4}\n";

/// The lines that come and go, without the names of directories.
fn changed(output: &Output) -> Vec<String> {
    let lines = output.stdout.lines().filter(|line| line.starts_with(['+', '-']));
    lines.filter(|line| !line.starts_with("+++") && !line.starts_with("---")).map(str::to_owned).collect()
}

#[test]
fn k10_104_and_105_absent_equal_and_different() {
    let place = Place::started();
    place.file("q.yaml", QUEUE);
    let absent = place.ktk("diff -f q.yaml").code(1);
    assert_eq!(
        changed(&absent),
        ["+apiVersion: ktk/v1", "+kind: Queue", "+metadata:", "+  name: q", "+spec:", "+  maxRunning: 4"]
    );
    assert!(absent.stdout.contains("/ktk.v1.Queue..q\t"), "{}", absent.stdout);
    place.ktk("get queue q").code(3);
    place.ok("apply -f q.yaml");
    place.ktk("diff -f q.yaml").is(0, "", "");
    place.ok("label queue q theirs=1");
    place.ktk("diff -f q.yaml").is(0, "", "");
    place.file("q.yaml", QUEUE.replace('4', "5"));
    let different = place.ktk("diff -f q.yaml").code(1);
    assert_eq!(changed(&different), ["-  maxRunning: 4", "+  maxRunning: 5"]);
    assert!(!different.stdout.contains("theirs"), "{}", different.stdout);
    assert_eq!(place.field("queue", "q", "/spec/maxRunning"), "4");
}

/// What an apply as a set would do: nothing goes from one set to another, and of a type the set is a field.
#[test]
fn of_an_apply_as_a_set() {
    let place = Place::started();
    place.file("q.yaml", QUEUE);
    place.ok("apply -f q.yaml --source one");
    place.ktk("diff -f q.yaml --source one").is(0, "", "");
    for verb in ["apply", "diff"] {
        place.ktk(&format!("{verb} -f q.yaml --source two")).code(5).says("belongs to the set \"one\"");
    }
    place.file(
        "t.yaml",
        "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: t}\nspec: {version: 1, external: {}}\n",
    );
    let absent = changed(&place.ktk("diff -f t.yaml --source one").code(1));
    assert!(absent.contains(&"+  source: one".to_owned()), "{absent:?}");
    place.ok("apply -f t.yaml");
    let different = changed(&place.ktk("diff -f t.yaml --source one").code(1));
    assert_eq!(different, ["+  source: one"]);
    place.ok("apply -f t.yaml --source one");
    place.ktk("diff -f t.yaml --source one").is(0, "", "");
    for verb in ["apply", "diff"] {
        place.ktk(&format!("{verb} -f t.yaml")).code(5).says("belongs to the set \"one\"");
    }
    place.ktk("diff a@1 a@2 --source one").code(2);
}

#[test]
fn u7_k10_108_what_the_server_sets_is_never_in_it() {
    let place = Place::started();
    let held = task("t", "['true']").replace("spec:\n", "spec:\n  hold: true\n");
    place.file("t.yaml", [held.clone(), BROKEN.to_owned()].join("---\n"));
    place.ok("apply -f t.yaml");
    place.ktk("diff -f t.yaml").is(0, "", "");
    place.file("t.yaml", [held.replace("hold: true", "priority: 2"), BROKEN.to_owned()].join("---\n"));
    let output = place.ktk("diff -f t.yaml").code(1);
    assert_eq!(changed(&output), ["-  hold: true", "+  priority: 2"]);
    for word in ["workingDir", "version", "createdAt", "status", "digest"] {
        assert!(!output.stdout.contains(word), "{word}: {}", output.stdout);
    }
    assert!(output.stdout.contains("ktk.v1.Task.default.t"), "{}", output.stdout);
}

#[test]
fn k10_106_another_program() {
    let place = Place::started();
    place.file("q.yaml", QUEUE);
    place.file("show.sh", "test -d \"$2\" && test -f \"$3\"/ktk.v1.Queue..q && echo \"$1\"; exit \"$1\"\n");
    for code in [0, 1] {
        let typed = place.typed("diff -f q.yaml").env("KTK_EXTERNAL_DIFF", format!("sh show.sh {code}"));
        typed.output().is(code, &format!("{code}\n"), "");
    }
    let typed = place.typed("diff -f q.yaml").env("KTK_EXTERNAL_DIFF", "sh show.sh 3");
    typed.output().code(2).says("ended with code 3");
    let typed = place.typed("diff -f q.yaml").env("KTK_EXTERNAL_DIFF", "no-such-program");
    typed.output().code(2).says("\"no-such-program\" was not found");
}

#[test]
fn k10_107_trouble_is_never_one() {
    let place = Place::started();
    place.ktk("diff -f nofile.yaml").code(2).says("the path \"nofile.yaml\" does not exist");
    place.ktk("diff").code(2);
    place.ktk("diff a b -f x.yaml").code(2);
    place.file("bad.yaml", QUEUE.replace("maxRunning", "maxRuning"));
    place.ktk("diff -f bad.yaml").code(7);
    place.file("t.yaml", task("t", "['true']"));
    place.ok("apply -f t.yaml");
    place.file("t.yaml", task("t", "['false']"));
    place.ktk("diff -f t.yaml").code(7).says("error when comparing \"t.yaml:5:");
    let typed = place.typed("diff -f bad.yaml --data-dir /nonexistent/x").env("KTK_AUTOSTART", "never");
    assert!(typed.output().code > 1);
}
