//! What flags, variables and defaults come to: plain values, resolved before a command starts.
//! Precedence: flag, variable, default. (clap has merged flag and variable already.)

use std::{path::PathBuf, time::Duration};

use ktk_client::{api::DEFAULT_NAMESPACE, limits};

use crate::{cli::GlobalArgs, ui::ColorChoice};

/// Plain values that hold for one command.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The namespace that is meant where none is named.
    pub(crate) namespace: String,
    /// `unix:///path` or `http://…`; the user's local server when absent.
    pub(crate) server: Option<String>,
    /// Where the local server keeps its data; its default place when absent.
    pub(crate) data_dir: Option<PathBuf>,
    /// When to colour.
    pub(crate) color: ColorChoice,
    /// The longest that one call may take; none when absent.
    pub(crate) request_timeout: Option<Duration>,
}

impl Settings {
    /// Resolves the global flags.
    pub(crate) fn from_flags(flags: &GlobalArgs) -> Self {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let request_timeout = match flags.request_timeout {
            None => Some(limits::CALL_TIMEOUT),
            Some(limit) if limit.get().is_zero() => None,
            Some(limit) => Some(limit.get()),
        };
        Self {
            namespace: given(&flags.namespace).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            server: given(&flags.server),
            data_dir: flags.data_dir.clone().filter(|path| !path.as_os_str().is_empty()),
            color: flags.color,
            request_timeout,
        }
    }
}
