use std::net::SocketAddr;

use super::{ServeError, State};

/// Why a server did not start or stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It is not in a state that allows this.
    #[error("cannot {operation}: the server is {state}, and must be {expected}")]
    State {
        /// What was asked.
        operation: &'static str,
        /// The state it is in.
        state: State,
        /// The states that would allow it.
        expected: &'static str,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}; choose another with `.bind(..)`, or port 0 for any free one")]
    Bind {
        /// The address.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address is not an address.
    #[error("`{0}` is no address to listen on; write for example `127.0.0.1:3000` or `unix:/run/neurolink.sock`")]
    Address(String),
    /// It would serve everybody on a public address.
    #[error(
        "{0} is not a loopback address and no authenticator is registered, so that everybody could use the engine; \
         add an authenticator, bind 127.0.0.1, or say `.allow_unauthenticated()`"
    )]
    Exposed(SocketAddr),
    /// The framework's server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Something was still open when its grace was over, or when it was forced, and was cut.
    #[error("what was still open was cut, at the end of the grace or by a second signal")]
    Forced,
}
