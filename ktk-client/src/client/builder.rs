//! How a client is set up: from settings that were given, else from the environment.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use super::{
    Client, ConnectionState, Error, Notice, Result, Transport,
    http::Http,
    local::{self, LocalTransport},
    notice::{ConnectionHook, NoticeHook},
    observed::{Exchange, ExchangeHook, Observed},
    remote::{NetAddress, RemoteTransport},
};
use crate::{
    api::{DEFAULT_NAMESPACE, Secret},
    config::{self, Config},
    env, limits,
};

/// Where the server is.
///
/// ```
/// use ktk_client::client::ServerAddress;
/// let address: ServerAddress = "unix:///run/ktk/ktk.sock".parse().unwrap();
/// assert_eq!(address, ServerAddress::Unix("/run/ktk/ktk.sock".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// Listening on this socket: `unix:///run/ktk.sock`. Never started by the client.
    Unix(PathBuf),
    /// The embedded server of this data directory, started where nothing listens.
    DataDir(PathBuf),
    /// In the network, or behind a port of this machine: `https://ktk.example:7777`, `http://127.0.0.1:7777`.
    Net(NetAddress),
}

impl FromStr for ServerAddress {
    type Err = Error;

    /// Reads what `KTK_SERVER` holds: `unix:///path`, `https://…`, or `http://…` on this machine.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix://") {
            if path.starts_with('/') {
                return Ok(Self::Unix(path.into()));
            }
            return Err(Error::Config(format!("{text:?} is no server: write unix:///path/of/the.sock")));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Net(text.parse()?));
        }
        Err(Error::Config(format!(
            "{text:?} is no server: write unix:///path/of/the.sock, https://HOST:PORT or http://127.0.0.1:PORT"
        )))
    }
}

/// Whether the local server is started where nothing listens.
///
/// ```
/// use ktk_client::client::Autostart;
/// assert_eq!("never".parse::<Autostart>().unwrap(), Autostart::Never);
/// ```
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
    context: Option<String>,
    config: Option<PathBuf>,
    certificate_authority: Option<PathBuf>,
    on_notice: Option<NoticeHook>,
    on_connection: Option<ConnectionHook>,
    on_exchange: Option<ExchangeHook>,
}

impl ClientBuilder {
    /// Where the server is; else `KTK_SERVER`, else this user's data directory.
    ///
    /// ```no_run
    /// # use ktk_client::client::{Client, ServerAddress};
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = Client::builder().address("https://ktk.example:7777".parse()?).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn address(mut self, address: ServerAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// The namespace that is meant where none is named; else `KTK_NAMESPACE`, else `default`.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().namespace("media").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Whether the local server is started; else `KTK_AUTOSTART`, else it is.
    ///
    /// ```no_run
    /// use ktk_client::client::{Autostart, Client};
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = Client::builder().autostart(Autostart::Never).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn autostart(mut self, autostart: Autostart) -> Self {
        self.autostart = Some(autostart);
        self
    }

    /// The program that is started as local server where `KTK_BIN` is not set; else `ktk` from
    /// PATH.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().program("/opt/ktk/bin/ktk").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// More arguments of a server that is started: `--store memory`.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().server_args(["--store", "memory"]).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn server_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.server_args = args.into_iter().map(Into::into).collect();
        self
    }

