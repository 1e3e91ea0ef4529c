//! Reading the tour out of the README: its `console` blocks are what a test types.

use std::fs;

/// One command of the tour, with the output that the README shows under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TourStep {
    /// The line of the README, counted from 1.
    pub line: usize,
    /// What is typed, without the prompt; lines continued with `\` are joined.
    pub command: String,
    /// The lines shown under it.
    pub output: Vec<String>,
}

/// How the README runs the binary before it is installed.
const BY_CARGO: &str = "cargo run --release --bin ktk -- ";

impl TourStep {
    /// The command as an installed `ktk` takes it, where it is one of ktk's own. Others (`cp`, `cargo install`)
    /// are the test's to run or to leave.
    pub fn ktk_command(&self) -> Option<String> {
        if let Some(arguments) = self.command.strip_prefix(BY_CARGO) {
            return Some(format!("ktk {arguments}"));
        }
        (self.command == "ktk" || self.command.starts_with("ktk ")).then(|| self.command.clone())
    }
}

/// The commands of the README's `console` blocks, in order.
///
/// # Panics
/// Where there is no README.
pub fn readme_tour() -> Vec<TourStep> {
    let path = crate::repository().join("README.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    tour_of(&text)
}

/// The commands of the `console` blocks of a Markdown text.
pub fn tour_of(markdown: &str) -> Vec<TourStep> {
    let mut steps: Vec<TourStep> = Vec::new();
    let mut in_block = false;
    let mut is_continued = false;
    for (index, line) in markdown.lines().enumerate() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            in_block = !in_block && fence.trim() == "console";
            is_continued = false;
            continue;
        }
        if !in_block {
            continue;
        }
        let text = if is_continued {
            line.trim_start()
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(TourStep { line: index + 1, command: String::new(), output: Vec::new() });
            command
        } else {
            if let Some(step) = steps.last_mut() {
                step.output.push(line.to_owned());
            }
            continue;
        };
        is_continued = text.ends_with('\\');
        if let Some(step) = steps.last_mut() {
            step.command.push_str(text.trim_end_matches('\\'));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::{BY_CARGO, TourStep, tour_of};

    #[test]
    fn commands_and_their_output_are_read_from_console_blocks_only() {
        let text = "text\n```sh\n$ no\n```\n```console\n$ ktk a \\\n    -b\nout\n\n$ cp x y\n```\n$ no\n";
        let step = |line, command: &str, output: &[&str]| TourStep {
            line,
            command: command.to_owned(),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
        };
        let steps = tour_of(text);
        assert_eq!(steps, [step(6, "ktk a -b", &["out", ""]), step(10, "cp x y", &[])]);
        assert_eq!(steps[0].ktk_command().as_deref(), Some("ktk a -b"));
        assert_eq!(steps[1].ktk_command(), None);
        let by_cargo = step(1, &format!("{BY_CARGO}run -f x"), &[]);
        assert_eq!(by_cargo.ktk_command().as_deref(), Some("ktk run -f x"));
    }
}
