//! One HTTP/1 connection: what is left to do where actix-http leaves off.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use neurolink_serve::{Prepared, Quiet, Refusal};

use crate::shared::Shared;

/// How actix-http has done with a connection.
enum Ended {
    Well,
    /// It has answered what it could not read.
    Refused(String),
    Panicked,
    Late,
    /// The server stops, and nothing has come for it to answer.
    Idle,
}

/// Lets `http1` serve a connection until its socket is closed, or it is idle after `refusing`, and each head take no
/// longer than the first time, and a silence between two requests no longer than the second.
pub(crate) async fn serve<F, T, E>(
    prepared: Prepared,
    (head, idle_for): (Duration, Duration),
    refusing: impl Future<Output = ()>,
    panics: &Quiet,
    http1: impl FnOnce(Shared, Option<SocketAddr>) -> F,
) where
    F: Future<Output = Result<T, E>>,
    E: std::fmt::Display,
{
    let Prepared { io, mut hold, .. } = prepared;
    let (peer, shared) = (io.info().peer, Shared::new(io));
    let heads = shared.heads.clone();
    // actix-http's own stop takes a connection for idle until a head is whole, and would not answer what has begun.
    let idle = async {
        refusing.await;
        heads.idle().await;
    };
    let ended = tokio::select! {
        biased;
        served = AssertUnwindSafe(http1(shared.clone(), peer)).catch_unwind() => match served {
            Ok(Ok(_)) => Ended::Well,
            Ok(Err(error)) => Ended::Refused(error.to_string()),
            Err(_) => Ended::Panicked,
        },
        () = heads.late(head, idle_for) => Ended::Late,
        () = idle => Ended::Idle,
    };
    // All that is left of the connection, unless it was upgraded.
    let Some(io) = shared.into_io() else { return hold.closed().await };
    match ended {
        Ended::Well => drop(io),
        Ended::Idle => io.end().await,
        Ended::Refused(error) => {
            tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
            io.close().await;
        }
        Ended::Late if heads.has_begun() => io.refuse(Refusal::LateHead).await,
        Ended::Late => drop(io),
        Ended::Panicked => {
            // More of it is for the process's hook to tell.
            if panics.is_to_tell() {
                let text =
                    "a panic ended a connection: of actix-http at a header name of 64 KiB or more, or of a handler";
                tracing::warn!(target: "neurolink::serve", peer = peer.map(tracing::field::display), "{text}");
            }
            // Otherwise it may be a handler's panic, and an answer may be half sent.
            if heads.is_between() { io.refuse(Refusal::LargeHead).await } else { drop(io) }
        }
    }
    hold.closed().await;
}
