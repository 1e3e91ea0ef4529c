//! `ktk complete`.

use std::collections::BTreeMap;

use clap::Args;
use ktk_client::api::attempt::CompleteParams;
use serde_json::Value;

use super::{completion, running};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    ui::escape,
};

/// Say that an external task has done its work
///
/// What needs the task goes on, with these outputs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # An approval was given
  ktk complete task/approval

  # With outputs for those that need it
  ktk complete approval --output by=ada --output level=3

  # Only if it is still the second attempt that waits
  ktk complete approval --attempt 2")]
pub(crate) struct CompleteArgs {
    /// The task
    #[arg(value_name = "[task/]NAME", add = completion::names(Kind::Task, "complete"))]
    name: String,

    /// Output: JSON where it parses as JSON, else a string; repeatable
    #[arg(long = "output", value_name = "NAME=VALUE")]
    outputs: Vec<String>,

    /// Only this attempt is meant
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    attempt: Option<u32>,
}

pub(crate) async fn run(args: CompleteArgs, cx: &Context) -> Result<Exit, CliError> {
    let outputs = read_outputs(&args.outputs)?;
    let running = running::find("complete", Some(args.name), args.attempt, cx)?;
    let (reference, attempt) = (running.reference, running.attempt);
    let params = CompleteParams { reference, attempt, outputs, request_id: None };
    cx.client().await?.tasks().complete_with(params).await?;
    cx.ui.println(&format!("{} completed", escape(&running.label)))?;
    Ok(Exit::Done)
}

fn read_outputs(typed: &[String]) -> Result<Option<BTreeMap<String, Value>>, CliError> {
    let mut outputs = BTreeMap::new();
    for text in typed {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(CliError::usage(format!("--output {text}: write it as --output NAME=VALUE")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if outputs.insert(name.to_owned(), value).is_some() {
            return Err(CliError::usage(format!("--output {name} is given twice")));
        }
    }
    Ok((!outputs.is_empty()).then_some(outputs))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(typed: &[&str]) -> Result<Option<BTreeMap<String, Value>>, CliError> {
        read_outputs(&typed.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn outputs_are_json_or_text() {
        let outputs = read(&["n=3", "by=ada", "e="]).expect("outputs").expect("some");
        assert_eq!(json!(outputs), json!({"n": 3, "by": "ada", "e": ""}));
        assert_eq!(read(&[]).expect("none"), None);
        assert!(read(&["x"]).is_err() && read(&["=1"]).is_err() && read(&["a=1", "a=1"]).is_err());
    }
}
