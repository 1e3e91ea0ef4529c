//! `ktk get`: what can be typed, and what is refused.

use ktk_tests::Place;

const PIPELINE: &str = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: nightly}\nspec:\n  steps:\n  \
                        - {name: s, run: {command: ['true']}}\n";

fn a_task_and_a_pipeline() -> Place {
    let place = Place::started();
    place.ok("run --name a -- true");
    place.ok("run --name b -- true");
    place.file("p.yaml", PIPELINE);
    place.ok("run -f p.yaml");
    place
}

#[test]
fn u17_forms_that_mean_the_same_and_all() {
    let place = a_task_and_a_pipeline();
    for line in ["get task a", "get task/a", "get t/a", "get Task a", "get TASKS a"] {
        place.ktk(&format!("{line} --no-headers")).is(
            0,
            "a     Succeeded   <none>   1     0     <age>\n",
            "",
        );
    }
    for line in [
        "get -n default task/a -o name",
        "-n default get task/a -o name",
        "get task/a -ndefault -oname",
        "get task/a --namespace=default -o=NAME",
    ] {
        place.ktk(line).is(0, "task/a\n", "");
    }
    // In the order asked for, twice where it was asked for twice.
    place.ktk("get task b a b -o name").is(0, "task/b\ntask/a\ntask/b\n", "");
    place.ktk("get tasks,pl,sem --no-headers").is(
        0,
        "task/a           Succeeded   <none>   1     0     <age>\n\
         task/b           Succeeded   <none>   1     0     <age>\n\
         task/nightly.s   Succeeded   <none>   1     0     <age>\n\
         pipeline/nightly   Succeeded   1/1   0     0     <age>\n",
        "",
    );
    // The type stands before names only where there are several types.
    place.ktk("get task,pipeline nightly --no-headers").is(
        3,
        "nightly   Succeeded   1/1   0     0     <age>\n",
        "Error from server (NotFound): task \"nightly\" not found\nhint: there is a pipeline of this name: pipeline/nightly\n",
    );
    place.ktk("get task a --show-kind --no-headers").is(
        0,
        "task/a   Succeeded   <none>   1     0     <age>\n",
        "",
    );
    let all = place.ok("get all -o name");
    assert_eq!(all, "task/a\ntask/b\ntask/nightly.s\npipeline/nightly\n");
    let in_one = place.ok("get all --field-selector metadata.name=nightly");
    assert_eq!(in_one.lines().count(), 2, "types without objects leave no trace:\n{in_one}");
}

#[test]
fn what_is_missing_is_told_behind_what_is_there() {
    let place = a_task_and_a_pipeline();
    let output = place.ktk("get task nosuch a -o name").code(3);
    assert_eq!(output.stdout, "task/a\n");
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    place.ktk("get task nosuch --ignore-not-found").is(0, "", "");
    place.ktk("get task nosuch a -o name --ignore-not-found").is(0, "task/a\n", "");
    place.ktk("get tasks -n nowhere --error-if-empty").code(3);
}

#[test]
fn u11_mixed_half_and_unknown_forms_are_refused_with_a_guess() {
    let place = Place::started();
    let mixed = "there is no need to specify a resource type as a separate argument";
    for (line, said) in [
        ("get task task/x", mixed),
        ("get task/x y", mixed),
        ("get tasks/", "arguments in resource/name form must have a single resource and name"),
        ("get tasks,nosuch", "the server doesn't have a resource type \"nosuch\""),
        ("get", "Required resource not specified."),
        ("get tasks x -l a=b", "name cannot be provided when a selector is specified"),
        ("get task x -A", "a resource cannot be retrieved by name across all namespaces"),
        ("get tasks -f x.yaml", "when paths, URLs, or stdin is provided as input"),
        ("get tasks --output-watch-events", "goes with --watch"),
    ] {
        let output = place.ktk(line).code(2).says(said);
        assert_eq!(output.stdout, "", "{line}");
    }
    // A near miss gets a guess, which is not run.
    for (line, hint) in [
        ("get taks", "hint: did you mean \"tasks\"?\n"),
        ("get pipline/x", "hint: did you mean \"pipeline\"?\n"),
        ("get tasks -o jsom", "hint: did you mean \"json\"?\n"),
    ] {
        let output = place.ktk(line).code(2);
        assert!(output.stderr.ends_with(hint) && output.stdout.is_empty(), "{line}: {}", output.stderr);
    }
    // That the server is away is told as such, and not as a type that is not there.
    place.ktk("get tasks --server unix:///nowhere/x.sock").code(6).says("cannot reach the server");
}

#[test]
fn manifests_name_what_is_shown() {
    let place = a_task_and_a_pipeline();
    place.file("two.yaml", format!("{PIPELINE}---\napiVersion: ktk/v1\nkind: Task\nmetadata: {{name: a}}\nspec: {{run: {{command: [x]}}}}\n"));
    place.ktk("get -f two.yaml -o name").is(0, "pipeline/nightly\ntask/a\n", "");
    place.ok("run --name c -n other -- true");
    place.file("c.yaml", "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: c, namespace: other}\nspec: {run: {command: [x]}}\n");
    place.ktk("get -f c.yaml -f p.yaml -o name").is(0, "task/c\npipeline/nightly\n", "");
    place.ktk("get -f c.yaml -n third").code(2).says("does not match the namespace");
    place.file(
        "gone.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: gone}\nspec: {run: {command: [x]}}\n",
    );
    place.ktk("get -f gone.yaml").code(3).says("not found");
    place.ktk("get -f nosuch.yaml").code(1).says("the path \"nosuch.yaml\" does not exist");
    let piped = place.typed("get -f - -o name").stdin(PIPELINE.to_owned()).output();
    piped.is(0, "pipeline/nightly\n", "");
}
