//! Connects to the host of a URL. Its name is looked up once, each address is judged, and the one that was judged is
//! the one that is connected to: what the name leads to a moment later does not matter.

use std::net::{IpAddr, SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

use super::{address::AllowedPeers, error::HttpError, tls::Tls};
use crate::limits;

/// A connection, whatever it is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to where a URL leads.
pub(super) async fn connect(
    url: &Url,
    allowed: &AllowedPeers,
    tls: &Tls,
) -> Result<Box<dyn Stream>, HttpError> {
    let host = url.host().ok_or_else(|| HttpError::Refused("the URL has no host".to_owned()))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = tcp(&host, port, allowed).await?;
    match url.scheme() {
        "https" => Ok(Box::new(tls.handshake(&host, stream).await?)),
        _ => Ok(Box::new(stream)),
    }
}

async fn tcp(host: &Host<&str>, port: u16, allowed: &AllowedPeers) -> Result<TcpStream, HttpError> {
    let addresses = permitted(host, port, lookup(host, port).await?, allowed)?;
    let mut last = None;
    for address in addresses {
        match timeout(limits::HTTP_CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small requests go at once; a stream without the option works as well.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => {
                let what = format!("{host}:{port} cannot be reached at {}", address.ip());
                last = Some(HttpError::unanswered(what, &error));
            }
            Err(_) => {
                let seconds = limits::HTTP_CONNECT_TIMEOUT.as_secs();
                let words = format!("{host}:{port} did not answer at {} within {seconds} s", address.ip());
                last = Some(HttpError::Unanswered(words));
            }
        }
    }
    Err(last.unwrap_or_else(|| HttpError::Unanswered(format!("{host} has no address"))))
}

async fn lookup(host: &Host<&str>, port: u16) -> Result<Vec<IpAddr>, HttpError> {
    match host {
        Host::Ipv4(address) => Ok(vec![IpAddr::V4(*address)]),
        Host::Ipv6(address) => Ok(vec![IpAddr::V6(*address)]),
        Host::Domain(name) => {
            let found = lookup_host((*name, port)).await;
            let found = found.map_err(|error| {
                HttpError::unanswered(format_args!("the name {name} cannot be looked up"), &error)
            })?;
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|found| found.ip()) {
                if !addresses.contains(&address) && addresses.len() < limits::HTTP_ADDRESSES {
                    addresses.push(address);
                }
            }
            Ok(addresses)
        }
    }
}

/// The addresses that may be connected to.
fn permitted(
    host: &Host<&str>,
    port: u16,
    found: Vec<IpAddr>,
    allowed: &AllowedPeers,
) -> Result<Vec<SocketAddr>, HttpError> {
    let name = host.to_string();
    let (open, closed): (Vec<IpAddr>, Vec<IpAddr>) =
        found.into_iter().partition(|address| allowed.allow(&name, *address, port));
    match closed.first() {
        Some(address) if open.is_empty() => {
            let of = if matches!(host, Host::Domain(_)) { format!(" (of {name})") } else { String::new() };
            Err(HttpError::Refused(format!(
                "{address}{of} is no public address: requests go there only if ktk server run --allow-http-to \
                 (KTK_ALLOW_HTTP_TO) lists it"
            )))
        }
        _ => Ok(open.into_iter().map(|address| SocketAddr::new(address, port)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, found: &[&str], list: &str) -> Result<Vec<String>, String> {
        let found = found.iter().map(|text| text.parse().expect("an address")).collect();
        let host = Host::Domain(name);
        let permitted = permitted(&host, 80, found, &list.parse().expect("a list"));
        permitted.map(|all| all.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn of_a_name_that_leads_both_ways_only_the_open_way_is_taken() {
        assert_eq!(of("x", &["10.0.0.1", "1.1.1.1", "::1"], ""), Ok(vec!["1.1.1.1:80".to_owned()]));
        assert_eq!(of("x", &["::1", "127.0.0.1"], "127.0.0.1"), Ok(vec!["127.0.0.1:80".to_owned()]));
        let refused = of("rebound.test", &["127.0.0.1"], "").expect_err("refused");
        assert!(refused.starts_with("127.0.0.1 (of rebound.test) is no public address"), "{refused}");
    }

    #[test]
    fn an_address_in_disguise_is_judged_as_what_it_is() {
        for text in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://①②⑦.0.0.1/",
            "http://[::ffff:7f00:1]/",
            "http://[::]/",
            "http://0/",
            "http://169.254.169.254./",
        ] {
            let url = Url::parse(text).expect("a URL");
            let host = url.host().expect("a host");
            let Ok(found) = (match host {
                Host::Ipv4(address) => Ok(vec![IpAddr::V4(address)]),
                Host::Ipv6(address) => Ok(vec![IpAddr::V6(address)]),
                Host::Domain(name) => Err(name),
            }) else {
                panic!("{text} is taken for a name");
            };
            let allowed = AllowedPeers::default();
            assert!(permitted(&host, 80, found, &allowed).is_err(), "{text}");
        }
    }
}
