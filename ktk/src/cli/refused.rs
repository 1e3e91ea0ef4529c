//! What is said about a command line that was refused.

use std::ffi::OsString;

use clap::{CommandFactory as _, error::ErrorKind};

use super::{Cli, Root, kubectl};
use crate::{
    commands,
    error::{CliError, Exit},
    preferences::Preferences,
    suggest,
    ui::{ColorChoice, Ui},
};

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
            let error = CliError::usage_lines(refusal_lines(
                &preferences.beside(Cli::command()),
                refused,
                verb,
                args,
            ));
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
pub(super) fn verb_of(args: &[OsString]) -> Option<&str> {
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

/// The command whose help says more: the verb, and behind it the name of one of its own commands.
fn command_of(root: &clap::Command, verb: &str, args: &[OsString]) -> String {
    let commands = root.find_subcommand(verb);
    let behind = args.iter().filter_map(|arg| arg.to_str()).skip_while(|word| *word != verb).nth(1);
    match behind.and_then(|word| commands?.find_subcommand(word)) {
        Some(command) => format!("{verb} {}", command.get_name()),
        None => verb.to_owned(),
    }
}

fn refusal_lines(
    root: &clap::Command,
    refused: &clap::Error,
    verb: Option<&str>,
    args: &[OsString],
) -> Vec<String> {
    use clap::error::{ContextKind, ContextValue};
    let string = |kind| match refused.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let command = verb.map(|verb| format!(" {}", command_of(root, verb, args))).unwrap_or_default();
    let see = format!("See 'ktk{command} --help' for usage.");
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
                told.map(|line| in_words(line.trim_end())).filter(|line| !line.is_empty()).collect();
            lines.push(see);
            lines
        }
    }
}

/// What the standard library says of a text that is no number, or of a negative one where none may be, in plain words.
fn in_words(line: &str) -> String {
    const WORDS: [&str; 2] = ["invalid digit found in string", "invalid float literal"];
    WORDS.iter().fold(line.to_owned(), |line, words| line.replace(words, "it is no number, or out of range"))
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;

    fn refusal(args: &[&str]) -> Vec<String> {
        let args_os: Vec<OsString> = args.iter().map(OsString::from).collect();
        let refused = Cli::read(&args_os, &Preferences::default()).expect_err("a refused command line");
        refusal_lines(&Cli::command(), &refused, verb_of(&args_os), &args_os)
    }

    #[test]
    fn the_help_that_is_named_is_that_of_the_command_that_was_typed() {
        let last = |line: &str| refusal(&line.split(' ').collect::<Vec<_>>()).pop().unwrap();
        assert_eq!(last("ktk -n x create task --frob"), "See 'ktk create task --help' for usage.");
        assert_eq!(last("ktk create queue"), "See 'ktk create queue --help' for usage.");
        assert_eq!(last("ktk create frob"), "See 'ktk create --help' for usage.");
        assert_eq!(last("ktk get tasks --frob"), "See 'ktk get --help' for usage.");
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

    /// `-1` is no flag where a number belongs: what is wrong with it is said of the number.
    #[test]
    fn a_negative_number_is_never_taken_for_a_flag() {
        let numbers = [
            TypeId::of::<u8>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i32>(),
            TypeId::of::<i64>(),
            TypeId::of::<f64>(),
        ];
        let mut commands = vec![Cli::command()];
        let (mut seen, mut wrong) = (0, Vec::new());
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let holds = arg.get_value_parser().type_id();
                if !numbers.iter().any(|number| holds == *number) {
                    continue;
                }
                seen += 1;
                if !arg.is_allow_negative_numbers_set() {
                    wrong.push(format!("{} {}", command.get_name(), arg.get_id()));
                }
            }
        }
        assert!(seen > 20 && wrong.is_empty(), "{seen} {wrong:?}");
        assert_eq!(
            refusal(&["ktk", "server", "run", "--slots", "-1"])[0],
            "error: invalid value '-1' for '--slots <NUMBER>': -1 is not in 0..=4294967295"
        );
        assert_eq!(
            refusal(&["ktk", "run", "--retry", "many", "--", "true"])[0],
            "error: invalid value 'many' for '--retry <TIMES>': it is no number, or out of range"
        );
    }

    #[test]
    fn color_is_found_in_a_refused_command_line() {
        let args = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(color_of(&args(&["ktk", "--color=never", "gte"])), ColorChoice::Never);
        assert_eq!(color_of(&args(&["ktk", "--color", "always"])), ColorChoice::Always);
        assert_eq!(color_of(&args(&["ktk", "run", "--", "ls", "--color=always"])), ColorChoice::Auto);
    }
}
