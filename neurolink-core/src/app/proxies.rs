//! Who the client is behind trusted proxies.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::ConnInfo;

/// Networks whose forwarded data is believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    networks: Vec<IpNet>,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    pub(crate) fn new(networks: &[String]) -> Result<Self, Vec<String>> {
        let mut parsed = Vec::new();
        let mut problems = Vec::new();
        for text in networks {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => parsed.push(network),
                Err(_) => problems.push(format!("`{text}` is no network; write `10.0.0.0/8` or an address")),
            }
        }
        if problems.is_empty() { Ok(Self { networks: parsed }) } else { Err(problems) }
    }

    /// The networks, for the plan; empty for none.
    pub(crate) fn summary(&self) -> String {
        let networks: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        networks.join(", ")
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether the peer itself is a trusted proxy.
    pub(crate) fn trusts_peer(&self, conn: &ConnInfo) -> bool {
        conn.peer_address().is_some_and(|peer| self.contains(peer))
    }

    /// The client's address: the peer, or what trusted proxies say, walked from right to left.
    pub(crate) fn client(&self, conn: &ConnInfo, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = conn.peer_address()?;
        if !self.contains(peer) {
            return Some(peer);
        }
        let mut client = peer;
        // All lines are one list (RFC 9110, section 5.3).
        let lines: Vec<_> = headers.get_all(&FORWARDED_FOR).iter().collect();
        for line in lines.into_iter().rev() {
            let Ok(line) = line.to_str() else { return Some(client) };
            for entry in line.rsplit(',') {
                let Some(address) = parse(entry.trim()) else { return Some(client) };
                client = address;
                if !self.contains(address) {
                    return Some(client);
                }
            }
        }
        Some(client)
    }
}

/// An address, with or without a port; anything else ends the walk.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let proxies = Proxies::new(&["10.0.0.0/8".into()]).expect("a network");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a value"));
        }
        let conn = ConnInfo::new(Some(peer.parse().expect("an address")));
        proxies.client(&conn, &headers).expect("a client").to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(client("192.0.2.1:5", &["1.2.3.4"]), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_untrusted_entry_is_the_client() {
        assert_eq!(client("10.0.0.1:5", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1:5", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("[::ffff:10.0.0.1]:5", &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn a_malformed_entry_ends_the_walk_at_the_last_trusted_hop() {
        for bad in ["unknown", "_hidden", "1.2.3", "", "1.2.3.4;x"] {
            assert_eq!(client("10.0.0.1:5", &[&format!("1.2.3.4, {bad}, 10.0.0.2")]), "10.0.0.2", "{bad:?}");
        }
        assert_eq!(client("10.0.0.1:5", &[]), "10.0.0.1");
    }
}
