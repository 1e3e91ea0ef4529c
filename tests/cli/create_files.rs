//! Where manifests come from and what is said of them (K9 87 to 95, 103).

use ktk_tests::{HttpPeer, Place};

use crate::manifests::task;

#[test]
fn k9_87_the_file_is_in_the_message() {
    let place = Place::started();
    place.ok("create task t1 -- true");
    place.file("t1.yaml", task("t1", "['true']"));
    place.ktk("create -f t1.yaml").code(5).says(
        "Error from server (AlreadyExists): error when creating \"t1.yaml\": task \"t1\" already exists\n",
    );
    let typed = place.typed("create -f -").stdin(task("t1", "['true']")).output();
    typed.code(5).says("error when creating \"STDIN\"");
}

#[test]
fn k9_88_a_list_and_documents_go_on_after_an_error() {
    let place = Place::started();
    place.ok("create task b -- true");
    let item = |name: &str| {
        format!(
            "{{\"apiVersion\":\"ktk/v1\",\"kind\":\"Task\",\"metadata\":{{\"name\":\"{name}\"}},\
             \"spec\":{{\"run\":{{\"command\":[\"true\"]}}}}}}"
        )
    };
    let list = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{},{},{}]}}",
        item("a"),
        item("b"),
        item("c")
    );
    place.file("l.json", list);
    place
        .ktk("create -f l.json")
        .code(5)
        .prints("task/a created\ntask/c created\n")
        .says("task \"b\" already exists");
}

#[test]
fn k9_89_directories_and_their_extensions() {
    let place = Place::new();
    place.file("d/a.yaml", task("a", "['true']"));
    place.file(
        "d/b.json",
        "{\"apiVersion\":\"ktk/v1\",\"kind\":\"Queue\",\"metadata\":{\"name\":\"b\"},\"spec\":{}}",
    );
    place.file("d/c.yml", task("c", "['true']"));
    place.file("d/e/f.yaml", task("f", "['true']"));
    place.file("d2/x.txt", "x");
    place.ktk("create -f d --dry-run").is(
        0,
        "task/a created (dry run)\nqueue/b created (dry run)\ntask/c created (dry run)\n",
        "",
    );
    place.ktk("create -f d -R --dry-run").code(0).prints("task/f created (dry run)\n");
    place.ktk("create -f d2").is(
        1,
        "",
        "error: error reading [d2]: recognized file extensions are [.json .yaml .yml]\n",
    );
    place
        .ktk("create -f d/a.yaml,d/c.yml -f d/b.json --dry-run")
        .code(0)
        .prints("queue/b created (dry run)\n");
}

#[test]
fn k9_90_what_is_not_there_and_what_is_empty() {
    let place = Place::new();
    place.ktk("create -f nofile.yaml").is(1, "", "error: the path \"nofile.yaml\" does not exist\n");
    place.file("empty.yaml", "# nothing\n---\n");
    place.ktk("create -f empty.yaml").code(7).says("error: no objects passed to create\n");
    place.ktk("apply -f empty.yaml").code(7).says("error: no objects passed to apply\n");
    place.typed("create -f -").stdin("").output().code(7).says("no objects passed to create");
    place.ktk("create").code(2).says("error: must specify -f\n");
    place.ktk("apply").code(2).says("error: must specify -f\n");
}

#[test]
fn k9_91_broken_yaml_names_the_line() {
    let place = Place::new();
    let typed = place.typed("create -f -").stdin("kind: Task\nmetadata:\n  name: x\n bad: [\n").output();
    typed.code(7).says("error: STDIN:4:");
}

