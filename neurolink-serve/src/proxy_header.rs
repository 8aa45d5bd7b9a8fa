//! The PROXY protocol (haproxy.org/download/3.2/doc/proxy-protocol.txt): who the client of a proxy is, said before anything else.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of the shortest header of either version that are read before it is known how long it is.
const LEAST: usize = 12;
/// The longest header of version 1.
const MOST_V1: usize = 107;
/// The longest header of version 2, with all that may follow its addresses.
const MOST_V2: usize = 536;
/// What every header of version 2 has.
const FIXED_V2: usize = 16;

/// The ends of the proxied connection; nothing if the proxy speaks for itself (`LOCAL`, `UNKNOWN`).
pub(crate) type Ends = Option<(SocketAddr, SocketAddr)>;

/// Reads a header, and not one byte more.
pub(crate) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Ends> {
    let mut bytes = [0; MOST_V2];
    io.read_exact(&mut bytes[..LEAST]).await?;
    if bytes[..LEAST] == *v2::PROTOCOL_PREFIX {
        io.read_exact(&mut bytes[LEAST..FIXED_V2]).await?;
        let length = FIXED_V2 + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
        let rest = bytes.get_mut(FIXED_V2..length).ok_or_else(|| malformed("the header is too long"))?;
        io.read_exact(rest).await?;
        return binary(&bytes[..length]);
    }
    if !bytes.starts_with(b"PROXY ") {
        return Err(malformed("there is no PROXY header"));
    }
    let mut length = LEAST;
    while bytes[..length].last() != Some(&b'\n') {
        if length == MOST_V1 {
            return Err(malformed("the header is too long"));
        }
        // What follows is not ours to read.
        bytes[length] = io.read_u8().await?;
        length += 1;
    }
    text(&bytes[..length])
}

fn text(bytes: &[u8]) -> io::Result<Ends> {
    let header = v1::Header::try_from(bytes).map_err(malformed)?;
    Ok(match header.addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(ends) => Some((
            (ends.source_address, ends.source_port).into(),
            (ends.destination_address, ends.destination_port).into(),
        )),
        v1::Addresses::Tcp6(ends) => Some((
            (ends.source_address, ends.source_port).into(),
            (ends.destination_address, ends.destination_port).into(),
        )),
    })
}

fn binary(bytes: &[u8]) -> io::Result<Ends> {
    let header = v2::Header::try_from(bytes).map_err(malformed)?;
    if header.command == v2::Command::Local {
        return Ok(None);
    }
    match header.addresses {
        v2::Addresses::Unspecified => Ok(None),
        v2::Addresses::IPv4(ends) => Ok(Some((
            (ends.source_address, ends.source_port).into(),
            (ends.destination_address, ends.destination_port).into(),
        ))),
        v2::Addresses::IPv6(ends) => Ok(Some((
            (ends.source_address, ends.source_port).into(),
            (ends.destination_address, ends.destination_port).into(),
        ))),
        v2::Addresses::Unix(_) => Err(malformed("a client of a Unix socket has no address")),
    }
}

fn malformed(problem: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was read, and what is left for the next reader.
    fn of(bytes: &[u8]) -> (io::Result<Ends>, Vec<u8>) {
        let mut rest = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let read = runtime.block_on(read(&mut rest));
        (read, rest.to_vec())
    }

    fn ends(text: &str) -> (SocketAddr, SocketAddr) {
        let (source, destination) = text.split_once(' ').expect("two");
        (source.parse().expect("an address"), destination.parse().expect("an address"))
    }

    fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend([0x20 | command, family]);
        header.extend(u16::try_from(payload.len()).expect("short").to_be_bytes());
        header.extend(payload);
        header
    }

    const V4: [u8; 12] = [192, 0, 2, 1, 10, 0, 0, 9, 0xc0, 0x00, 0x01, 0xbb];

    #[test]
    fn both_versions_tell_the_ends_and_leave_the_rest() {
        let mut v6 = [0; 36];
        (v6[0], v6[1], v6[15], v6[31], v6[33], v6[35]) = (0x20, 0x01, 1, 2, 80, 81);
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.1 10.0.0.9 49152 443\r\n".to_vec(), Some("192.0.2.1:49152 10.0.0.9:443")),
            (b"PROXY TCP6 2001:db8::1 ::2 1 2\r\n".to_vec(), Some("[2001:db8::1]:1 [::2]:2")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(), None),
            (v2(1, 0x11, &V4), Some("192.0.2.1:49152 10.0.0.9:443")),
            (v2(1, 0x11, &[&V4[..], &[0x04, 0, 2, 0, 0]].concat()), Some("192.0.2.1:49152 10.0.0.9:443")),
            (v2(1, 0x21, &v6), Some("[2001::1]:80 [::2]:81")),
            (v2(0, 0x11, &V4), None),
            (v2(0, 0x00, &[]), None),
            (v2(1, 0x00, &[1, 2, 3]), None),
        ] {
            let (read, rest) = of(&[&header[..], b"GET / HTTP/1.1\r\n"].concat());
            let shown = String::from_utf8_lossy(&header).into_owned();
            assert_eq!(read.expect(&shown), expected.map(ends), "{shown:?}");
            assert_eq!(rest, b"GET / HTTP/1.1\r\n", "{shown:?}");
        }
    }

    #[test]
    fn what_is_malformed_or_too_long_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        for bytes in [
            &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
            b"PROXY TCP4 192.0.2.1 10.0.0.9 49152\r\n",
            b"PROXY TCP4 192.0.2.1 10.0.0.9 49152 99999\r\n",
            b"PROXY TCP4 192.0.2.256 10.0.0.9 1 2\r\n",
            b"PROXY TCP6 192.0.2.1 10.0.0.9 1 2\r\n",
            b"PROXY TCP5 192.0.2.1 10.0.0.9 1 2\r\n",
            b"PROXY TCP4 192.0.2.1 10.0.0.9 1 2\n",
            b"proxy UNKNOWN\r\n",
            b"PROXY TCP4 ",
            b"",
            long.as_bytes(),
            &v2(2, 0x11, &V4),
            &v2(1, 0x11, &V4[..11]),
            &v2(1, 0x31, &[0; 216]),
            &v2(1, 0x11, &[0; 521]),
            &v2(1, 0x11, &V4)[..20],
        ] {
            let (read, rest) = of(bytes);
            assert!(read.is_err(), "{:?}: {read:?}", String::from_utf8_lossy(bytes));
            assert!(bytes.len() - rest.len() <= MOST_V2);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_too_far(bytes in proptest::collection::vec(any::<u8>(), 0..700), start in 0_usize..3) {
            let start: &[u8] = [&b""[..], b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n!"][start];
            let bytes = [start, &bytes].concat();
            let (_, rest) = of(&bytes);
            prop_assert!(bytes.len() - rest.len() <= MOST_V2);
        }
    }
}
