//! What a file of preferences says, compared with the commands and flags that there are.

use std::path::Path;

use clap::{Arg, ArgAction, Command};
use serde_saphyr::Spanned;

use super::{
    Alias, Flag, Preferences,
    file::{self, File, Given, wrong},
};
use crate::{error::CliError, suggest};

/// Everything in the file, as it can be used.
///
/// # Errors
/// Code 2, with the line of a command, a flag or a value that does not exist.
pub(super) fn check(path: &Path, file: File, root: &Command) -> Result<Preferences, CliError> {
    let mut preferences = Preferences { file: Some(path.to_owned()), ..Preferences::default() };
    for of_command in &file.defaults {
        let (command, rest) = named(path, root, &of_command.command)?;
        if let Some(word) = rest.first() {
            let why = format!("{word:?} is no command: flags alone have defaults");
            return Err(wrong(path, &of_command.command, &why));
        }
        preferences.flags.extend(flags(path, root, &command, &of_command.options)?);
    }
    for alias in file.aliases {
        let alias = aliased(path, root, alias, &preferences.aliases)?;
        preferences.aliases.push(alias);
    }
    Ok(preferences)
}

fn aliased(path: &Path, root: &Command, alias: file::OfAlias, known: &[Alias]) -> Result<Alias, CliError> {
    let name = &alias.name.value;
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_letter) {
        return Err(wrong(path, &alias.name, &format!("{name:?} is no word that a command is called by")));
    }
    if known.iter().any(|known| known.name == *name) {
        return Err(wrong(path, &alias.name, &format!("there is an alias {name:?} already")));
    }
    let (command, mut arguments) = named(path, root, &alias.command)?;
    arguments.extend(alias.prepend_args);
    Ok(Alias {
        line: alias.name.referenced.line(),
        is_hidden: root.find_subcommand(name).is_some(),
        flags: flags(path, root, &command, &alias.options)?,
        name: alias.name.value,
        command,
        prepended: arguments,
        appended: alias.append_args,
    })
}

/// The command that some words begin with, and the words that follow it.
fn named(
    path: &Path,
    root: &Command,
    words: &Spanned<String>,
) -> Result<(Vec<String>, Vec<String>), CliError> {
    let mut typed = words.value.split_whitespace().peekable();
    let (mut command, mut names) = (root, Vec::new());
    while let Some(word) = typed.peek() {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            // A group has commands and takes no arguments.
            None if command.has_subcommands() => break,
            None if word.starts_with('-') => {
                return Err(wrong(
                    path,
                    words,
                    &format!("{word} stands among the options, without its dashes"),
                ));
            }
            None => return Ok((names, typed.map(str::to_owned).collect())),
        }
        names.push(command.get_name().to_owned());
        typed.next();
    }
    match typed.next() {
        None if !command.has_subcommands() => Ok((names, Vec::new())),
        None => Err(wrong(path, words, &format!("{:?} is no whole command", words.value))),
        Some(word) => {
            let known = command.get_subcommands().map(Command::get_name);
            let guess = suggest::nearest(word, known).map(|near| format!(": did you mean {near:?}?"));
            let why = format!("unknown command {:?}{}", words.value, guess.unwrap_or_default());
            Err(wrong(path, words, &why))
        }
    }
}

fn flags(path: &Path, root: &Command, names: &[String], given: &[Given]) -> Result<Vec<Flag>, CliError> {
    let Some(command) = super::below(root, names) else { return Ok(Vec::new()) };
    let known = || command.get_arguments().chain(root.get_arguments().filter(|arg| arg.is_global_set()));
    let mut flags: Vec<Flag> = Vec::new();
    for Given { name, default } in given {
        let long = |arg: &&Arg| {
            arg.get_long_and_visible_aliases().is_some_and(|names| names.contains(&name.value.as_str()))
        };
        let Some(arg) = known().find(long) else {
            let near = suggest::nearest(&name.value, known().filter_map(Arg::get_long));
            let guess = near.map(|near| format!(": did you mean --{near}?")).unwrap_or_default();
            let why = format!("ktk {} has no flag --{}{guess}", names.join(" "), name.value);
            return Err(wrong(path, name, &why));
        };
        if arg.get_id() == "preferences" {
            return Err(wrong(path, name, "preferences do not say where they are: set KTK_PREFERENCES"));
        }
        if !takes(arg, &default.value) {
            let why =
                format!("invalid value {:?} for --{} of ktk {}", default.value, name.value, names.join(" "));
            return Err(wrong(path, default, &why));
        }
        let id = arg.get_id().to_string();
        match flags.iter_mut().find(|flag| flag.id == id) {
            Some(flag) if matches!(arg.get_action(), ArgAction::Append) => {
                flag.values.push(default.value.clone())
            }
            Some(_) => return Err(wrong(path, name, &format!("--{} is given twice", name.value))),
            None => flags.push(Flag {
                command: names.to_vec(),
                id,
                name: arg.get_long().unwrap_or_default().to_owned(),
                values: vec![default.value.clone()],
                line: name.referenced.line(),
                is_of_alias: false,
            }),
        }
    }
    Ok(flags)
}

/// Whether a flag takes the value: a switch takes `true` and `false`.
fn takes(arg: &Arg, value: &str) -> bool {
    let alone = Arg::new("value").num_args(1).value_parser(arg.get_value_parser().clone());
    let alone = match arg.get_value_delimiter() {
        Some(delimiter) => alone.value_delimiter(delimiter),
        None => alone,
    };
    let line = ["--", value];
    Command::new("value").no_binary_name(true).arg(alone).try_get_matches_from(line).is_ok()
}
