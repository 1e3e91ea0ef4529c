//! `-o jsonpath=`, `jsonpath-file=` and `jsonpath-as-json=`.

use serde_json::Value;

use super::{
    Document, MachineFormat,
    json::indented,
    jsonpath::{self, Missing, Problem},
};
use crate::error::CliError;

/// A template, and how its results are printed.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    template: jsonpath::Template,
    is_json: bool,
    missing: Missing,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        (self.template.typed(), self.is_json, self.missing)
            == (other.template.typed(), other.is_json, other.missing)
    }
}

impl Eq for Template {}

impl Template {
    /// Reads a template.
    pub(super) fn parse(text: &str, is_json: bool, missing: Missing) -> Result<Self, CliError> {
        let template = jsonpath::Template::parse(text).map_err(CliError::usage)?;
        Ok(Self { template, is_json, missing })
    }

    /// What is odd about it: it prints only itself.
    pub(crate) fn oddity(&self) -> Option<String> {
        let typed = self.template.typed();
        (!self.template.has_expression())
            .then(|| format!("the template {typed:?} has no {{expression}}: it is printed as it is"))
    }
}

impl MachineFormat for Template {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let value: Value = document.into_value();
        let failed = |problem: Problem| {
            CliError::failed(format!("error executing jsonpath {:?}: {problem}", self.template.typed()))
        };
        match self.is_json {
            true => indented(&self.template.array(&value, self.missing).map_err(failed)?),
            false => self.template.text(&value, self.missing).map_err(failed),
        }
    }
}
