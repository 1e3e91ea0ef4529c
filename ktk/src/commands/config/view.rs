//! `ktk config view`: what the files say together, or where each setting came from.

use clap::Args;
use ktk_client::{
    api::API_VERSION,
    config::{Config, Context as Entry, LOCAL},
};
use serde_json::{Value, json};

use super::read;
use crate::{
    commands::completion,
    context::Context,
    error::CliError,
    output::{DOCUMENT, Document, OutputFormat, table::Table},
    settings::{Setting, Settings, refused},
    ui::Cell,
};

const EXAMPLES: &str = "\
Examples:
  # All files together, tokens hidden
  ktk config view

  # The server of the current context
  ktk config view --minify -o jsonpath='{.contexts[0].server}'

  # Each setting, and where it comes from
  ktk config view --origins";

/// Show the contexts of all files together, or where each setting comes from
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ViewArgs {
    /// Show tokens too
    #[arg(long)]
    raw: bool,

    /// Only the context that holds
    #[arg(long)]
    minify: bool,

    /// Show each global setting, and whether it comes from a flag, a variable, preferences, a context or nowhere;
    /// and all preferences
    #[arg(long, conflicts_with_all = ["raw", "minify"])]
    origins: bool,

    /// Format: yaml, json, jsonpath
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

pub(super) fn run(args: ViewArgs, cx: &Context) -> Result<(), CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let document = match args.origins {
        true => {
            let settings = Settings::from_flags(cx.settings.flags(), true)?.origins()?;
            if format == OutputFormat::Human {
                let mut table = Table::new(Some(row("SETTING", "VALUE", "ORIGIN")), false);
                return cx.ui.print(&table.write(settings.iter().map(cells)));
            }
            let values = settings.iter().map(
                |setting| json!({"setting": setting.name, "value": setting.value, "origin": setting.origin}),
            );
            json!({"settings": values.collect::<Vec<_>>()})
        }
        false => view(&args, cx)?,
    };
    let format = if format == OutputFormat::Human { OutputFormat::Yaml } else { format };
    let machine = format.machine().ok_or_else(|| CliError::usage("no such format"))?;
    cx.ui.print_document(&machine.write(Document::One(document))?)
}

fn view(args: &ViewArgs, cx: &Context) -> Result<Value, CliError> {
    let config = read(cx)?;
    let typed = cx.settings.flags().context.as_deref().filter(|name| !name.is_empty());
    let current = typed.or(config.current());
    let contexts = match args.minify {
        false => config.contexts(),
        true => minified(&config, current)?,
    };
    let contexts: Vec<Value> = contexts.into_iter().map(|context| shown(context, args.raw)).collect();
    Ok(json!({"apiVersion": API_VERSION, "kind": "Config", "currentContext": current, "contexts": contexts}))
}

fn minified<'c>(config: &'c Config, current: Option<&str>) -> Result<Vec<&'c Entry>, CliError> {
    Ok(config.choose(Some(current.unwrap_or(LOCAL))).map_err(refused)?.into_iter().collect())
}

fn shown(context: &Entry, is_raw: bool) -> Value {
    let mut value = serde_json::to_value(context).unwrap_or_default();
    if let Some(token) = value.get_mut("token").filter(|_| !is_raw) {
        *token = "REDACTED".into();
    }
    value
}

fn row(name: &str, value: &str, origin: &str) -> Vec<Cell> {
    [name, value, origin].map(|text| Cell::new(text.to_owned())).into()
}

fn cells(setting: &Setting) -> Vec<Cell> {
    row(&setting.name, setting.value.as_deref().unwrap_or("<none>"), &setting.origin)
}
