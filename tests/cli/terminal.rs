//! Terminals and pipes: what reaches them, and what never does.

use std::time::Duration;

use ktk_tests::{Place, eventually};

/// Runs the line on a terminal of its own; answers all that appeared there.
fn on_a_terminal(place: &Place, line: &str) -> String {
    let line = format!("{} {line}", place.binary().display());
    let typed = place.program("script -qec").arg(&line).arg("/dev/null").env("TERM", "xterm-256color");
    let output = typed.env("SHELL", "/bin/sh").output();
    output.stdout
}

/// Escape codes that change more than a colour: they move, clear, or set a title.
fn has_foreign_codes(shown: &str) -> bool {
    shown.contains("\u{1b}]0;evil")
        || shown.contains("\u{1b}[2Jevil")
        || shown.contains('\u{202e}')
        || shown.contains('\u{7}')
}

const EVIL: &str = r"printf '\033]0;evil\007\033[2Jevil\342\200\256\033[31mred\033[0m\n'; exit 3";

#[test]
fn escape_codes_never_reach_a_terminal() {
    let place = Place::started();
    place.file("evil.sh", EVIL);
    let shown = on_a_terminal(&place, "run --name evil -- sh evil.sh");
    assert!(shown.contains("evil") && !has_foreign_codes(&shown), "{shown:?}");
    assert!(shown.contains("\u{1b}[31mred"), "colours stay: {shown:?}");
    let shown = on_a_terminal(&place, "logs evil");
    assert!(shown.contains("evil") && !has_foreign_codes(&shown), "{shown:?}");
    // Through labels, messages, outputs and commands.
    place.file(
        "evil.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x, annotations: {a: \"\\e]0;evil\\a\"}}\nspec:\n  run:\n    \
         command: [sh, -c, 'printf \"k=\\\\033]0;evil\\\\007\\n\" >\"$KTK_OUTPUT\"; : \"\u{202e}\"']\n",
    );
    place.ok("create -f evil.yaml");
    let _ = place.ktk("wait x");
    for line in [
        "get tasks -o wide",
        "describe task x",
        "get task x -o yaml",
        "get task x -o json",
        "events",
        "tree x",
    ] {
        let shown = on_a_terminal(&place, line);
        assert!(!has_foreign_codes(&shown), "{line}: {shown:?}");
        let piped = place.ktk(line).code(0);
        assert!(
            !piped.stdout.contains('\u{1b}') && !piped.stdout.contains('\u{202e}'),
            "{line}: {:?}",
            piped.stdout
        );
    }
    let output = place.ktk("get task '\u{1b}]0;evil\u{7}'");
    assert!(!has_foreign_codes(&output.stderr), "{:?}", output.stderr);
}

