//! What people have in their scripts for kubectl works with `kubectl` replaced by `ktk`.

use std::time::Duration;

use ktk_tests::{Place, repository};

struct OneLiner {
    line: usize,
    command: String,
    printed: String,
    code: i32,
}

/// The commands of the fixture; one that goes over several lines ends with its here-document.
fn one_liners() -> Vec<OneLiner> {
    let text =
        std::fs::read_to_string(repository().join("tests/fixtures/one-liners.txt")).expect("the fixture");
    let mut found: Vec<OneLiner> = Vec::new();
    let mut in_document = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            let (line, command) = (number + 1, command.to_owned());
            in_document = command.contains("<<EOF");
            found.push(OneLiner { line, command, printed: String::new(), code: 0 });
        } else if let Some(last) = found.last_mut().filter(|_| !line.is_empty()) {
            match line.strip_prefix("-> ") {
                _ if in_document => {
                    last.command += &format!("\n{line}");
                    in_document = line != "EOF";
                }
                Some(code) => last.code = code.parse().expect("a code"),
                None => last.printed += &format!("{line}\n"),
            }
        }
    }
    found
}

#[test]
fn forty_lines_for_kubectl_work_with_ktk() {
    let one_liners = one_liners();
    assert!(one_liners.len() >= 40, "{}", one_liners.len());
    let place = Place::started();
    let bin = place.binary().parent().expect("it lies in a folder").display().to_string();
    let mut wrong = Vec::new();
    for OneLiner { line, command, printed, code } in one_liners {
        let script = format!("PATH={bin}:$PATH\nset -o pipefail\n{}", command.replace("kubectl", "ktk"));
        let output = place.program("bash -c").arg(script).within(Duration::from_secs(90)).output();
        // What goes to stderr is for people; where a line wants it, it says 2>&1.
        let seen = if code == 0 { output.stdout.clone() } else { output.stdout.clone() + &output.stderr };
        if (&*seen, output.code) != (&*printed, code) {
            wrong.push(format!(
                "line {line}: {command}\n--- expected code {code}\n{printed}--- seen\n{}",
                output.transcript()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
