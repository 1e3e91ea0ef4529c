//! `--jq`: what a jq filter yields of the objects, by the engine that preprocessors use.

use ktk_server::jq::{self, Fault};
use serde_json::Value;

use crate::{error::CliError, output::OutputFormat, ui::escape_json};

/// A filter that was compiled.
pub(crate) struct Filter(jq::Filter);

impl Filter {
    /// Compiles a filter.
    fn new(text: &str) -> Result<Self, CliError> {
        jq::Filter::new(text)
            .map(Self)
            .map_err(|problem| CliError::usage(format!("--jq {text:?}: {problem}")))
    }

    /// The filter of `--jq`, where one was typed; it takes what JSON shows.
    pub(crate) fn of(text: Option<&str>, format: OutputFormat) -> Result<Option<Self>, CliError> {
        if text.is_some() && !matches!(format, OutputFormat::Human | OutputFormat::Json) {
            return Err(CliError::usage("--jq goes with -o json alone"));
        }
        text.map(Self::new).transpose()
    }

    /// What it yields, a line each: texts raw, all else as JSON.
    pub(crate) fn write(&self, value: &Value) -> Result<String, CliError> {
        let yielded = self.0.apply(value).map_err(|fault| match fault {
            Fault::TooSlow => CliError::failed("--jq: the filter took longer than a minute"),
            fault => CliError::failed(format!("--jq: {fault}")),
        })?;
        let mut text = String::new();
        for value in yielded {
            match value {
                Value::String(raw) => text.push_str(&raw),
                value => text.push_str(&escape_json(&value.to_string())),
            }
            text.push('\n');
        }
        Ok(text)
    }
}