/// Each field that takes any text, in one manifest: whatever shows it shows it harmless.
#[test]
fn no_field_that_a_user_writes_reaches_a_terminal_as_it_is() {
    let place = Place::started();
    let evil = "\\u001b]0;evil\\u0007\\u202e\\u200b\\u009b2J\\u001b[2Jevil\\n\\rfake   Running";
    let pipeline = format!(
        r#"{{"apiVersion": "ktk/v1", "kind": "Pipeline",
            "metadata": {{"name": "p", "annotations": {{"note": "{evil}"}}}},
            "spec": {{"params": {{"a": "{evil}"}},
              "steps": [
                {{"name": "s", "inputs": {{"{evil}": "{evil}"}},
                  "run": {{"command": ["sh", "-c", "exit 3", "{evil}"], "env": {{"A": "{evil}"}}}}}},
                {{"name": "t", "needs": ["s"], "run": {{"command": ["true"]}}}}]}}}}"#
    );
    place.file("p.json", pipeline);
    place.ok("create -f p.json");
    let _ = place.ktk("wait pipeline/p");
    let typed: String = serde_json::from_str(&format!("\"{evil}\"")).expect("it is JSON");
    let say = |line: &str| place.typed(line).arg(&typed).output();
    say("create task ext --external --annotation").code(2);
    place.ok("create task x -- false");
    let _ = place.ktk("wait x");
    say("restart x --reason").code(0);
    say("restart x --force --reason").code(0);
    place.typed("restart x --force --env").arg(format!("B={typed}")).output().code(0);
    let mut refused = Vec::new();
    for line in [
        "get task",
        "get",
        "get tasks -l",
        "get tasks --field-selector",
        "get tasks -o",
        "get tasks -n",
        "get tasks --sort-by",
        "create queue",
        "create semaphore --permits 1",
        "restart",
        "wait",
        "logs",
        "describe task",
        "delete task",
        "why",
        "tree",
        "cancel",
        "create -f",
        "apply -f",
        "run -f",
        "wait x --for",
        "complete",
        "events --for",
        "scale",
        "help",
        "auth can-i",
        "create token",
        "login",
        "--server",
        "--context",
        "get pipeline",
        "restart x --set",
        "create task bad --label",
        "run --name",
    ] {
        let output = say(line);
        refused.push((line.to_owned(), format!("{}{}", output.stdout, output.stderr)));
    }
    for line in [
        "get tasks -o wide",
        "get tasks -o yaml",
        "get tasks -o json",
        "get tasks -o jsonl",
        "get pipelines -o wide",
        "get pipeline p -o yaml",
        "describe pipeline p",
        "describe task p.s",
        "describe task p.t",
        "describe task x",
        "describe task x -o yaml",
        "tree x",
        "events",
        "events -o json",
        "diff task/x@1 task/x@2",
        "why p.t",
        "restart x --dry-run",
        "restart pipeline/p --all --dry-run",
    ] {
        let shown = on_a_terminal(&place, line);
        refused.push((line.to_owned(), shown));
        refused.push((format!("{line} | cat"), place.ktk(line).stdout));
    }
    for (line, shown) in refused {
        let foreign = has_foreign_codes(&shown)
            || shown.contains("\u{1b}]")
            || shown.contains("\u{1b}[2J")
            || shown.contains(['\u{9b}', '\u{200b}']);
        assert!(!foreign, "{line}: {shown:?}");
        assert!(!shown.lines().any(|row| row.starts_with("fake ")), "{line}: a row of its own: {shown}");
        assert!(!shown.contains("\rfake"), "{line}: {shown:?}");
    }
}

