//! How a server is to run: plain values, resolved by whoever starts it.

use std::{collections::BTreeMap, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use ktk_client::api::Secret;

pub use crate::exec::http::AllowedPeers;
pub use crate::model::retention::Retention;

/// Where objects are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// In a file in the data directory.
    #[default]
    Sqlite,
    /// In memory: gone when the server ends.
    Memory,
}

/// Where a server listens for the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// The address; one that other machines can reach takes TLS.
    pub address: SocketAddr,
    /// Names of the machine that clients call it by, with or without a port, besides `localhost` and the address.
    pub names: Vec<String>,
    /// What it is encrypted with.
    pub tls: Option<TlsConfig>,
    /// Requests of one token in a second; a default when absent.
    pub request_rate: Option<u32>,
}

/// What a port is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsConfig {
    /// A certificate, with those that lead to its authority, and its key, as PEM.
    Files {
        /// The certificate.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A certificate that the server makes for itself and keeps.
    SelfSigned,
}

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Where it listens; found from the data directory when absent.
    pub socket: Option<PathBuf>,
    /// Where it listens for the network; nowhere when absent.
    pub port: Option<PortConfig>,
    /// How many attempts it runs at once; the cores when absent.
    pub slots: Option<usize>,
    /// Labels of its node.
    pub labels: BTreeMap<String, String>,
    /// Where its requests may go besides public addresses.
    pub allow_http_to: AllowedPeers,
    /// Where it keeps objects.
    pub store: StoreKind,
    /// How long what has ended is kept.
    pub retention: Retention,
    /// After what time without anything to do it ends.
    pub idle_exit: Option<Duration>,
    /// Whether a command started it by itself.
    pub auto_started: bool,
    /// Whether it says on standard output that it answers.
    pub ready_stdout: bool,
    /// Its version.
    pub version: String,
    /// Its build: what tells two binaries of one version apart.
    pub build: String,
    /// The program and arguments that are a launcher.
    pub launcher: (PathBuf, Vec<OsString>),
    /// The program and arguments that are a worker for jq.
    pub jq: (PathBuf, Vec<OsString>),
    /// The server's variables that tasks may ask for with `fromEnv`; without a value those that are not set.
    pub secrets: BTreeMap<String, Option<Secret>>,
    /// The server's own variables that tasks without a caller's environment start from.
    pub environment: BTreeMap<String, String>,
}
