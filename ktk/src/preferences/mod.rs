//! What a user prefers: default values of flags, and aliases of commands. They have a file of their own, apart from
//! contexts, so that whoever shares those shares no habits. Where there is none, nothing is done.

mod check;
mod file;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, Command, parser::ValueSource};

use crate::{env, error::CliError};

/// What `--preferences` says to go without.
const OFF: &str = "off";

/// The preferences that hold for one command; none by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preferences {
    /// The file that they were read from.
    pub(crate) file: Option<PathBuf>,
    /// What commands' flags are where nothing else says so.
    pub(crate) flags: Vec<Flag>,
    /// The words that stand for commands.
    pub(crate) aliases: Vec<Alias>,
}

/// A flag of a command, and what it is where it is not typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    command: Vec<String>,
    id: String,
    name: String,
    values: Vec<String>,
    line: u64,
    /// Whether an alias says it, which goes before what its command's flags are by default.
    is_of_alias: bool,
}

/// A word that stands for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) name: String,
    /// The command's own words.
    pub(crate) command: Vec<String>,
    /// What stands before and behind what is typed.
    pub(crate) prepended: Vec<String>,
    appended: Vec<String>,
    flags: Vec<Flag>,
    line: u64,
    /// Whether a command of ktk's own has the name: then it is that one.
    is_hidden: bool,
}

/// One preference, for a list of them.
pub(crate) struct Told {
    /// `get --chunk-size`, `alias getn`.
    pub(crate) name: String,
    /// What it comes to.
    pub(crate) value: String,
    /// Where it is written.
    pub(crate) line: u64,
}

impl Preferences {
    /// Reads the file that `--preferences` names, else `KTK_PREFERENCES`, else `preferences.yaml` beside the contexts.
    ///
    /// # Errors
    /// Code 2 for a file that was named and is not there, and for one that is wrong, with its line.
    pub(crate) fn read(args: &[OsString], root: fn() -> Command) -> Result<Self, CliError> {
        // What this binary starts of itself was typed by nobody.
        if args.get(1).is_some_and(|arg| arg == "internal") {
            return Ok(Self::default());
        }
        let named = typed(args, root).or_else(|| env::var("KTK_PREFERENCES"));
        let path = match named.as_deref() {
            Some(OFF) => return Ok(Self::default()),
            Some(path) => Some(PathBuf::from(path)),
            None => ktk_client::env::config_dir().map(|directory| directory.join("preferences.yaml")),
        };
        let Some(path) = path else { return Ok(Self::default()) };
        match file::read(&path)? {
            Some(file) => check::check(&path, file, &root()),
            None if named.is_some() => {
                Err(CliError::usage(format!("the file of preferences {:?} does not exist", path.display())))
            }
            None => Ok(Self::default()),
        }
    }

    /// The command line with the command that an alias stands for; `None` where none was typed.
    pub(crate) fn expand(&mut self, args: &[OsString], root: fn() -> Command) -> Option<Vec<OsString>> {
        if self.aliases.is_empty() {
            return None;
        }
        let typed = outline(args, root)?;
        let (name, rest) = typed.subcommand()?;
        let alias = self.aliases.iter().find(|alias| alias.name == name && !alias.is_hidden)?.clone();
        let rest: Vec<OsString> = rest.get_many("").into_iter().flatten().cloned().collect();
        let before = args.len().checked_sub(rest.len() + 1)?;
        let mut line = args[..before].to_vec();
        line.extend(alias.command.iter().chain(&alias.prepended).map(OsString::from));
        line.extend(rest);
        line.extend(alias.appended.iter().map(OsString::from));
        let is_own =
            |flag: &Flag| alias.flags.iter().any(|own| own.id == flag.id && own.command == flag.command);
        self.flags.retain(|flag| !is_own(flag));
        self.flags.extend(alias.flags.into_iter().map(|flag| Flag { is_of_alias: true, ..flag }));
        Some(line)
    }

    /// The command line's definition, with these defaults: whatever is typed or is in a variable goes before them.
    pub(crate) fn prefer(&self, mut root: Command) -> Command {
        for flag in &self.flags {
            let global = root.get_arguments().find(|arg| arg.get_id() == flag.id.as_str()).cloned();
            let Some(command) = below_mut(&mut root, &flag.command) else { continue };
            let values = flag.values.clone();
            let taken = std::mem::take(command);
            *command = match global {
                Some(global) if global.is_global_set() => taken.arg(global.default_values(values)),
                _ => taken.mut_arg(&flag.id, |arg| arg.required(false).default_values(values)),
            };
        }
        root
    }

