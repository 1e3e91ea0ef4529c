//! `ktk get`: tables, formats, selectors, watches.

use ktk_tests::{Place, Running, masked};
use rustix::process::Signal;

use crate::manifests::BROKEN;

/// Three tasks, ended: `bad` failed twice, `good` and `tidy` in another namespace succeeded.
fn some_tasks() -> Place {
    let place = Place::started();
    place.ktk("run --name bad --label team=a --priority 2 -- false").code(1);
    place.ok("run --name good --label team=b -- true");
    place.ok("restart bad");
    place.ktk("wait bad").code(1);
    place.ok("run --name tidy --label team=a -n other -- true");
    place
}

#[test]
fn the_table() {
    let place = some_tasks();
    let table = "NAME   STATUS      REASON     ATTEMPTS   RESTARTS   AGE\n\
                 bad    Failed      ExitCode   1          1          <age>\n\
                 good   Succeeded   <none>     1          0          <age>\n";
    for line in ["get tasks", "get task", "get t", "get TASKS", "get tasks -n default"] {
        place.ktk(line).is(0, table, "");
    }
    place.ktk("get task good bad").is(
        0,
        "NAME   STATUS      REASON     ATTEMPTS   RESTARTS   AGE\n\
         good   Succeeded   <none>     1          0          <age>\n\
         bad    Failed      ExitCode   1          1          <age>\n",
        "",
    );
    place.ktk("get task/good --no-headers").is(0, "good   Succeeded   <none>   1     0     <age>\n", "");
    let all = place.ok("get tasks --all-incarnations -o name");
    let name = all.lines().next().unwrap().split('@').next().unwrap().to_owned();
    let own: Vec<&str> = all.lines().filter(|line| line.starts_with(&format!("{name}@"))).collect();
    let named = place.ok(&format!("get {name} --all-incarnations -o name"));
    assert_eq!(named.lines().collect::<Vec<_>>(), own, "the same of one that is named");
    place.ktk("get tasks --all-incarnations --no-headers").is(
        0,
        "bad@1    Failed      ExitCode   1     0     <age>\n\
         bad@2    Failed      ExitCode   1     1     <age>\n\
         good@1   Succeeded   <none>     1     0     <age>\n",
        "",
    );
    place.ktk("get tasks -A").is(
        0,
        "NAMESPACE   NAME   STATUS      REASON     ATTEMPTS   RESTARTS   AGE\n\
         default     bad    Failed      ExitCode   1          1          <age>\n\
         default     good   Succeeded   <none>     1          0          <age>\n\
         other       tidy   Succeeded   <none>     1          0          <age>\n",
        "",
    );
    place.ktk("get tasks -L team --show-labels --no-headers").is(
        0,
        "bad    Failed      ExitCode   1     1     <age>   a     team=a\n\
         good   Succeeded   <none>     1     0     <age>   b     team=b\n",
        "",
    );
}

#[test]
fn wide_columns_come_last() {
    let place = some_tasks();
    let wide = place.ok("get tasks -o wide");
    let header: Vec<&str> = wide.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        header,
        [
            "NAME", "STATUS", "REASON", "ATTEMPTS", "RESTARTS", "AGE", "QUEUE", "NODE", "PIPELINE", "WAITED",
            "DURATION", "EXIT", "PROGRESS", "ID", "COMMAND"
        ]
    );
    assert!(wide.lines().nth(1).unwrap().ends_with("   false"), "{wide}");
    let nodes = place.ok("get nodes");
    assert!(
        nodes.starts_with("NAME       STATUS   ROLE     SLOTS   RUNNING   AGE\nlocal.g1   Ready    server"),
        "{nodes}"
    );
}

#[test]
fn a_list_shows_of_a_task_what_its_name_shows() {
    let place = some_tasks();
    place.ok("run --name one-more --label team=c -- echo hello");
    for flags in ["", "-o wide", "--show-labels -L team", "--show-kind -o wide --show-labels"] {
        let named = masked(&place.ok(&format!("get task bad good one-more {flags}")));
        place.ktk(&format!("get tasks {flags}")).is(0, &named, "");
        place.ktk(&format!("get tasks --field-selector metadata.name!=x {flags}")).is(0, &named, "");
    }
}

#[test]
fn selectors() {
    let place = some_tasks();
    for (flags, expected) in [
        ("-l team=a", "task/bad\n"),
        ("-l team!=a", "task/good\n"),
        ("-l 'team in (a, b)'", "task/bad\ntask/good\n"),
        ("-l team -l team=b", "task/good\n"),
        ("--field-selector status.phase=Failed", "task/bad\n"),
        ("--field-selector status.phase!=Failed", "task/good\n"),
        ("-A -l team=a", "task/bad\ntask/tidy\n"),
        ("-n other", "task/tidy\n"),
        ("-n nowhere", ""),
        ("--sort-by metadata.createdAt", "task/good\ntask/bad\n"),
        ("--sort-by .spec.priority", "task/good\ntask/bad\n"),
    ] {
        place.ktk(&format!("get tasks -o name {flags}")).is(0, expected, "");
    }
    place.ktk("get tasks --sort-by .nosuch").code(1).says("no object has the field \".nosuch\"");
    place.ktk("get tasks good -l team=b").code(2).says("selector");
    place.ktk("get task good -A").code(2).says("namespaces");
    place.ktk("get task task/good").code(2);
}

