//! What the help topics show works as it stands: selectors, JSONPath, variables, preferences, restarts.

use std::{collections::BTreeSet, time::Duration};

use ktk_tests::{Output, Place, eventually};

const HEADER: &str = "apiVersion: ktk/v1\nkind: ";

/// Runs a line as somebody would type it.
fn typed(place: &Place, line: &str) -> Output {
    let bin = place.binary().parent().unwrap().display();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    place.program("bash -c").arg(line).env("PATH", path).within(Duration::from_secs(30)).output()
}

/// The lines of a topic that are shown apart, without what explains them: that stands two spaces behind them.
fn shown(topic: &str) -> Vec<String> {
    let lines =
        topic.lines().filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with(' ')));
    lines.map(str::to_owned).collect()
}

fn without_words(line: &str) -> String {
    line.split("  ").next().unwrap().to_owned()
}

/// The names that a topic begins lines with, after a heading and before the next empty line behind them.
fn names_below<'t>(topic: &'t str, heading: &str) -> BTreeSet<&'t str> {
    let below = topic.split_once(heading).unwrap_or_else(|| panic!("{heading:?} is not in it")).1;
    let below = below.split_once("\n\n").unwrap().1;
    let lines = below.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next().filter(|name| name.starts_with("KTK_"))).collect()
}

#[test]
fn selectors_choose_as_they_say() {
    let place = Place::started();
    let done = |name: &str, labels: &str, command: &str| {
        drop(place.ktk(&format!("create task {name} {labels} -- {command}")).code(0));
        drop(place.ktk(&format!("wait {name}")));
    };
    place.ok("create queue gpu");
    done("other", "--label team=web --label size=5", "true");
    done("media", "--label team=media --label size=7 --queue gpu", "sh -c 'exit 2'");
    done("none", "", "sh -c 'exit 1'");
    let topic = place.ok("help selectors");
    let all = "media none other";
    let expected = [
        ("-l team", "media other"),
        ("-l '!team'", "none"),
        ("-l team=media", "media"),
        ("-l team!=media", "none other"),
        ("-l 'team in (a,b)'", ""),
        ("-l 'team notin (a,b)'", all),
        ("-l 'size>5'", "media"),
        ("--field-selector status.phase=Failed", "media none"),
        ("--field-selector status.phase!=Succeeded,spec.queue=gpu", "media"),
        ("--field-selector 'status.finishedAt>2026-11-21T00:00:00Z'", all),
        ("--field-selector 'status.exitCode>=2'", "media"),
    ];
    let flags: Vec<String> =
        shown(&topic).iter().filter(|line| line.starts_with('-')).map(|line| without_words(line)).collect();
    assert_eq!(flags, expected.map(|(line, _)| line), "the topic and this test differ");
    for (line, names) in expected {
        let output =
            typed(&place, &format!("ktk get tasks {line} -o jsonpath='{{.items[*].metadata.name}}'"));
        assert_eq!(output.code(0).stdout, names, "{line}");
    }
    // Each field that is told of can be asked for.
    let fields = topic.split_once("    tasks ").unwrap().1.split_once("\n\n").unwrap().0;
    let mut kind = "tasks";
    let mut before = "metadata";
    let mut asked = 0;
    for word in fields.split_whitespace() {
        let word = word.trim_end_matches([',', ';']);
        match word.strip_prefix('.') {
            _ if matches!(word, "pipelines" | "others") => {
                kind = if word == "others" { "queues,semaphores,tasktypes,tokens" } else { word };
                continue;
            }
            None => before = word.split_once('.').map_or(before, |(before, _)| before),
            Some(_) => {}
        }
        let field = word.strip_prefix('.').map_or(word.to_owned(), |word| format!("{before}.{word}"));
        place.ktk(&format!("get {kind} --field-selector {field}=1")).code(0);
        asked += 1;
    }
    assert!(asked > 30, "{asked} fields");
}