#[test]
fn k9_92_unknown_fields_by_validate() {
    let place = Place::started();
    place.file("m.yaml", task("t", "['true']").replace("spec:\n", "spec:\n  colour: red\n"));
    let told = "m.yaml:5:3: spec.colour: unknown field";
    place.ktk("create -f m.yaml").code(7).says(&format!("error: {told}"));
    place.ktk("create -f m.yaml --validate=strict").code(7);
    place.ktk("create -f m.yaml --validate=warn --dry-run").code(0).says(&format!("Warning: {told}"));
    let quiet = place.ktk("create -f m.yaml --validate=ignore").code(0);
    quiet.is(0, "task/t created\n", "");
    place.file("n.yaml", task("t", "['true']").replace("command", "comand"));
    place.ktk("create -f n.yaml --validate=ignore").code(7).says("command");
    place.ktk("create -f m.yaml --validate=loud").code(2).says("\"strict\", \"warn\", or \"ignore\"");
}

#[test]
fn k9_93_kind_and_version_have_to_be_there() {
    let place = Place::new();
    place.file("m.yaml", "kind: Task\nmetadata: {name: t}\nspec: {run: {command: [ls]}}\n");
    place.ktk("create -f m.yaml").code(7).says("apiVersion: missing: write `apiVersion: ktk/v1`");
    place.file("n.yaml", "apiVersion: ktk/v1\nkind: Nosuch\nmetadata: {name: t}\n");
    place.ktk("create -f n.yaml").code(7).says("unknown kind \"Nosuch\"");
}

#[test]
fn k9_95_the_namespace_of_an_object_and_of_the_command() {
    let place = Place::new();
    place.file("m.yaml", task("t", "['true']").replace("{name: t}", "{name: t, namespace: default}"));
    place.ktk("create -f m.yaml -n ci --dry-run").code(2).says(
        "the namespace from the provided object \"default\" does not match the namespace \"ci\". You must pass \
         '--namespace=default' to perform this operation.",
    );
    place.file("n.yaml", task("t", "['true']").replace("{name: t}", "{name: t, namespace: ci}"));
    place
        .ktk("create -f n.yaml -n default --dry-run")
        .code(2)
        .says("does not match the namespace \"default\"");
    place.ktk("create -f n.yaml --dry-run").code(0);
}

#[test]
fn k9_103_a_url_is_read() {
    let place = Place::new();
    let peer = HttpPeer::new(|asked, stream| match asked.line.split(' ').nth(1) {
        Some("/moved") => ktk_tests::reply(stream, "302 Found", "location: /m.yaml?v=1\r\n", ""),
        Some("/round") => ktk_tests::reply(stream, "302 Found", "location: /round\r\n", ""),
        Some("/m.yaml?v=1") => ktk_tests::reply(stream, "200 OK", "", &task("t", "['true']")),
        _ => ktk_tests::reply(stream, "404 Not Found", "", "no"),
    });
    let url = |path: &str| peer.url(path);
    place.ktk(&format!("create --dry-run -f {}", url("/m.yaml?v=1"))).is(0, "task/t created (dry run)\n", "");
    place.ktk(&format!("create --dry-run -f {}", url("/moved"))).is(0, "task/t created (dry run)\n", "");
    place.ktk(&format!("create --dry-run -f {}", url("/round"))).code(1).says("without an end");
    place.ktk(&format!("create --dry-run -f {}", url("/x"))).code(1).says("answers 404");
    place.ktk("create --dry-run -f http://127.0.0.1:1/x").code(6);
    let sent = peer.asked();
    assert!(sent.iter().all(|asked| asked.header("authorization").is_empty()));
}

#[test]
fn k9_103_a_terminal_is_told_what_is_waited_for() {
    let place = Place::new();
    let line = format!("{} create -f - --dry-run", place.binary().display());
    let typed = place.program("script -qec").arg(&line).arg("/dev/null").env("TERM", "xterm");
    let output = typed.env("SHELL", "/bin/sh").stdin("\u{4}").output();
    assert!(output.stdout.contains("reading a manifest from the terminal"), "{}", output.stdout);
    assert!(output.stdout.contains("no objects passed to create"), "{}", output.stdout);
}
