//! Help that helps: each command says in one line what it does and shows examples; exit codes have a topic.

use std::process::Command;

use ktk_tests::ktk_binary;

use crate::report::require_none;

/// The exit codes that scripts may rely on.
const EXIT_CODES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "124", "130"];

struct Page {
    command: Vec<String>,
    text: String,
}

/// A subcommand as a help text lists it.
struct Listed {
    name: String,
    about: String,
}

fn help(arguments: &[String]) -> String {
    let output = Command::new(ktk_binary())
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("KTK_AUTOSTART", "never")
        .output()
        .unwrap();
    assert!(output.status.success(), "`ktk {}` failed: {output:?}", arguments.join(" "));
    assert!(output.stderr.is_empty(), "`ktk {}` wrote to stderr: {output:?}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// The help of every command that is not hidden, the root first.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(command) = open.pop() {
        let mut arguments = command.clone();
        arguments.push("--help".to_owned());
        let text = help(&arguments);
        for listed in listed_in(&text).into_iter().filter(|listed| listed.name != "help") {
            let mut inner = command.clone();
            inner.push(listed.name);
            open.push(inner);
        }
        pages.push(Page { command, text });
    }
    assert!(
        pages.len() > 1,
        "`ktk --help` lists no commands under a heading `Commands:`:\n{}",
        pages[0].text
    );
    pages
}

/// The subcommands under each heading that ends in `Commands:`.
fn listed_in(help: &str) -> Vec<Listed> {
    let mut found: Vec<Listed> = Vec::new();
    let mut is_inside = false;
    for line in help.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            is_inside = line.to_lowercase().ends_with("commands:");
        } else if is_inside && !line.trim().is_empty() {
            let indent = line.len() - line.trim_start().len();
            let (name, about) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            if indent <= 4 {
                found.push(Listed { name: name.to_owned(), about: about.trim().to_owned() });
            } else if let Some(last) = found.last_mut() {
                last.about.push_str(line.trim());
            }
        }
    }
    found
}

#[test]
fn each_command_begins_with_one_line_and_has_examples() {
    let mut found = Vec::new();
    for page in pages() {
        let name = format!("ktk {}", page.command.join(" "));
        let mut lines = page.text.lines();
        if lines.next().is_none_or(|first| first.trim().is_empty())
            || lines.next().is_none_or(|line| !line.is_empty())
        {
            found.push(format!(
                "{name}: its help does not begin with one line and an empty one: mend its doc comment"
            ));
        }
        for listed in listed_in(&page.text).into_iter().filter(|listed| listed.about.is_empty()) {
            found.push(format!("{name} {}: nothing says what it does: give it a doc comment", listed.name));
        }
        found.extend(examples_problem(&page.text).map(|problem| format!("{name}: {problem}")));
    }
    require_none("Help that does not help:", &found);
}

fn examples_problem(help: &str) -> Option<&'static str> {
    let mut lines = help.lines().skip_while(|line| *line != "Examples:");
    if lines.next().is_none() {
        return Some("no section `Examples:`: add one with `after_help`");
    }
    let examples: Vec<&str> = lines
        .skip_while(|line| line.trim().is_empty())
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if !examples.first().is_some_and(|first| first.starts_with("# ")) {
        return Some("an example begins with a comment line, `# what it does`");
    }
    if !examples.iter().any(|line| line.contains("ktk")) {
        return Some("no example shows the command");
    }
    examples.iter().any(|line| line.starts_with("$ ")).then_some("examples have no prompt")
}

#[test]
fn exit_codes_are_a_topic() {
    let text = help(&["help".to_owned(), "exit-codes".to_owned()]);
    let missing: Vec<String> = EXIT_CODES
        .iter()
        .filter(|code| !text.lines().any(|line| line.split_whitespace().next() == Some(**code)))
        .map(|code| format!("`ktk help exit-codes` has no line that begins with {code}"))
        .collect();
    require_none("Exit codes without a line:", &missing);
}

#[test]
fn lists_of_commands_are_read() {
    let text = "x\n\nUsage: ktk\n\nBasic Commands:\n  get   Show\n  run\n          Run it\n  bare\n\nOptions:\n  -h  Help\n";
    let listed: Vec<(String, String)> =
        listed_in(text).into_iter().map(|listed| (listed.name, listed.about)).collect();
    let expected = [("get", "Show"), ("run", "Run it"), ("bare", "")];
    assert_eq!(listed, expected.map(|(name, about)| (name.to_owned(), about.to_owned())));
}