#[test]
fn paths_lead_where_they_say() {
    let place = Place::started();
    place.ok("create task a --label app.io/x=1 --external --priority 9");
    for name in ["b", "c", "d", "e"] {
        place.ok(&format!("create task {name} --external"));
    }
    place.file("template", "{.items[*].metadata.name}");
    place.file("columns", "NAME\n.metadata.name\n");
    let topic = place.ok("help jsonpath");
    let mut ran = 0;
    for line in shown(&topic) {
        let line = line
            .replace("=TEMPLATE", "='{.items[*].metadata.name}'")
            .replace("columns-file=FILE", "columns-file=columns")
            .replace("path-file=FILE", "path-file=template")
            .replace("TITLE:PATH,…", "NAME:.metadata.name")
            .replace("--sort-by PATH", "--sort-by .metadata.name")
            .replace("PATH=VALUE", ".metadata.name=a");
        let lines = match line.as_str() {
            line if line.starts_with("ktk ") => vec![line.to_owned()],
            line if line.starts_with("--for") => vec![format!("ktk wait a {}", without_words(line))],
            line if line.starts_with('-') => vec![format!("ktk get tasks {}", without_words(line))],
            line if line.starts_with('{') => {
                let templates = line.split("  ").filter(|part| part.starts_with('{'));
                let templates = templates.map(|part| &part[..=part.rfind('}').unwrap()]);
                templates
                    .map(|part| format!("ktk get tasks -o jsonpath='{}'", part.replace('\'', "'\\''")))
                    .collect()
            }
            line => panic!("what is {line:?}?"),
        };
        for line in lines {
            assert_eq!(typed(&place, &line).code(0).stderr, "", "{line}");
            ran += 1;
        }
    }
    assert!(ran > 18, "{ran} lines");
    place.ktk("get task a -o jsonpath={.metadata.labels.app\\.io/x}").is(0, "1", "");
    place.ktk("get tasks -o 'jsonpath={.items[?(@.spec.priority>5)].metadata.name}'").is(0, "a", "");
    place.ktk("get tasks -o jsonpath={.items[-1].metadata.name}").is(0, "e", "");
}

