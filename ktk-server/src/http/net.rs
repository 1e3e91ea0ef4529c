//! The network's listener: an address, the names that requests may call it by, and TLS.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An open port. Whoever comes through it needs a token.
pub struct NetListener {
    listener: TcpListener,
    address: SocketAddr,
    names: Arc<BTreeSet<String>>,
    tls: Option<TlsAcceptor>,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error(
        "{0} can be reached from other machines, and that takes TLS: give --tls-cert and --tls-key, or \
         --tls-self-signed, or listen on 127.0.0.1"
    )]
    NeedsTls(SocketAddr),
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: io::Error },
}

impl NetListener {
    /// Opens a port. `names` are those of the machine that requests may be for, with or without a port, besides
    /// `localhost` and the very address that they came to.
    ///
    /// # Errors
    /// Where it could be reached from other machines without TLS, or the address cannot be had.
    pub async fn bind(
        address: SocketAddr,
        names: impl IntoIterator<Item = String>,
        tls: Option<TlsAcceptor>,
    ) -> Result<Self, NetError> {
        if tls.is_none() && !address.ip().is_loopback() {
            return Err(NetError::NeedsTls(address));
        }
        let failed = |source| NetError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut known: BTreeSet<String> = BTreeSet::new();
        for name in ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into_iter().chain(names) {
            let name = name.to_ascii_lowercase();
            let has_port = name.rsplit_once(':').is_some_and(|(host, port)| {
                (!host.contains(':') || host.ends_with(']')) && port.bytes().all(|byte| byte.is_ascii_digit())
            });
            if has_port {
                known.insert(name);
                continue;
            }
            if address.port() == default_port(tls.is_some()) {
                known.insert(name.clone());
            }
            known.insert(format!("{name}:{}", address.port()));
        }
        Ok(Self { listener, address, names: Arc::new(known), tls })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether what goes through it is encrypted.
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, Origin)> {
        let (stream, peer) = self.listener.accept().await?;
        // Small answers go at once.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let origin = Origin {
            peer: peer.ip().to_canonical(),
            local,
            names: Arc::clone(&self.names),
            tls: self.tls.is_some(),
        };
        Ok((stream, origin))
    }

    pub(super) fn tls(&self) -> Option<&TlsAcceptor> {
        self.tls.as_ref()
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Where a connection came from, and by what names it may call this server.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) peer: IpAddr,
    local: SocketAddr,
    names: Arc<BTreeSet<String>>,
    tls: bool,
}

impl Origin {
    /// Whether `Host` is exactly one of this server's names, or the address that the connection came to.
    pub(super) fn is_own_name(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.names.contains(&host) {
            return true;
        }
        let local = SocketAddr::new(self.local.ip().to_canonical(), self.local.port()).to_string();
        let bare = local.rsplit_once(':').map_or("", |(bare, _)| bare);
        host == local || self.local.port() == default_port(self.tls) && host == bare
    }

    /// Whether a page comes from this server itself.
    pub(super) fn is_own_page(&self, origin: &str, host: &str) -> bool {
        let scheme = if self.tls { "https" } else { "http" };
        origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
    }
}
