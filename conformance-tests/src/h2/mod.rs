//! HTTP/2 by prior knowledge: a well-formed client, and frames written by hand for one that is not.

mod client;
mod frames;

use std::time::Duration;

pub(crate) use client::{Answer, Ask, Client};
pub(crate) use frames::*;

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
    let first = connection.take(64 * 1024, Duration::from_secs(4));
    let text = String::from_utf8_lossy(&first);
    let refused = first.is_empty() || text.starts_with("HTTP/1.1 4");
    ensure(refused, || format!("HTTP/2 is not offered, and its preface is answered with {text:?}"))?;
    ensure(connection.is_closed_within(Duration::from_secs(1)), || "the connection stays open".into())
}
