//! `ktk config`: the files of contexts, read and changed. No server is asked.

mod change;
mod contexts;
mod property;
mod view;

use clap::{Args, Subcommand};
use ktk_client::config::{Config, ConfigError};

use crate::{
    context::Context,
    error::{CliError, Exit},
    settings::{self, refused},
};

const EXAMPLES: &str = "\
Examples:
  # Where each setting comes from
  ktk config view --origins

  # Another server from now on
  ktk config use-context work

  # Another namespace in the current context
  ktk config set-context --current --namespace=ci";

/// Show and change contexts: servers by name, with a namespace and a token each
///
/// They are in the files of KTKCONFIG, a list separated by `:`, else in $XDG_CONFIG_HOME/ktk/config.yaml. Of several files
/// the first that says something wins. What is changed is changed in the file that says it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    View(view::ViewArgs),
    GetContexts(contexts::GetContextsArgs),
    CurrentContext(contexts::CurrentContextArgs),
    UseContext(change::UseContextArgs),
    SetContext(change::SetContextArgs),
    RenameContext(change::RenameContextArgs),
    DeleteContext(change::DeleteContextArgs),
    Set(property::SetArgs),
    Unset(property::UnsetArgs),
}

pub(crate) fn run(args: ConfigArgs, cx: &Context) -> Result<Exit, CliError> {
    match args.command {
        ConfigCommand::View(args) => view::run(args, cx)?,
        ConfigCommand::GetContexts(args) => contexts::list(args, cx)?,
        ConfigCommand::CurrentContext(_) => contexts::current(cx)?,
        ConfigCommand::UseContext(args) => change::use_context(args, cx)?,
        ConfigCommand::SetContext(args) => change::set_context(args, cx)?,
        ConfigCommand::RenameContext(args) => change::rename(args, cx)?,
        ConfigCommand::DeleteContext(args) => change::delete(args, cx)?,
        ConfigCommand::Set(args) => property::set(args, cx)?,
        ConfigCommand::Unset(args) => property::unset(args, cx)?,
    }
    Ok(Exit::Done)
}

/// The files that are meant.
fn read(cx: &Context) -> Result<Config, CliError> {
    Config::read(cx.settings.config.clone()).map_err(refused)
}

/// The error of a change: what is not there is 3, what is there already 5.
fn unchanged(error: ConfigError, config: &Config) -> CliError {
    match error {
        ConfigError::NoContext(name) => {
            let error = format!("no context exists with the name: {name:?}");
            settings::with_guess(CliError::new(Exit::NotFound, error), Some(&name), config)
        }
        ConfigError::Exists(_) => CliError::new(Exit::Conflict, error),
        error => refused(error),
    }
}
