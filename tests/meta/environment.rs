//! `ktk help environment` names every variable of ktk's that the code reads or sets, and no other.

use std::collections::BTreeSet;

use crate::report::require_none;
use crate::source::sources;

/// Variables that no user meets: of tests, of the simulator, of builds with faults.
const OF_TESTS: [&str; 4] = ["KTK_SIMULATION_", "KTK_MUTANT", "KTK_TEST", "KTK_X"];

/// The words of a text that are called as variables of ktk's are.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_variable = |word: &&str| {
        *word == "KTKCONFIG" || word.len() > 4 && word.starts_with("KTK_") && *word == word.to_uppercase()
    };
    words.filter(is_variable).collect()
}

#[test]
fn every_variable_is_told_of() {
    let topic = include_str!("../../ktk/src/topics/environment.txt");
    let told = variables(topic);
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut missing = Vec::new();
    for source in sources() {
        if !["ktk", "ktk-client", "ktk-server"].iter().any(|package| source.in_src(package).is_some()) {
            continue;
        }
        // In the code's texts, which is where they stand.
        let lines = source.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        for (number, line) in lines.filter(|(number, _)| !source.is_test_line(*number)) {
            for name in variables(line) {
                if OF_TESTS.iter().any(|start| name.starts_with(start)) {
                    continue;
                }
                known.insert(name.to_owned());
                if !told.contains(name) {
                    missing.push(format!("{}:{}: {name} is not in it", source.path, number));
                }
            }
        }
    }
    missing.extend(
        told.iter().filter(|name| !known.contains(**name)).map(|name| format!("{name}: nothing uses it")),
    );
    require_none("`ktk help environment` (ktk/src/topics/environment.txt) and the code differ:", &missing);
}
