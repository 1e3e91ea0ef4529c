//! `ktk login`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use ktk_client::{
    api::Secret,
    client::ServerAddress,
    config::{Config, Context as Entry},
};

use super::interrupts::Interrupts;
use crate::{
    context::Context,
    error::{CliError, Exit},
    settings::refused,
    ui::{escape, first_line},
};

/// Take a token for a server, try it, and keep it as a context
///
/// The token is read from standard input, or asked for without being shown. It is kept in the file of contexts, which is
/// its user's alone (0600). The context becomes the current one.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Asked for
  ktk login prod --server https://ktk.example:7777

  # A server that made its certificate itself, with a copy of that; the token from a file
  ktk login lab --server https://10.0.0.5:7777 --certificate-authority lab.pem < token")]
pub(crate) struct LoginArgs {
    /// What the context is called [default: the server's host]
    #[arg(value_name = "CONTEXT", value_hint = ValueHint::Other)]
    name: Option<String>,
}

pub(crate) async fn run(args: LoginArgs, cx: &Context) -> Result<Exit, CliError> {
    let settings = &cx.settings;
    let mut config = Config::read(settings.config.clone()).map_err(refused)?;
    let known = config.contexts().into_iter().find(|known| Some(&known.name) == args.name.as_ref()).cloned();
    let server = settings.server.clone().or_else(|| known.as_ref()?.server.clone());
    let is_protected = known.as_ref().is_some_and(|known| known.protected);
    let Some(server) = server else {
        let error = CliError::usage("must specify --server");
        return Err(error.with_hint("the local server takes no token: its socket is yours alone"));
    };
    let address: ServerAddress = server.parse()?;
    let name = match (args.name, &address) {
        (Some(name), _) => name,
        (None, ServerAddress::Net(net)) => net.host_name(),
        (None, _) => return Err(CliError::usage("name the context: ktk login NAME")),
    };
    let authority = settings.certificate_authority.clone();
    let authority = authority.or_else(|| known.as_ref()?.certificate_authority.clone());
    let authority = authority.map(|path| absolute(&path)).transpose()?;
    let token = read_token(&server, cx).await?;
    if token.expose().is_empty() {
        return Err(CliError::usage("there is no token on standard input"));
    }
    let mut builder = cx.client_builder()?.address(address.clone()).token(token.clone());
    if let Some(path) = &authority {
        builder = builder.certificate_authority(path);
    }
    let whois = builder.build()?.auth().whoami().await?;
    let namespace =
        settings.typed_namespace.clone().or_else(|| known.and_then(|known| known.namespace)).or_else(
            // Whoever is for one namespace alone means that one.
            || whois.namespaces.first().filter(|_| whois.namespaces.len() == 1).cloned(),
        );
    let server = match address {
        ServerAddress::Net(net) => net.to_string(),
        _ => server,
    };
    let entry = Entry {
        name: name.clone(),
        server: Some(server),
        namespace,
        certificate_authority: authority,
        token: Some(token),
        token_file: None,
        protected: is_protected,
    };
    let path = config.put(entry).map_err(CliError::failed)?;
    let until = whois.expires_at.map(|end| format!(", until {end}")).unwrap_or_default();
    let line = format!(
        "Logged in as {} ({}{until}); context {name:?} in {}",
        whois.name,
        whois.role,
        path.display()
    );
    cx.ui.println(&escape(&line))?;
    Ok(Exit::Done)
}

/// Reads the token, and leaves the terminal as it was, also when somebody gives up.
async fn read_token(server: &str, cx: &Context) -> Result<Secret, CliError> {
    let hidden = cx.ui.ask_hidden(&format!("Token for {server}: "))?;
    if hidden.is_none() {
        return Ok(Secret::new(first_line()?));
    }
    let mut interrupts = Interrupts::listen()?;
    tokio::select! {
        line = tokio::task::spawn_blocking(first_line) => {
            let line = line.map_err(|error| CliError::failed(format!("cannot read the token: {error}")))?;
            Ok(Secret::new(line?))
        }
        _ = interrupts.next() => Err(CliError::silent(Exit::Interrupted)),
    }
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path)
        .map_err(|error| CliError::usage(format!("--certificate-authority {}: {error}", path.display())))
}
