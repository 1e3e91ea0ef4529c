//! The example programs, each run as its reader would: what they print is what happened.

use std::{fs, time::Duration};

use ktk_tests::{Output, Place, Running, ktk_binary, repository};

fn program(name: &str) -> String {
    let path = ktk_binary().with_file_name("examples").join(name);
    assert!(fs::exists(&path).unwrap(), "{} is missing: cargo build --examples", path.display());
    path.display().to_string()
}

fn run(place: &Place, line: &str) -> Output {
    place.program(line).within(Duration::from_secs(60)).output()
}

#[test]
fn submit_waits_and_prints() {
    let place = Place::started();
    let output = run(&place, &format!("{} hello echo 'good morning'", program("submit"))).code(0);
    assert_eq!(output.stdout, "good morning\nhello: Succeeded\n");
    let again = run(&place, &format!("{} hello true", program("submit"))).code(1);
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
}

#[test]
fn a_pipeline_built_in_code() {
    let place = Place::started();
    let output = run(&place, &format!("{} greeting", program("pipeline"))).code(0);
    assert_eq!(
        output.stdout,
        "greeting.write: \"hello world\"\nrestarted as greeting@2\ngreeting.write: \"hello ktk\"\n"
    );
}

#[test]
fn a_watch_sees_each_change() {
    let place = Place::started();
    place.ok("create task before --external");
    let watch: Running = place.program(&format!("{} 2", program("watch"))).spawn();
    watch.until_stdout("1 tasks at version");
    place.ok("run --name a -- true");
    place.ok("complete task/before");
    let output = watch.wait().code(0);
    assert!(output.stdout.contains("\na@1: Succeeded\n"), "{}", output.stdout);
    assert!(output.stdout.ends_with("before@1: Succeeded\n"), "{}", output.stdout);
}

#[test]
fn python_needs_no_library() {
    let place = Place::started();
    let script = repository().join("examples/submit.py").display().to_string();
    let output = run(&place, &format!("python3 {script} hello sh -c 'echo from python; sleep 0.1'")).code(0);
    assert_eq!(output.stdout, "from python\nhello: Succeeded\n");
    let failed = run(&place, &format!("python3 {script} fails false")).code(1);
    assert_eq!(failed.stdout, "fails: Failed\n");
    let refused = run(&place, &format!("python3 {script} Wrong_Name true")).code(1);
    assert!(
        refused.stderr.contains("Invalid: ") && refused.stderr.contains("metadata.name"),
        "{}",
        refused.stderr
    );
}

/// The first program of `docs/api.md`, as it stands there.
#[test]
fn the_page_of_the_api_begins_with_a_program_that_runs() {
    let place = Place::started();
    let page = std::fs::read_to_string(repository().join("docs/api.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let script = place.file("first.py", program).display().to_string();
    let output = run(&place, &format!("python3 {script}")).code(0);
    assert_eq!(output.stdout, "hello\nSucceeded {'answer': 42}\n");
}
