//! The root of the command line: global flags, and what a refused command line says.

mod kubectl;
mod switches;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, builder::FalseyValueParser, error::ErrorKind,
    parser::ValueSource,
};
use ktk_client::api::Duration;

use crate::{
    commands::{self, Command, completion},
    error::{CliError, Exit},
    preferences::Preferences,
    suggest,
    ui::{ColorChoice, Ui},
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
        hide_default_value = true
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

/// Prints why a command line was refused (or the help that it asked for) and names the code.
pub(crate) fn explain(refused: &clap::Error, args: &[OsString], preferences: &Preferences) -> Exit {
    let ui = Ui::new(color_of(args));
    let verb = verb_of(args);
    let text = |color: bool| match color {
        true => refused.render().ansi().to_string(),
        false => refused.render().to_string(),
    };
    match refused.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {}
        ErrorKind::MissingSubcommand => return explain_nothing_typed(&ui, Cli::command(), verb),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if verb.is_none() => {}
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ui.print_help_to_stderr(&text(ui.stderr_has_color()));
            return Exit::Usage;
        }
        _ => {
            let error =
                CliError::usage_lines(refusal_lines(&preferences.beside(Cli::command()), refused, verb));
            ui.error(&error);
            return error.exit();
        }
    }
    ui.page();
    let printed = ui.print(&text(ui.stdout_has_color())).and_then(|()| ui.finish());
    match printed {
        Ok(()) => Exit::Done,
        Err(error) => error.exit(),
    }
}

/// The verb of a command line that clap did not accept as a whole: its first word that is neither a flag nor a flag's value.
fn verb_of(args: &[OsString]) -> Option<&str> {
    let root = Root::command();
    let has_value_behind = |flag: &str| {
        root.get_arguments().filter(|arg| arg.get_action().takes_values()).any(|arg| {
            let is_long = arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
            is_long || arg.get_short().is_some_and(|short| flag.chars().eq(['-', short]))
        })
    };
    let mut words = args.iter().skip(1).filter_map(|arg| arg.to_str());
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            return Some(word).filter(|word| commands::is_verb(word));
        }
        if has_value_behind(word) {
            words.next();
        }
    }
    None
}

/// The help that nothing typed asks for, where variables count as arguments and clap refuses instead.
fn explain_nothing_typed(ui: &Ui, mut root: clap::Command, verb: Option<&str>) -> Exit {
    root.build();
    if let Some(verb) = verb.and_then(|verb| root.find_subcommand_mut(verb)) {
        ui.print_help_to_stderr(&verb.render_help().to_string());
        return Exit::Usage;
    }
    ui.page();
    match ui.print(&root.render_help().to_string()).and_then(|()| ui.finish()) {
        Ok(()) => Exit::Done,
        Err(error) => error.exit(),
    }
}

/// `--color` as it was typed, for a command line that clap did not accept as a whole.
fn color_of(args: &[OsString]) -> ColorChoice {
    let mut texts = args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    while let Some(text) = texts.next() {
        let value = match text.strip_prefix("--color") {
            Some("") => texts.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        if let Some(choice) = value.and_then(ColorChoice::named) {
            return choice;
        }
    }
    ColorChoice::Auto
}

fn refusal_lines(root: &clap::Command, refused: &clap::Error, verb: Option<&str>) -> Vec<String> {
    use clap::error::{ContextKind, ContextValue};
    let string = |kind| match refused.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let see =
        format!("See 'ktk{} --help' for usage.", verb.map(|verb| format!(" {verb}")).unwrap_or_default());
    match refused.kind() {
        ErrorKind::UnknownArgument => {
            let flag = string(ContextKind::InvalidArg).unwrap_or_default();
            if !flag.starts_with('-') {
                return vec![format!("error: unexpected argument {flag:?}"), see];
            }
            let mut lines = vec![format!("error: unknown flag: {flag}")];
            let here = kubectl::called_otherwise(&flag, verb).map(|here| format!("hint: {here}"));
            let near = || string(ContextKind::SuggestedArg).map(|flag| format!("hint: did you mean {flag}?"));
            lines.extend(here.or_else(near));
            lines.push(see);
            lines
        }
        ErrorKind::InvalidSubcommand => {
            let typed = string(ContextKind::InvalidSubcommand).unwrap_or_default();
            let commands = verb.and_then(|verb| root.find_subcommand(verb)).unwrap_or(root);
            let guess = suggest::nearest(&typed, commands.get_subcommands().map(clap::Command::get_name));
            let parent = verb.map(|verb| format!("ktk {verb}")).unwrap_or_else(|| "ktk".to_owned());
            let mut lines = vec![format!("error: unknown command {typed:?} for {parent:?}")];
            if let Some(guess) = guess {
                lines.extend(["Did you mean this?".to_owned(), format!("    {guess}")]);
            }
            lines.push(see);
            lines
        }
        _ => {
            let text = refused.render().to_string();
            let told =
                text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
            let mut lines: Vec<String> =
                told.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect();
            lines.push(see);
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(args: &[&str]) -> Vec<String> {
        let args_os: Vec<OsString> = args.iter().map(OsString::from).collect();
        let refused = Cli::read(&args_os, &Preferences::default()).expect_err("a refused command line");
        refusal_lines(&Cli::command(), &refused, verb_of(&args_os))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_flag_is_named() {
        assert_eq!(
            refusal(&["ktk", "get", "--nosuch"]),
            ["error: unknown flag: --nosuch", "See 'ktk get --help' for usage."]
        );
    }

    #[test]
    fn an_unknown_verb_gets_a_guess_and_is_not_run() {
        assert_eq!(
            refusal(&["ktk", "gte"]),
            [
                "error: unknown command \"gte\" for \"ktk\"",
                "Did you mean this?",
                "    get",
                "See 'ktk --help' for usage.",
            ]
        );
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

    #[test]
    fn the_verb_is_the_first_word_that_is_no_flag_and_no_flags_value() {
        let verb = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            verb_of(&args).map(str::to_owned)
        };
        assert_eq!(verb("ktk -n wait get tasks").as_deref(), Some("get"));
        assert_eq!(verb("ktk --no-input --context=x get wait").as_deref(), Some("get"));
        assert_eq!(verb("ktk -n get"), None);
        assert_eq!(
            refusal(&["ktk", "frob", "-x", "get"]),
            ["error: unknown command \"frob\" for \"ktk\"", "See 'ktk --help' for usage."]
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_flag() {
        let lines = refusal(&["ktk", "get", "tasks", "--color=pink"]);
        assert!(lines[0].contains("'pink'") && lines[0].contains("--color"), "{lines:?}");
    }

    #[test]
    fn color_is_found_in_a_refused_command_line() {
        let args = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(color_of(&args(&["ktk", "--color=never", "gte"])), ColorChoice::Never);
        assert_eq!(color_of(&args(&["ktk", "--color", "always"])), ColorChoice::Always);
        assert_eq!(color_of(&args(&["ktk", "run", "--", "ls", "--color=always"])), ColorChoice::Auto);
    }
}