#[test]
fn variables_do_what_they_say() {
    let place = Place::started();
    let topic = place.ok("help environment");
    // Each that stands for a flag is told of as the setting's origin.
    let pairs = topic.lines().filter_map(|line| {
        let mut words = line.strip_prefix("    KTK_")?.split_whitespace();
        Some((words.next()?, words.next()?.strip_prefix("--")?.strip_suffix(':')?))
    });
    let pairs: Vec<(&str, &str)> = pairs.collect();
    assert!(pairs.len() >= 10, "{pairs:?}");
    for (variable, flag) in pairs {
        let value = match flag {
            "server" => "unix:///nowhere",
            "request-timeout" => "1s",
            "verbose" | "no-input" | "warnings-as-errors" => "1",
            "context" => "local",
            "color" => "never",
            "preferences" => "off",
            _ => "some",
        };
        let view = place.typed("config view --origins -o json").env(&format!("KTK_{variable}"), value);
        let settings = view.output().code(0).json()["settings"].clone();
        let setting = settings.as_array().unwrap().iter().find(|setting| setting["setting"] == flag).cloned();
        let setting = setting.unwrap_or_else(|| panic!("no setting is called {flag}"));
        assert_eq!(setting["origin"], format!("variable KTK_{variable}"), "{flag}");
    }
    // What a task and a hook are given is what is told, and nothing else.
    place.file(
        "p.yaml",
        format!(
            "{HEADER}Pipeline\nmetadata: {{name: p}}\nspec:\n  hooks: {{onFinish: {{command: [sh, -c, 'env >of-pipeline']}}}}\n  \
             steps:\n  - name: a\n    run: {{command: [sh, -c, 'env >of-task']}}\n    \
             hooks: {{onFinish: {{command: [sh, -c, 'env >of-hook']}}}}\n"
        ),
    );
    place.ok("create -f p.yaml");
    place.ok("wait pipeline/p");
    let given = |file: &str| {
        let text = eventually(file, Duration::from_secs(20), || {
            std::fs::read_to_string(place.work().join(file)).ok().filter(|text| text.contains("KTK_"))
        });
        let names =
            text.lines().filter_map(|line| line.split('=').next()).filter(|name| name.starts_with("KTK_"));
        names.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let told = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<String>>();
    assert_eq!(given("of-task"), told(names_below(&topic, "Of the process of a task:")));
    let (_, hooks) = topic.split_once("Of the command of a hook, besides ").unwrap();
    let besides = hooks.split_once(":\n").unwrap().0;
    let besides = besides.split([',', ' ', '\n']).filter(|word| word.starts_with("KTK_"));
    let of_hooks: BTreeSet<&str> =
        names_below(&topic, "Of the command of a hook").into_iter().chain(besides).collect();
    let seen: BTreeSet<String> = given("of-hook").union(&given("of-pipeline")).cloned().collect();
    assert_eq!(seen, told(of_hooks));
}

#[test]
fn preferences_mean_what_they_say() {
    let place = Place::new();
    let topic = place.ok("help preferences");
    let lines = topic.lines().filter_map(|line| line.strip_prefix("    "));
    let file: String =
        lines.take_while(|line| !line.starts_with("ktk ")).map(|line| format!("{line}\n")).collect();
    place.file("../home/.config/ktk/preferences.yaml", file);
    drop(place.ktk("run --name bad -n ci -- false").code(1));
    place.ok("create task build-web --external");
    let pairs = topic.lines().filter_map(|line| line.strip_prefix("    ktk ")?.split_once("  "));
    let pairs: Vec<(&str, &str)> = pairs.map(|(alias, meaning)| (alias, meaning.trim())).collect();
    assert_eq!(pairs.len(), 2, "{topic}");
    for (alias, meaning) in pairs {
        let with = typed(&place, &format!("ktk {alias}")).code(0).stdout;
        assert!(!with.is_empty(), "{alias}");
        if alias.starts_with("failed") {
            assert!(with.lines().nth(1).is_some_and(|line| line.starts_with("ci ")), "{with}");
            assert_eq!(typed(&place, meaning).code(0).stdout, with, "{alias}");
        } else {
            assert_eq!(typed(&place, meaning).code(0).stdout, "task/build-web not labeled\n", "{alias}");
        }
    }
    assert_eq!(place.field("task", "build-web", "/metadata/labels/owner"), "me");
}

#[test]
fn restarts_go_as_they_say() {
    let place = Place::started();
    let task = |name: &str, spec: &str| {
        format!("{HEADER}Task\nmetadata: {{name: {name}, labels: {{team: media}}}}\nspec: {{{spec}}}\n---\n")
    };
    let tasks = task(
        "test-web",
        "run: {command: [sh, -c, 'test $KTK_ATTEMPT = 2']}, retry: {limit: 1, backoff: 1ms}",
    ) + &task("x", "inputs: {width: 1}, run: {command: ['true']}");
    place.file("tasks.yaml", tasks);
    let steps = "[{name: extract, run: {command: [\"true\"]}}, {name: resize, needs: [extract], run: {command: [\"false\"]}}]";
    place.file(
        "p.yaml",
        format!(
            "{HEADER}Pipeline\nmetadata: {{name: nightly}}\nspec: {{params: {{date: a}}, steps: {steps}}}\n"
        ),
    );
    place.ok("create -f tasks.yaml -f p.yaml");
    let wait = "ktk wait test-web x pipeline/nightly --keep-waiting --timeout 30s";
    let topic = place.ok("help restarts");
    let examples = shown(&topic);
    let examples: Vec<String> =
        examples.iter().filter(|line| line.starts_with("ktk ")).map(|line| without_words(line)).collect();
    assert!(examples.len() > 10, "{examples:?}");
    for example in examples {
        drop(typed(&place, wait));
        let output = typed(&place, &example);
        // A difference is 1.
        let most = i32::from(example.starts_with("ktk diff"));
        assert!((0..=most).contains(&output.code), "{}", output.transcript());
    }
    drop(typed(&place, wait));
}
