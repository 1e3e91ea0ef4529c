//! Lists to pick from, where no name was typed on a terminal.

use ktk_tests::Place;

#[test]
fn who_names_nothing_picks_from_a_list() {
    let place = Place::started();
    place.ok("run --name first -- echo from-first");
    place.ok("run --name second -- echo from-second");
    place.ok("create task open --external");
    // The newest stands first, and arrows go down.
    let logs = place.on_a_terminal("logs", "\x1b[B\r").code(0);
    assert!(logs.stdout.contains("Which one?"), "{}", logs.transcript());
    assert!(logs.stdout.ends_with("from-second\r\n"), "{}", logs.transcript());
    let described = place.on_a_terminal("describe", "\r").code(0);
    assert!(described.stdout.contains("Name:"), "{}", described.transcript());
    assert!(described.stdout.contains("open"), "{}", described.transcript());
    // What has ended cannot be cancelled, what has not cannot be restarted.
    let cancelled = place.on_a_terminal("cancel", "\r").code(0);
    assert!(cancelled.stdout.contains("task/open cancelled"), "{}", cancelled.transcript());
    assert!(!cancelled.stdout.contains("task/first"), "{}", cancelled.transcript());
    let restarted = place.on_a_terminal("restart", "\x1b[B\r").code(0);
    assert!(restarted.stdout.contains("task/second@2 created"), "{}", restarted.transcript());
    let none = place.on_a_terminal("restart", "q").code(2);
    assert!(none.stdout.contains("nothing was picked"), "{}", none.transcript());
    let empty = place.on_a_terminal("cancel -n empty", "").code(2);
    assert!(empty.stdout.contains("there is nothing to cancel in empty namespace"), "{}", empty.transcript());
}

/// Ctrl-C leaves the list, and the terminal as it was.
#[test]
fn an_interrupt_leaves_the_cursor_shown() {
    let place = Place::started();
    place.ok("run --name x -- true");
    let key = "until test -e shown; do sleep 0.05; done; printf '\\003'";
    let script = format!("{{ {key}; }} | script -qec '{} logs' /dev/null", place.binary().display());
    let typed =
        place.program("sh -c").arg(script).env("TERM", "xterm-256color").env("SHELL", "/bin/sh").spawn();
    typed.until_stdout("task/x");
    place.file("shown", "");
    let left = typed.wait().code(130);
    let (hidden, shown) = (left.stdout.rfind("\u{1b}[?25l"), left.stdout.rfind("\u{1b}[?25h"));
    assert!(hidden.is_some() && shown > hidden, "{:?}", left.stdout);
}

#[test]
fn nobody_is_offered_a_list_who_cannot_pick() {
    let place = Place::started();
    place.ok("run --name x -- true");
    for line in ["logs", "describe", "restart", "cancel"] {
        place.ktk(line).code(2);
        let output = place.on_a_terminal(&format!("{line} --no-input"), "\r").code(2);
        assert!(!output.stdout.contains("Which one"), "{}", output.transcript());
        // Where the result is read by a program, the list would be in its way.
        let output = place.on_a_terminal(&format!("{line} | cat; exit 0"), "\r").code(0);
        assert!(!output.stdout.contains("Which one"), "{}", output.transcript());
    }
}

#[test]
fn create_task_asks_its_way_through() {
    let place = Place::started();
    // Each answer is typed when it is asked for: a list reads single keys, a question lines.
    let answers = "asked\n\rteam=media tier=web\n2\necho 'a b' | cat\n";
    let made = place.on_a_terminal("create task", answers).code(0);
    let typed = "ktk create task asked --label team=media --label tier=web --retry 2 -- sh -c 'echo '\\''a b'\\'' | cat'";
    assert!(made.stdout.contains(typed), "{}", made.transcript());
    place.ok("wait asked");
    place.ktk("logs asked").is(0, "a b\n", "");
    assert_eq!(place.field("task", "asked", "/spec/retry/limit"), "2");
    let outside = place.on_a_terminal("create task", "outside\n\x1b[B\r\n").code(0);
    assert!(outside.stdout.contains("ktk create task outside --external"), "{}", outside.transcript());
    let nothing = place.on_a_terminal("create task", "\n").code(2);
    assert!(nothing.stdout.contains("nothing was answered"), "{}", nothing.transcript());
    for typed in [
        place.typed("create task"),
        place.typed_on_a_terminal("--no-input create task", "x\n"),
        place.typed_on_a_terminal("create task", "x\n").env("KTK_PROMPT_DISABLED", "1"),
    ] {
        let refused = typed.output().code(2);
        assert!(!refused.stdout.contains("Name: "), "{}", refused.transcript());
    }
    assert_eq!(place.ok("get tasks -o name"), "task/asked\ntask/outside\n");
}
