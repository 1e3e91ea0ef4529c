//! `ktk run`.

mod attach_pipeline;
mod attach_task;
mod ephemeral;
mod exit;
mod leave;
mod logs;
mod manifest;
mod params;
mod process;
mod progress;
mod report;
mod silence;

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use ktk_client::Client;

use super::{completion, new_task::TaskFlags};
use crate::{
    context::Context,
    error::{CliError, Exit},
    output::CHANGE,
};

/// Run a command or a manifest, and follow it to its end
///
/// `ktk run -- COMMAND` passes the process's output and its exit code on. `ktk run -f FILE` runs
/// a Task or a Pipeline; a pipeline ends with a table of its steps, and with code 0 or 1. It is
/// always a new run: where the manifest's name is taken, the new one gets two words more.
///
/// Ctrl-C or SIGTERM cancels what runs, a second one leaves at once; when the terminal is
/// closed, the work goes on.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # A command, here and now
  ktk run -- make test

  # In the background, up to three times
  ktk run --detach --name nightly-sync --retry 2 -- ./sync.sh

  # Something to read
  ktk run -i -- wc -w < README.md

  # A pipeline with a parameter
  ktk run -f pipeline.yaml -p date=2026-11-22

  # Without a server of one's own, for CI
  ktk run --ephemeral -f ci.yaml")]
pub(crate) struct RunArgs {
    /// Manifest of a Task or Pipeline, - for stdin
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "command")]
    file: Option<PathBuf>,

    /// Parameter of the pipeline: JSON where it parses as JSON, else a string; repeatable
    #[arg(short, long = "param", value_name = "NAME=VALUE", conflicts_with = "command")]
    params: Vec<String>,

    /// Name of the task or pipeline [default: the manifest's, or one of a few words]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Create it and leave
    #[arg(short, long)]
    detach: bool,

    /// Give the process this command's standard input (1 MiB at most)
    #[arg(short = 'i', long = "stdin", conflicts_with = "file")]
    stdin: bool,

    /// Logs of steps that follow on stderr [default: failed without a terminal, else none]
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "command")]
    logs: Option<LogChoice>,

    /// Use a server of its own, with a store that is removed at the end
    #[arg(long, conflicts_with = "detach")]
    ephemeral: bool,

    #[command(flatten)]
    task: TaskFlags,

    /// Print the object at the end as json, yaml or name, and all else on stderr
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,

    /// What was typed without `--`
    #[arg(hide = true)]
    misplaced: Vec<String>,

    /// The command and its arguments
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<String>,
}

/// Which steps' logs are shown at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogChoice {
    /// No step's
    None,
    /// The last 50 lines of each step that failed
    Failed,
    /// The last 50 lines of each step that ran
    All,
}

pub(crate) async fn run(args: RunArgs, cx: &Context) -> Result<Exit, CliError> {
    check(&args)?;
    let is_command = args.file.is_none();
    let result = match args.ephemeral {
        true => ephemeral::run(args, cx).await,
        false => match cx.client().await {
            Ok(client) => with_client(args, client, cx).await,
            Err(error) => Err(error),
        },
    };
    if is_command { result.map_err(own_failure) } else { result }
}

fn check(args: &RunArgs) -> Result<(), CliError> {
    if let Some(word) = args.misplaced.first() {
        let error = CliError::usage(format!("unexpected argument {word:?}"));
        return Err(
            error.with_hint(format!("write -- before a command: ktk run -- {}", args.misplaced.join(" ")))
        );
    }
    if args.file.is_none() && args.command.is_empty() {
        let error = CliError::usage("there is nothing to run");
        return Err(error.with_hint("ktk run -- COMMAND, or ktk run -f FILE"));
    }
    Ok(())
}

/// Runs it on this server.
async fn with_client(args: RunArgs, client: &Client, cx: &Context) -> Result<Exit, CliError> {
    match &args.file {
        Some(file) => manifest::run(file.clone(), args, client, cx).await,
        None => process::run(args, client, cx).await,
    }
}

/// A failure of ktk's own must not look like one of the process. That nobody answers is 6, as for
/// every command.
fn own_failure(error: CliError) -> CliError {
    match error.exit() {
        Exit::Done | Exit::Usage | Exit::Interrupted | Exit::Unreachable => error,
        _ => error.with_exit(Exit::Code(exit::OWN_FAILURE)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parsed(args: &[&str]) -> Option<RunArgs> {
        let line = ["ktk"].iter().chain(args);
        Line::try_parse_from(line).ok().map(|line| line.run)
    }

    #[test]
    fn a_command_stands_behind_two_dashes() {
        let args = parsed(&["--name", "x", "--retry", "2", "--", "ls", "-l", "--", "x"]).expect("a command");
        assert_eq!(args.command, ["ls", "-l", "--", "x"]);
        for (line, hint) in
            [(&["make", "test"][..], "ktk run -- make test"), (&[], "ktk run -- COMMAND, or ktk run -f FILE")]
        {
            let error = check(&parsed(line).expect("words")).expect_err("no command");
            assert_eq!(error.exit(), Exit::Usage);
            assert!(error.lines()[1].ends_with(hint), "{:?}", error.lines());
        }
        assert!(parsed(&["-f", "x.yaml", "--", "ls"]).is_none());
    }

    #[test]
    fn flags_that_exclude_each_other_are_refused() {
        assert!(parsed(&["-p", "a=1", "--", "ls"]).is_none());
        assert!(parsed(&["-i", "-f", "x.yaml"]).is_none());
        assert!(parsed(&["--detach", "--ephemeral", "--", "ls"]).is_none());
        let args = parsed(&["-f", "-", "-p", "a=1", "-p", "b=2"]).expect("a manifest");
        assert_eq!(args.params, ["a=1", "b=2"]);
    }

    #[test]
    fn failures_of_ktks_own_are_125() {
        assert_eq!(own_failure(CliError::new(Exit::Conflict, "x")).exit(), Exit::Code(125));
        assert_eq!(own_failure(CliError::new(Exit::Unreachable, "x")).exit(), Exit::Unreachable);
        assert_eq!(own_failure(CliError::usage("x")).exit(), Exit::Usage);
        assert_eq!(own_failure(CliError::silent(Exit::Done)).exit(), Exit::Done);
    }
}