    /// Leaves out the defaults of the command that was typed which cannot stand beside what was typed or what its alias
    /// says, and those of switches that were typed as `--switch=false`. Answers whether there were any.
    pub(crate) fn give_way(&mut self, root: &Command, matches: &ArgMatches, off: &[String]) -> bool {
        if self.flags.is_empty() {
            return false;
        }
        let (names, matches) = innermost(matches);
        let Some(command) = below(root, &names) else { return false };
        let arg = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
        let is_typed =
            |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let typed: Vec<&Arg> = command.get_arguments().filter(is_typed).collect();
        let of_alias: Vec<&Arg> =
            self.flags.iter().filter(|flag| flag.is_of_alias).filter_map(|flag| arg(&flag.id)).collect();
        let excludes = |one: &Arg, other: &Arg| {
            command.get_arg_conflicts_with(one).iter().any(|known| known.get_id() == other.get_id())
        };
        let count = self.flags.len();
        self.flags.retain(|flag| {
            let (true, Some(arg)) = (flag.command == names, arg(&flag.id)) else { return true };
            let rivals = typed.iter().chain(of_alias.iter().filter(|_| !flag.is_of_alias));
            let is_excluded = rivals.into_iter().any(|rival| excludes(rival, arg) || excludes(arg, rival));
            !is_excluded && !off.contains(&flag.name)
        });
        self.flags.len() != count
    }

    /// Where a flag of the command that was typed has its value from, where that is here.
    pub(crate) fn origin(&self, matches: &ArgMatches, id: &str) -> Option<String> {
        let (names, matches) = innermost(matches);
        let flag = self.flags.iter().find(|flag| flag.command == names && flag.id == id)?;
        let is_default = matches.value_source(id) == Some(ValueSource::DefaultValue);
        is_default.then(|| self.place(flag.line))
    }

    /// A line of the file.
    pub(crate) fn place(&self, line: u64) -> String {
        let path = self.file.as_deref().unwrap_or(Path::new("")).display();
        format!("preferences {path}:{line}")
    }

    /// Every preference, as the file has them.
    pub(crate) fn told(&self) -> Vec<Told> {
        let flag = |flag: &Flag| Told {
            name: format!("{} --{}", flag.command.join(" "), flag.name),
            value: flag.values.join(","),
            line: flag.line,
        };
        let alias = |alias: &Alias| Told {
            name: format!("alias {}", alias.name),
            value: match alias.is_hidden {
                true => format!("not used: ktk {} is a command", alias.name),
                false => alias.meaning(),
            },
            line: alias.line,
        };
        self.flags.iter().map(flag).chain(self.aliases.iter().map(alias)).collect()
    }

    /// The command line with aliases as commands of their own, for completion and guesses.
    pub(crate) fn beside(&self, root: Command) -> Command {
        let aliases: Vec<Command> = self
            .aliases
            .iter()
            .filter(|alias| !alias.is_hidden)
            .filter_map(|alias| {
                let command = below(&root, &alias.command)?.clone();
                Some(command.name(alias.name.clone()).about(format!("Alias: {}", alias.meaning())))
            })
            .collect();
        root.subcommands(aliases)
    }

    /// The words behind the program's name, with what an alias stands for in its place.
    pub(crate) fn spelled_out(&self, words: Vec<String>) -> Vec<String> {
        let [name, rest @ ..] = words.as_slice() else { return words };
        let alias = self.aliases.iter().find(|alias| !alias.is_hidden && alias.name == *name);
        let Some(alias) = alias.filter(|_| !rest.is_empty()) else { return words };
        alias.command.iter().chain(&alias.prepended).chain(rest).cloned().collect()
    }
}

impl Alias {
    /// The command line that it stands for.
    fn meaning(&self) -> String {
        let mut words: Vec<String> = ["ktk".to_owned()].into_iter().chain(self.command.clone()).collect();
        words.extend(self.prepended.iter().cloned());
        if !self.appended.is_empty() {
            words.push("…".to_owned());
            words.extend(self.appended.iter().cloned());
        }
        words.extend(self.flags.iter().map(|flag| format!("--{}={}", flag.name, flag.values.join(","))));
        words.join(" ")
    }
}

/// The command below another that some names lead to.
fn below<'c>(root: &'c Command, names: &[String]) -> Option<&'c Command> {
    names.iter().try_fold(root, |command, name| command.find_subcommand(name))
}

fn below_mut<'c>(root: &'c mut Command, names: &[String]) -> Option<&'c mut Command> {
    names.iter().try_fold(root, |command, name| command.find_subcommand_mut(name))
}

/// The command that was typed, and what was typed of it.
fn innermost(mut matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let mut names = Vec::new();
    while let Some((name, inner)) = matches.subcommand() {
        names.push(name.to_owned());
        matches = inner;
    }
    (names, matches)
}

/// What the command line says, where whatever is no command of ktk's own keeps its words to itself.
fn outline(args: &[OsString], root: fn() -> Command) -> Option<ArgMatches> {
    root().allow_external_subcommands(true).try_get_matches_from(args).ok()
}

/// `--preferences`, as it was typed. What stands behind the name of a plugin is the plugin's.
fn typed(args: &[OsString], root: fn() -> Command) -> Option<String> {
    let texts = || args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let of = |text: &str| {
        text.strip_prefix("--preferences").is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    if !texts().any(of) {
        return None;
    }
    if let Some(matches) = outline(args, root) {
        let is_typed = matches.value_source("preferences") == Some(ValueSource::CommandLine);
        return matches.get_one::<String>("preferences").filter(|_| is_typed).cloned();
    }
    // A command line that is refused as it stands: a default of a flag may be what it lacks.
    let at = texts().position(of)?;
    let found = texts().nth(at)?;
    found.strip_prefix("--preferences=").or_else(|| texts().nth(at + 1)).map(str::to_owned)
}
