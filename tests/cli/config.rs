//! `ktk config`: contexts in one file or several, and where each setting comes from.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ktk_tests::Place;

const TWO: &str = "currentContext: work\ncontexts:\n\
                   - {name: work, server: 'https://ktk.example:7777', namespace: ci, token: hush}\n\
                   - {name: lab, protected: true, tokenFile: lab.token}\n";

/// A place whose one file of contexts this is.
fn with_config(text: &str) -> Place {
    let place = Place::new();
    let file = place.file("../home/.config/ktk/config.yaml", text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    place
}

fn config_of(place: &Place) -> String {
    fs::read_to_string(place.home().join(".config/ktk/config.yaml")).unwrap()
}

#[test]
fn contexts_are_listed_chosen_and_shown() {
    let place = with_config(TWO);
    place.ktk("config get-contexts").is(
        0,
        "CURRENT   NAME    SERVER                     NAMESPACE   PROTECTED\n\
         \x20         lab     <none>                     <none>      true\n\
         \x20         local   <none>                     <none>      false\n\
         *         work    https://ktk.example:7777   ci          false\n",
        "",
    );
    place.ktk("config get-contexts -o name").is(0, "lab\nlocal\nwork\n", "");
    place.ktk("config get-contexts work --no-headers").is(
        0,
        "*     work   https://ktk.example:7777   ci    false\n",
        "",
    );
    place.ktk("config get-contexts nosuch").code(3).says("no context exists with the name: \"nosuch\"");
    place.ktk("config current-context").is(0, "work\n", "");
    place.ktk("config use-context lab").is(0, "Switched to context \"lab\".\n", "");
    place.ktk("config current-context").is(0, "lab\n", "");
    place.ktk("config use-context wrok").is(
        3,
        "",
        "error: no context exists with the name: \"wrok\"\nhint: did you mean \"work\"?\n",
    );
    place.ktk("config use-context local").code(0);
    place.ktk("config unset currentContext").is(0, "Property \"currentContext\" unset.\n", "");
    place.ktk("config current-context").code(1).says("error: current-context is not set");
    Place::new().ktk("config current-context").is(0, "local\n", "");
    place.ktk("config").code(2);
    assert!(!place.data().exists(), "no server is asked");
}

#[test]
fn a_view_hides_tokens() {
    let place = with_config(TWO);
    let view = place.ok("config view");
    assert!(view.contains("token: REDACTED") && !view.contains("hush"), "{view}");
    assert!(view.contains("tokenFile: ") && view.contains("currentContext: work"), "{view}");
    assert!(place.ok("config view --raw").contains("token: hush"));
    let one = place.ktk("config view --minify -o json").code(0).json();
    assert_eq!(one["contexts"].as_array().unwrap().len(), 1);
    assert_eq!(one["contexts"][0]["name"], "work");
    let lab = place.ktk("config view --minify --context lab -o json").code(0).json();
    assert_eq!((&lab["currentContext"], &lab["contexts"][0]["name"]), (&"lab".into(), &"lab".into()));
    place.ktk("config view --minify -o jsonpath={.contexts[0].server}").is(0, "https://ktk.example:7777", "");
    place.ktk("config view --minify --context nosuch").code(2).says("specified context: nosuch");
    place.ktk("get tasks --context wrok").is(
        2,
        "",
        "error: Error in configuration: context was not found for specified context: wrok\n\
         hint: did you mean \"work\"?\n",
    );
}

#[test]
fn contexts_are_made_changed_renamed_and_taken_out() {
    let place = Place::new();
    place.ktk("config set-context work --server https://ktk.example:7777 --namespace ci").is(
        0,
        "Context \"work\" created.\n",
        "",
    );
    place.ktk("config use-context work").code(0);
    place.ktk("config set-context --current --namespace=web --protected").is(
        0,
        "Context \"work\" modified.\n",
        "",
    );
    let file = place.home().join(".config/ktk/config.yaml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let view = place.ktk("config view -o json").json();
    assert_eq!(view["contexts"][0]["namespace"], "web");
    assert_eq!(view["contexts"][0]["protected"], true);
    place.ktk("config set-context --current --server ''").code(0);
    assert_eq!(place.ktk("config view -o json").json()["contexts"][0].get("server"), None);
    place.ktk("config set-context x --server ftp://x").code(2).says("unix:///path");
    place.ktk("config rename-context work eu").is(0, "Context \"work\" renamed to \"eu\".\n", "");
    place.ktk("config current-context").is(0, "eu\n", "");
    place.ktk("config rename-context work x").code(3);
    place.ktk("config set-context x").code(0);
    place.ktk("config rename-context x eu").code(5).says("there is a context with the name \"eu\" already");
    place.ktk("config delete-context eu").is(
        0,
        "deleted context eu from <root>/home/.config/ktk/config.yaml\n",
        "Warning: this was the current context: choose another with ktk config use-context NAME\n",
    );
    place.ktk("config delete-context eu").code(3);
    // A variable is not what somebody wants to be written.
    let typed = place.typed("config set-context y").env("KTK_NAMESPACE", "from-variable");
    typed.output().code(0);
    assert!(!config_of(&place).contains("from-variable"), "{}", config_of(&place));
}

/// Where no file names a current one, it is `local`, and what is said of that holds.
#[test]
fn the_local_context_can_be_given_a_namespace() {
    let place = Place::new();
    place.ktk("config set-context --current --namespace=ci").is(0, "Context \"local\" created.\n", "");
    place.ok("create task x --external");
    place.ktk("get tasks -A --no-headers -o custom-columns=NS:.metadata.namespace").is(0, "ci\n", "");
    place.ktk("get tasks -n default").is(0, "", "No resources found in default namespace.\n");
    place.ok("config set-context --current --namespace=web");
    place.ktk("get tasks").is(0, "", "No resources found in web namespace.\n");
    place.ok("config unset contexts.local");
    place.ktk("get tasks").is(0, "", "No resources found in default namespace.\n");
}

#[test]
fn one_value_is_set_and_unset() {
    let place = with_config(TWO);
    place.ktk("config set contexts.work.namespace web").is(
        0,
        "Property \"contexts.work.namespace\" set.\n",
        "",
    );
    place.ktk("config set contexts.ktk.example.server https://ktk.example").code(0);
    place.ktk("config set contexts.lab.protected false").code(0);
    place.ktk("config set current-context lab").code(0);
    let view = place.ktk("config view -o json").json();
    let names: Vec<_> = view["contexts"].as_array().unwrap().iter().map(|context| &context["name"]).collect();
    assert_eq!(names, ["ktk.example", "lab", "work"]);
    assert_eq!(view["contexts"][2]["namespace"], "web");
    assert_eq!(view["contexts"][1].get("protected"), None);
    place.ktk("config unset contexts.work.token").code(0);
    assert!(!config_of(&place).contains("hush"));
    place.ktk("config unset contexts.ktk.example").code(0);
    place.ktk("config unset contexts.ktk.example").code(3);
    place.ktk("config unset contexts.nosuch.namespace").code(3);
    for (line, says) in [
        ("set contexts.work.token hush", "a token is no argument"),
        ("set contexts.work.protected maybe", "true or false"),
        ("set contexts.work.namespcae x", "did you mean \"namespace\"?"),
        ("set contexts.work x", "whole context"),
        ("set contexts.work.server ftp://x", "unix:///path"),
        ("set users.x y", "there is no property \"users.x\""),
    ] {
        place.ktk(&format!("config {line}")).code(2).says(says);
    }
}

#[test]
fn several_files_are_merged_and_each_change_goes_where_it_belongs() {
    let place = Place::new();
    let (first, second) = (place.work().join("a.yaml"), place.work().join("b.yaml"));
    place.file("b.yaml", "currentContext: two\ncontexts:\n- {name: two, namespace: ci}\n");
    let place = place.with_env("KTKCONFIG", format!("{}:{}:", first.display(), second.display()));
    place.ktk("config get-contexts -o name").is(0, "local\ntwo\n", "");
    // Who is new goes to the first that exists.
    place.ktk("config set-context one").code(0);
    assert!(!first.exists());
    fs::write(&first, "contexts:\n- {name: two, namespace: first}\n").unwrap();
    assert_eq!(place.ktk("config view -o jsonpath={.contexts[1].namespace}").stdout, "first");
    place.ktk("config set-context two --namespace changed").code(0);
    assert!(fs::read_to_string(&first).unwrap().contains("changed"));
    assert!(fs::read_to_string(&second).unwrap().contains("namespace: ci"));
    // `--config` stands for all of them.
    place.ktk("config get-contexts -o name --config b.yaml").is(0, "local\none\ntwo\n", "");
    fs::write(&first, "contexts:\n- name: two\n  namespace: [\n").unwrap();
    let broken = place.ktk("config view").code(2);
    assert!(broken.stderr.contains("a.yaml") && broken.stderr.contains("line"), "{}", broken.stderr);
    place.ktk("get tasks").code(2).says("a.yaml");
}

#[test]
fn origins_say_where_each_setting_comes_from() {
    let place = with_config(TWO);
    let settings = |line: &str, variables: &[(&str, &str)]| -> Vec<(String, String, String)> {
        let typed = place.typed(&format!("{line} config view --origins -o json"));
        let typed = variables.iter().fold(typed, |typed, (name, value)| typed.env(name, *value));
        let json = typed.output().code(0).json();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("<none>").to_owned();
        let settings = json["settings"].as_array().unwrap().iter();
        settings.map(|one| (text(&one["setting"]), text(&one["value"]), text(&one["origin"]))).collect()
    };
    let find = |settings: &[(String, String, String)], name: &str| {
        let found = settings.iter().find(|setting| setting.0 == name).unwrap();
        (found.1.clone(), found.2.clone())
    };
    let file = format!("context work ({})", place.home().join(".config/ktk/config.yaml").display());
    let of_files = settings("", &[]);
    for (name, value, origin) in [
        ("context", "work", "the files' current context"),
        ("server", "https://ktk.example:7777", &file),
        ("namespace", "ci", &file),
        ("token", "REDACTED", &file),
        ("request-timeout", "1m", "default"),
        ("color", "auto", "default"),
        ("config", &file[14..file.len() - 1], "default"),
        ("data-dir", "<none>", "default"),
    ] {
        assert_eq!(find(&of_files, name), (value.to_owned(), origin.to_owned()), "{name}");
    }
    let given = settings(
        "-n typed --color=never",
        &[("KTK_NAMESPACE", "variable"), ("KTK_CONTEXT", "lab"), ("KTK_REQUEST_TIMEOUT", "5s")],
    );
    for (name, value, origin) in [
        ("namespace", "typed", "flag --namespace"),
        ("context", "lab", "variable KTK_CONTEXT"),
        ("request-timeout", "5s", "variable KTK_REQUEST_TIMEOUT"),
        ("color", "never", "flag --color"),
    ] {
        assert_eq!(find(&given, name), (value.to_owned(), origin.to_owned()), "{name}");
    }
    assert!(find(&given, "server").0.starts_with("unix://"));
    let elsewhere = settings("", &[("KTK_SERVER", "unix:///s"), ("KTK_TOKEN", "t")]);
    assert_eq!(find(&elsewhere, "context").1, "not asked: variable KTK_SERVER");
    assert_eq!(find(&elsewhere, "token"), ("REDACTED".to_owned(), "variable KTK_TOKEN".to_owned()));
    let table = place.ok("config view --origins");
    assert!(table.starts_with("SETTING") && table.contains(&file) && !table.contains("hush"), "{table}");
}

/// U15: what many lose is asked with context and namespace, and a protected context has to be named.
#[test]
fn u15_a_protected_context_is_named_by_whoever_deletes_many() {
    let place = with_config(TWO);
    place.ok("config use-context lab");
    place.ok("config unset contexts.lab.tokenFile");
    for name in ["a", "b"] {
        place.ok(&format!("create task {name} --external"));
    }
    for line in ["delete tasks --all", "delete tasks --all --yes", "cancel tasks --all --yes"] {
        let verb = line.split(' ').next().unwrap();
        place.ktk(line).is(
            2,
            "",
            &format!(
                "error: context \"lab\" is protected: {verb} of many must name it\n\
                 hint: give --yes and --context lab\n"
            ),
        );
    }
    place.ktk("delete tasks --all --context lab").code(2).says("--yes required");
    let declined = place.on_a_terminal("cancel tasks --all --yes", "y\n").code(2);
    for shown in [
        "You are about to cancel the following 2 resource(s) in namespace \"default\" of context \"lab\":",
        "Context \"lab\" is protected. Type its name to continue: ",
        "cancel is cancelled: nothing was changed",
    ] {
        assert!(declined.stdout.contains(shown), "{}", declined.transcript());
    }
    let done = place.on_a_terminal("cancel tasks --all", "lab\n").code(0);
    assert!(done.stdout.contains("cancelled"), "{}", done.transcript());
    // What was named is not asked about, and a plan changes nothing.
    place.ktk("delete tasks --all --dry-run").code(0);
    place.ktk("delete task a").code(0);
    place.ktk("delete tasks --all --yes --context lab").is(0, "task \"b\" deleted\n", "");
}

#[test]
fn who_wants_no_question_gets_none() {
    let place = Place::started();
    for name in ["a", "b"] {
        place.ok(&format!("create task {name} --external"));
    }
    let asked = place.on_a_terminal("delete tasks --all", "n\n").code(2);
    assert!(
        asked.stdout.contains("in namespace \"default\" of context \"local\":"),
        "{}",
        asked.transcript()
    );
    for typed in [
        place.typed_on_a_terminal("delete tasks --all --no-input", "y\n"),
        place.typed_on_a_terminal("delete tasks --all", "y\n").env("KTK_PROMPT_DISABLED", "1"),
    ] {
        let refused = typed.output().code(2);
        assert!(
            refused.stdout.contains("--yes required when not running interactively"),
            "{}",
            refused.transcript()
        );
    }
    let typed = place.typed_on_a_terminal("delete tasks --all", "y\n").env("KTK_PROMPT_DISABLED", "0");
    typed.output().code(0);
    place.ktk("get tasks").is(0, "", "No resources found in default namespace.\n");
}
