//! `ktk explain`: the fields of a kind. They are those that this binary knows: no server is asked.

use clap::{Args, ValueEnum};

use super::completion;
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    suggest,
    view::explain,
};

const EXAMPLES: &str = "\
Examples:
  # What a task is made of
  ktk explain task

  # One field, and what is below it
  ktk explain task.spec.retry

  # Every field of a pipeline's steps, as a tree
  ktk explain pipeline.spec.steps --recursive";

/// Explain a type and its fields
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// TYPE, or TYPE.FIELD with as many fields as lead to the one that is meant
    #[arg(value_name = "TYPE[.FIELD]", add = completion::fields_of_types())]
    target: String,

    /// Show the fields below the fields too, names and types alone
    #[arg(long)]
    recursive: bool,

    /// Format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Plaintext)]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Text, as it is read
    Plaintext,
}

pub(crate) fn run(args: ExplainArgs, cx: &Context) -> Result<Exit, CliError> {
    let Format::Plaintext = args.output;
    let mut words = args.target.split('.');
    let kind = Kind::parse(words.next().unwrap_or_default(), "explain")?;
    let path: Vec<&str> = words.collect();
    let page = explain::page(kind, &path, args.recursive).map_err(|missing| {
        let error = CliError::usage(format!("field {:?} does not exist", missing.name));
        let known = || missing.known.iter().map(String::as_str);
        match suggest::nearest(&missing.name, known()) {
            Some(near) => error.with_hint(format!("did you mean {near:?}?")),
            None if missing.known.is_empty() => error.with_hint("nothing is below the field before it"),
            None => error.with_hint(format!("there are {}", known().collect::<Vec<_>>().join(", "))),
        }
    })?;
    cx.ui.page();
    cx.ui.print(&page)?;
    Ok(Exit::Done)
}
