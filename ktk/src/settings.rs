//! What flags, variables and defaults come to: plain values, resolved before a command starts.
//! Precedence: flag, variable, default. (clap has merged flag and variable already.)

use std::{path::PathBuf, time::Duration};

use ktk_client::{
    api::DEFAULT_NAMESPACE,
    config::{Config, Context},
    limits,
};

use crate::{cli::GlobalArgs, error::CliError};

/// Plain values that hold for one command.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The namespace that is meant where none is named.
    pub(crate) namespace: String,
    /// The context that says where the server is, where neither flags nor variables do.
    pub(crate) context: Option<Context>,
    /// The one file of contexts.
    pub(crate) config: Option<PathBuf>,
    /// A file with the certificates that are trusted.
    pub(crate) certificate_authority: Option<PathBuf>,
    /// The namespace, where it was typed with this very command.
    pub(crate) typed_namespace: Option<String>,
    /// `unix:///path` or `http://…`; the user's local server when absent.
    pub(crate) server: Option<String>,
    /// Where the local server keeps its data; its default place when absent.
    pub(crate) data_dir: Option<PathBuf>,
    /// The longest that one call may take; none when absent.
    pub(crate) request_timeout: Option<Duration>,
    /// Longest time for a watch: only what was asked for.
    pub(crate) watch_timeout: Option<Duration>,
}

impl Settings {
    /// Resolves the global flags.
    ///
    /// # Errors
    /// Code 2 for contexts that cannot be read, and for one that is not there.
    pub(crate) fn from_flags(flags: &GlobalArgs, reads_contexts: bool) -> Result<Self, CliError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let watch_timeout = flags.request_timeout.map(|limit| limit.get()).filter(|limit| !limit.is_zero());
        let request_timeout = match flags.request_timeout {
            None => Some(limits::CALL_TIMEOUT),
            Some(limit) if limit.get().is_zero() => None,
            Some(limit) => Some(limit.get()),
        };
        let has_path = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        let (server, data_dir) = (given(&flags.server), has_path(&flags.data_dir));
        let context = match (&server, &data_dir) {
            (None, None) if reads_contexts => {
                let refused = |error| CliError::usage(format!("Error in configuration: {error}"));
                let config = Config::read(has_path(&flags.config)).map_err(refused)?;
                config.choose(given(&flags.context).as_deref()).map_err(refused)?.cloned()
            }
            _ => None,
        };
        let of_context = context.as_ref().and_then(|context| context.namespace.clone());
        Ok(Self {
            namespace: given(&flags.namespace).or(of_context).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            context,
            config: has_path(&flags.config),
            certificate_authority: has_path(&flags.certificate_authority),
            typed_namespace: given(&flags.namespace).filter(|_| flags.namespace_is_typed),
            server,
            data_dir,
            request_timeout,
            watch_timeout,
        })
    }
}