#[test]
fn nothing_found() {
    let place = Place::started();
    place.ktk("get tasks").is(0, "", "No resources found in default namespace.\n");
    place.ktk("get tasks -o wide --no-headers").is(0, "", "No resources found in default namespace.\n");
    place.ktk("get pipelines -A").is(0, "", "No resources found\n");
    place.ktk("get all -n x").is(0, "", "No resources found in x namespace.\n");
    place.ktk("get tasks -o name").is(0, "", "");
    let list = "{\n    \"apiVersion\": \"ktk/v1\",\n    \"items\": [],\n    \"kind\": \"List\"\n}\n";
    place.ktk("get tasks -o json").is(0, list, "");
    place.ktk("get tasks -o yaml").is(0, "apiVersion: ktk/v1\nitems: []\nkind: List\n", "");
    place.ktk("get task x --ignore-not-found").is(0, "", "");
}

#[test]
fn machine_formats() {
    let place = some_tasks();
    let one = place.ktk("get task good -o json").code(0).json();
    assert_eq!((&one["kind"], &one["metadata"]["name"]), (&"Task".into(), &"good".into()));
    assert_eq!(one["status"]["phase"], "Succeeded");
    let many = place.ktk("get tasks -o json").code(0).json();
    assert_eq!((&many["kind"], many["items"].as_array().unwrap().len()), (&"List".into(), 2));
    let yaml = place.ok("get task good -o yaml");
    assert!(yaml.starts_with("apiVersion: ktk/v1\nkind: Task\nmetadata:\n  createdAt: \""), "{yaml}");
    // What get prints, create takes.
    let json = place.ok("get task bad -o json");
    let again = json.replace("\"name\": \"bad\"", "\"name\": \"copy\"");
    let output = place.typed("create -f -").stdin(again).output();
    assert!(matches!(output.code, 0 | 7), "{}", output.transcript());
}

#[test]
fn several_types() {
    let place = Place::started();
    place.file("p.yaml", BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place
        .ktk("get pipeline,task p p.a")
        .code(3)
        .prints("pipeline/p")
        .prints("task/p.a")
        .code(3)
        .says("not found");
    place.ktk("get pipeline/p task/p.a").is(
        0,
        "NAME         STATUS   DONE   FAILED   RESTARTS   AGE\n\
         pipeline/p   Failed   3/5    2        0          <age>\n\
         \n\
         NAME       STATUS      REASON   ATTEMPTS   RESTARTS   AGE\n\
         task/p.a   Succeeded   <none>   1          0          <age>\n",
        "",
    );
    let dot = place.ok("get pipeline p -o dot");
    assert!(dot.starts_with("digraph") && dot.contains("->"), "{dot}");
    let mermaid = place.ok("get pipeline p -o mermaid");
    assert!(mermaid.contains("-->"), "{mermaid}");
    let tree = place.ok("get pipelines -o tree");
    assert!(tree.contains("p.b") || tree.contains(" b"), "{tree}");
}

/// A watch, and what it has printed line by line.
fn watching(place: &Place, line: &str) -> Running {
    place.typed(line).spawn()
}

#[test]
fn a_watch_prints_a_row_for_each_change_and_survives_the_server() {
    let place = Place::started();
    place.ok("run --name first -- true");
    let watch = watching(&place, "get tasks -w");
    watch.until_stdout("first");
    place.ok("run --name second -- true");
    watch.until_stdout("second   Succeeded");
    place.kill_server();
    watch.until_stderr("started the local server");
    place.ok("run --name third -- true");
    watch.until_stdout("third");
    place.ok("delete task first");
    let seen = watch.stdout();
    assert_eq!(seen.matches("NAME").count(), 1, "one header:\n{seen}");
    watch.signal(Signal::INT);
    let _ = watch.wait();
}

#[test]
fn a_watch_in_json_is_a_document_a_line() {
    let place = Place::started();
    let watch = watching(&place, "get tasks -w -o json");
    place.ok("run --name one -- true");
    watch.until_stdout("Succeeded");
    let seen = watch.stdout();
    for line in seen.lines().filter(|line| !line.is_empty()) {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(document.is_object());
    }
    drop(watch);
}

#[test]
fn a_command_is_shown_as_it_would_be_typed() {
    let place = Place::started();
    place.ok("run --name x -- sh -c 'true && true'");
    for line in ["get tasks -o wide --no-headers", "get task x -o wide --no-headers"] {
        assert!(place.ok(line).ends_with(" sh -c 'true && true'\n"), "{line}: {}", place.ok(line));
    }
}

#[test]
fn failures_that_nothing_has_mended() {
    let place = Place::started();
    for name in ["bad", "mended"] {
        place.ktk(&format!("run --name {name} -- sh -c 'test -e fixed'")).code(1);
    }
    place.ok("run --name good -- true");
    place.file("fixed", "");
    place.ok("restart mended");
    place.ok("wait mended");
    let table = "NAME    STATUS   REASON     ATTEMPTS   RESTARTS   AGE\n\
                 bad@1   Failed   ExitCode   1          0          <age>\n";
    place.ktk("get tasks --unresolved").is(0, table, "");
    place.ktk("get tasks --unresolved -o name").is(0, "task/bad\n", "");
    place.ktk("get pipelines --unresolved").code(2).says("among tasks");
    let page = place.ok("describe task mended@1");
    assert!(
        page.lines().any(|line| line.starts_with("Resolved By:") && line.contains("mended@2 (")),
        "{page}"
    );
}

#[test]
fn u13_tables_fit_into_80_columns() {
    let place = Place::started();
    place.ok("create queue a-queue");
    place.ok("create semaphore a-semaphore --permits 2");
    place.ok("create token a-token --role viewer");
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ok("restart pipeline/p --force --all --dry-run");
    for kind in ["tasks", "pipelines", "queues", "semaphores", "tasktypes", "tokens", "nodes"] {
        let table = place.ok(&format!("get {kind}"));
        for line in table.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
}
