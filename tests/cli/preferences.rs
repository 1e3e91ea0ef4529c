//! `preferences.yaml`: default flags and aliases of a user, which a script can do without.

use ktk_tests::{Output, Place};

const SOME: &str = "\
apiVersion: ktk/v1
kind: Preferences
defaults:
  - command: get
    options:
      - {name: output, default: name}
      - {name: all-namespaces, default: true}
  - command: logs
    options:
      - {name: since, default: 1h}
      - {name: follow, default: 'true'}
  - command: delete
    options:
      - {name: interactive, default: \"true\"}
  - command: config view
    options:
      - {name: namespace, default: ci}
      - {name: color, default: never}
aliases:
  - name: getn
    command: get tasks
    prependArgs: [b]
    appendArgs: [a]
    options:
      - {name: output, default: 'custom-columns=NAME:.metadata.name'}
      - {name: no-headers, default: 'true'}
      - {name: all-namespaces, default: 'false'}
  - {name: before, command: logs, options: [{name: previous, default: 'true'}]}
  - {name: version, command: get tasks}
";

/// A place whose preferences these are.
fn with(text: &str) -> Place {
    let place = Place::new();
    place.file("../home/.config/ktk/preferences.yaml", text);
    place
}

fn refused(text: &str, line: usize, says: &str) {
    let place = with(text);
    let output = place.ktk("get tasks");
    let start = format!("error: Error in preferences: <root>/home/.config/ktk/preferences.yaml:{line}: ");
    let stderr = output.code(2).stderr.replace(&place.root().display().to_string(), "<root>");
    assert!(stderr.starts_with(&start) && stderr.contains(says), "{text}\n{stderr}");
    assert!(stderr.ends_with("hint: mend it, or go without it: --preferences=off\n"), "{stderr}");
    assert!(!place.data().exists(), "nothing was done");
}

#[test]
fn a_flag_has_a_default_that_what_is_typed_goes_before() {
    let place = with(SOME);
    place.ok("create task a --external");
    place.ok("create task b --external -n ci");
    place.ktk("get tasks").is(0, "task/b\ntask/a\n", "");
    place.ktk("get tasks -o jsonpath={.items[*].metadata.name}").is(0, "b a", "");
    place.ktk("get tasks --all-namespaces=false").is(0, "task/a\n", "");
    // What is not to be given twice over is not: the one that was typed holds.
    place.ok("create task says -- echo said");
    place.ktk("logs says --since-time=2020-01-01T00:00:00Z").is(0, "said\n", "");
    place.ktk("before says").code(3).says("\"says\" has no previous attempt");
    for off in ["get tasks a --no-headers --preferences=off", "--preferences off get task a --no-headers"] {
        assert!(place.ok(off).starts_with("a     Running"), "{off}");
    }
    let typed = place.typed("get tasks a --no-headers").env("KTK_PREFERENCES", "off");
    assert!(typed.output().ok().starts_with("a     Running"));
    place.ktk("delete task a").code(2).says("--yes required when not running interactively");
    place.ktk("delete task a --interactive=false").is(0, "task \"a\" deleted\n", "");
}

#[test]
fn a_word_stands_for_a_command() {
    let place = with(SOME);
    for name in ["a", "b", "c"] {
        place.ok(&format!("create task {name} --external"));
    }
    place.ktk("getn c").is(0, "b\nc\na\n", "");
    place.ktk("-n ci --no-input getn c").code(3).says("\"c\" not found");
    place.ktk("getn c -o name").is(0, "task/b\ntask/c\ntask/a\n", "");
    place.ktk("--preferences=off getn").code(2).says("unknown command \"getn\"");
    place.ktk("gten").code(2).says("Did you mean this?\n    getn\n");
    place.ktk("getn --nosuch").code(2).says("See 'ktk get --help' for usage.");
    // What is built in stays so.
    assert!(place.ok("version --client").starts_with("Client Version:"));
}

#[test]
fn origins_tell_of_preferences() {
    let place = with(SOME);
    let file = place.home().join(".config/ktk/preferences.yaml").display().to_string();
    let origins = |typed: Output| {
        let settings = typed.code(0).json()["settings"].clone();
        move |name: &str| {
            let found = settings.as_array().unwrap().iter().find(|setting| setting["setting"] == name);
            let text =
                |field: &str| found.and_then(|found| found[field].as_str()).unwrap_or_default().to_owned();
            (text("value"), text("origin"))
        }
    };
    let of = origins(place.ktk("config view --origins -o json"));
    let line = |number: usize| format!("preferences {file}:{number}");
    assert_eq!(of("preferences"), (file.clone(), "default".into()));
    assert_eq!(of("namespace"), ("ci".into(), line(17)));
    assert_eq!(of("color"), ("never".into(), line(18)));
    assert_eq!(of("get --output"), ("name".into(), line(6)));
    let alias = "ktk get tasks b … a --output=custom-columns=NAME:.metadata.name --no-headers=true --all-namespaces=false";
    assert_eq!(of("alias getn"), (alias.into(), line(20)));
    assert_eq!(of("alias version"), ("not used: ktk version is a command".into(), line(29)));
    let typed = place.typed("config view --origins -o json --color auto").env("KTK_NAMESPACE", "web");
    let of = origins(typed.output());
    assert_eq!(of("namespace"), ("web".into(), "variable KTK_NAMESPACE".into()));
    assert_eq!(of("color"), ("auto".into(), "flag --color".into()));
    let of = origins(place.typed("config view --origins -o json").env("KTK_PREFERENCES", "off").output());
    assert_eq!(of("preferences"), ("off".into(), "variable KTK_PREFERENCES".into()));
    assert_eq!(of("namespace"), ("default".into(), "default".into()));
}

/// A context that was typed or is in a variable is asked, whatever server is preferred.
#[test]
fn a_preferred_server_gives_way_to_a_context() {
    let place =
        with("defaults: [{command: config view, options: [{name: server, default: 'unix:///preferred'}]}]");
    place.file("contexts.yaml", "contexts: [{name: work, server: 'unix:///work'}]");
    let place = place.with_env("KTKCONFIG", "contexts.yaml");
    let server = |typed: ktk_tests::Typed| {
        let settings = typed.output().code(0).json();
        let settings = settings["settings"].as_array().unwrap().clone();
        settings.iter().find(|setting| setting["setting"] == "server").unwrap()["value"].clone()
    };
    let line = "config view --origins -o json";
    assert_eq!(server(place.typed(line)), "unix:///preferred");
    assert_eq!(server(place.typed(line).arg("--context=work")), "unix:///work");
    assert_eq!(server(place.typed(line).env("KTK_CONTEXT", "work")), "unix:///work");
    assert_eq!(server(place.typed(line).env("KTK_SERVER", "unix:///variable")), "unix:///variable");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let defaults = |command: &str, options: &str| {
        format!("kind: Preferences\ndefaults:\n- command: {command}\n  options:\n  - {options}\n")
    };
    refused(
        &defaults("gte", "{name: output, default: name}"),
        3,
        "unknown command \"gte\": did you mean \"get\"?",
    );
    refused(&defaults("config veiw", "{name: raw, default: true}"), 3, "did you mean \"view\"?");
    refused(&defaults("config", "{name: raw, default: true}"), 3, "\"config\" is no whole command");
    refused(&defaults("get tasks", "{name: output, default: name}"), 3, "\"tasks\" is no command");
    refused(&defaults("get", "{name: ouput, default: name}"), 5, "no flag --ouput: did you mean --output?");
    refused(
        &defaults("get", "{name: chunk-size, default: many}"),
        5,
        "invalid value \"many\" for --chunk-size",
    );
    refused(&defaults("get", "{name: watch, default: perhaps}"), 5, "invalid value \"perhaps\" for --watch");
    refused(&defaults("get", "{name: preferences, default: x}"), 5, "set KTK_PREFERENCES");
    refused(&defaults("get", "{name: output, value: name}"), 5, "value");
    let alias = |alias: &str| format!("aliases:\n- {{name: good, command: get}}\n- {alias}\n");
    refused(&alias("{name: good, command: logs}"), 3, "there is an alias \"good\" already");
    refused(&alias("{name: 'a b', command: logs}"), 3, "\"a b\" is no word");
    refused(&alias("{name: x, command: plugged}"), 3, "unknown command \"plugged\"");
    refused(&alias("{name: x, command: get -o wide}"), 3, "without its dashes");
    refused("contexts: []\n", 1, "contexts");
    refused("kind: Config\n", 1, "this is a Config, not Preferences");
    refused("aliases:\n- {name: x\n", 2, "unclosed");
    let place = with("");
    place.ktk("version --client").code(0);
    place.ktk("version --client --preferences /dev/zero").is(
        2,
        "",
        "error: Error in preferences: /dev/zero: it has more than 1 MiB\n\
         hint: mend it, or go without it: --preferences=off\n",
    );
    place.ktk("version --client --preferences nosuch.yaml").is(
        2,
        "",
        "error: the file of preferences \"nosuch.yaml\" does not exist\n",
    );
    place.file(
        "other.yaml",
        "aliases: [{name: v, command: version, options: [{name: client, default: true}]}]",
    );
    assert!(place.ok("--preferences other.yaml v").starts_with("Client Version:"));
}

#[test]
fn aliases_complete_as_their_commands() {
    let place = with(SOME);
    for name in ["a", "b"] {
        place.ok(&format!("create task {name} --external"));
    }
    let complete = |words: &str, index: usize| {
        let typed = place.typed(&format!("-- {words}")).env("KTK_COMPLETE", "fish");
        let output = typed.env("_CLAP_COMPLETE_INDEX", index.to_string()).output().code(0);
        assert_eq!(output.stderr, "");
        output.stdout
    };
    let offered = complete("ktk getn", 1);
    assert!(offered.starts_with("getn\tAlias: ktk get tasks b … a"), "{offered}");
    assert_eq!(complete("ktk getn ''", 2).lines().take(2).collect::<Vec<_>>(), ["a", "b"]);
    assert!(complete("ktk getn --chunk", 2).starts_with("--chunk-size"));
    // A file that is wrong takes nothing away.
    place.file("../home/.config/ktk/preferences.yaml", "nonsense");
    assert!(complete("ktk ge", 1).starts_with("get\t"));
}

/// What the command starts of itself goes without: a server is nobody's habit, and its own processes are this binary.
#[test]
fn what_is_started_has_no_preferences() {
    let place = with("nonsense");
    place.ktk("run --preferences=off -- true").code(0).says("started the local server");
    place.kill_server();
    let _server = place.spawn("server run --preferences=off");
    let status = || (place.ktk("server status --preferences=off").code == 0).then_some(());
    ktk_tests::eventually("the server answers", std::time::Duration::from_secs(20), status);
    place.ktk("run --preferences=off -- true").is(0, "", "");
    // These have no environment, and find a home all the same.
    place.typed("internal launcher").stdin("").output().code(0);
}

/// A plugin's flags are the plugin's.
#[test]
fn a_plugin_keeps_its_flags() {
    let place = with(SOME);
    let file = place.file("bin/ktk-foo", "#!/bin/sh\necho \"$*\"\n");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.work().join("bin").display(), std::env::var("PATH").unwrap());
    let place = place.with_env("PATH", path);
    place.ktk("foo --preferences=nosuch -x").is(0, "--preferences=nosuch -x\n", "");
}
