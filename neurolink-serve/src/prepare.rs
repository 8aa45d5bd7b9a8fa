//! From a connected socket to a connection that is ready for HTTP: options, PROXY header, handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use neurolink_core::ConnInfo;
use neurolink_core::server::{Networks, Phase, Shutdown};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::addresses::Addresses;
use crate::wire::{Hold, Stream, Wire};
use crate::{Io, ServeConfig, proxy_header, tls};

/// A connection as it was accepted: nothing has been read from it.
#[derive(Debug)]
pub struct Accepted {
    stream: Stream,
    peer: Option<SocketAddr>,
}

/// An [`Accepted`] without a runtime, on its way to another.
#[derive(Debug)]
pub(crate) struct Detached {
    stream: Std,
    peer: Option<SocketAddr>,
}

#[derive(Debug)]
enum Std {
    Tcp(std::net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    pub(crate) const fn tcp(stream: TcpStream, peer: SocketAddr) -> Self {
        Self { stream: Stream::Tcp(stream), peer: Some(peer) }
    }

    #[cfg(unix)]
    pub(crate) const fn unix(stream: UnixStream) -> Self {
        Self { stream: Stream::Unix(stream), peer: None }
    }

    /// Takes it out of this runtime.
    pub(crate) fn detach(self) -> io::Result<Detached> {
        let stream = match self.stream {
            Stream::Tcp(stream) => Std::Tcp(stream.into_std()?),
            #[cfg(unix)]
            Stream::Unix(stream) => Std::Unix(stream.into_std()?),
        };
        Ok(Detached { stream, peer: self.peer })
    }
}

impl Detached {
    /// Puts it into the current runtime.
    pub(crate) fn attach(self) -> io::Result<Accepted> {
        let stream = match self.stream {
            Std::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            #[cfg(unix)]
            Std::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        };
        Ok(Accepted { stream, peer: self.peer })
    }
}

/// A connection that is ready for HTTP.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// What to read and write.
    pub io: Io,
    /// Whether the handshake chose HTTP/2; nothing without one.
    pub http2: Option<bool>,
    /// Cuts the socket when it is dropped.
    pub hold: Hold,
}

/// How connections are prepared; all of them share it.
pub struct Transport {
    tls: Option<TlsAcceptor>,
    http2: bool,
    handshake: Duration,
    head: Duration,
    idle: Duration,
    write_stall: Duration,
    proxies: Option<Networks>,
    addresses: Option<Arc<Addresses>>,
}

impl Transport {
    /// What a configuration says.
    ///
    /// # Errors
    /// When rustls refuses the configuration.
    pub fn new(config: &ServeConfig) -> io::Result<Self> {
        let tls =
            config.tls.as_ref().map(|tls| tls.server_config(config.http2)).transpose().map_err(io::Error::other)?;
        Ok(Self {
            tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))),
            http2: config.http2,
            handshake: ServeConfig::bounded(config.tls_handshake_timeout),
            head: ServeConfig::bounded(config.header_read_timeout),
            idle: ServeConfig::bounded(config.keep_alive_idle),
            write_stall: ServeConfig::bounded(config.write_stall),
            proxies: config.proxy_protocol.clone(),
            addresses: config
                .max_connections_per_address
                .map(|most| Addresses::new(most.max(1), config.shared_addresses.clone())),
        })
    }

    /// How long a head may take: the configured time within its bounds.
    #[must_use]
    pub const fn header_read_timeout(&self) -> Duration {
        self.head
    }

    /// How long a connection may be without a request: the configured time within its bounds.
    #[must_use]
    pub const fn keep_alive_idle(&self) -> Duration {
        self.idle
    }

    /// Whether a connection speaks HTTP/2, as its handshake chose or its first bytes tell; `None` if none come in time.
    pub async fn is_http2(&self, prepared: &mut Prepared, shutdown: &Shutdown) -> Option<bool> {
        match prepared.http2 {
            None if self.http2 => tokio::select! {
                biased;
                first = timeout(self.head, prepared.io.begins_with_http2()) => first.ok()?.ok(),
                () = shutdown.reached(Phase::Refusing) => None,
            },
            chosen => Some(chosen.unwrap_or(false)),
        }
    }

    /// Prepares a connection; `None` if it cannot be served, or if the server closes idle connections meanwhile.
    pub async fn prepare(&self, accepted: Accepted, shutdown: &Shutdown) -> Option<Prepared> {
        tokio::select! {
            biased;
            prepared = self.try_prepare(accepted) => match prepared {
                Ok(prepared) => Some(prepared),
                Err(error) => {
                    tracing::debug!(target: "neurolink::serve", "a connection did not get as far as HTTP: {error}");
                    None
                }
            },
            () = shutdown.reached(Phase::Refusing) => None,
        }
    }

    async fn try_prepare(&self, accepted: Accepted) -> io::Result<Prepared> {
        let mut info = ConnInfo::new(accepted.peer);
        match &accepted.stream {
            Stream::Tcp(stream) => {
                tune(stream, self.write_stall);
                info = info.with_local(Some(stream.local_addr()?));
            }
            #[cfg(unix)]
            Stream::Unix(_) => info = info.with_unix(true),
        }
        let (mut wire, mut hold) = Wire::new(accepted.stream);
        if let Some(proxies) = &self.proxies {
            if !proxies.contains_peer(&info) {
                return Err(io::Error::other("it is of no proxy that may send a PROXY header"));
            }
            if let Some((peer, local)) = timeout(self.head, proxy_header::read(&mut wire)).await?? {
                info = ConnInfo::new(Some(peer)).with_local(Some(local));
            }
        }
        if let (Some(addresses), Some(peer)) = (&self.addresses, info.peer_address()) {
            hold.place = addresses.enter(peer).map_err(io::Error::other)?;
        }
        let Some(tls) = &self.tls else {
            return Ok(Prepared { io: Io::plain(wire, info), http2: None, hold });
        };
        let stream = timeout(self.handshake, tls.accept(wire)).await??;
        let (facts, http2) = tls::facts(stream.get_ref().1);
        let info = info.with_tls(Some(facts));
        Ok(Prepared { io: Io::tls(stream, info), http2: Some(http2), hold })
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

/// Sets the options of a connection's socket; a failure shows at the first read.
fn tune(stream: &TcpStream, write_stall: Duration) {
    // An event is not held back until the peer has acknowledged the one before.
    let _ = stream.set_nodelay(true);
    // The body of a stalled answer is not asked for more, so that no timer of its own could end it: the kernel's does.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(write_stall));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = write_stall;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_writes_are_not_held_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connects");
        tune(&stream, Duration::from_secs(30));
        assert!(stream.nodelay().expect("an option"));
    }
}
