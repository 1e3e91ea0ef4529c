//! The examples, as the README uses them.

use std::{fs, path::Path};

use ktk_tests::{Place, repository};

fn example(name: &str) -> String {
    repository().join("examples").join(name).display().to_string()
}

/// Licence texts of one's own, so that the story is the same on every machine.
fn licences(place: &Place) -> String {
    let directory = place.root().join("licences");
    fs::create_dir(&directory).unwrap();
    for (number, name) in
        ["Apache-2.0", "Artistic", "BSD", "GPL-2", "GPL-3", "LGPL-2.1", "MPL-2.0"].iter().enumerate()
    {
        fs::write(directory.join(name), "word ".repeat(10 * (number + 1))).unwrap();
    }
    directory.display().to_string()
}

#[test]
fn licences_fail_are_mended_and_succeed() {
    let place = Place::started();
    let texts = licences(&place);
    let run = place.ktk(&format!("run -f {} -p dir={texts}", example("licences.yaml"))).code(1);
    let run = run
        .says("step count.mit: Failed")
        .says("the text of MIT is not in")
        .says("ktk logs licences.count.mit");
    let directory = place.field("pipeline", "licences", "/status/directory");
    assert!(run.stdout.contains(&format!("results in {directory}\n")), "{}", run.stdout);
    place
        .ktk("restart licences.count.mit --dry-run")
        .code(0)
        .prints("licences.count.mit          restart    failed: exit code 1\n")
        .prints("licences.count              continue   waits for count.mit\n")
        .prints("licences.merge              continue   was waiting for count\n")
        .prints("licences.count.bsd          keep       not affected\n");
    // The log has the command.
    let log = place.ok("logs licences.count.mit");
    let command = log.lines().find_map(|line| line.trim().strip_prefix("cp ")).unwrap();
    assert_eq!(command, format!("LICENSE-MIT '{directory}/MIT'"));
    fs::copy(repository().join("LICENSE-MIT"), Path::new(&directory).join("MIT")).unwrap();
    place.ktk("restart licences.count.mit").is(
        0,
        "task/licences.count.mit@2 created (restart of licences.count.mit@1)\n",
        "",
    );
    place.ktk("wait pipeline/licences").is(0, "pipeline/licences condition met\n", "");
    place.ktk("tree licences.count.mit").is(
        0,
        "licences.count.mit@1      Failed      ExitCode 1   <age>\n\
         └─ licences.count.mit@2   Succeeded                <age>   current\n",
        "",
    );
    let report = place.ok("logs licences.report");
    let words = fs::read_to_string(repository().join("LICENSE-MIT")).unwrap().split_whitespace().count();
    assert!(report.contains(&format!("| {words} | MIT |")), "{report}");
    assert!(report.contains("words in 8 licences; the longest is MIT, the shortest Apache-2.0."), "{report}");
    assert_eq!(fs::read_to_string(format!("{directory}/report.md")).unwrap(), report);
    for step in ["list", "count", "count.bsd", "merge", "report"] {
        assert_eq!(
            place.field("task", &format!("licences.{step}"), "/metadata/restart/incarnation"),
            "1",
            "{step}"
        );
    }
    let described = place.ok("describe pipeline licences");
    assert!(described.contains("5 of 5 done") && described.contains("8/8 items done"), "{described}");
}

#[test]
fn the_projects_own_checks_are_a_pipeline() {
    let place = Place::started();
    let file = example("ci.yaml");
    let output = place.ktk(&format!("run -f {file} -p cargo=true")).code(0);
    for step in ["fmt", "clippy", "build", "test", "doc-test", "doc"] {
        let has_row = output
            .stdout
            .lines()
            .any(|line| line.starts_with(&format!("{step} ")) && line.contains("Succeeded"));
        assert!(has_row, "{step}: {}", output.stdout);
    }
    let output = place.ktk(&format!("run -f {file} -p cargo=false")).code(1);
    output.says("step fmt: Failed").says("step clippy: UpstreamFailed");
}
