//! Manifests that several verbs are tried with.

/// Five steps: `b` fails until somebody makes the file `fixed` in the pipeline's directory.
pub const BROKEN: &str = r#"apiVersion: ktk/v1
kind: Pipeline
metadata: {name: p, labels: {team: media}}
spec:
  params: {word: hello, n: 3}
  steps:
    - {name: a, run: {command: [sh, -c, 'echo "got=$1" >"$KTK_OUTPUT"', sh, "{{ params.word }}"]}}
    - {name: b, needs: [a], run: {command: [sh, -c, 'echo "looking at $KTK_DIR" | cut -c1-10; test -e "$KTK_DIR/fixed"']}}
    - {name: c, needs: [b], run: {command: [echo, done]}}
    - {name: d, needs: [b], runIf: always, run: {command: [echo, clean]}}
    - {name: e, needs: [b], runIf: failure, run: {command: [echo, alarm]}}
"#;

/// A process as a manifest.
pub fn task(name: &str, command: &str) -> String {
    format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  run: {{command: {command}}}\n"
    )
}
