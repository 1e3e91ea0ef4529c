//! `ktk completion`, and the candidates that completion offers. Whatever fails offers nothing and says nothing; no server
//! is started for it.

mod candidates;
mod flags;
mod line;

use std::{
    ffi::{OsStr, OsString},
    sync::OnceLock,
};

use clap::Args;
use clap_complete::{engine::ArgValueCompleter, env::CompleteEnv};

use self::candidates::matching;
pub(crate) use self::candidates::{contexts, fields_of_types, formats, names, namespaces, targets};
use super::plugin;
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
    generate::{self, COMPLETE_VARIABLE, SHELLS},
    preferences::Preferences,
};

/// What the user prefers; nothing where that cannot be read. Completers are given what was typed and nothing else.
static PREFERENCES: OnceLock<Preferences> = OnceLock::new();

const EXAMPLES: &str = "\
Examples:
  # For this bash session
  source <(ktk completion bash)

  # For every zsh session
  ktk completion zsh > \"${fpath[1]}/_ktk\"

  # For every fish session
  ktk completion fish > ~/.config/fish/completions/ktk.fish";

/// Print the completion script of a shell: bash, elvish, fish, powershell, zsh
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", add = ArgValueCompleter::new(|current: &OsStr| shells(current)))]
    shell: Option<String>,
}

pub(crate) fn run(args: CompletionArgs, cx: &Context) -> Result<Exit, CliError> {
    let known = format!("shells are {}", SHELLS.join(", "));
    let Some(shell) = args.shell else {
        return Err(CliError::usage("Shell not specified.").with_hint(known));
    };
    match generate::script(&shell) {
        Some(script) => cx.ui.print(&script)?,
        None => return Err(CliError::usage(format!("Unsupported shell type {shell:?}.")).with_hint(known)),
    }
    Ok(Exit::Done)
}

/// Answers a shell that asks for candidates; none where this is a command as any other. `behind` defines no more than what
/// can stand behind these words, where they name a verb.
pub(crate) fn answer_shell(
    args: &[OsString],
    command_line: fn() -> clap::Command,
    behind: fn(&[OsString]) -> Option<clap::Command>,
) -> Option<Exit> {
    env::var(COMPLETE_VARIABLE)?;
    let directory = env::current_dir().ok();
    // Only here: what completes is nothing that a command needs.
    let typed: Vec<OsString> = args.iter().skip_while(|arg| *arg != "--").skip(1).cloned().collect();
    let read = || Preferences::read(&typed, command_line).unwrap_or_default();
    let preferences = PREFERENCES.get_or_init(read);
    // The last word is what is asked for: it may become another verb.
    let before = typed.split_last().map_or(&typed[..], |(_, before)| before);
    let known = || match behind(before) {
        Some(verb) => flags::completed(verb),
        None => plugin::beside(preferences.beside(flags::with_topics(flags::completed(command_line())))),
    };
    let answer =
        CompleteEnv::with_factory(known).var(COMPLETE_VARIABLE).try_complete(args, directory.as_deref());
    match answer {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(_) => Some(Exit::Failed),
    }
}

fn shells(current: &OsStr) -> Vec<clap_complete::CompletionCandidate> {
    matching(current.to_str().unwrap_or_default(), SHELLS)
}
