//! `ktk server run`.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, str::FromStr, time};

use clap::{
    Args, ValueEnum, ValueHint,
    builder::{FalseyValueParser, RangedI64ValueParser},
};
use ktk_client::{
    api::{Duration, names},
    client::local,
};
use ktk_server::server::{AllowedPeers, PortConfig, Retention, TlsConfig};

use super::{
    dump,
    engine::{self, Options},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// How long an auto-started server stays without anything to do, unless told otherwise.
const IDLE_EXIT: time::Duration = time::Duration::from_secs(15 * 60);

/// Run the server in the foreground
///
/// SIGTERM or Ctrl-C stops it: it takes no new work, lets what runs go on for 60 s, and ends. A
/// second one ends it at once. What has not ended goes on with the next start.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The server that commands of this user find
  ktk server run

  # One of its own, that forgets everything when it ends
  ktk server run --data-dir /tmp/try --store memory

  # What has ended goes after a week, what has failed after 90 days; 10000 tasks are kept at most
  ktk server run --retention 7d,10000,failed=90d

  # Requests may also go to a service of this machine, and to a network
  ktk server run --allow-http-to 127.0.0.1:8080,10.20.0.0/16

  # For programs of this machine that cannot use the socket, and for other machines
  ktk server run --listen 127.0.0.1:7777
  ktk server run --listen 0.0.0.0:7777 --listen-names ktk.example --tls-self-signed

  # What would hold here, flags, variables and defaults taken together
  ktk server run --slots 8 --labels zone=eu,disk=fast --dump-config")]
pub(crate) struct RunArgs {
    /// Socket to listen on [default: found from the data directory]
    #[arg(long, value_name = "PATH", env = "KTK_SOCKET", hide_env_values = true, value_hint = ValueHint::FilePath)]
    socket: Option<PathBuf>,

    /// Address to listen on for the network: 127.0.0.1:7777, 0.0.0.0:7777. Who comes there needs a token, and from other
    /// machines TLS
    #[arg(long, value_name = "ADDR:PORT", env = "KTK_LISTEN", hide_env_values = true, value_parser = address)]
    listen: Option<SocketAddr>,

    /// Names of this machine that clients call the server by, besides localhost and the address
    #[arg(
        long,
        value_name = "NAME,...",
        env = "KTK_LISTEN_NAMES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    listen_names: Vec<String>,

    /// Certificate (PEM) of the address, with those that lead to its authority
    #[arg(long, value_name = "FILE", env = "KTK_TLS_CERT", hide_env_values = true, requires = "tls_key",
          value_hint = ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,

    /// Private key (PEM) of the certificate
    #[arg(long, value_name = "FILE", env = "KTK_TLS_KEY", hide_env_values = true, requires = "tls_cert",
          value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Make a certificate, keep it in the data directory, and say how clients trust it
    #[arg(long, env = "KTK_TLS_SELF_SIGNED", hide_env_values = true, value_parser = FalseyValueParser::new(),
          conflicts_with = "tls_cert")]
    tls_self_signed: bool,

    /// Requests of one token in a second over the network, before it is asked to wait [default: 1000]
    #[arg(long, value_name = "NUMBER", env = "KTK_REQUEST_RATE", hide_env_values = true,
          allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    request_rate: Option<u32>,

    /// Where objects are kept
    #[arg(long, value_enum, env = "KTK_STORE", hide_env_values = true, default_value_t = Store::Sqlite)]
    store: Store,

    /// How many attempts run at once [default: the number of cores]
    #[arg(long, value_name = "NUMBER", env = "KTK_SLOTS", hide_env_values = true, allow_negative_numbers = true,
          value_parser = RangedI64ValueParser::<usize>::new().range(0..=i64::from(u32::MAX)))]
    slots: Option<usize>,

    /// Labels of this server's node
    #[arg(long, value_name = "KEY=VALUE,...", env = "KTK_LABELS", hide_env_values = true)]
    labels: Option<NodeLabels>,

    /// How long what has ended is kept: an age, a number of finished tasks, or both, whichever ends first; for one
    /// phase as failed=90d; or none [default: 30d,100000]
    #[arg(long, value_name = "LIMIT,...", env = "KTK_RETENTION", hide_env_values = true)]
    retention: Option<Retention>,

    /// Variables of this server that tasks may ask for with fromEnv
    #[arg(
        long,
        value_name = "NAME,...",
        env = "KTK_SECRET_ENV",
        hide_env_values = true,
        value_delimiter = ','
    )]
    secret_env: Vec<String>,

    /// Where http tasks and hooks may go besides public addresses: 10.0.0.0/8, 127.0.0.1:8080, [::1], db.internal
    #[arg(long, value_name = "PEER,...", env = "KTK_ALLOW_HTTP_TO", hide_env_values = true)]
    allow_http_to: Option<AllowedPeers>,

    /// End after this time without anything to do, 0 for never [default: 0]
    #[arg(long, value_name = "DURATION", env = "KTK_IDLE_EXIT", hide_env_values = true)]
    idle_exit: Option<Duration>,

    /// Print what holds, as YAML with secrets hidden, and run nothing
    #[arg(long, env = "KTK_DUMP_CONFIG", hide_env_values = true, value_parser = FalseyValueParser::new())]
    dump_config: bool,

    /// Started by a command: a session of its own, and an end when there is nothing to do
    #[arg(long, hide = true)]
    auto_started: bool,
}

