//! Flags of work that is no command: a request, a task type, or what somebody else does.

use clap::Args;
use ktk_client::api::{
    http::{Expect, HttpSpec},
    task::TaskSpec,
};
use serde_json::Value;

use super::{header, map};
use crate::error::CliError;

/// The flags of other work than a process.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct WorkFlags {
    /// Nothing runs: somebody else does the work and says how it ended
    #[arg(long, group = "work", conflicts_with = "command")]
    external: bool,

    /// Task type, or handler of an SDK worker, that does it
    #[arg(long = "type", value_name = "NAME[@VERSION]", group = "work", conflicts_with = "command")]
    type_name: Option<String>,

    /// Request that is sent instead of running a command
    #[arg(long, value_name = "URL", group = "work", conflicts_with = "command")]
    http: Option<String>,

    /// Method of the request [default: GET]
    #[arg(long, value_name = "METHOD", requires = "http")]
    http_method: Option<String>,

    /// Header field of the request; repeatable
    #[arg(long = "http-header", value_name = "NAME: VALUE", value_parser = header, requires = "http")]
    http_headers: Vec<(String, String)>,

    /// Body of the request: JSON where it parses as JSON, else a text
    #[arg(long, value_name = "BODY", requires = "http")]
    http_body: Option<String>,

    /// Status that is a success, as 200 or 2xx; repeatable [default: 2xx]
    #[arg(long, value_name = "STATUS", value_delimiter = ',', requires = "http")]
    http_expect: Vec<String>,

    /// How many redirects are followed [default: 0]
    #[arg(long, value_name = "N", requires = "http", allow_negative_numbers = true)]
    http_redirects: Option<u8>,
}

impl WorkFlags {
    /// The work, where it is no command.
    pub(crate) fn spec(self) -> Result<Option<TaskSpec>, CliError> {
        if self.external {
            return Ok(Some(TaskSpec::external()));
        }
        if let Some(name) = self.type_name {
            return Ok(Some(TaskSpec::handler(name)));
        }
        let Some(url) = self.http else { return Ok(None) };
        let plain = HttpSpec::default();
        let http = HttpSpec {
            method: self.http_method.unwrap_or(plain.method),
            url,
            headers: map(self.http_headers, "--http-header")?,
            body: self.http_body.map(|text| super::json(&text)),
            expect: expect(self.http_expect)?,
            redirects: self.http_redirects.unwrap_or_default(),
        };
        Ok(Some(TaskSpec { http: Some(http), ..TaskSpec::default() }))
    }
}

fn expect(statuses: Vec<String>) -> Result<Expect, CliError> {
    if statuses.is_empty() {
        return Ok(Expect::default());
    }
    let list = Value::Array(statuses.into_iter().map(Value::String).collect());
    serde_json::from_value(list).map_err(|error| CliError::usage(format!("--http-expect: {error}")))
}
