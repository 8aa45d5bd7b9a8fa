//! One HTTP/1 connection: what is left to do where actix-http leaves off.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use neurolink_serve::{Prepared, Refusal};

use crate::shared::Shared;

/// Between two lines of the log that tell of a panic: a flood must not fill it.
const QUIET: Duration = Duration::from_secs(10);

/// How actix-http has done with a connection.
enum Ended {
    Well,
    /// It has answered what it could not read.
    Refused(String),
    Panicked,
    Late,
}

/// Lets `http1` serve a connection until its socket is closed, and each head take no longer than `head`.
pub(crate) async fn serve<F, T, E>(
    prepared: Prepared,
    head: Duration,
    http1: impl FnOnce(Shared, Option<SocketAddr>) -> F,
) where
    F: Future<Output = Result<T, E>>,
    E: std::fmt::Display,
{
    let Prepared { io, mut hold, .. } = prepared;
    let (peer, shared) = (io.info().peer, Shared::new(io));
    let heads = shared.heads.clone();
    let ended = tokio::select! {
        biased;
        served = AssertUnwindSafe(http1(shared.clone(), peer)).catch_unwind() => match served {
            Ok(Ok(_)) => Ended::Well,
            Ok(Err(error)) => Ended::Refused(error.to_string()),
            Err(_) => Ended::Panicked,
        },
        () = heads.late(head) => Ended::Late,
    };
    // All that is left of the connection, unless it was upgraded.
    let Some(io) = shared.into_io() else { return hold.closed().await };
    match ended {
        Ended::Well => drop(io),
        Ended::Refused(error) => {
            tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
            let _ = io.close().await;
        }
        Ended::Late if heads.has_begun() => io.refuse(Refusal::LateHead).await,
        Ended::Late => drop(io),
        Ended::Panicked => {
            tell_of_a_panic(peer);
            // Otherwise it may be a handler's panic, and an answer may be half sent.
            if heads.is_between() { io.refuse(Refusal::LargeHead).await } else { drop(io) }
        }
    }
    hold.closed().await;
}

/// Tells the log whose connection it was, once in a while; more of a panic is for the process's hook to tell.
fn tell_of_a_panic(peer: Option<SocketAddr>) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_none_or(|at| at.elapsed() >= QUIET) {
        *told = Some(Instant::now());
        let text = "a panic ended a connection: of actix-http at a header name of 64 KiB or more, or of a handler";
        tracing::warn!(target: "neurolink::serve", peer = peer.map(tracing::field::display), "{text}");
    }
}
