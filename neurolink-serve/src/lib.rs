#![doc = include_str!("../README.md")]

mod accept;
mod addresses;
mod call;
mod config;
mod connection;
mod gather;
mod heads;
mod io;
mod linger;
mod listener;
mod local;
mod prepare;
mod proxy_header;
mod pulse;
mod quiet;
mod refusal;
mod slot;
mod socket;
mod tls;
mod wire;
mod workers;

pub use accept::{ServeError, accept, serve};
pub use config::ServeConfig;
pub use gather::Gather;
pub use heads::{Heads, Unanswered};
pub use io::Io;
pub use local::LocalHttp2;
use prepare::Detached;
pub use prepare::{Accepted, Prepared, Transport};
pub use quiet::Quiet;
pub use refusal::Refusal;
pub use tls::{Tls, TlsError, TlsProblem};
pub use wire::Hold;
pub use workers::Workers;
