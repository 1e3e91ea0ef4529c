//! The root of the command line: global flags, and how it is read.

mod kubectl;
mod refused;
mod switches;

pub(crate) use self::refused::explain;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, builder::FalseyValueParser, parser::ValueSource};
use ktk_client::api::Duration;

use crate::{
    commands::{self, Command, completion},
    preferences::Preferences,
    ui::ColorChoice,
};

const EXAMPLES: &str = "\
Examples:
  # Run a command as a task: its output, its exit code
  ktk run -- make test

  # Run a pipeline and follow it
  ktk run -f pipeline.yaml

  # What there is, and how it is
  ktk get tasks

  # Restart what failed, and all that waited for it
  ktk restart pipeline/nightly

  # What exit codes mean
  ktk help exit-codes";

/// Runs tasks and pipelines, and restarts them where they failed.
#[derive(Debug, Parser)]
#[command(
    name = "ktk",
    bin_name = "ktk",
    disable_version_flag = true,
    disable_help_subcommand = true,
    infer_subcommands = false,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = EXAMPLES
)]
struct Root {
    #[command(flatten)]
    global: GlobalArgs,
}

/// A command line that was read.
#[derive(Debug)]
pub(crate) struct Cli {
    pub(crate) global: GlobalArgs,
    pub(crate) command: Command,
}

/// Flags that every command takes, before or after its name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Namespace to work in [default: default]
    #[arg(short, long, global = true, value_name = "NAME", env = "KTK_NAMESPACE", hide_env_values = true,
          add = completion::namespaces())]
    pub(crate) namespace: Option<String>,

    /// The ids of those that were typed: the others come from variables, preferences, or from nowhere.
    #[arg(skip)]
    pub(crate) typed: Vec<&'static str>,

    /// The ids of those that are as somebody prefers them, and where that is written.
    #[arg(skip)]
    pub(crate) preferred: Vec<(&'static str, String)>,

    /// What holds of the user's preferences.
    #[arg(skip)]
    pub(crate) preferences: Preferences,

    /// Context to use: a server of the configuration by its name
    #[arg(long, global = true, value_name = "NAME", env = "KTK_CONTEXT", hide_env_values = true,
          add = completion::contexts())]
    pub(crate) context: Option<String>,

    /// File of contexts [default: those of KTKCONFIG, else $XDG_CONFIG_HOME/ktk/config.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// File with the certificates that are trusted for https [default: this machine's authorities]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KTK_CERTIFICATE_AUTHORITY",
        hide_env_values = true
    )]
    pub(crate) certificate_authority: Option<PathBuf>,

    /// Server to talk to: unix:///path, https://HOST:PORT, or http://127.0.0.1:PORT
    /// [default: the context's, else the local one, started when needed]
    #[arg(long, global = true, value_name = "URL", env = "KTK_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,

    /// Data directory of the local server [default: $XDG_DATA_HOME/ktk]
    #[arg(long, global = true, value_name = "DIR", env = "KTK_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,

    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", env = "KTK_COLOR", hide_env_values = true,
          value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,

    /// Longest time for one call, 0 for no limit [default: 1m]
    #[arg(long, global = true, value_name = "DURATION", env = "KTK_REQUEST_TIMEOUT", hide_env_values = true)]
    pub(crate) request_timeout: Option<Duration>,

    /// Tell of each request on stderr: 6 a line, 8 what it holds too, without tokens
    #[arg(
        short,
        long,
        global = true,
        value_name = "LEVEL",
        env = "KTK_VERBOSE",
        hide_env_values = true,
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) verbose: u8,

    /// Ask nothing, as where there is no terminal
    #[arg(long, global = true, env = "KTK_PROMPT_DISABLED", hide_env_values = true,
          value_parser = FalseyValueParser::new())]
    pub(crate) no_input: bool,

    /// Exit with 1 where there was a warning
    #[arg(long, global = true, env = "KTK_WARNINGS_AS_ERRORS", hide_env_values = true,
          value_parser = FalseyValueParser::new())]
    pub(crate) warnings_as_errors: bool,

    /// File of default flags and aliases, off for none [default: $XDG_CONFIG_HOME/ktk/preferences.yaml]
    #[arg(
        long = "preferences",
        global = true,
        value_name = "FILE",
        env = "KTK_PREFERENCES",
        hide_env_values = true,
        id = "preferences"
    )]
    pub(crate) preferences_file: Option<String>,
}

