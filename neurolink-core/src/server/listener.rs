use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

/// A listening socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// Of TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// The address it is bound to; a Unix socket has none.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Self::Unix(_) => Ok(None),
        }
    }

    /// The file that it was bound to, of a Unix socket; nothing if that is gone.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Tcp(_) => None,
            #[cfg(unix)]
            Self::Unix(listener) => {
                listener.local_addr().ok()?.as_pathname().filter(|path| path.exists()).map(Path::to_owned)
            }
        }
    }

    /// A second handle of the same socket.
    ///
    /// # Errors
    /// When the system has no more files.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(listener) => listener.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(listener) => listener.try_clone().map(Self::Unix),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}
