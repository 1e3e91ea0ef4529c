//! What `run` and `create task` share: the flags that describe a task, and the task that they make.

mod hooks;
mod policy;
mod process;
#[cfg(test)]
mod tests;
mod turn;
mod work;

use std::{collections::BTreeMap, path::Path};

use clap::Args;
use ktk_client::api::{
    Metadata, Task,
    task::{RunSpec, TaskSpec},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::CliError;

pub(crate) use process::{give_stdin, place, variables};
pub(crate) use work::WorkFlags;

/// The flags that describe a task, but for what it does.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskFlags {
    /// Label of the task; repeatable
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,

    /// Annotation of the task; repeatable
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = pair)]
    annotations: Vec<(String, String)>,

    /// Input of the task: JSON where it parses as JSON, else a string; repeatable
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = pair)]
    inputs: Vec<(String, String)>,

    #[command(flatten)]
    process: process::ProcessFlags,

    #[command(flatten)]
    policy: policy::PolicyFlags,

    #[command(flatten)]
    turn: turn::TurnFlags,

    #[command(flatten)]
    hooks: hooks::HookFlags,
}

impl TaskFlags {
    /// Whether any of them was given.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The task of a command. `caller` is the environment and `base` the directory of the caller.
    pub(crate) fn task(
        mut self,
        name: Option<String>,
        command: Vec<String>,
        caller: &BTreeMap<String, String>,
        base: Option<&Path>,
    ) -> Result<Task, CliError> {
        let run: RunSpec = std::mem::take(&mut self.process).run(command, caller, base)?;
        self.with_work(name, TaskSpec { run: Some(run), ..TaskSpec::default() })
    }

    /// The task of other work than a command.
    pub(crate) fn with_work(self, name: Option<String>, work: TaskSpec) -> Result<Task, CliError> {
        if self.process != process::ProcessFlags::default() {
            return Err(CliError::usage(
                "a task without a COMMAND runs no process of this machine's: it has neither --env nor --working-dir",
            ));
        }
        let inputs = map(self.inputs, "--input")?;
        let spec = TaskSpec {
            inputs: inputs.into_iter().map(|(name, text)| (name, json(&text))).collect(),
            hooks: self.hooks.hooks()?,
            ..self.turn.fill(self.policy.fill(work))
        };
        let mut task = Task::new("", spec);
        task.metadata = Metadata {
            name,
            labels: map(self.labels, "--label")?,
            annotations: map(self.annotations, "--annotation")?,
            ..Metadata::default()
        };
        Ok(task)
    }
}

/// `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// `NAME: VALUE`, as a request has it.
fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as 'NAME: VALUE'".to_owned()),
    }
}

/// One of the words that the API takes.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| error.to_string())
}

/// JSON where it parses as JSON, else a string.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Pairs, none of them given twice.
fn map(pairs: Vec<(String, String)>, flag: &str) -> Result<BTreeMap<String, String>, CliError> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.insert(key.clone(), value).is_some() {
            return Err(CliError::usage(format!("{flag} {key} is given twice")));
        }
    }
    Ok(map)
}