/// The ids of global flags that settings come from.
const SETTINGS: [&str; 12] = [
    "namespace",
    "context",
    "config",
    "certificate_authority",
    "server",
    "data_dir",
    "color",
    "request_timeout",
    "verbose",
    "no_input",
    "warnings_as_errors",
    "preferences",
];

impl Cli {
    /// The definition of all that can be typed.
    pub(crate) fn command() -> clap::Command {
        Root::command().subcommands(commands::defined(|_| true))
    }

    /// The definition of what can stand behind these words; `None` where that is more than one verb, as for `help`.
    pub(crate) fn behind(words: &[OsString]) -> Option<clap::Command> {
        let verb = refused::verb_of(words).filter(|verb| *verb != "help")?;
        Some(Root::command().subcommands(commands::defined(|name| name == verb)))
    }

    /// Reads a command line. Only the verbs that its words can mean are defined for it: most of the time that a short
    /// command takes to begin would go into the flags of others. A line that is refused is read with all of them, so that
    /// what is said about it is true.
    pub(crate) fn read(args: &[OsString], preferences: &Preferences) -> Result<Self, clap::Error> {
        let words: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
        if !words.iter().any(|word| commands::is_verb(word)) {
            // Nothing below the root can be meant, and what is global is copied to each verb.
            let root = || Root::command().mut_args(|arg| arg.global(false));
            let define = || root().subcommands(commands::defined(|_| true));
            return Self::read_as(define, args, &Preferences::default());
        }
        let define = || Root::command().subcommands(commands::defined(|name| words.contains(&name)));
        Self::read_as(define, args, preferences).or_else(|_| Self::read_as(Self::command, args, preferences))
    }

    /// Where several say where the server is, what was typed wins over a variable, and a variable over what is preferred,
    /// whichever flags they are about.
    fn read_as(
        define: impl Fn() -> clap::Command,
        args: &[OsString],
        preferences: &Preferences,
    ) -> Result<Self, clap::Error> {
        let mut holding = preferences.clone();
        let mut command = holding.prefer(define());
        let (args, off) = switches::plain(args, &command);
        let read = command.try_get_matches_from_mut(&args);
        let gave_way = read.as_ref().is_ok_and(|matches| holding.give_way(&command, matches, &off));
        // To take it apart, piece by piece, is a good part of what a short command takes.
        std::mem::forget(command);
        let matches = if gave_way { holding.prefer(define()).try_get_matches_from(&args)? } else { read? };
        let mut cli = Self {
            global: GlobalArgs::from_arg_matches(&matches)?,
            command: Command::from_arg_matches(&matches)?,
        };
        let innermost =
            std::iter::successors(Some(&matches), |outer| outer.subcommand().map(|(_, inner)| inner)).last();
        let source = |name: &str| innermost.and_then(|matches| matches.value_source(name));
        let is_typed = |name: &str| source(name) == Some(ValueSource::CommandLine);
        // Of two variables it is the server's that counts.
        if source("data_dir") > source("server") || source("context") > source("server") {
            cli.global.server = None;
        }
        if source("context") > source("data_dir") {
            cli.global.data_dir = None;
        }
        cli.global.typed = SETTINGS.into_iter().filter(|name| is_typed(name)).collect();
        let origin = |name: &'static str| Some((name, holding.origin(&matches, name)?));
        cli.global.preferred = SETTINGS.into_iter().filter_map(origin).collect();
        cli.global.preferences = preferences.clone();
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_is_whole_also_where_a_flag_has_the_name_of_a_verb() {
        let help = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            Cli::read(&args, &Preferences::default()).expect_err("help").render().to_string()
        };
        let whole = help(&["ktk", "--help"]);
        assert!(whole.contains("List objects") && !whole.contains("internal"), "{whole}");
        assert_eq!(help(&["ktk", "--namespace", "get", "--help"]), whole);
    }

    #[test]
    fn every_verb_is_defined_under_its_name() {
        let derived = <Command as clap::Subcommand>::augment_subcommands(clap::Command::new("ktk"));
        let names = |root: &clap::Command| {
            root.get_subcommands().map(|verb| verb.get_name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&Cli::command()), names(&derived));
    }
}
