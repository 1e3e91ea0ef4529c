//! What flags, variables and defaults come to: plain values, resolved before a command starts.
//! Precedence: flag, variable, context, default. (clap has merged flag and variable already.)

mod origins;

use std::{path::PathBuf, time::Duration};

use ktk_client::{
    api::DEFAULT_NAMESPACE,
    config::{Config, ConfigError, Context, LOCAL},
    limits,
};

pub(crate) use self::origins::Setting;
use crate::{cli::GlobalArgs, error::CliError, suggest};

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
    flags: GlobalArgs,
}

/// The error of files of contexts that cannot be used: code 2.
pub(crate) fn refused(error: ConfigError) -> CliError {
    CliError::usage(format!("Error in configuration: {error}"))
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
                let config = Config::read(has_path(&flags.config)).map_err(refused)?;
                let name = given(&flags.context);
                let chosen = config.choose(name.as_deref());
                chosen.map_err(|error| with_guess(refused(error), name.as_deref(), &config))?.cloned()
            }
            _ => None,
        };
        let of_context = context.as_ref().and_then(|context| context.namespace.clone());
        Ok(Self {
            namespace: given(&flags.namespace).or(of_context).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            context,
            config: has_path(&flags.config),
            certificate_authority: has_path(&flags.certificate_authority),
            typed_namespace: given(&flags.namespace).filter(|_| flags.typed.contains(&"namespace")),
            server,
            data_dir,
            request_timeout,
            watch_timeout,
            flags: flags.clone(),
        })
    }

    /// The global flags as they were typed or as their variables are.
    pub(crate) fn flags(&self) -> &GlobalArgs {
        &self.flags
    }

    /// The server that is meant, in words for a person.
    pub(crate) fn place(&self) -> String {
        match (&self.server, &self.data_dir, &self.context) {
            (Some(server), ..) => format!("server {server}"),
            (None, Some(path), _) => format!("the local server in {}", path.display()),
            (None, None, context) => {
                let name = context.as_ref().map_or(LOCAL, |context| &context.name);
                format!("context {name:?}")
            }
        }
    }

    /// The context's name, where whoever changes many has to name it; and whether that was done, by `--context`.
    pub(crate) fn protected(&self) -> Option<(&str, bool)> {
        let context = self.context.as_ref().filter(|context| context.protected)?;
        Some((&context.name, self.flags.typed.contains(&"context")))
    }
}

/// The error, with the context that was probably meant.
pub(crate) fn with_guess(error: CliError, name: Option<&str>, config: &Config) -> CliError {
    let known = config.contexts();
    let names = || known.iter().map(|context| context.name.as_str()).chain([LOCAL]);
    match name.and_then(|name| suggest::nearest(name, names())) {
        Some(near) => error.with_hint(format!("did you mean {near:?}?")),
        None => error.with_hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
    }
}
