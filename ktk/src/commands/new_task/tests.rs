//! Each field of a task has a flag.

use std::collections::BTreeSet;

use clap::Parser;
use serde_json::Value;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    task: TaskFlags,
    #[command(flatten)]
    work: WorkFlags,
    #[arg(last = true)]
    command: Vec<String>,
}

/// Fields that have no flag, and why.
const WITHOUT: [(&str, &str); 4] = [
    ("spec.when", "a step's: a task of its own waits for nothing that could decide it"),
    ("spec.forEach", "a step's: a task of its own is one task"),
    ("spec.external", "--external, which has no fields of its own"),
    ("spec.run.stdin", "-i of the verbs, which read it"),
];

/// Lines that together use every flag.
const LINES: [&str; 3] = [
    "--label a=b --annotation c=d --input width=200 --env A=b --env-from-env DB --env-from-file KEY=/k --working-dir /w \
     --timeout 1m --grace-period 2s --keepalive 3s --deadline 4h --ttl-after-finished 5h --run-after 2026-11-22T03:00:00Z \
     --hold --retry 2 --retry-backoff 1s --retry-factor 3 --retry-max-backoff 9s --retry-jitter 0.5 --retry-on 75,76 \
     --need x --run-if always --queue q --priority 3 --semaphore gpu --semaphore licence=2 --unique k \
     --unique-while pending --unique-on-conflict return --node-selector zone=eu --affinity execution -- ls",
    "--http https://x.test --http-method PUT --http-header a:b --http-body {\"c\":1} --http-expect 2xx,404 \
     --http-redirects 2 --on-start http://h.test --on-keepalive http://h.test --on-timeout http://h.test \
     --on-finish http://h.test --hook-header d:e",
    "--type resize@3 --on-start ./told --on-keepalive ./told --on-timeout ./told --on-finish ./told",
];

fn task(line: &str) -> Task {
    let words = std::iter::once("ktk").chain(line.split_whitespace());
    let line = Line::try_parse_from(words).expect("flags that exist");
    match line.work.spec().expect("sound flags") {
        Some(work) => line.task.with_work(None, work),
        None => line.task.task(None, line.command, &BTreeMap::new(), None),
    }
    .expect("sound flags")
}

/// The paths of all fields of a schema's object; maps and lists are fields of their own.
fn fields(schema: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    let of_reference = schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#')));
    let parts = [&schema["anyOf"], &schema["allOf"], &schema["oneOf"]];
    let parts = parts.into_iter().filter_map(Value::as_array).flatten().chain(of_reference);
    if let Some(members) =
        schema["properties"].as_object().filter(|_| path != "spec.run.env" && !path.is_empty())
    {
        for (name, member) in members {
            let path = format!("{path}.{name}");
            found.insert(path.clone());
            fields(member, root, &path, found);
        }
    }
    // What is one of several things, as a semaphore is, is one value.
    if schema["oneOf"].is_null() && schema["items"].is_null() {
        parts.for_each(|part| fields(part, root, path, found));
    }
}

fn used(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    for (name, member) in value.as_object().into_iter().flatten() {
        used(member, &format!("{path}.{name}"), found);
    }
}

#[test]
fn each_field_of_a_task_has_a_flag() {
    let schema = serde_json::to_value(schemars::schema_for!(TaskSpec)).expect("JSON");
    let mut known = BTreeSet::new();
    fields(&schema, &schema, "spec", &mut known);
    assert!(known.len() > 40, "{known:?}");
    let mut set = BTreeSet::new();
    for line in LINES {
        let task = serde_json::to_value(task(line)).expect("JSON");
        used(&task["spec"], "spec", &mut set);
        used(&task["metadata"], "metadata", &mut set);
    }
    let without = |path: &String| WITHOUT.iter().any(|(field, _)| path.starts_with(field));
    let missing: Vec<_> = known.iter().filter(|path| !set.contains(*path) && !without(path)).collect();
    assert!(missing.is_empty(), "no flag sets {missing:?}");
    assert!(set.contains("metadata.labels.a") && set.contains("metadata.annotations.c"));
}

#[test]
fn pairs_are_told_from_words() {
    assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
    assert!(pair("a").is_err() && pair("=b").is_err());
    assert_eq!(header("A: b:c"), Ok(("A".to_owned(), "b:c".to_owned())));
    assert!(header("A").is_err());
    assert!(word::<ktk_client::api::task::RunIf>("never").expect_err("no such").contains("always"));
}

#[test]
fn what_runs_no_process_has_no_environment() {
    let line = Line::try_parse_from(["ktk", "--external", "--env", "A=b"]).expect("flags");
    let work = line.work.spec().expect("sound").expect("external");
    assert!(line.task.with_work(None, work).is_err());
    assert!(Line::try_parse_from(["ktk", "--external", "--type", "x"]).is_err());
}
