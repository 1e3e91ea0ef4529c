//! `ktk patch | label | annotate | edit`.

use ktk_tests::Place;

fn held() -> Place {
    let place = Place::started();
    place.file(
        "x.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x, labels: {env: prod}}\nspec: {hold: true, run: {command: \
         [\"true\"]}}\n",
    );
    place.ok("create -f x.yaml");
    place
}

#[test]
fn labels_are_set_and_removed() {
    let place = held();
    place.ktk("label task x team=media").is(0, "task/x labeled\n", "");
    place.ktk("label task/x team=media").is(0, "task/x not labeled\n", "");
    place.ktk("label t x team=web").is(
        5,
        "",
        "error: 'team' already has a value (media), and --overwrite is false\n",
    );
    place.ktk("label task x team=web --overwrite env-").is(0, "task/x labeled\n", "");
    place.ktk("label task x env-").is(0, "task/x not labeled\n", "label \"env\" not found.\n");
    place.ktk("label task x team- --dry-run").is(0, "task/x unlabeled (dry run)\n", "");
    place.ktk("label task x --list").is(0, "team=web\n", "");
    place.ktk("label task x team-").is(0, "task/x unlabeled\n", "");
    place.ktk("label task x a=1 -o name").is(0, "task/x\n", "");
    assert_eq!(place.field("task", "x", "/metadata/labels/a"), "1");
    // Many, by selector.
    place.ok("create task y -- true");
    place.ktk("label tasks --all tier=2").is(0, "task/x labeled\ntask/y labeled\n", "");
    place.ktk("label tasks -l tier=2,a tier=3 --overwrite").is(0, "task/x labeled\n", "");
    place.ktk("label tasks -l nosuch=1 tier=3").is(0, "", "No resources found\n");
    place.ktk("get tasks -l tier=3 -o name").is(0, "task/x\n", "");
}

#[test]
fn many_at_once_all_count() {
    let place = held();
    let running: Vec<_> = (0..16).map(|n| place.spawn(&format!("label task x k{n}=v"))).collect();
    for label in running {
        label.wait().is(0, "task/x labeled\n", "");
    }
    let labels = place.field("task", "x", "/metadata/labels");
    assert!((0..16).all(|n| labels.contains(&format!("\"k{n}\":\"v\""))), "{labels}");
}

