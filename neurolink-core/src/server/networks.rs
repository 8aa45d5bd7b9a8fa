use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::ConnInfo;

/// A list of networks, and whether whoever connects by a Unix socket is in it.
///
/// ```
/// use neurolink_core::server::Networks;
///
/// let networks = Networks::parse(["10.0.0.0/8", "::1", "unix"]).expect("valid");
/// assert!(networks.contains("10.1.2.3".parse().expect("an address")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<IpNet>,
    unix: bool,
}

impl Networks {
    /// Parses networks, addresses, and `unix`.
    ///
    /// # Errors
    /// What is wrong with each that is none of these.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Vec<String>> {
        let (mut all, mut problems) = (Self::default(), Vec::new());
        for text in texts {
            let text = text.as_ref();
            let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().map(IpNet::from).ok());
            match network {
                _ if text == "unix" => all.unix = true,
                Some(network) => all.networks.push(canonical(network)),
                None => problems.push(format!(
                    "`{text}` is no network; write `10.0.0.0/8` or an address, or `unix` for a Unix socket"
                )),
            }
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    /// Whether nobody is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether an address is in it; an IPv4 address in IPv6 clothes is an IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether the peer of a connection is in it.
    #[must_use]
    pub fn contains_peer(&self, conn: &ConnInfo) -> bool {
        match conn.peer_address() {
            Some(peer) => self.contains(peer),
            None => conn.unix && self.unix,
        }
    }
}

/// With commas between them; empty for none.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.iter().map(ToString::to_string);
        let all: Vec<String> = networks.chain(self.unix.then(|| "unix".to_owned())).collect();
        f.write_str(&all.join(", "))
    }
}

/// Peers are compared as IPv4 where they are: a network of IPv4-mapped addresses has to be one of IPv4.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    if let IpNet::V6(v6) = network
        && let Some(address) = Ipv6Addr::to_ipv4_mapped(&v6.addr())
        && let Some(prefix) = v6.prefix_len().checked_sub(MAPPED)
        && let Ok(v4) = Ipv4Net::new(address, prefix)
    {
        return v4.into();
    }
    network
}
