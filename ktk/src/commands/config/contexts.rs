//! `ktk config get-contexts` and `current-context`.

use clap::Args;
use ktk_client::config::{Config, Context as Entry, LOCAL};

use super::read;
use crate::{
    commands::completion,
    context::Context,
    error::{CliError, Exit},
    output::{OutputFormat, Word, table::Table},
    ui::{Cell, escape},
};

const FORMATS: &[Word] = &[Word::Name];

/// List the contexts; a star marks the current one
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # All of them
  ktk config get-contexts

  # Their names, for a script
  ktk config get-contexts -o name")]
pub(super) struct GetContextsArgs {
    /// Only these
    #[arg(value_name = "NAME", add = completion::contexts())]
    names: Vec<String>,

    /// Without the line of titles
    #[arg(long)]
    no_headers: bool,

    /// Format: name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(FORMATS))]
    output: Option<String>,
}

/// Print the name of the current context
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # In a prompt, or a script
  ktk config current-context")]
pub(super) struct CurrentContextArgs {}

pub(super) fn current(cx: &Context) -> Result<(), CliError> {
    let config = read(cx)?;
    let typed = cx.settings.flags().context.as_deref().filter(|name| !name.is_empty());
    match typed.or_else(|| current_of(&config)) {
        Some(name) => cx.ui.println(&escape(name)),
        None => {
            let error = CliError::failed("current-context is not set");
            Err(error.with_hint("set it with ktk config use-context NAME"))
        }
    }
}

/// Without any context the one of this machine holds.
fn current_of(config: &Config) -> Option<&str> {
    config.current().or(config.contexts().is_empty().then_some(LOCAL))
}

pub(super) fn list(args: GetContextsArgs, cx: &Context) -> Result<(), CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), FORMATS)?;
    let config = read(cx)?;
    let local = Entry { name: LOCAL.to_owned(), ..Entry::default() };
    let mut contexts = config.contexts();
    if contexts.iter().all(|context| context.name != LOCAL) {
        contexts.push(&local);
        contexts.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let mut errors = Vec::new();
    for name in args.names.iter().filter(|name| contexts.iter().all(|known| known.name != **name)) {
        errors.push(CliError::new(Exit::NotFound, format!("no context exists with the name: {name:?}")));
    }
    contexts.retain(|context| args.names.is_empty() || args.names.contains(&context.name));
    if format == OutputFormat::Name {
        contexts.iter().try_for_each(|context| cx.ui.println(&escape(&context.name)))?;
    } else if !contexts.is_empty() {
        let titles = ["CURRENT", "NAME", "SERVER", "NAMESPACE", "PROTECTED"].map(Cell::new).to_vec();
        let mut table = Table::new((!args.no_headers).then_some(titles), false);
        let current = config.current().unwrap_or(LOCAL);
        cx.ui.print(&table.write(contexts.into_iter().map(|context| cells(context, current))))?;
    }
    CliError::of_all(errors)
}

fn cells(context: &Entry, current: &str) -> Vec<Cell> {
    let text = |text: &Option<String>| text.clone().map_or_else(Cell::none, Cell::new);
    vec![
        Cell::new(if context.name == current { "*" } else { "" }),
        Cell::new(context.name.clone()),
        text(&context.server),
        text(&context.namespace),
        Cell::new(context.protected.to_string()),
    ]
}
