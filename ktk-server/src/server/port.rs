//! The port: what it takes to open it, and the certificate that a server makes for itself.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use ktk_client::api::id::hex;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use super::config::{PortConfig, TlsConfig};
use crate::http::NetListener;

/// In the data directory: what a server made for itself.
const DIRECTORY: &str = "tls";

/// Opens the port.
///
/// # Errors
/// Where it could be reached from other machines without TLS, a certificate cannot be used, or the address is taken.
pub async fn open(config: &PortConfig, data_dir: &Path) -> anyhow::Result<NetListener> {
    let tls = match &config.tls {
        None => None,
        Some(TlsConfig::Files { certificate, key }) => Some(acceptor(certificate, key)?),
        Some(TlsConfig::SelfSigned) => {
            let own = own_certificate(&data_dir.join(DIRECTORY), names(config.address, &config.names))?;
            let acceptor = acceptor(&own.certificate, &own.key)?;
            tracing::info!(
                certificate = %own.certificate.display(),
                sha256 = own.fingerprint,
                "this server's own certificate: clients trust it with --certificate-authority and a copy of that file"
            );
            Some(acceptor)
        }
    };
    let listener = NetListener::bind(config.address, config.names.iter().cloned(), tls).await?;
    tracing::info!(address = %listener.address(), tls = listener.has_tls(), "listening");
    Ok(listener)
}

fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("the certificate {} cannot be read", certificate.display()))?;
    if chain.is_empty() {
        bail!("there is no certificate in {}", certificate.display());
    }
    let key_file = key;
    // What it holds is shown in no error.
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|_| anyhow::anyhow!("there is no readable private key in {}", key_file.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("{} and its key do not go together", certificate.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What clients may call this server.
fn names(address: SocketAddr, given: &[String]) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !address.ip().is_unspecified() {
        names.insert(address.ip().to_string());
    }
    let bare = |name: &String| match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => name.clone(),
    };
    names.extend(given.iter().map(bare).map(|name| name.trim_matches(['[', ']']).to_owned()));
    names
}

struct OwnCertificate {
    certificate: PathBuf,
    key: PathBuf,
    fingerprint: String,
}

/// The certificate of an earlier start, where it is for the same names; else a new one.
fn own_certificate(directory: &Path, names: BTreeSet<String>) -> anyhow::Result<OwnCertificate> {
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let named = directory.join("names");
    let list: String = names.iter().map(|name| format!("{name}\n")).collect();
    private_directory(directory)?;
    let is_there = key.exists() && certificate.exists();
    if !is_there || fs::read_to_string(&named).ok().as_deref() != Some(&list) {
        let made = rcgen::generate_simple_self_signed(names.into_iter().collect::<Vec<_>>())
            .context("a certificate for these names cannot be made")?;
        write_private(&key, &made.signing_key.serialize_pem())?;
        write_private(&certificate, &made.cert.pem())?;
        write_private(&named, &list)?;
    }
    let first = CertificateDer::from_pem_file(&certificate)
        .with_context(|| format!("the certificate {} cannot be read", certificate.display()))?;
    let digest = hex(&Sha256::digest(&first));
    let pairs: Vec<&str> = (0..digest.len()).step_by(2).map(|at| &digest[at..at + 2]).collect();
    Ok(OwnCertificate { certificate, key, fingerprint: pairs.join(":") })
}

fn private_directory(path: &Path) -> anyhow::Result<()> {
    let failed = || format!("the directory {} cannot be made", path.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(failed)?;
    let metadata = fs::symlink_metadata(path).with_context(failed)?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_dir() || !is_own || metadata.mode() & 0o077 != 0 {
        bail!("{} must be a directory of this user alone, with mode 0700", path.display());
    }
    Ok(())
}

/// Writes a file of this user alone: a new one takes the place of what was there, so that no link is followed.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).with_context(failed)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
    fs::rename(&fresh, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_certificate_is_kept_until_its_names_change() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("tls");
        let address: SocketAddr = "127.0.0.1:7000".parse().expect("an address");
        let made = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
            own_certificate(&directory, names(address, &given)).expect("a certificate").fingerprint
        };
        let first = made(&[]);
        assert_eq!(first.len(), 95);
        assert_eq!(made(&[]), first);
        assert_ne!(made(&["ktk.example:7000"]), first);
        for file in ["cert.pem", "key.pem", "names"] {
            let mode = fs::metadata(directory.join(file)).expect("it is there").mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn an_error_shows_nothing_of_a_key() {
        let place = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (place.path().join("c.pem"), place.path().join("k.pem"));
        let made = rcgen::generate_simple_self_signed(["x".to_owned()]).expect("a certificate");
        fs::write(&certificate, made.cert.pem()).expect("written");
        fs::write(&key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n").expect("written");
        let error = acceptor(&certificate, &key).err().expect("no key");
        let text = format!("{error:#}{error:?}");
        assert!(text.contains("no readable private key") && !text.contains("c2VjcmV0"), "{text}");
        let other = rcgen::generate_simple_self_signed(["x".to_owned()]).expect("a certificate");
        fs::write(&key, other.signing_key.serialize_pem()).expect("written");
        let error = acceptor(&certificate, &key).err().expect("another's key");
        assert!(error.to_string().contains("do not go together"), "{error:#}");
    }
}
