//! The README's tour: each line that it shows, typed.

use std::fs;

use ktk_tests::{Place, TourStep, readme_tour, repository};

/// Whether the line seen is the line shown: `…` stands for anything, ages, ids and directories differ.
fn is_like(shown: &str, seen: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let masked = ktk_tests::masked(text);
        masked
            .split_whitespace()
            .map(|word| if word.contains("ktk/work/") { "<path>".to_owned() } else { word.to_owned() })
            .collect()
    };
    shown.trim() == "…" || words(shown) == words(seen)
}

fn check(step: &TourStep, stdout: &str) {
    let seen: Vec<&str> = stdout.lines().collect();
    let mut from = 0;
    for shown in step.output.iter().filter(|line| !line.trim().is_empty() && line.trim() != "…") {
        let at = seen[from..].iter().position(|line| is_like(shown, line));
        from += 1 + at.unwrap_or_else(|| {
            panic!("README.md:{}: `{}` does not print {shown:?} but\n{stdout}", step.line, step.command)
        });
    }
}

#[test]
fn each_line_of_the_readme_does_what_it_says() {
    let place = Place::started();
    let bin = place.root().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(place.binary(), bin.join("ktk")).unwrap();
    // The tour is typed in a clone: this is one, but for its size.
    for name in ["examples", "LICENSE-MIT"] {
        std::os::unix::fs::symlink(repository().join(name), place.work().join(name)).unwrap();
    }
    place.file("Makefile", "test:\n\t@echo tested\n");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let steps = readme_tour();
    let mut typed = 0;
    for step in &steps {
        let command = match step.ktk_command() {
            Some(command) => command,
            None if step.command.starts_with("cp ") => step.command.clone(),
            // Built and checked by others: ./tests/run itself, cargo install.
            None => continue,
        };
        let output = place.program("bash -c").arg(&command).env("PATH", &path).output();
        let expected = if command.contains("run -f examples/licences.yaml") { 1 } else { 0 };
        assert_eq!(output.code, expected, "README.md:{}:\n{}", step.line, output.transcript());
        check(step, &output.stdout);
        typed += 1;
    }
    assert!(typed >= 14, "{typed} of {} lines were typed", steps.len());
}
