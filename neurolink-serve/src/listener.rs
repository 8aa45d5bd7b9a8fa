//! Where connections come from.

use std::io;

use neurolink_core::server::Listener;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::Accepted;

/// A listening socket in a runtime.
pub(crate) enum Attached {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Attached {
    pub(crate) fn new(listener: Listener) -> io::Result<Self> {
        Ok(match listener {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Self::Tcp(TcpListener::from_std(listener)?)
            }
            #[cfg(unix)]
            Listener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Self::Unix(UnixListener::from_std(listener)?)
            }
            _ => return Err(io::ErrorKind::Unsupported.into()),
        })
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Accepted::tcp(stream, peer)),
            #[cfg(unix)]
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Accepted::unix(stream)),
        }
    }

    pub(crate) fn detach(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener::Tcp(listener.into_std()?),
            #[cfg(unix)]
            Self::Unix(listener) => Listener::Unix(listener.into_std()?),
        })
    }
}

/// A connection that is there already; `WouldBlock` if there is none.
pub(crate) fn accept_now(listener: &Listener) -> io::Result<Accepted> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, peer) = listener.accept()?;
            stream.set_nonblocking(true)?;
            Ok(Accepted::tcp(tokio::net::TcpStream::from_std(stream)?, peer))
        }
        #[cfg(unix)]
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(true)?;
            Ok(Accepted::unix(tokio::net::UnixStream::from_std(stream)?))
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}
