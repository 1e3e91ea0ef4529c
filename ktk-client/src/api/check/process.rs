//! `run`: command, environment, directory, standard input.

use super::{Causes, MAX_ARGUMENT, MAX_STDIN};
use crate::api::{env_value::EnvValue, field, names::quoted, task::RunSpec};

pub(super) fn check(causes: &mut Causes, prefix: &str, run: &RunSpec) {
    check_command(causes, prefix, &run.command);
    for (name, value) in &run.env {
        let place = || field::member(&field::member(prefix, "env"), name);
        if let Some(why) = wrong_env_name(name) {
            causes.push(place(), why);
        }
        match value {
            EnvValue::Text(value) => text(causes, value, name.len() + 1 + value.len(), place),
            EnvValue::FromEnv(source) if source.is_empty() || source.contains(['=', '\0']) => {
                causes.push(place(), format!("{} is no variable's name", quoted(source)));
            }
            EnvValue::FromFile(path) if !path.starts_with('/') || path.contains('\0') => {
                causes.push(place(), format!("{} is no absolute path of a file", quoted(path)));
            }
            EnvValue::FromEnv(_) | EnvValue::FromFile(_) => {}
        }
    }
    if let Some(directory) = &run.working_dir {
        let place = || field::member(prefix, "workingDir");
        if directory.is_empty() {
            causes.push(place(), "must not be empty: leave it out");
        }
        text(causes, directory, directory.len(), place);
    }
    let stdin = run.stdin.as_ref().map_or(0, String::len);
    if stdin > MAX_STDIN {
        let message = format!("has {stdin} bytes: {MAX_STDIN} are allowed; put it in a file");
        causes.push(field::member(prefix, "stdin"), message);
    }
}

/// The member `command` of what has this prefix.
pub(super) fn check_command(causes: &mut Causes, prefix: &str, words: &[String]) {
    let command = || field::member(prefix, "command");
    match words.first() {
        None => causes.push(command(), "must not be empty: write [PROGRAM, ARGUMENT, …]"),
        Some(program) if program.is_empty() => {
            causes.push(field::item(&command(), 0), "must not be empty: it is the program to run");
        }
        Some(_) => {}
    }
    for (index, argument) in words.iter().enumerate() {
        text(causes, argument, argument.len(), || field::item(&command(), index));
    }
}

fn text(causes: &mut Causes, text: &str, length: usize, place: impl Fn() -> String) {
    if text.contains('\0') {
        causes.push(place(), "holds a NUL character, which no process can be given: remove it");
    }
    if length > MAX_ARGUMENT {
        let message =
            format!("has {length} bytes: a process takes {MAX_ARGUMENT}; pass it by stdin or a file");
        causes.push(place(), message);
    }
}

fn wrong_env_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a variable must have a name".to_owned());
    }
    if name.contains(['=', '\0']) {
        return Some(format!("variable {} may hold neither `=` nor NUL", quoted(name)));
    }
    name.starts_with("KTK_")
        .then(|| format!("variables that begin with KTK_ are ktk's own: rename {}", quoted(name)))
}