#[test]
fn u14_colour_is_for_terminals() {
    let place = Place::started();
    place.ktk("run --name bad -- false").code(1);
    assert!(on_a_terminal(&place, "get tasks").contains("\u{1b}["));
    assert!(!place.ok("get tasks").contains('\u{1b}'));
    assert!(place.ok("get tasks --color always").contains("\u{1b}["));
    let typed =
        place.program("script -qec").arg(format!("{} get tasks", place.binary().display())).arg("/dev/null");
    let plain = typed.env("NO_COLOR", "1").env("TERM", "xterm").env("SHELL", "/bin/sh").output();
    assert!(!plain.stdout.contains('\u{1b}'), "{:?}", plain.stdout);
    assert!(!on_a_terminal(&place, "get tasks -o json").contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_is_silent() {
    let place = Place::started();
    for number in 0..4 {
        place.ok(&format!("run --name many-{number} -- true"));
    }
    place.ok("run --name long -- seq 1 100000");
    let ktk = place.binary().display().to_string();
    for line in ["get tasks", "get tasks -o json", "events", "logs long", "help run"] {
        let script = format!("{ktk} {line} | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let output = place.program("bash -c").arg(script).output().code(0);
        assert_eq!(output.stderr, "", "{line}");
        assert!(matches!(output.stdout.trim(), "0" | "141"), "{line}: {}", output.stdout);
    }
}

#[test]
fn who_waits_for_changes_leaves_with_its_reader() {
    let place = Place::started();
    place.ok("create task sleeper -- sh -c 'echo begun; exec sleep 1000'");
    let ktk = place.binary().display().to_string();
    for line in ["get tasks -w", "get tasks -w -o json", "logs -f sleeper"] {
        // Nothing changes any more: only its reader's end can end it.
        let script = format!("timeout 30 {ktk} {line} | head -1; echo ${{PIPESTATUS[0]}}");
        let output = place.program("bash -c").arg(script).output().code(0);
        assert_eq!(output.stderr, "", "{line}");
        let code = output.stdout.lines().last().unwrap_or_default();
        assert!(matches!(code, "0" | "141"), "{line}: {}", output.stdout);
        assert!(output.stdout.lines().count() > 1, "{line}: {}", output.stdout);
    }
    // A file and a terminal have no reader that could go.
    place.program("bash -c").arg(format!("timeout 1 {ktk} get tasks -w >watched")).output().code(124);
    assert!(std::fs::read_to_string(place.work().join("watched")).unwrap().contains("sleeper"));
}

#[test]
fn a_silent_task_has_a_line_on_a_terminal() {
    let place = Place::started();
    place.file(
        "t.sh",
        "echo begun; ktk progress 40 'half way'; while ! [ -e go ]; do sleep 0.1; done; echo over\n",
    );
    let ktk = place.binary().parent().unwrap().display().to_string();
    let path = format!("{ktk}:{}", std::env::var("PATH").unwrap());
    let line = format!("{} run --name quiet --env PATH={path} -- sh t.sh", place.binary().display());
    let typed = place.program("script -qfec").arg(&line).arg("shown").env("TERM", "xterm-256color");
    let running = typed.env("SHELL", "/bin/sh").spawn();
    let shown = || std::fs::read_to_string(place.work().join("shown")).unwrap_or_default();
    eventually("the line is there", Duration::from_secs(30), || {
        shown().contains("task/quiet: Running: 40% half way").then_some(())
    });
    place.file("go", "");
    let output = running.wait().code(0);
    let after = output.stdout.rsplit("half way").next().unwrap();
    assert!(after.contains("\u{1b}[2K") || after.contains("\u{1b}[K"), "it is cleared: {after:?}");
    assert!(after.trim_end().ends_with("over"), "{after:?}");
    // Not without a terminal, and not for what is quick.
    assert_eq!(place.ktk("run -- echo hello").code(0).stderr, "");
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let place = Place::started();
    place.ok("run --name x -- true");
    for line in ["logs", "restart", "cancel", "delete tasks --all", "create task"] {
        let output = place.ktk(line);
        assert_eq!(output.code, 2, "{}", output.transcript());
    }
    assert_eq!(place.ok("get tasks -o name"), "task/x\n");
}

#[test]
fn a_live_table_is_drawn_in_its_place() {
    let place = Place::started();
    place.ok("create task one --external");
    let line = format!("{} get tasks --live --color never", place.binary().display());
    let typed = place.program("script -qfec").arg(&line).arg("shown").env("TERM", "xterm-256color");
    let running = typed.env("SHELL", "/bin/sh").spawn();
    let shown = || std::fs::read_to_string(place.work().join("shown")).unwrap_or_default();
    let until = |what: &str, text: &str| {
        eventually(what, Duration::from_secs(30), || {
            let shown = shown();
            let last = shown.rsplit("\u{1b}[?7l").next().unwrap_or_default();
            last.contains(text).then_some(())
        });
    };
    until("it is drawn", "one    Running");
    place.ok("create task two --external");
    until("what is new is in it", "two    Running");
    place.ok("complete one");
    until("what has changed is in it", "one    Succeeded");
    place.ok("delete task two");
    eventually("what is gone is not", Duration::from_secs(30), || {
        let shown = shown();
        let last = shown.rsplit("\u{1b}[?7l").next().unwrap_or_default();
        (last.contains("one") && !last.contains("two")).then_some(())
    });
    assert!(shown().contains("\u{1b}[3F\u{1b}[J"), "over the table of before: {:?}", shown());
    drop(running);
    place.ktk("get tasks --live").code(2).says("--live draws a table on a terminal");
}
