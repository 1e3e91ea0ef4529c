//! How a client is set up: from settings that were given, else from the environment.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use super::{
    Client, ConnectionState, Error, Notice, Result, Transport,
    http::Http,
    local::{self, LocalTransport},
    notice::{ConnectionHook, NoticeHook},
};
use crate::{
    api::{DEFAULT_NAMESPACE, Secret},
    env, limits,
};

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// Listening on this socket: `unix:///run/ktk.sock`. Never started by the client.
    Unix(PathBuf),
    /// The embedded server of this data directory, started where nothing listens.
    DataDir(PathBuf),
}

impl FromStr for ServerAddress {
    type Err = Error;

    /// Reads what `KTK_SERVER` holds: `unix:///path`.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix://") {
            if path.starts_with('/') {
                return Ok(Self::Unix(path.into()));
            }
            return Err(Error::Config(format!("{text:?} is no server: write unix:///path/of/the.sock")));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(Error::Config(format!(
                "{text:?}: this version reaches servers over a unix socket only: write unix:///path"
            )));
        }
        Err(Error::Config(format!("{text:?} is no server: write unix:///path/of/the.sock")))
    }
}

/// Whether the local server is started where nothing listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autostart {
    /// It is.
    #[default]
    Auto,
    /// It is not: reaching nobody is an error.
    Never,
}

impl FromStr for Autostart {
    type Err = Error;

    /// Reads what `KTK_AUTOSTART` holds: `auto` or `never`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" | "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            _ => Err(Error::Config(format!("KTK_AUTOSTART is {text:?}: write auto or never"))),
        }
    }
}

/// Settings of a client. What is not set comes from the environment.
///
/// ```no_run
/// use ktk_client::client::{Autostart, Client, ServerAddress};
///
/// # fn example() -> Result<(), ktk_client::Error> {
/// let client = Client::builder()
///     .address(ServerAddress::Unix("/run/ktk/ktk.sock".into()))
///     .autostart(Autostart::Never)
///     .namespace("media")
///     .on_notice(|notice| eprintln!("{notice}"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    address: Option<ServerAddress>,
    namespace: Option<String>,
    autostart: Option<Autostart>,
    program: Option<PathBuf>,
    server_args: Vec<String>,
    own_build: Option<(String, String)>,
    timeout: Option<Duration>,
    token: Option<Secret>,
    on_notice: Option<NoticeHook>,
    on_connection: Option<ConnectionHook>,
}

impl ClientBuilder {
    /// Where the server is; else `KTK_SERVER`, else this user's data directory.
    pub fn address(mut self, address: ServerAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// The namespace that is meant where none is named; else `KTK_NAMESPACE`, else `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Whether the local server is started; else `KTK_AUTOSTART`, else it is.
    pub fn autostart(mut self, autostart: Autostart) -> Self {
        self.autostart = Some(autostart);
        self
    }

    /// The program that is started as local server where `KTK_BIN` is not set; else `ktk` from
    /// PATH.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// More arguments of a server that is started: `--store memory`.
    pub fn server_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.server_args = args.into_iter().map(Into::into).collect();
        self
    }

    /// This program's version and build, where it is the server's program too: an older idle
    /// server that was started by itself is replaced, any other older one is noticed.
    pub fn own_build(mut self, version: impl Into<String>, build: impl Into<String>) -> Self {
        self.own_build = Some((version.into(), build.into()));
        self
    }

    /// A token to speak with; else `KTK_TOKEN`, which goes to the server of `KTK_SERVER` only, where that is set.
    pub fn token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// How long each call may take; 60 s when not set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Called with what the user should know: that a server was started, that it is older.
    pub fn on_notice(mut self, hook: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(hook));
        self
    }

    /// Called once for each change of state of whatever follows the server.
    pub fn on_connection(mut self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        self.on_connection = Some(Arc::new(hook));
        self
    }

    /// The client. Nothing is connected yet: the first call does that.
    ///
    /// # Errors
    /// [`Error::Config`] where a setting or its variable cannot be used.
    pub fn build(self) -> Result<Client> {
        let settings = env::settings();
        let token = match (self.token, env::token().map(Secret::new), &settings.server, &self.address) {
            (Some(token), ..) => Some(token),
            (None, own, Some(server), Some(address)) => {
                own.filter(|_| server.parse().ok().as_ref() == Some(address))
            }
            (None, own, ..) => own,
        };
        let address = match (self.address, settings.server) {
            (Some(address), _) => address,
            (None, Some(server)) => server.parse()?,
            (None, None) => ServerAddress::DataDir(env::data_dir().map_err(Error::Config)?),
        };
        let autostart = match (self.autostart, settings.autostart) {
            (Some(autostart), _) => autostart,
            (None, Some(text)) => text.parse()?,
            (None, None) => Autostart::Auto,
        };
        let (socket, data_dir) = match address {
            ServerAddress::Unix(path) => (path, None),
            ServerAddress::DataDir(path) => (local::socket_path(&path), Some(path)),
        };
        let transport = LocalTransport::new(
            Http::unix(&socket)?.with_token(token),
            local::Policy {
                socket,
                data_dir,
                autostart,
                program: settings.program.or(self.program),
                server_args: self.server_args,
                own_build: self.own_build,
                on_notice: self.on_notice,
            },
        );
        let namespace = self.namespace.or(settings.namespace);
        Ok(Client::assemble(
            Arc::new(transport) as Arc<dyn Transport>,
            namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE),
            self.timeout.unwrap_or(limits::CALL_TIMEOUT),
            self.on_connection,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unix_sockets() {
        assert_eq!(
            "unix:///run/k.sock".parse::<ServerAddress>().expect("an address"),
            ServerAddress::Unix("/run/k.sock".into())
        );
        for (text, says) in [
            ("http://127.0.0.1:7777", "unix socket only"),
            ("https://ktk.example", "unix socket only"),
            ("unix://relative", "unix:///path"),
            ("/run/k.sock", "unix:///path"),
        ] {
            let error = text.parse::<ServerAddress>().expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn autostart_is_auto_or_never() {
        assert_eq!("never".parse::<Autostart>().expect("a word"), Autostart::Never);
        assert!("no".parse::<Autostart>().is_err());
    }
}
