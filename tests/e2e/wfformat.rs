//! A real workflow, read by the SDK's example and run to its end.

use std::fs;

use ktk_tests::{Place, ktk_binary, repository};

/// The smallest of the shared workflows: 58 tasks, 114 edges.
const SMALLEST: &str = "../shared/data/workflows/montage-chameleon-2mass-005d-001.json";

#[test]
fn the_smallest_workflow_runs_whole() {
    let place = Place::started();
    let workflow = repository().join(SMALLEST);
    assert!(fs::exists(&workflow).unwrap(), "{} is missing", workflow.display());
    let example = ktk_binary().with_file_name("examples").join("wfformat");
    assert!(fs::exists(&example).unwrap(), "{} is missing: cargo build --examples", example.display());
    let line = format!("{} --scale 0 --name montage {}", example.display(), workflow.display());
    let output = place.program(&line).output().code(0);
    assert!(output.stdout.contains("critical path"), "{}", output.stdout);
    assert!(place.ok("get pipeline montage --no-headers").contains("58/58"));
    assert_eq!(place.ok("get tasks --field-selector status.phase=Succeeded -o name").lines().count(), 58);
}
