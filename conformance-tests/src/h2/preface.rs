//! Whether a server takes the preface.

use std::time::Duration;

use crate::function::{Ctx, Failure, ensure};

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Whether a server answers the preface with its own.
pub(crate) fn is_offered(ctx: &Ctx) -> bool {
    let Ok(mut connection) = ctx.connect() else { return false };
    connection.send(PREFACE);
    connection.send(EMPTY_SETTINGS);
    let head = connection.take(9, Duration::from_secs(2));
    head.get(3) == Some(&4)
}

/// A server that does not offer HTTP/2 refuses the preface: 4xx, or a close without an answer.
pub(crate) fn is_refused(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    connection.send(PREFACE);
    connection.send(EMPTY_SETTINGS);
    ctx.talk().sent(connection.number(), PREFACE);
    let first = ctx.take(&mut connection, 64 * 1024, Duration::from_secs(4));
    let text = String::from_utf8_lossy(&first);
    let refused = first.is_empty() || text.starts_with("HTTP/1.1 4");
    ensure(refused, || format!("HTTP/2 is not offered, and its preface is answered with {text:?}"))?;
    ensure(connection.is_closed_within(Duration::from_secs(1)), || "the connection stays open".into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// A case's view of a server that answers its first connections with these bytes, and closes or stays open.
    fn fake(answer: &'static [u8], open: bool) -> Ctx {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut seen = [0; 33];
                let _ = stream.read_exact(&mut seen);
                let _ = stream.write_all(answer);
                kept.extend(open.then_some(stream));
            }
        });
        Ctx::new(addr, None, None)
    }

    #[test]
    fn a_refusal_is_4xx_or_nothing_and_a_close() {
        assert!(is_refused(&fake(b"", false)).is_ok());
        assert!(is_refused(&fake(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", false)).is_ok());
        assert!(is_refused(&fake(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false)).is_err());
        assert!(is_refused(&fake(EMPTY_SETTINGS, false)).is_err());
        assert!(is_refused(&fake(b"", true)).is_err());
    }

    #[test]
    fn only_settings_are_an_offer() {
        assert!(is_offered(&fake(EMPTY_SETTINGS, true)));
        assert!(!is_offered(&fake(b"HTTP/1.1 400 Bad Request\r\n\r\n", false)));
    }
}
