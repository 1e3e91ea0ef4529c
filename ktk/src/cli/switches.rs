//! `--flag=true` and `--flag=false`, as scripts for kubectl have them, of flags that take no value.

use std::{collections::BTreeMap, ffi::OsString};

use clap::{ArgAction, Command};

/// A command line in which each switch that was given a value stands alone, or not at all; and the names of those that
/// were said not to be set.
///
/// A name that is a switch of one command and takes a value in another stays as it was typed.
pub(crate) fn plain(args: &[OsString], root: &Command) -> (Vec<OsString>, Vec<String>) {
    let is_switch = |name: &str| {
        let mut switches = BTreeMap::new();
        collect(root, &mut switches);
        switches.get(name) == Some(&true)
    };
    let mut plain = Vec::with_capacity(args.len());
    let mut off = Vec::new();
    let mut rest = args.iter();
    for arg in rest.by_ref() {
        if arg == "--" {
            plain.push(arg.clone());
            break;
        }
        match arg.to_str().and_then(|text| text.strip_prefix("--")).and_then(|text| text.split_once('=')) {
            Some((name, "true")) if is_switch(name) => plain.push(format!("--{name}").into()),
            Some((name, "false")) if is_switch(name) => off.push(name.to_owned()),
            _ => plain.push(arg.clone()),
        }
    }
    plain.extend(rest.cloned());
    (plain, off)
}

/// All long flags of a command and of those below it, and whether each takes no value wherever it stands.
fn collect<'c>(command: &'c Command, switches: &mut BTreeMap<&'c str, bool>) {
    for argument in command.get_arguments() {
        let is_switch = matches!(argument.get_action(), ArgAction::SetTrue);
        for name in argument.get_long_and_visible_aliases().unwrap_or_default() {
            switches.entry(name).and_modify(|known| *known &= is_switch).or_insert(is_switch);
        }
    }
    command.get_subcommands().for_each(|command| collect(command, switches));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn line(text: &str) -> String {
        let args: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        let (plain, _) = plain(&args, &Cli::command());
        plain.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_switch_can_be_said_in_full() {
        assert_eq!(line("ktk get tasks --no-headers=true"), "ktk get tasks --no-headers");
        assert_eq!(line("ktk get tasks --no-headers=false -A"), "ktk get tasks -A");
        assert_eq!(line("ktk delete task x --ignore-not-found=true"), "ktk delete task x --ignore-not-found");
    }

    #[test]
    fn what_takes_a_value_keeps_it() {
        for text in [
            "ktk delete task x --wait=false",
            "ktk get tasks --output=true",
            "ktk get tasks --nosuch=true",
            "ktk get tasks --no-headers=maybe",
            "ktk run -- program --no-headers=true",
            "ktk logs x --since=true",
        ] {
            assert_eq!(line(text), text);
        }
    }
}
