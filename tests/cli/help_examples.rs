//! The examples of every command's help work as they stand: they are run in order, in a folder that has what they name.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use ktk_tests::{Place, repository};

/// What cannot be run here, by how it begins, with the reason.
const SKIPPED: &[(&str, &str)] = &[
    ("ktk server run", "it would run for ever"),
    ("ktk server stop", "the server is needed"),
    ("ktk login", "there is no such server"),
    ("ktk completion zsh", "it writes into zsh's own folder"),
    ("ktk completion fish", "it writes into fish's own folder"),
    ("ktk keepalive", "it is for the inside of a task"),
    ("ktk progress 40", "it is for the inside of a task"),
    ("ktk get tasks -l team=media -w", "it goes on for ever"),
    ("ktk get tasks,pipelines --live", "it is for a terminal, and goes on for ever"),
    ("ktk events --for task/test-web --watch", "it goes on for ever"),
    ("ktk wait task/deploy", "it waits for somebody else"),
];

/// Which of those that are skipped are run all the same.
const RUN: &[&str] = &["ktk server run --slots 8 --labels", "ktk keepalive task/"];

/// What ends with another code than 0, by how it begins.
const CODES: &[(&str, i32, &str)] = &[
    ("ktk run -f pipeline.yaml", 1, "a step of it fails"),
    ("ktk diff -f deploy/", 1, "there are differences"),
    ("ktk complete approval", 5, "it was completed before"),
    ("ktk delete pipelines --field-selector", 2, "many are asked about, and nobody answers here"),
    ("ktk wait build-web pipeline/nightly", 1, "a step of it fails"),
    ("ktk wait build-web --for=jsonpath='{.status.attempt}'=2", 1, "its first attempt succeeded"),
];

/// Pages whose examples are about what has not ended.
const OPEN: [&str; 7] = ["cancel", "pause", "resume", "patch", "edit", "complete", "keepalive"];

/// A command with its examples.
struct Page {
    command: String,
    examples: Vec<String>,
}

/// The man page of every command: its examples are those of the help, in whole lines.
fn pages() -> Vec<Page> {
    let entries = fs::read_dir(repository().join("man")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<Page> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "1")).map(page).collect();
    pages.sort_by(|one, other| one.command.cmp(&other.command));
    pages
}

fn page(path: PathBuf) -> Page {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let text = [("\\-", "-"), ("\\*(Aq", "'"), ("\\&", ""), ("\\\\", "\\")]
        .iter()
        .fold(text, |text, (written, meant)| text.replace(written, meant));
    let block = text.split(".SH EXAMPLES\n.nf\n").nth(1).and_then(|rest| rest.split("\n.fi").next());
    let lines = block.unwrap_or_default().lines().map(str::trim);
    let examples = lines.filter(|line| line.contains("ktk ") && !line.starts_with(['#', 'A']));
    let examples = examples.map(str::to_owned).collect();
    Page { command: name.strip_prefix("ktk-").unwrap_or(name).to_owned(), examples }
}

