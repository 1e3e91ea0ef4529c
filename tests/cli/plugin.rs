//! Plugins: `ktk foo` is `ktk-foo` on PATH.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ktk_tests::Place;
use rustix::process::Signal;

/// A place with a directory of plugins before the rest of PATH.
fn with_plugins(plugins: &[(&str, &str)]) -> Place {
    let place = Place::new();
    for (name, script) in plugins {
        let file = place.file(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", place.work().join("bin").display(), std::env::var("PATH").unwrap());
    place.with_env("PATH", path)
}

#[test]
fn a_plugin_is_given_all_behind_its_name_and_its_code_is_ours() {
    let place = with_plugins(&[
        ("ktk-foo", r#"echo "foo: $*"; exit 7"#),
        ("ktk-foo-bar", r#"echo "foo-bar: $*""#),
        ("ktk-bar_baz", r#"echo "bar_baz: $*""#),
        ("ktk-get", "echo never"),
        ("ktk-err", "echo said >&2; cat"),
    ]);
    place.ktk("foo a --help -n x -- y").is(7, "foo: a --help -n x -- y\n", "");
    place.ktk("foo --version").is(7, "foo: --version\n", "");
    place.ktk("foo bar baz").is(0, "foo-bar: baz\n", "");
    place.ktk("foo x bar").is(7, "foo: x bar\n", "");
    place.ktk("bar-baz 1").is(0, "bar_baz: 1\n", "");
    place.typed("err").stdin("typed\n").output().is(0, "typed\n", "said\n");
    // What is built in stays so, and what is no plugin is guessed at as ever.
    place.ktk("get --help").code(0).prints("List objects");
    place.ktk("foO").code(2).says("unknown command");
    place.ktk("gte tasks").code(2).says("Did you mean this?");
    place.ktk("--context x foo").is(2, "", "error: flags cannot be placed before plugin name: --context\n");
    place.ktk("-n=x foo bar").is(2, "", "error: flags cannot be placed before plugin name: -n\n");
    place.ktk("server foo").code(2).says("unknown command \"foo\" for \"ktk server\"");
    assert!(!place.data().exists());
}

#[test]
fn a_plugin_takes_the_place_of_ktk() {
    let place = with_plugins(&[(
        "ktk-sleepy",
        "trap 'echo ended; exit 9' TERM; echo \"begun $$\"; while :; do sleep 0.1; done",
    )]);
    let running = place.spawn("sleepy");
    let pid = running.pid();
    running.until_stdout(&format!("begun {pid}\n"));
    running.signal(Signal::TERM);
    let output = running.wait().code(9);
    assert!(output.stdout.ends_with("ended\n"), "{}", output.transcript());
}

#[test]
fn plugins_are_listed_with_what_is_wrong() {
    let place = with_plugins(&[("ktk-foo", ""), ("ktk-foo-bar", "")]);
    let bin = "<root>/work/bin";
    place.ktk("plugin list").is(0, &format!("{bin}/ktk-foo\n{bin}/ktk-foo-bar\n"), "");
    place.ktk("plugin list --name-only").is(0, "ktk-foo\nktk-foo-bar\n", "");
    place.file("bin/ktk-plain", "");
    place.file("bin/ktk-get", "#!/bin/sh\n");
    fs::set_permissions(place.work().join("bin/ktk-get"), fs::Permissions::from_mode(0o755)).unwrap();
    let wrong = place.ktk("plugin list --name-only").code(1);
    assert_eq!(wrong.stdout, "ktk-foo\nktk-foo-bar\nktk-get\nktk-plain\n");
    for says in [
        "ktk-get overwrites existing command: \"ktk get\"",
        "ktk-plain identified as a ktk plugin, but it is not executable",
        "error: 2 plugin warnings were found",
    ] {
        assert!(wrong.stderr.contains(says), "{}", wrong.transcript());
    }
    place.ktk("plain").code(2).says("unknown command");
    let none = Place::new().with_env("PATH", "/nowhere");
    none.ktk("plugin list").is(1, "", "error: unable to find any ktk plugins in your PATH\n");
}

#[test]
fn plugins_complete() {
    let place = with_plugins(&[
        ("ktk-foo", "echo never"),
        ("ktk_complete-foo", r#"printf 'apple\tred\n%s\n:4\n' "$#-words""#),
    ]);
    let complete = |words: &str, index: usize| {
        let typed = place.typed(&format!("-- {words}")).env("KTK_COMPLETE", "fish");
        let typed = typed.env("_CLAP_COMPLETE_INDEX", index.to_string());
        let output = typed.output().code(0);
        assert_eq!(output.stderr, "");
        output.stdout
    };
    assert!(complete("ktk fo", 1).starts_with("foo"), "{}", complete("ktk fo", 1));
    assert_eq!(complete("ktk foo x ''", 3), "apple\n2-words\n");
    assert_eq!(complete("ktk foo a", 2), "apple\n");
}

/// A word leads to no file outside of PATH.
#[test]
fn a_path_is_no_plugin() {
    let place = with_plugins(&[("ktk-foo", "echo foo")]);
    place.ktk("../bin/foo").code(2).says("unknown command");
    place.ktk("./foo").code(2).says("unknown command");
}