    /// This program's version and build, where it is the server's program too: an older idle
    /// server that was started by itself is replaced, any other older one is noticed.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().own_build("1.4.0", "20261122").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_build(mut self, version: impl Into<String>, build: impl Into<String>) -> Self {
        self.own_build = Some((version.into(), build.into()));
        self
    }

    /// The context of the configuration that says where the server is and how it is spoken to; else `KTK_CONTEXT`, else
    /// the current one, where neither an address nor `KTK_SERVER` or `KTK_DATA_DIR` is given.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().context("production").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.context = Some(name.into());
        self
    }

    /// The one file of contexts; else those of `KTKCONFIG`, else `$XDG_CONFIG_HOME/ktk/config.yaml`.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().config("/etc/ktk/config.yaml").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn config(mut self, path: impl Into<PathBuf>) -> Self {
        self.config = Some(path.into());
        self
    }

    /// A file with the certificates (PEM) that are trusted for https: an authority's, or the server's own. Else
    /// `KTK_CERTIFICATE_AUTHORITY`, else the context's, else this machine's authorities.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().certificate_authority("/etc/ktk/ca.pem").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn certificate_authority(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate_authority = Some(path.into());
        self
    }

    /// A token to speak with; else `KTK_TOKEN`, which goes to the server of `KTK_SERVER` only, where that is set.
    ///
    /// ```no_run
    /// use ktk_client::{Client, api::Secret};
    /// # fn example(file: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let token = Secret::new(std::fs::read_to_string(file)?.trim());
    /// let client = Client::builder().address("https://ktk.example:7777".parse()?).token(token).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// How long each call may take; 60 s when not set.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().timeout(std::time::Duration::from_secs(5)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Called with what the user should know: that a server was started, that it is older.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().on_notice(|notice| eprintln!("{notice}")).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_notice(mut self, hook: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(hook));
        self
    }

    /// Called once for each change of state of whatever follows the server.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder().on_connection(|state| eprintln!("{state}")).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_connection(mut self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        self.on_connection = Some(Arc::new(hook));
        self
    }

    /// Called with each request and what came of it, as it went over the wire; not with one that was given up before
    /// there was an answer.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let client = ktk_client::Client::builder()
    ///     .on_exchange(|exchange| eprintln!("{} in {:?}", exchange.path, exchange.took))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_exchange(mut self, hook: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.on_exchange = Some(Arc::new(hook));
        self
    }

    /// The client. Nothing is connected yet: the first call does that.
    ///
    /// ```no_run
    /// use ktk_client::Error;
    /// match ktk_client::Client::builder().build() {
    ///     Ok(client) => println!("{}", client.address()),
    ///     Err(Error::Config(why)) => eprintln!("{why}"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] where a setting or its variable cannot be used.
    pub fn build(self) -> Result<Client> {
        let settings = env::settings();
        let chosen = self.chosen_context(&settings)?;
        let own_token = env::token().map(Secret::new);
        let token = match (self.token, &settings.server, &self.address) {
            (Some(token), ..) => Some(token),
            (None, Some(server), Some(address)) => {
                own_token.filter(|_| server.parse().ok().as_ref() == Some(address))
            }
            (None, ..) if own_token.is_some() => own_token,
            (None, ..) => match &chosen {
                Some(context) => context.secret().map_err(|error| Error::Config(error.to_string()))?,
                None => None,
            },
        };
        let of_context = chosen.as_ref().and_then(|context| context.server.clone());
        let is_chosen = self.context.is_some();
        let address = match (self.address, of_context, settings.server) {
            (Some(address), ..) => address,
            (None, Some(server), _) if is_chosen => server.parse()?,
            (None, _, Some(server)) if !is_chosen => server.parse()?,
            (None, Some(server), _) => server.parse()?,
            (None, None, _) => ServerAddress::DataDir(env::data_dir().map_err(Error::Config)?),
        };
        let namespace = self.namespace.or(settings.namespace);
        let namespace = namespace.or_else(|| chosen.as_ref()?.namespace.clone());
        let (socket, data_dir) = match address {
            ServerAddress::Unix(path) => (path, None),
            ServerAddress::DataDir(path) => (local::socket_path(&path), Some(path)),
            ServerAddress::Net(address) => {
                let authority = self.certificate_authority.or(settings.certificate_authority);
                let authority = authority.or_else(|| chosen?.certificate_authority);
                return Ok(Client::assemble(
                    observed(Arc::new(RemoteTransport::new(address, authority, token)), self.on_exchange),
                    namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE),
                    self.timeout.unwrap_or(limits::CALL_TIMEOUT),
                    self.on_connection,
                ));
            }
        };
        let autostart = match (self.autostart, settings.autostart) {
            (Some(autostart), _) => autostart,
            (None, Some(text)) => text.parse()?,
            (None, None) => Autostart::Auto,
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
        Ok(Client::assemble(
            observed(Arc::new(transport), self.on_exchange),
            namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE),
            self.timeout.unwrap_or(limits::CALL_TIMEOUT),
            self.on_connection,
        ))
    }

    /// The context that says where the server is: the one that was asked for, else that of the environment where
    /// nothing else names a server.
    fn chosen_context(&self, settings: &env::Settings) -> Result<Option<config::Context>> {
        let is_elsewhere = self.address.is_some()
            || self.context.is_none() && (settings.server.is_some() || settings.has_data_dir);
        if is_elsewhere {
            return Ok(None);
        }
        let refused = |error: config::ConfigError| Error::Config(error.to_string());
        let config = Config::read(self.config.clone()).map_err(refused)?;
        let name = self.context.as_deref().or(settings.context.as_deref());
        Ok(config.choose(name).map_err(refused)?.cloned())
    }
}

fn observed(inner: Arc<dyn Transport>, on_exchange: Option<ExchangeHook>) -> Arc<dyn Transport> {
    match on_exchange {
        Some(on_exchange) => Arc::new(Observed { inner, on_exchange }),
        None => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sockets_and_urls() {
        assert_eq!(
            "unix:///run/k.sock".parse::<ServerAddress>().expect("an address"),
            ServerAddress::Unix("/run/k.sock".into())
        );
        assert!(matches!("https://ktk.example".parse(), Ok(ServerAddress::Net(_))));
        for (text, says) in [
            ("http://ktk.example:7777", "over https only"),
            ("ftp://ktk.example", "unix:///path"),
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
