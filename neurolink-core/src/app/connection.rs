use std::net::{IpAddr, SocketAddr};

/// Facts about the connection a request came on; the adapter fills them in.
///
/// ```
/// use neurolink_core::ConnInfo;
///
/// let conn = ConnInfo::new(Some(([127, 0, 0, 1], 50123).into()));
/// assert!(conn.peer.is_some());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ConnInfo {
    /// The other end.
    pub peer: Option<SocketAddr>,
    /// This end.
    pub local: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub scheme: Scheme,
    /// How it is encrypted, where this server does it.
    pub tls: Option<TlsInfo>,
    /// Whether it came by a Unix socket, which has no addresses.
    pub unix: bool,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version, such as `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: &'static str,
}

impl TlsInfo {
    /// A version and a cipher suite.
    #[must_use]
    pub const fn new(version: &'static str, cipher_suite: &'static str) -> Self {
        Self { version, cipher_suite }
    }
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// It is not.
    #[default]
    Http,
    /// It is.
    Https,
}

impl ConnInfo {
    /// A plain connection from `peer`.
    #[must_use]
    pub const fn new(peer: Option<SocketAddr>) -> Self {
        Self { peer, local: None, scheme: Scheme::Http, tls: None, unix: false }
    }

    /// Adds this end's address.
    #[must_use]
    pub const fn with_local(mut self, local: Option<SocketAddr>) -> Self {
        self.local = local;
        self
    }

    /// Says how the connection is encrypted.
    #[must_use]
    pub const fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Says how this server encrypts the connection, if it does.
    #[must_use]
    pub const fn with_tls(mut self, tls: Option<TlsInfo>) -> Self {
        if tls.is_some() {
            self.scheme = Scheme::Https;
        }
        self.tls = tls;
        self
    }

    /// Says whether it came by a Unix socket.
    #[must_use]
    pub const fn with_unix(mut self, yes: bool) -> Self {
        self.unix = yes;
        self
    }

    /// The peer's address; an IPv4 address in IPv6 clothes is unwrapped.
    #[must_use]
    pub fn peer_address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip().to_canonical())
    }

    /// Whether both ends are known to be loopback addresses.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        [self.local, self.peer].into_iter().all(|end| end.is_some_and(is_loopback))
    }

    /// Whether the request came to a loopback address; where only the peer is known, one on this machine counts.
    pub(crate) fn is_reached_by_loopback(&self) -> bool {
        self.local.or(self.peer).is_some_and(is_loopback)
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
