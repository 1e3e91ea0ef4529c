//! `ktk server run --dump-config`: what flags, variables and defaults come to. A setting that is a
//! secret is shown as `***`; there is none yet.

use std::{collections::BTreeMap, num::NonZero, path::PathBuf, thread};

use clap::ValueEnum as _;
use ktk_client::{api::Duration, client::local};
use ktk_server::server::TlsConfig;
use serde::Serialize;

use super::engine::Options;
use crate::{
    commands::made,
    context::Context,
    error::{CliError, Exit},
    output::{Document, OutputFormat},
};

/// Named as the flags are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dump<'a> {
    data_dir: &'a PathBuf,
    socket: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listen_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
    store: String,
    slots: usize,
    labels: &'a BTreeMap<String, String>,
    retention: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    secret_env: &'a [String],
    allow_http_to: Vec<&'a str>,
    idle_exit: Duration,
}

/// Prints what holds.
pub(super) fn print(options: &Options, cx: &Context) -> Result<Exit, CliError> {
    let dump = Dump {
        data_dir: &options.data_dir,
        socket: options.socket.clone().unwrap_or_else(|| local::socket_path(&options.data_dir)),
        listen: options.port.as_ref().map(|port| port.address.to_string()),
        listen_names: options.port.as_ref().map(|port| port.names.clone()).unwrap_or_default(),
        tls: options.port.as_ref().and_then(|port| port.tls.as_ref()).map(|tls| match tls {
            TlsConfig::Files { certificate, .. } => certificate.display().to_string(),
            TlsConfig::SelfSigned => "self-signed".to_owned(),
        }),
        store: options.store.to_possible_value().map(|word| word.get_name().to_owned()).unwrap_or_default(),
        slots: options.slots.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get)),
        labels: &options.labels,
        retention: options.retention.to_string(),
        secret_env: &options.secret_env,
        allow_http_to: options.allow_http_to.entries().collect(),
        idle_exit: options.idle_exit.map(Duration::new).unwrap_or_default(),
    };
    if let Some(yaml) = OutputFormat::Yaml.machine() {
        cx.ui.print_document(&yaml.write(Document::One(made::value(&dump)?))?)?;
    }
    Ok(Exit::Done)
}