#[test]
fn wrong_labels_change_nothing() {
    let place = held();
    for (line, says) in [
        ("label task x", "at least one label update is required"),
        ("label task x a=1 y", "at least one label update is required"),
        ("label task x a=1 a-", "can not both modify and remove a label in the same command"),
        ("label task x 'a=b c'", "label value"),
        ("label task x '-a=b'", ""),
        ("label nosuch x a=1", "resource type"),
        ("label task a=1", "no name was specified"),
    ] {
        place.ktk(line).code(2).says(says);
    }
    place.ktk("label task nosuch a=1").code(3).says("nosuch");
    place.ktk("label token x a=1").code(2);
    assert_eq!(place.field("task", "x", "/metadata/labels"), r#"{"env":"prod"}"#);
}

#[test]
fn annotations_take_any_text() {
    let place = held();
    place.ktk("annotate task x note='waits: for/the release'").is(0, "task/x annotated\n", "");
    place
        .ktk("annotate task x note=other")
        .code(5)
        .says("--overwrite is false but found the following declared");
    place.ktk("annotate task x note=other --overwrite").is(0, "task/x annotated\n", "");
    assert_eq!(place.field("task", "x", "/metadata/annotations/note"), "other");
    place.ktk("annotate task x note- gone-").is(0, "task/x annotated\n", "annotation \"gone\" not found.\n");
    place.ok("create queue q");
    place.ktk("annotate queue q a=b").is(0, "queue/q annotated\n", "");
}

#[test]
fn a_patch_changes_what_may_change() {
    let place = held();
    let merge = r#"patch task x -p '{"spec": {"priority": 10}, "metadata": {"labels": {"env": null}}}'"#;
    place.ktk(merge).is(0, "task/x patched\n", "");
    place.ktk(merge).is(0, "task/x patched (no change)\n", "");
    assert_eq!(place.field("task", "x", "/spec/priority"), "10");
    place.ktk("patch task/x -p 'spec: {hold: false}' --dry-run").is(0, "task/x patched (dry run)\n", "");
    assert_eq!(place.field("task", "x", "/spec/hold"), "true");
    let json = r#"patch task x --type json -p '[{"op": "test", "path": "/spec/priority", "value": 9}]'"#;
    place.ktk(json).code(7).says("patch.json[0]");
    place.file("change.yaml", "- {op: replace, path: /spec/priority, value: 3}\n");
    place.ktk("patch task x --type json --patch-file change.yaml -o name").is(0, "task/x\n", "");
    assert_eq!(place.field("task", "x", "/spec/priority"), "3");
    // What it does is another incarnation's.
    place
        .ktk(r#"patch task x -p '{"spec": {"run": {"command": ["false"]}, "timeout": "5s"}}'"#)
        .code(7)
        .says("ktk restart x --set 'timeout=\"5s\"' makes another incarnation");
    let version = place.field("task", "x", "/metadata/version");
    place.ok("label task x n=1");
    place.ktk(&format!("patch task x -p 'spec: {{priority: 1}}' --resource-version {version}")).code(5);
    for (line, says) in [
        ("patch task x", "required"),
        ("patch task x -p '{'", "neither JSON nor YAML"),
        ("patch task x -p '[]'", "--type json"),
        ("patch task x -p '{}' --type json", "--type merge"),
        ("patch task x -p '{}' --type strategic", "must be one of [json merge]"),
        ("patch task x -p '{}' --type foo", "must be one of [json merge]"),
        ("patch task x --patch-file nosuch", "nosuch"),
    ] {
        place.ktk(line).code(2).says(says);
    }
    // It goes on once it is let go.
    place.ok("patch task x -p 'spec: {hold: false}'");
    place.ok("wait x");
    place.ktk("patch task x -p 'spec: {priority: 1}'").code(7).says("Succeeded");
}

#[test]
fn an_edited_text_is_never_lost() {
    let place = held();
    let edit = |editor: &str| place.typed("edit task x").env("KTK_EDITOR", editor).output();
    edit("true").is(0, "", "Edit cancelled, no changes made.\n");
    edit("sed -i s/prod/test/").is(0, "task/x edited\n", "");
    assert_eq!(place.field("task", "x", "/metadata/labels/env"), "test");
    edit("false").code(1).says("there was a problem with the editor \"false\"");
    for (editor, says) in [
        ("sed -i s/hold:/holdd:/", "holdd"),
        ("sed -i s/true]/false]/", ""),
        ("sed -i '$ a {'", ""),
        ("sed -i s/name:/generateName:/", ""),
    ] {
        let output = edit(editor);
        if output.code == 0 {
            continue;
        }
        let output = output.code(7).says(says);
        let kept = output.stderr.split("has been stored to ").nth(1).expect("where it is").trim().to_owned();
        let text = std::fs::read_to_string(&kept).expect("it is there");
        assert!(text.contains("kind: Task"), "{text}");
        std::fs::remove_file(kept).expect("it is the test's");
    }
    edit("sed -i 's/hold: true/hold: true\\n  priority: 4/'").is(0, "task/x edited\n", "");
    assert_eq!(place.field("task", "x", "/spec/priority"), "4");
    place.typed("edit task nosuch").env("KTK_EDITOR", "true").output().code(3);
    place.typed("edit task x").env("TERM", "dumb").output().code(2);
}

/// U19: on a terminal the reason comes first, is asked about, and stands on top of the text that is opened again.
#[test]
fn u19_k11_120_a_refused_text_is_opened_again_with_the_reason() {
    let place = held();
    let editor = "if grep -q '^# error: ' \"$1\"; then cp \"$1\" seen; sed -i 's/kind: Tusk/kind: Task/; s/prod/test/' \"$1\"; \
                  else sed -i 's/kind: Task/kind: Tusk/; 1a #! mine' \"$1\"; fi\n";
    place.file("editor.sh", editor);
    let line = format!("{} edit task x", place.binary().display());
    let typed = place.program("script -qec").arg(&line).arg("/dev/null").env("KTK_EDITOR", "sh editor.sh");
    let output = typed.env("TERM", "xterm").env("SHELL", "/bin/sh").stdin("y\n").output();
    let shown = output.stdout;
    let (reason, rest) = shown.split_once("Edit it again?").expect("it is asked");
    assert!(reason.contains("unknown kind \"Tusk\""), "{shown}");
    assert!(rest.contains("task/x edited"), "{shown}");
    let seen = std::fs::read_to_string(place.work().join("seen")).unwrap();
    let (top, text) = seen.split_once("#\n").expect("the reason stands apart");
    assert!(top.starts_with("# It could not be used") && top.contains("unknown kind \"Tusk\""), "{seen}");
    assert!(text.contains("\n#! mine\n"), "{seen}");
    assert_eq!(place.field("task", "x", "/metadata/labels/env"), "test");
}

#[test]
fn u19_an_editor_that_fails_loses_nothing() {
    let place = held();
    place.file("editor.sh", "sed -i s/prod/test/ \"$1\"; exit 3\n");
    let output = place.typed("edit task x").env("KTK_EDITOR", "sh editor.sh").output().code(1);
    let kept = output.stderr.split("has been stored to ").nth(1).expect("where it is").trim().to_owned();
    assert!(std::fs::read_to_string(&kept).unwrap().contains("env: test"));
    std::fs::remove_file(kept).unwrap();
    assert_eq!(place.field("task", "x", "/metadata/labels/env"), "prod");
}
