//! Connections to a server in the network. Certificates are read when the first connection with TLS is made.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
};
use tokio_rustls::TlsConnector;
use url::Host;

use super::address::NetAddress;
use crate::{
    client::{Error, Result, clock},
    limits,
};

/// What a connection is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How a server is reached.
pub(super) struct Dialer {
    pub(super) address: NetAddress,
    /// Whose certificates are trusted: this file's, else this machine's authorities.
    authority: Option<PathBuf>,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Dialer {
    pub(super) fn new(address: NetAddress, authority: Option<PathBuf>) -> Self {
        Self { address, authority, tls: OnceCell::new() }
    }

    /// A connection. Nothing has been sent over it.
    pub(super) async fn dial(&self) -> Result<Box<dyn Stream>> {
        let dialled = clock::within(Some(limits::CONNECT_TIMEOUT), self.connect()).await;
        dialled.unwrap_or_else(|| Err(self.unreachable(io::Error::from(io::ErrorKind::TimedOut))))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>> {
        let port = self.address.port();
        let stream = match self.address.host() {
            Host::Domain(name) => TcpStream::connect((name.as_str(), port)).await,
            Host::Ipv4(address) => TcpStream::connect((IpAddr::V4(*address), port)).await,
            Host::Ipv6(address) => TcpStream::connect((IpAddr::V6(*address), port)).await,
        };
        let stream = stream.map_err(|error| self.unreachable(error))?;
        stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
        if !self.address.is_tls() {
            return Ok(Box::new(stream));
        }
        let config = self.tls.get_or_try_init(|| async { configure(self.authority.as_deref()) }).await?;
        let name = match self.address.host() {
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|_| Error::Config(format!("{name} is no name that a certificate can have")))?,
            Host::Ipv4(address) => ServerName::IpAddress((*address).into()),
            Host::Ipv6(address) => ServerName::IpAddress((*address).into()),
        };
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| self.unreachable(error))?))
    }

    fn unreachable(&self, source: io::Error) -> Error {
        Error::Unreachable { address: self.address.to_string(), source: source.into() }
    }
}

fn configure(authority: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            let broken =
                |why: String| Error::Config(format!("the certificates in {}: {why}", path.display()));
            let found: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|error| broken(error.to_string()))?;
            if found.is_empty() {
                return Err(broken("there is none".to_owned()));
            }
            for certificate in found {
                roots.add(certificate).map_err(|error| broken(error.to_string()))?;
            }
        }
        None => {
            let loaded = rustls_native_certs::load_native_certs();
            let (count, _) = roots.add_parsable_certificates(loaded.certs);
            if count == 0 {
                let words = "this machine has no certificate authorities: name the server's with \
                             --certificate-authority, or KTK_CERTIFICATE_AUTHORITY";
                return Err(Error::Config(words.to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS cannot be set up: {error}")))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
