//! `ktk config use-context`, `set-context`, `rename-context` and `delete-context`.

use std::path::PathBuf;

use clap::Args;
use ktk_client::{client::ServerAddress, config::LOCAL};

use super::{read, unchanged};
use crate::{commands::completion, context::Context, error::CliError, ui::escape};

/// Make a context the current one
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Another server from now on, in every terminal
  ktk config use-context work

  # In this terminal alone
  export KTK_CONTEXT=work

  # Back to this machine
  ktk config use-context local")]
pub(super) struct UseContextArgs {
    /// Which
    #[arg(value_name = "NAME", add = completion::contexts())]
    name: String,
}

/// Make a context, or change what a context says
///
/// The flags --namespace, --server and --certificate-authority are what it is to say; an empty value takes out what it
/// said.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Another namespace in the current context
  ktk config set-context --current --namespace=ci

  # A new one, whose token is in a file
  ktk config set-context lab --server https://10.0.0.5:7777 --token-file ~/.lab-token

  # Whoever deletes or cancels many there has to name it
  ktk config set-context work --protected")]
pub(super) struct SetContextArgs {
    /// Which
    #[arg(value_name = "NAME", required_unless_present = "current", add = completion::contexts())]
    name: Option<String>,

    /// The current one
    #[arg(long, conflicts_with = "name")]
    current: bool,

    /// File with its token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Whether whoever deletes or cancels many there has to name it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    protected: Option<bool>,
}

/// Give a context another name
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Shorter
  ktk config rename-context ktk.example eu")]
pub(super) struct RenameContextArgs {
    /// Which
    #[arg(value_name = "NAME", add = completion::contexts())]
    name: String,

    /// Its new name
    #[arg(value_name = "NEW")]
    new: String,
}

/// Take a context out of its file
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # With its token
  ktk config delete-context lab")]
pub(super) struct DeleteContextArgs {
    /// Which
    #[arg(value_name = "NAME", add = completion::contexts())]
    name: String,
}

pub(super) fn use_context(args: UseContextArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    config.set_current(Some(&args.name)).map_err(|error| unchanged(error, &config))?;
    cx.ui.println(&escape(&format!("Switched to context {:?}.", args.name)))
}

pub(super) fn set_context(args: SetContextArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    let name = match args.name {
        Some(name) if name.is_empty() => return Err(CliError::usage("the name of the context is empty")),
        Some(name) => name,
        None => config.current().unwrap_or(LOCAL).to_owned(),
    };
    let flags = cx.settings.flags();
    let is_typed = |name| flags.typed.contains(&name);
    let server = flags.server.clone().filter(|_| is_typed("server"));
    if let Some(server) = server.as_deref().filter(|server| !server.is_empty()) {
        server.parse::<ServerAddress>()?;
    }
    let namespace = flags.namespace.clone().filter(|_| is_typed("namespace"));
    let authority = flags.certificate_authority.clone().filter(|_| is_typed("certificate_authority"));
    let authority = authority.map(absolute).transpose()?;
    let token_file = args.token_file.map(absolute).transpose()?;
    let is_new = config.set(&name, |context| {
        replace(&mut context.server, server, String::is_empty);
        replace(&mut context.namespace, namespace, String::is_empty);
        replace(&mut context.certificate_authority, authority, |path| path.as_os_str().is_empty());
        if token_file.is_some() {
            context.token = None;
        }
        replace(&mut context.token_file, token_file, |path| path.as_os_str().is_empty());
        context.protected = args.protected.unwrap_or(context.protected);
    });
    let is_new = is_new.map_err(|error| unchanged(error, &config))?;
    cx.ui.println(&escape(&format!("Context {name:?} {}.", if is_new { "created" } else { "modified" })))
}

fn replace<T>(old: &mut Option<T>, new: Option<T>, is_empty: impl Fn(&T) -> bool) {
    if let Some(new) = new {
        *old = Some(new).filter(|new| !is_empty(new));
    }
}

fn absolute(path: PathBuf) -> Result<PathBuf, CliError> {
    if path.as_os_str().is_empty() {
        return Ok(path);
    }
    std::path::absolute(&path).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))
}

pub(super) fn rename(args: RenameContextArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    if args.new.is_empty() {
        return Err(CliError::usage("the new name of the context is empty"));
    }
    config.rename(&args.name, &args.new).map_err(|error| unchanged(error, &config))?;
    cx.ui.println(&escape(&format!("Context {:?} renamed to {:?}.", args.name, args.new)))
}

pub(super) fn delete(args: DeleteContextArgs, cx: &Context) -> Result<(), CliError> {
    let mut config = read(cx)?;
    let was_current = config.current() == Some(&args.name);
    let file = config.remove(&args.name).map_err(|error| unchanged(error, &config))?;
    if was_current && config.file_of(&args.name).is_none() {
        cx.ui.warning("this was the current context: choose another with ktk config use-context NAME");
    }
    cx.ui.println(&escape(&format!("deleted context {} from {}", args.name, file.display())))
}
