//! `ktk version`, and the first lines that anyone sees.

use ktk_tests::Place;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn both_sides() {
    let place = Place::started();
    place.ktk("version").is(0, &format!("Client Version: {VERSION}\nServer Version: {VERSION}\n"), "");
    let json = place.ktk("version -o json").code(0).json();
    assert_eq!((&json["client"]["version"], &json["server"]["version"]), (&VERSION.into(), &VERSION.into()));
}

#[test]
fn the_client_alone_starts_no_server() {
    let place = Place::new();
    place.ktk("version --client").is(0, &format!("Client Version: {VERSION}\n"), "");
    assert!(!place.data().exists());
    let without = place.typed("version").env("KTK_AUTOSTART", "never").output().code(6);
    assert_eq!(without.stdout, format!("Client Version: {VERSION}\n"));
    assert_eq!(without.stderr.lines().count(), 1, "{}", without.stderr);
}

#[test]
fn help_is_printed_and_asked_for_in_any_way() {
    let place = Place::new();
    let help = place.ok("--help");
    for line in ["", "help", "-h"] {
        let output = place.ktk(line).code(0);
        assert_eq!(output.stderr, "", "ktk {line}");
        assert!(output.stdout.starts_with(help.lines().next().unwrap()), "ktk {line}: {}", output.stdout);
        assert!(!output.stdout.contains("internal"), "ktk {line}");
    }
    // The environment does not count as an argument.
    let output = place.typed("").env("KTK_NAMESPACE", "x").output().code(0);
    assert!(output.stdout.contains("Examples:"), "{}", output.transcript());
    let group = place.ktk("server").code(2);
    assert_eq!(group.stdout, "");
    group.says("Usage: ktk server");
    assert!(!place.data().exists(), "help starts no server");
}
