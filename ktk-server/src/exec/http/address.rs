//! Where requests may go: to any public address, and to what the server's configuration lists besides.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// What may be reached besides public addresses: `10.0.0.0/8`, `127.0.0.1:8080`, `[::1]`, `registry.internal:443`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedPeers(Vec<Peer>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Peer {
    text: String,
    place: Place,
    /// Any when absent.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Network(IpAddr, u8),
    Name(String),
}

impl AllowedPeers {
    /// Whether a request to `host` may be sent to this address of it.
    pub fn allow(&self, host: &str, address: IpAddr, port: u16) -> bool {
        let address = canonical(address);
        if is_public(address) {
            return true;
        }
        let listed = self.0.iter().filter(|peer| peer.port.is_none_or(|own| own == port));
        listed.into_iter().any(|peer| match &peer.place {
            Place::Network(network, bits) => is_in(address, *network, *bits),
            // What a name leads to is its owner's to say, but never the metadata of a machine.
            Place::Name(name) => is_same_name(name, host) && !is_never_meant(address),
        })
    }

    /// The same, and this machine itself.
    #[must_use]
    pub fn with_loopback(mut self) -> Self {
        for network in ["127.0.0.0/8", "::1"] {
            self.0.push(network.parse().expect("it is a network"));
        }
        self
    }

    /// The entries as they were given.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|peer| peer.text.as_str())
    }
}

impl FromStr for AllowedPeers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for AllowedPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entries().collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is neither an address (10.1.2.3, [::1]), nor a network (10.0.0.0/8), nor a host's name, \
                 with or without :PORT"
            )
        };
        let peer = |place, port| Ok(Self { text: text.to_owned(), place, port });
        if let Ok(address) = text.parse::<IpAddr>() {
            return peer(whole(address), None);
        }
        if let Some((network, bits)) = text.split_once('/') {
            let network: IpAddr = network.parse().map_err(|_| wrong())?;
            let bits: u8 = bits.parse().ok().filter(|bits| *bits <= width(network)).ok_or_else(wrong)?;
            return peer(Place::Network(network, bits), None);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)),
            None => (text, None),
        };
        if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return peer(whole(IpAddr::V6(inner.parse().map_err(|_| wrong())?)), port);
        }
        match host.parse::<Ipv4Addr>() {
            Ok(address) => peer(whole(IpAddr::V4(address)), port),
            Err(_) if is_name(host) => peer(Place::Name(host.to_ascii_lowercase()), port),
            Err(_) => Err(wrong()),
        }
    }
}

fn whole(address: IpAddr) -> Place {
    Place::Network(address, width(address))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// A label that is all digits at the end would be an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    text.trim_end_matches('.').split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_same_name(own: &str, host: &str) -> bool {
    own.trim_end_matches('.').eq_ignore_ascii_case(host.trim_end_matches('.'))
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, canonical(network)) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let rest = 32_u32.saturating_sub(bits.into());
            address.to_bits().checked_shr(rest).unwrap_or(0)
                == network.to_bits().checked_shr(rest).unwrap_or(0)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let rest = 128_u32.saturating_sub(bits.into());
            address.to_bits().checked_shr(rest).unwrap_or(0)
                == network.to_bits().checked_shr(rest).unwrap_or(0)
        }
        _ => false,
    }
}

/// The address that is really reached: some of version 6 stand for one of version 4.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    match six.segments() {
        // What a NAT64 translates.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address,
    }
}

/// Whether an address is anybody's on the internet: all others lead into this machine or its network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_4(address),
        IpAddr::V6(address) => is_public_6(address),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..]
            // Shared by a provider's customers; some clouds have their metadata there.
            | [100, 64..=127, ..]
            // Link-local: the metadata of most clouds.
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            // Multicast, reserved, broadcast.
            | [224..=255, ..]
    )
}

/// All that is handed out lies in 2000::/3. What tunnels an address of version 4 is not public either.
fn is_public_6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    segments[0] & 0xe000 == 0x2000
        && !matches!(segments, [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..])
}

/// No service lives there but those of the machine that asks.
fn is_never_meant(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local() || four.is_unspecified() || four.is_multicast(),
        IpAddr::V6(six) => {
            six.is_unspecified() || six.is_multicast() || six.is_unicast_link_local()
                // Metadata of one cloud.
                || six.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &str, host: &str, address: &str, port: u16) -> bool {
        let list: AllowedPeers = list.parse().expect("a list");
        list.allow(host, address.parse().expect("an address"), port)
    }

    #[test]
    fn only_public_addresses_are_reached_unless_listed() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allows("", "h", address, 80), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.1.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert!(allows("", "h", address, 80), "{address}");
        }
    }

    #[test]
    fn a_list_opens_what_it_names_and_nothing_else() {
        for (list, host, address, port, is_allowed) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "x", "127.0.0.2", 80, false),
            ("127.0.0.1:8080", "x", "127.0.0.1", 8080, true),
            ("127.0.0.1:8080", "x", "127.0.0.1", 80, false),
            ("127.0.0.1", "x", "::ffff:127.0.0.1", 80, true),
            ("127.0.0.1", "localhost", "::1", 80, false),
            ("[::1]:80, ::1", "x", "::1", 443, true),
            ("10.0.0.0/8", "x", "10.200.3.4", 1, true),
            ("10.0.0.0/8", "x", "11.0.0.1", 1, true),
            ("10.1.0.0/16", "x", "10.2.0.1", 1, false),
            ("0.0.0.0/0", "x", "169.254.169.254", 80, true),
            ("fd00::/8", "x", "fd12::1", 80, true),
            ("fd00::/8", "x", "fe80::1", 80, false),
            ("Db.Internal", "db.internal.", "10.0.0.1", 80, true),
            ("db.internal:5432", "db.internal", "10.0.0.1", 80, false),
            ("db.internal", "other.internal", "10.0.0.1", 80, false),
            ("db.internal", "db.internal", "169.254.169.254", 80, false),
            ("db.internal", "db.internal", "fd00:ec2::254", 80, false),
            ("169.254.169.254", "x", "169.254.169.254", 80, true),
        ] {
            assert_eq!(allows(list, host, address, port), is_allowed, "{list}: {host} {address} {port}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in [
            "10.0.0.0/33",
            "x/8",
            "a b",
            "host:0",
            "host:99999",
            "[::1",
            "*",
            "1.2.3",
            "-:x",
            "a..b",
            "http://x",
        ] {
            assert!(text.parse::<AllowedPeers>().is_err(), "{text}");
        }
        let list: AllowedPeers = " localhost:80 ,,10.0.0.0/8".parse().expect("a list");
        assert_eq!(list.to_string(), "localhost:80,10.0.0.0/8");
    }
}