fn executable(place: &Place, name: &str, script: &str) {
    let file = place.file(name, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

const HEADER: &str = "apiVersion: ktk/v1\nkind: ";

/// The folder in which the examples are typed.
fn prepared() -> Place {
    let place = Place::new();
    executable(&place, "sync.sh", "true");
    executable(&place, "publish", "true");
    executable(
        &place,
        "generate",
        &format!("printf '{HEADER}Task\\nmetadata: {{name: made}}\\nspec: {{external: {{}}}}\\n'"),
    );
    executable(&place, "bin/ktk-hello", "echo hello");
    place.file("Makefile", "test:\n\t@true\n");
    place.file("README.md", "some words\n");
    place.file("change.yaml", "metadata: {labels: {team: web}}\n");
    place.file(
        "ci.yaml",
        format!("{HEADER}Task\nmetadata: {{name: ci}}\nspec: {{run: {{command: ['true']}}}}\n"),
    );
    place
        .file("manifests/a.yaml", format!("{HEADER}Task\nmetadata: {{name: a}}\nspec: {{external: {{}}}}\n"));
    place.file(
        "types/crop.yaml",
        format!("{HEADER}TaskType\nmetadata: {{name: crop}}\nspec: {{version: 1, external: {{}}}}\n"),
    );
    let queue = format!("{HEADER}Queue\nmetadata: {{name: batch}}\nspec: {{maxRunning: 3}}\n");
    place.file("queues.yaml", queue.replace("batch", "night"));
    place.file("deploy/queue.yaml", &queue);
    let thumbnails = format!("{HEADER}Task\nmetadata: {{name: thumbnails}}\nspec: {{external: {{}}}}\n");
    place.file("task.yaml", thumbnails);
    let steps = |resize: &str| {
        format!(
            "{HEADER}Pipeline\nmetadata: {{name: nightly}}\nspec:\n  params: {{date: \"2026-11-21\"}}\n  steps:\n  \
             - {{name: extract, run: {{command: [echo, \"{{{{ params.date }}}}\"]}}}}\n  \
             - {{name: resize, needs: [extract], {resize}}}\n"
        )
    };
    place.file("pipeline.yaml", steps("run: {command: ['false']}"));
    place.file("deploy/nightly.yaml", steps("run: {command: ['false']}"));
    place.file("open.yaml", steps("external: {}"));
    let task = |name: &str, spec: &str| {
        format!(
            "{HEADER}Task\nmetadata: {{name: {name}, labels: {{team: media, draft: x}}}}\nspec: {{{spec}}}\n---\n"
        )
    };
    let others = [
        task("test-web", "retry: {limit: 1, backoff: 1ms}, run: {command: [sh, -c, 'echo out; exit 1']}"),
        task("publish", "needs: [test-web], run: {command: ['true']}"),
        task("thumbnails", "inputs: {width: 200}, run: {command: ['true']}"),
        task("approval", "external: {}"),
        task("call-back", "retry: {limit: 1, backoff: 1h}, external: {}"),
    ];
    let build = |spec: &str| task("build-web", spec) + &others.concat();
    let outputs = "run: {command: [sh, -c, 'echo version=7 >\"$KTK_OUTPUT\"']}";
    place.file("ended-tasks.yaml", build(outputs));
    place.file("open-tasks.yaml", build(&format!("hold: true, {outputs}")));
    place
}

/// Runs a line as somebody would type it.
fn typed(place: &Place, page: &Page, namespace: &str, line: &str) -> ktk_tests::Output {
    let bin = place.binary().parent().unwrap().display();
    let path = format!("{bin}:{}:{}", place.work().join("bin").display(), std::env::var("PATH").unwrap());
    let typed = place.program("bash -c").arg(line).env("PATH", path).env("KTK_NAMESPACE", namespace);
    let typed = typed.env("EDITOR", "true").within(Duration::from_secs(30));
    // Contexts are tried in a file of their own, so that nothing else goes where they lead.
    let is_about_contexts = page.command.starts_with("config");
    typed.env("KTKCONFIG", if is_about_contexts { "contexts.yaml" } else { "none.yaml" }).output()
}

/// Makes what a page's examples name, in a namespace of its own.
fn prepare(place: &Place, page: &Page, namespace: &str) {
    let text = page.examples.join("\n");
    let run = |line: &str| typed(place, page, namespace, line);
    if page.command.starts_with("config") {
        let contexts =
            "currentContext: lab\ncontexts:\n- {name: lab}\n- {name: work}\n- {name: ktk.example}\n";
        let file = place.file("contexts.yaml", contexts);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        return;
    }
    let limits = "queue batch --max-running 2; ktk create semaphore gpu --permits 2";
    match page.command.starts_with("create") {
        true => drop(run("ktk delete queue/batch semaphore/gpu token/ci token/dashboard --ignore-not-found")),
        false => drop(run(&format!("ktk create {limits}"))),
    }
    if page.command.starts_with("apply-") {
        run("ktk apply -f deploy/").code(0);
        return;
    }
    let is_open = OPEN.contains(&page.command.as_str());
    if !page.command.starts_with("create") {
        if ["web", "publish", "thumbnails", "approval", "call-back"].iter().any(|name| text.contains(name)) {
            run(&format!("ktk create -f {}-tasks.yaml", if is_open { "open" } else { "ended" })).code(0);
            drop(run("ktk wait test-web thumbnails --timeout 20s"));
        }
        if text.contains("nightly") || text.contains("-f pipeline.yaml") {
            run(&format!("ktk create -f {}.yaml", if is_open { "open" } else { "pipeline" })).code(0);
            let until =
                if is_open { "ktk wait nightly.extract" } else { "ktk wait pipeline/nightly --timeout 20s" };
            drop(run(until));
        }
    }
    // Incarnations to compare, to look at and to take back.
    for name in ["test-web", "build-web"] {
        let wanted = ["@1", "@3"].iter().filter(|suffix| text.contains(&format!("{name}{suffix}"))).count();
        for _ in 0..wanted {
            drop(run(&format!("ktk restart {name} --cascade=none; ktk wait {name} --timeout 20s")));
        }
    }
}

#[test]
fn examples_work_as_they_stand() {
    let place = prepared();
    place.start();
    let mut wrong = Vec::new();
    let mut ran = 0;
    let pages = pages();
    for (number, page) in pages.iter().enumerate() {
        let mut namespace = format!("page-{number}");
        prepare(&place, page, &namespace);
        for (place_in_page, example) in page.examples.iter().enumerate() {
            // What was deleted is there again for the next one.
            if page.command == "delete" {
                namespace = format!("page-{number}-{place_in_page}");
                prepare(&place, page, &namespace);
            }
            let begins = |start: &&str| example.starts_with(*start);
            let is_skipped = SKIPPED.iter().any(|(start, _)| begins(start)) && !RUN.iter().any(begins);
            if is_skipped {
                continue;
            }
            let code = CODES.iter().find(|(start, ..)| begins(start)).map_or(0, |(_, code, _)| *code);
            let output = typed(&place, page, &namespace, example);
            ran += 1;
            if output.code != code {
                wrong.push(format!(
                    "ktk {} --help, expected code {code}:\n{}",
                    page.command,
                    output.transcript()
                ));
            }
            // What was asked for is over before the next example.
            if page.command == "restart" {
                let names = "test-web thumbnails pipeline/nightly";
                let wait = format!("ktk wait {names} --keep-waiting --timeout 20s");
                drop(typed(&place, page, &namespace, &wait));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {ran} examples:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > 100, "only {ran} examples were found");
}

/// The manifests that `ktk help manifests` shows are read and made.
#[test]
fn the_manifests_of_the_topic_are_made() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 1");
    place.ok("create task fetch --external");
    let topic = place.ok("help manifests");
    let mut blocks: Vec<String> = Vec::new();
    for line in topic.lines() {
        match line.strip_prefix("    ") {
            Some(code) if code.starts_with("apiVersion:") => blocks.push(format!("{code}\n")),
            Some(code) => {
                blocks.iter_mut().last().into_iter().for_each(|block| *block += &format!("{code}\n"))
            }
            // What stands between two blocks belongs to neither.
            None if !line.is_empty() && !blocks.is_empty() => blocks.push(String::new()),
            None => {}
        }
    }
    blocks.retain(|block| block.starts_with("apiVersion:"));
    assert_eq!(blocks.len(), 2, "{blocks:?}");
    for block in blocks {
        place.typed("create -f -").stdin(block).output().code(0);
    }
}