/// Where objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Store {
    /// In a file in the data directory
    Sqlite,
    /// In memory: gone when the server ends
    Memory,
}

/// `--labels`: pairs, as kubectl's labels are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NodeLabels(BTreeMap<String, String>);

impl FromStr for NodeLabels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut labels = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(format!("{pair:?} is no label: write it as KEY=VALUE"));
            };
            names::label_key(key).map_err(|error| error.to_string())?;
            names::label_value(value).map_err(|error| error.to_string())?;
            if labels.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(format!("label {key} is given twice"));
            }
        }
        Ok(Self(labels))
    }
}

pub(super) fn run(args: RunArgs, cx: &Context) -> Result<Exit, CliError> {
    if args.auto_started {
        local::detach().map_err(|error| CliError::failed(format!("cannot leave the caller: {error}")))?;
    }
    let Some(data_dir) = cx.data_dir()? else {
        return Err(CliError::usage(
            "--server names a server that runs; to run one takes --data-dir and --socket",
        ));
    };
    let is_dump = args.dump_config && !args.auto_started;
    let options = Options {
        data_dir,
        socket: args.socket,
        port: args.listen.map(|address| PortConfig {
            address,
            names: args.listen_names,
            tls: match (args.tls_cert, args.tls_key) {
                (Some(certificate), Some(key)) => Some(TlsConfig::Files { certificate, key }),
                _ => args.tls_self_signed.then_some(TlsConfig::SelfSigned),
            },
            request_rate: args.request_rate,
        }),
        store: args.store,
        slots: args.slots,
        labels: args.labels.unwrap_or_default().0,
        retention: args.retention.unwrap_or_default(),
        secret_env: args.secret_env,
        allow_http_to: args.allow_http_to.unwrap_or_default(),
        idle_exit: idle_exit(args.idle_exit, args.auto_started),
        auto_started: args.auto_started,
    };
    if is_dump {
        return dump::print(&options, cx);
    }
    engine::serve(options, cx)
}

/// `--listen`: a name would leave open which of its addresses is meant.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse()
        .map_err(|_| format!("{text:?} is no address: write 127.0.0.1:7777, [::1]:7777 or 0.0.0.0:7777"))
}

fn idle_exit(given: Option<Duration>, auto_started: bool) -> Option<time::Duration> {
    match given {
        Some(limit) => Some(limit.get()).filter(|limit| !limit.is_zero()),
        None => auto_started.then_some(IDLE_EXIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pairs() {
        let labels =
            |text: &str| text.parse::<NodeLabels>().map(|labels| labels.0.into_iter().collect::<Vec<_>>());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(labels("zone=eu, gpu=,"), Ok(vec![pair("gpu", ""), pair("zone", "eu")]));
        assert_eq!(labels(""), Ok(vec![]));
        for text in ["zone", "=x", "zone=a b", "zone=a,zone=b", "-x=y"] {
            assert!(labels(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_server_that_a_command_started_ends_by_itself() {
        assert_eq!(idle_exit(None, false), None);
        assert_eq!(idle_exit(None, true), Some(IDLE_EXIT));
        assert_eq!(idle_exit(Some(Duration::from_secs(5)), false), Some(time::Duration::from_secs(5)));
        assert_eq!(idle_exit(Some(Duration::default()), true), None);
    }
}
