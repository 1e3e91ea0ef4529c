//! `ktk help`: of a command, or about a topic.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
    suggest,
    topics::TOPICS,
};

const EXAMPLES: &str = "\
Examples:
  # How get is used
  ktk help get

  # What the exit codes mean
  ktk help exit-codes

  # What a manifest looks like
  ktk help manifests";

/// Show the help of a command, or a topic: environment, exit-codes, jsonpath, manifests, preferences, restarts, selectors
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HelpArgs {
    /// A command, or a topic
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(crate) fn run(args: HelpArgs, cx: &Context) -> Result<Exit, CliError> {
    cx.ui.page();
    if let [word] = args.words.as_slice()
        && let Some((_, text)) = TOPICS.iter().find(|(topic, _)| topic == word)
    {
        cx.ui.print(text)?;
        return Ok(Exit::Done);
    }
    let mut root = cx.command_line();
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
