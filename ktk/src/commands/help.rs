//! `ktk help`: of a command, or about a topic.

use clap::{Args, CommandFactory};

use crate::{
    cli::Cli,
    context::Context,
    error::{CliError, Exit},
    suggest,
};

const EXAMPLES: &str = "\
Examples:
  # How get is used
  ktk help get

  # What the exit codes mean
  ktk help exit-codes";

/// Topics: name and text.
pub(crate) const TOPICS: &[(&str, &str)] = &[("exit-codes", EXIT_CODES)];

const EXIT_CODES: &str = "\
Exit codes of ktk:

    0    done; an empty list too (with --error-if-empty: 3)
    1    what was asked about failed (a task in run or wait), or any other error
    2    wrong usage: flags, formats, selectors, types that do not exist; or a
         prompt that was declined or could not be shown
    3    not found
    4    not authenticated or not allowed
    5    conflict, or already exists
    6    server not reachable
    7    invalid: the manifest or request was refused
    124  a timeout ran out
    130  interrupted

`ktk run -- COMMAND` passes the process's own code on, 128 + n for signal n;
127 where the command was not found, 126 where it is not executable, 124 for
its timeout, 130 where it was cancelled, 2 for wrong usage, and 125 for
everything else of ktk's own.

Several objects in one command: several failures of one code give that code,
else 1.
";

/// Show the help of a command, or a topic: exit-codes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HelpArgs {
    /// A command, or a topic
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(crate) fn run(args: HelpArgs, cx: &Context) -> Result<Exit, CliError> {
    if let [word] = args.words.as_slice()
        && let Some((_, text)) = TOPICS.iter().find(|(topic, _)| topic == word)
    {
        cx.ui.print(text)?;
        return Ok(Exit::Done);
    }
    let mut root = Cli::command();
    root.build();
    let mut command = &mut root;
    for word in &args.words {
        let known: Vec<String> = command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
        command = match command.find_subcommand_mut(word) {
            Some(found) => found,
            None => {
                let error = CliError::usage(format!("unknown command or topic {word:?}"));
                let known = known.iter().map(String::as_str).chain(TOPICS.iter().map(|(topic, _)| *topic));
                return Err(match suggest::nearest(word, known) {
                    Some(near) => error.with_hint(format!("did you mean {near:?}?")),
                    None => error,
                });
            }
        };
    }
    let help = command.render_long_help();
    match cx.ui.stdout_has_color() {
        true => cx.ui.print(&help.ansi().to_string())?,
        false => cx.ui.print(&help.to_string())?,
    }
    Ok(Exit::Done)
}
