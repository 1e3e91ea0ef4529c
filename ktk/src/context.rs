//! What every command is given: the terminal, the settings, and a client that connects when it
//! is first asked for.

mod traffic;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ktk_client::client::{Autostart, Client, ClientBuilder, Exchange, ServerAddress};
use tokio::sync::OnceCell;

use crate::{
    env,
    error::{CliError, Exit},
    settings::{Settings, refused},
    ui::Ui,
};

/// What stands for no limit of a call.
const NO_LIMIT: Duration = Duration::from_secs(365 * 86_400);

/// Everything that a command runs with.
pub(crate) struct Context {
    /// Where everything is printed.
    pub(crate) ui: Arc<Ui>,
    /// What flags and variables came to.
    pub(crate) settings: Settings,
    client: OnceCell<Client>,
    command_line: fn() -> clap::Command,
}

impl Context {
    /// A context that has not connected yet.
    pub(crate) fn new(ui: Ui, settings: Settings, command_line: fn() -> clap::Command) -> Self {
        Self { ui: Arc::new(ui), settings, client: OnceCell::new(), command_line }
    }

    /// The definition of the whole command line, for help and pages.
    pub(crate) fn command_line(&self) -> clap::Command {
        (self.command_line)()
    }

    /// The end of a watch, where `--request-timeout` gives it one; never without.
    pub(crate) async fn watch_over(&self) {
        match self.settings.watch_timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    }

    /// The namespace that is meant where none is named.
    pub(crate) fn namespace(&self) -> &str {
        &self.settings.namespace
    }

    /// The client of this command. Its first call connects, and starts the local server where
    /// nothing listens.
    ///
    /// # Errors
    /// Code 2 for a server or variable that cannot be used.
    pub(crate) async fn client(&self) -> Result<&Client, CliError> {
        let connect = || async {
            // An older server gives way, or is told of.
            Ok(self.client_builder()?.own_build(env!("CARGO_PKG_VERSION"), env::build()).build()?)
        };
        self.client.get_or_try_init(connect).await
    }

    /// The same client without starting or replacing a server: for questions about the server
    /// itself.
    ///
    /// # Errors
    /// As [`Context::client`].
    pub(crate) fn client_without_start(&self) -> Result<Client, CliError> {
        Ok(self.client_builder()?.autostart(Autostart::Never).build()?)
    }

    /// A client with this command's settings, to be changed and built.
    ///
    /// # Errors
    /// Code 2 for a server that cannot be used.
    pub(crate) fn client_builder(&self) -> Result<ClientBuilder, CliError> {
        let (on_notice, on_connection) = (Arc::clone(&self.ui), Arc::clone(&self.ui));
        let mut builder = Client::builder()
            .namespace(self.namespace())
            .timeout(self.settings.request_timeout.unwrap_or(NO_LIMIT))
            .on_notice(move |notice| on_notice.message(&notice.to_string()))
            .on_connection(move |state| on_connection.message(&state.to_string()));
        if let Ok(program) = env::current_exe() {
            builder = builder.program(program);
        }
        let level = self.settings.flags().verbose;
        if traffic::is_told(level) {
            let ui = Arc::clone(&self.ui);
            let tell = move |exchange: &Exchange<'_>| {
                traffic::lines(exchange, level).iter().for_each(|line| ui.message(line));
            };
            builder = builder.on_exchange(tell);
        }
        let of_context = self.settings.context.as_ref();
        if let Some(path) = self.certificate_authority() {
            builder = builder.certificate_authority(path);
        }
        // `KTK_TOKEN` goes before a context's own.
        if let Some(context) = of_context.filter(|_| ktk_client::env::token().is_none())
            && let Some(token) = context.secret().map_err(refused)?
        {
            builder = builder.token(token);
        }
        Ok(match self.address()? {
            Some(address) => builder.address(address),
            None => builder,
        })
    }

    /// The file with the certificates that are trusted, where one was named.
    pub(crate) fn certificate_authority(&self) -> Option<PathBuf> {
        let of_context = || self.settings.context.as_ref()?.certificate_authority.clone();
        self.settings.certificate_authority.clone().or_else(of_context)
    }

    /// The local server's data directory; none where the flags name another server.
    ///
    /// # Errors
    /// Where there is neither a setting nor a home directory.
    pub(crate) fn data_dir(&self) -> Result<Option<PathBuf>, CliError> {
        match self.address()? {
            Some(ServerAddress::Unix(_) | ServerAddress::Net(_)) => Ok(None),
            Some(ServerAddress::DataDir(path)) => Ok(Some(path)),
            None => ktk_client::env::data_dir().map(Some).map_err(|why| CliError::new(Exit::Usage, why)),
        }
    }

    /// The directory that processes of new tasks run in: the caller's, where the server is on this machine. Over the
    /// network nobody knows that.
    ///
    /// # Errors
    /// Where the current directory is gone; code 2 for a server that cannot be used.
    pub(crate) fn base(&self) -> Result<Option<PathBuf>, CliError> {
        if matches!(self.address()?, Some(ServerAddress::Net(_))) {
            return Ok(None);
        }
        let gone = |error| CliError::failed(format!("cannot tell the current directory: {error}"));
        env::current_dir().map(Some).map_err(gone)
    }

    /// `--server` wins over `--data-dir`: both come from flags or variables.
    fn address(&self) -> Result<Option<ServerAddress>, CliError> {
        if let Some(server) = &self.settings.server {
            return Ok(Some(server.parse()?));
        }
        let of_context = self.settings.context.as_ref().and_then(|context| context.server.as_ref());
        if let Some(server) = of_context {
            return Ok(Some(server.parse()?));
        }
        let Some(path) = &self.settings.data_dir else { return Ok(None) };
        let path = std::path::absolute(path)
            .map_err(|error| CliError::usage(format!("--data-dir {}: {error}", path.display())))?;
        Ok(Some(ServerAddress::DataDir(path)))
    }
}
