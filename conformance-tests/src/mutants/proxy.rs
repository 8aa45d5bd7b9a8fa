//! A pump between the socket and hyper, for mutants that read or write other bytes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use neurolink_core::server::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::mutant::Bytes;

/// What was said on one connection.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// All that the client sent, up to 64 KiB.
    pub(super) sent: Vec<u8>,
    /// How many pieces came from the client.
    pub(super) ups: usize,
    /// How many pieces came from the server.
    pub(super) downs: usize,
}

impl Talk {
    /// Whether what the client sent begins with this.
    pub(super) fn begins_with(&self, text: &str) -> bool {
        self.sent.starts_with(text.as_bytes())
    }
}

/// The listener for hyper, and the pump in front of it, which ends only with an error.
pub(super) fn in_front_of(
    outer: Listener,
    bytes: Bytes,
) -> io::Result<(std::net::TcpListener, impl Future<Output = io::Error>)> {
    let inner = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = inner.local_addr()?;
    let Listener::Tcp(outer) = outer else { return Err(io::ErrorKind::Unsupported.into()) };
    let outer = TcpListener::from_std(outer)?;
    let pump = async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = outer.accept() => match accepted {
                    Ok((stream, peer)) => drop(connections.spawn(pump(stream, peer, addr, bytes))),
                    Err(error) => return error,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    };
    Ok((inner, pump))
}

/// Moves bytes both ways until the server closes; the server sees the client's own address.
async fn pump(mut client: TcpStream, peer: SocketAddr, addr: SocketAddr, bytes: Bytes) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(peer.ip(), 0))?;
    let mut server = socket.connect(addr).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut talk = Talk::default();
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut open = true;
    loop {
        tokio::select! {
            read = client.read(&mut up), if open => match read? {
                0 => {
                    open = false;
                    server.shutdown().await?;
                }
                count => {
                    if talk.sent.len() < 64 * 1024 {
                        talk.sent.extend_from_slice(&up[..count]);
                    }
                    talk.ups += 1;
                    let changed = (bytes.up)(&mut talk, up[..count].to_vec());
                    if server.write_all(&changed).await.is_err() {
                        open = false; // what the server has said still goes down
                    }
                }
            },
            read = server.read(&mut down) => {
                let count = match read {
                    Ok(0) | Err(_) => break,
                    Ok(count) => count,
                };
                talk.downs += 1;
                let changed = (bytes.down)(&mut talk, down[..count].to_vec());
                client.write_all(&changed).await?;
            }
        }
    }
    client.shutdown().await
}
