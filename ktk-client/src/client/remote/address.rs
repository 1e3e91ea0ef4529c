//! The address of a server in the network.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::{api::http, client::Error};

/// A server in the network: `https://ktk.example:7777`, or `http://127.0.0.1:7777` on this machine.
///
/// ```
/// use ktk_client::client::NetAddress;
/// let address: NetAddress = "https://ktk.example:7777".parse().unwrap();
/// assert_eq!(address.to_string(), "https://ktk.example:7777");
/// assert!("http://ktk.example:7777".parse::<NetAddress>().is_err(), "a token would be readable on its way");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetAddress {
    is_tls: bool,
    host: Host,
    port: u16,
}

impl NetAddress {
    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// As requests name it: `ktk.example:7777`, without a port that goes without saying.
    pub(super) fn authority(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The name or address alone.
    ///
    /// ```
    /// use ktk_client::client::NetAddress;
    /// let address: NetAddress = "https://ktk.example:7777".parse().unwrap();
    /// assert_eq!(address.host_name(), "ktk.example");
    /// ```
    pub fn host_name(&self) -> String {
        self.host.to_string()
    }
}

impl fmt::Display for NetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())
    }
}

impl FromStr for NetAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Config(format!("{text:?} is no server: {why}"));
        let url: Url = text.parse().map_err(|error| wrong(&format!("{error}")))?;
        let is_tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("write https://HOST:PORT, or http://127.0.0.1:PORT")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Config("a server's URL holds no user and no password".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(wrong("it has a scheme, a host and a port, and nothing else"));
        }
        let host = url.host().ok_or_else(|| wrong("it has no host"))?.to_owned();
        if !is_tls && !is_loopback(&host) {
            return Err(wrong("a token goes to another machine over https only"));
        }
        let port = url.port_or_known_default().ok_or_else(|| wrong("it has no port"))?;
        Ok(Self { is_tls, host, port })
    }
}

/// Where a document lies. No token goes there, so that it may be any machine.
pub(super) fn of_document(url: &Url) -> Result<NetAddress, Error> {
    http::sendable(url).map_err(|why| Error::Config(format!("the URL {why}")))?;
    let lacking = || Error::Config("the URL has no host".to_owned());
    let host = url.host().ok_or_else(lacking)?.to_owned();
    let port = url.port_or_known_default().ok_or_else(lacking)?;
    Ok(NetAddress { is_tls: url.scheme() == "https", host, port })
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, shown, authority) in [
            ("https://ktk.example:7777", "https://ktk.example:7777", "ktk.example:7777"),
            ("https://ktk.example/", "https://ktk.example", "ktk.example"),
            ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
            ("http://[::1]:7777", "http://[::1]:7777", "[::1]:7777"),
            ("http://localhost:1", "http://localhost:1", "localhost:1"),
        ] {
            let address: NetAddress = text.parse().expect(text);
            assert_eq!((address.to_string().as_str(), address.authority().as_str()), (shown, authority));
        }
        for (text, says) in [
            ("http://ktk.example:7777", "over https only"),
            ("http://10.0.0.1:7777", "over https only"),
            ("https://u:p@ktk.example", "no user and no password"),
            ("https://ktk.example/x", "nothing else"),
            ("https://ktk.example?token=x", "nothing else"),
            ("https://", "is no server"),
        ] {
            let error = text.parse::<NetAddress>().expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
