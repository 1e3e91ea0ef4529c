//! TLS with the certificate authorities of this machine, which are read for the first request that needs them.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{net::TcpStream, sync::OnceCell, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Host;

use super::error::HttpError;
use crate::limits;

/// What https takes.
#[derive(Debug, Default)]
pub(super) struct Tls {
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    pub(super) async fn handshake(
        &self,
        host: &Host<&str>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, HttpError> {
        let config = self.config.get_or_try_init(configure).await?;
        let name = match host {
            Host::Domain(name) => ServerName::try_from((*name).to_owned())
                .map_err(|_| HttpError::Refused(format!("{name} is no name that a certificate can have")))?,
            Host::Ipv4(address) => ServerName::IpAddress((*address).into()),
            Host::Ipv6(address) => ServerName::IpAddress((*address).into()),
        };
        let connector = TlsConnector::from(Arc::clone(config));
        match timeout(limits::HTTP_CONNECT_TIMEOUT, connector.connect(name, stream)).await {
            Ok(result) => {
                result.map_err(|error| HttpError::unanswered(format_args!("no TLS with {host}"), &error))
            }
            Err(_) => Err(HttpError::Unanswered(format!(
                "no TLS with {host} within {} s",
                limits::HTTP_CONNECT_TIMEOUT.as_secs()
            ))),
        }
    }
}

async fn configure() -> Result<Arc<ClientConfig>, HttpError> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let loaded = loaded.map_err(|error| HttpError::unanswered("certificates cannot be read", &error))?;
    let mut roots = RootCertStore::empty();
    let (count, _) = roots.add_parsable_certificates(loaded.certs);
    if count == 0 {
        let why = loaded.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(HttpError::Unanswered(format!(
            "this machine has no certificate authorities, which https takes{why}"
        )));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::unanswered("TLS cannot be set up", &error))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
