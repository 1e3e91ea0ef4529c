//! Plugins: programs on PATH that are called `ktk-…` and run as `ktk …`, where no command of ktk's own is called so.

mod found;

use std::{ffi::OsString, os::unix::process::CommandExt as _, process::Command};

use clap::{Args, Subcommand, error::ContextKind, error::ContextValue, error::ErrorKind};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

pub(crate) use self::found::beside_names;
use self::found::plugins;
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
    ui::{ColorChoice, Ui, escape},
};

/// Find the programs that add commands to ktk
///
/// `ktk foo bar` runs ktk-foo-bar, else ktk-foo, from PATH; a `-` in a word is `_` in the file's name. Flags stand behind
/// the name. The program ktk_complete-foo completes what stands behind `ktk foo`: it is given the words, and prints a
/// candidate a line.
#[derive(Args, Debug)]
#[command(
    after_help = "\
Examples:
  # Which there are
  ktk plugin list",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    List(ListArgs),
}

/// List the plugins on PATH, and what is wrong with them
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # With their paths
  ktk plugin list

  # Their names alone
  ktk plugin list --name-only")]
struct ListArgs {
    /// The names of the files, without their directories
    #[arg(long)]
    name_only: bool,
}

pub(crate) fn run(args: PluginArgs, cx: &Context) -> Result<Exit, CliError> {
    let PluginCommand::List(args) = args.command;
    let found = plugins();
    if found.is_empty() {
        return Err(CliError::failed("unable to find any ktk plugins in your PATH"));
    }
    let mut warnings = 0;
    let root = cx.command_line();
    for (index, plugin) in found.iter().enumerate() {
        let path = plugin.path.to_string_lossy();
        let file = plugin.path.file_name().unwrap_or_default().to_string_lossy();
        cx.ui.println(&escape(if args.name_only { &file } else { &path }))?;
        let mut warn = |text: String| {
            warnings += 1;
            cx.ui.warning(&text);
        };
        if !plugin.is_executable {
            warn(format!("{path} identified as a ktk plugin, but it is not executable"));
        }
        if let Some(first) = found[..index].iter().find(|first| first.words == plugin.words) {
            warn(format!("{path} is overshadowed by a similarly named plugin: {}", first.path.display()));
        }
        if let [word] = plugin.words.as_slice()
            && root.find_subcommand(word).is_some()
        {
            warn(format!("{path} overwrites existing command: \"ktk {word}\": it is never run"));
        }
    }
    match warnings {
        0 => Ok(Exit::Done),
        1 => Err(CliError::failed("one plugin warning was found")),
        many => Err(CliError::failed(format!("{many} plugin warnings were found"))),
    }
}

/// Runs the plugin that a refused command line names, in the place of this process. `None` where it names none.
pub(crate) fn run_instead(refused: &clap::Error, args: &[OsString]) -> Option<Exit> {
    let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(typed))) =
        (refused.kind(), refused.get(ContextKind::InvalidSubcommand))
    else {
        return None;
    };
    // Only behind `ktk` itself, and not behind one of its commands.
    let words: Vec<&str> = args.iter().skip(1).map_while(|arg| arg.to_str()).collect();
    let first = words.first()?;
    if first == typed {
        let words: Vec<&str> = words.into_iter().take_while(|word| !word.starts_with('-')).collect();
        let (program, used) = found::longest(&words)?;
        // It takes this process's place, with its number, its terminal and its signals.
        let failed = Command::new(&program).args(&args[used + 1..]).exec();
        let error = CliError::failed(format!("cannot run {}: {failed}", program.display()));
        Ui::new(ColorChoice::Auto).error(&error.with_exit(Exit::Code(126)));
        return Some(Exit::Code(126));
    }
    let is_behind_flags = first.starts_with('-') && found::longest(&[typed]).is_some();
    is_behind_flags.then(|| {
        let flag = first.split('=').next().unwrap_or(first);
        let error = CliError::usage(format!("flags cannot be placed before plugin name: {flag}"));
        Ui::new(ColorChoice::Auto).error(&error);
        error.exit()
    })
}

/// The command line with the plugins as commands of their own, for completion. Behind a plugin's name there is nothing
/// but the plugin: ktk's own flags are not meant there.
pub(crate) fn beside(root: clap::Command) -> clap::Command {
    let args = env::args();
    let verb = args.iter().skip_while(|arg| *arg != "--").nth(2).and_then(|arg| arg.to_str());
    let plugins = beside_names(&root).into_iter().map(|(name, path)| {
        let about = format!("The plugin {path}");
        (name.clone(), clap::Command::new(name).about(about))
    });
    let mut plugins: Vec<(String, clap::Command)> = plugins.collect();
    let at = args.iter().position(|arg| arg == "--").unwrap_or_default();
    if let Some((name, plugin)) = plugins.iter().find(|(name, _)| Some(name.as_str()) == verb)
        && args.len() > at + 3
    {
        let completes = name.clone();
        let words = clap::Arg::new("words").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        let words = words.add(ArgValueCompleter::new(move |_: &std::ffi::OsStr| ask(&completes)));
        let alone = clap::Command::new("ktk").disable_help_flag(true).disable_help_subcommand(true);
        return alone.subcommand(plugin.clone().disable_help_flag(true).arg(words));
    }
    root.subcommands(plugins.drain(..).map(|(_, plugin)| plugin))
}

/// What a plugin's own program offers behind its name. What fails offers nothing.
fn ask(name: &str) -> Vec<CompletionCandidate> {
    let Some(program) = found::completing(name) else { return Vec::new() };
    let args = env::args();
    let typed: Vec<&OsString> =
        args.iter().skip_while(|arg| *arg != "--").skip(1).skip_while(|arg| *arg != name).skip(1).collect();
    let current = typed.last().and_then(|word| word.to_str()).unwrap_or_default();
    let Ok(output) = Command::new(program).args(&typed).stderr(std::process::Stdio::null()).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // kubectl's plugins end with a line that tells the shell what to do, and describe behind a tabulator.
    let lines = text.lines().filter(|line| !line.starts_with(':') && !line.is_empty());
    let words = lines.map(|line| line.split('\t').next().unwrap_or(line));
    words.filter(|word| word.starts_with(current)).map(CompletionCandidate::new).collect()
}
