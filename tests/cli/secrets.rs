//! Secrets of tasks: read where a process starts, and found nowhere afterwards.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ktk_tests::Place;

const CANARY: &str = "canary-9f2c-of-the-environment";
const FILED: &str = "canary-77ab-of-a-file";

fn manifest(place: &Place, name: &str, env: &str, script: &str) {
    place.file(
        &format!("{name}.yaml"),
        format!(
            "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  run:\n    env: {env}\n    \
             command: [sh, -c, {script:?}]\n"
        ),
    );
}

#[test]
fn a_secret_reaches_its_process_and_nothing_else() {
    let place = Place::new().with_env("KTK_SECRET_ENV", "DB_PASSWORD,ABSENT").with_env("DB_PASSWORD", CANARY);
    let file = place.file("secret", format!("{FILED}\n"));
    place.start();
    let env = format!("{{A: {{fromEnv: DB_PASSWORD}}, B: {{fromFile: {}}}}}", file.display());
    // What it got is told by lengths; what it writes out is masked, also in pieces and in its outputs.
    let script = "echo ${#A} ${#B}; echo \"A is $A\"; printf %s \"$B\" >&2; printf 'x=%s' \"$A\" >\"$KTK_OUTPUT\"; \
                  printf '%.10s' \"$A\"; sleep 0.1; printf '%s\\n' \"${A#??????????}\"";
    manifest(&place, "good", &env, script);
    place.ok("create -f good.yaml");
    place.ktk("wait good --timeout 30s").code(0);
    let log = place.ok("logs good");
    assert!(log.contains(&format!("{} {}\n", CANARY.len(), FILED.len())), "{log}");
    assert!(log.contains("A is ***\n") && log.contains("***\n"), "{log}");
    assert_eq!(place.field("task", "good", "/status/outputs/x"), "***");
    assert_eq!(place.field("task", "good", "/spec/run/env/A/fromEnv"), "DB_PASSWORD");
    place.ktk("restart good --set inputs.n=1").code(0);
    place.ktk("wait good --timeout 30s").code(0);
    // A process that dies of it says nothing more.
    manifest(&place, "bad", &env, "echo \"$A$B\" >&2; exit 3");
    place.ok("create -f bad.yaml");
    place.ktk("wait bad --timeout 30s").code(1);
    let mut shown = String::new();
    for line in [
        "get tasks -o wide",
        "get tasks -o json --all-incarnations",
        "get tasks -o yaml",
        "describe task good",
        "describe task bad",
        "describe task good -o json",
        "events -A",
        "logs good",
        "logs bad",
        "tree good",
        "server run --dump-config",
        "get nodes -o json",
    ] {
        shown += &place.ok(line);
    }
    assert!(!shown.contains("canary-"), "{shown}");
    place.ok("server stop");
    // A copy of the data directory has neither: store, logs, the server's own log, work.
    let mut seen = 0;
    let mut left = vec![place.data().to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).expect("it is ours") {
            let entry = entry.expect("it is ours");
            let kind = entry.file_type().expect("it is ours");
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).expect("it is ours");
                assert!(!String::from_utf8_lossy(&bytes).contains("canary-"), "{}", entry.path().display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn what_is_not_to_be_had_fails_with_its_name() {
    let place = Place::new().with_env("KTK_SECRET_ENV", "ABSENT").with_env("OTHER", CANARY);
    place.start();
    fs::create_dir(place.work().join("directory")).expect("it is ours");
    let path = |name: &str| place.work().join(name).display().to_string();
    let long = place.file("long", "x".repeat(70_000));
    fs::set_permissions(&long, fs::Permissions::from_mode(0o600)).expect("it is ours");
    for (name, env, says) in [
        ("absent", "{X: {fromEnv: ABSENT}}".to_owned(), "variable X: the worker has no variable ABSENT"),
        ("other", "{X: {fromEnv: OTHER}}".to_owned(), "its --secret-env does not list it"),
        ("none", format!("{{X: {{fromFile: {}}}}}", path("nosuch")), "cannot be read"),
        ("directory", format!("{{X: {{fromFile: {}}}}}", path("directory")), "is no file"),
        ("device", "{X: {fromFile: /dev/zero}}".to_owned(), "is no file"),
        ("long", format!("{{X: {{fromFile: {}}}}}", path("long")), "has more than 65536 bytes"),
    ] {
        manifest(&place, name, &env, "true");
        place.ok(&format!("create -f {name}.yaml"));
        place.ktk(&format!("wait {name} --timeout 30s")).code(1);
        assert_eq!(place.field("task", name, "/status/reason"), "SpawnError");
        let message = place.field("task", name, "/status/message");
        assert!(message.contains(says), "{name}: {message}");
    }
    manifest(&place, "relative", "{X: {fromFile: secret}, Y: {fromEnv: ''}}", "true");
    place
        .ktk("create -f relative.yaml")
        .code(7)
        .says("spec.run.env.X: \"secret\" is no absolute path")
        .says("spec.run.env.Y: \"\" is no variable's name");
    manifest(&place, "both", "{X: {fromEnv: A, fromFile: /b}}", "true");
    place.ktk("create -f both.yaml").code(7).says("must have one member, fromEnv or fromFile");
}
