//! Opens the socket that a server listens on.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::SockRef;
#[cfg(unix)]
use socket2::{Domain, Protocol, Socket, Type};

use super::{Listener, ServerError};

/// How many connections the kernel keeps until they are accepted, unless it is set to fewer.
const BACKLOG: i32 = 4096;

/// What is in front of the path of a Unix socket.
const UNIX: &str = "unix:";

/// A listening socket, and the file of it if it is a Unix socket.
pub(super) struct Open {
    pub(super) listener: Listener,
    pub(super) file: Option<File>,
}

/// Opens `host:port` or `unix:/path`.
pub(super) fn open(address: &str, mode: u32, reuse_port: bool) -> Result<Open, ServerError> {
    let failed = |source| ServerError::Bind { address: address.to_owned(), source };
    if let Some(path) = address.strip_prefix(UNIX) {
        let (listener, file) = unix::open(path.as_ref(), mode).map_err(failed)?;
        return Ok(Open { listener, file: Some(file) });
    }
    let addresses: Vec<SocketAddr> =
        address.to_socket_addrs().map_err(|_| ServerError::Address(address.to_owned()))?.collect();
    let listener = if reuse_port { shared(&addresses) } else { TcpListener::bind(&*addresses) };
    Ok(Open { listener: listener.and_then(ready).map_err(failed)?.into(), file: None })
}

/// A handle of a socket that somebody else has opened.
pub(super) fn handed_over(listener: &Listener) -> Result<Open, ServerError> {
    let failed = |source| ServerError::Bind { address: "the socket that was handed over".to_owned(), source };
    let listener = listener.try_clone().map_err(failed)?;
    match &listener {
        Listener::Tcp(listener) => listener.set_nonblocking(true),
        #[cfg(unix)]
        Listener::Unix(listener) => listener.set_nonblocking(true),
    }
    .map_err(failed)?;
    Ok(Open { listener, file: None })
}

/// One of several sockets of an address, among which the kernel shares out connections.
#[cfg(unix)]
fn shared(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let bind = |address: &SocketAddr| {
        let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&(*address).into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    // The first that can be had, as std does.
    for address in addresses {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(not(unix))]
fn shared(_: &[SocketAddr]) -> io::Result<TcpListener> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there is no SO_REUSEPORT on this system"))
}

fn ready(listener: TcpListener) -> io::Result<TcpListener> {
    // std queues 128 connections: in a burst, further ones would wait a second for their next try.
    SockRef::from(&listener).listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(super) use unix::File;

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::fs::Permissions;
    use std::io;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    use super::{BACKLOG, Listener, SockRef};

    /// The file of a Unix socket of ours.
    #[derive(Clone, Debug)]
    pub(in super::super) struct File {
        path: PathBuf,
        /// Device and number: whoever listens there next has another.
        inode: (u64, u64),
    }

    impl File {
        /// Removes the file, unless it is somebody else's by now.
        pub(in super::super) fn remove(&self) {
            if inode(&self.path).is_ok_and(|found| found == self.inode) {
                let _ = std::fs::remove_file(&self.path);
            }
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.path
        }
    }

    fn inode(path: &Path) -> io::Result<(u64, u64)> {
        std::fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
    }

    pub(super) fn open(path: &Path, mode: u32) -> io::Result<(Listener, File)> {
        clear(path)?;
        // It takes its place with its permissions: nobody can connect before they hold.
        let mut beside = OsString::from(path);
        beside.push(".new");
        let beside = PathBuf::from(beside);
        clear(&beside)?;
        let listener = UnixListener::bind(&beside)?;
        let placed = (|| {
            std::fs::set_permissions(&beside, Permissions::from_mode(mode & 0o777))?;
            SockRef::from(&listener).listen(BACKLOG)?;
            listener.set_nonblocking(true)?;
            std::fs::rename(&beside, path)?;
            Ok(File { path: path.to_owned(), inode: inode(path)? })
        })();
        if placed.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        placed.map(|file| (listener.into(), file))
    }

    /// Removes a socket that nobody listens on any more.
    fn clear(path: &Path) -> io::Result<()> {
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is there"));
            }
            Ok(_) => {}
        }
        match UnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(unix))]
mod unix {
    use std::io;
    use std::path::Path;

    use super::Listener;

    /// There are no Unix sockets here.
    #[derive(Clone, Debug)]
    pub(in super::super) enum File {}

    impl File {
        pub(in super::super) fn remove(&self) {
            match *self {}
        }

        pub(in super::super) fn path(&self) -> &Path {
            match *self {}
        }
    }

    pub(super) fn open(_: &Path, _: u32) -> io::Result<(Listener, File)> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this system"))
    }
}
