//! The differential generator: exchanges from a grammar, each sent to several servers, and their answers compared.
//!
//! It needs no expectation. A seed and a number make an exchange, so that every finding can be repeated;
//! what differs is shrunk to the smallest exchange that still differs.

mod ask;
mod exchange;
mod grammar;
pub mod known;
mod minimal;
mod report;
mod routes;
mod run;
mod values;

pub use exchange::{Chunks, Framing, GeneratedExchange, Request, Sending};
pub use known::{KNOWN, Known};
pub use minimal::smaller;
pub use report::{Finding, Report};
pub use run::{GenerateOptions, Progress, compare, generate};
