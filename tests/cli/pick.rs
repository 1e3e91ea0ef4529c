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
