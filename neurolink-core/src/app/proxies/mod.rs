//! Who the client is behind trusted proxies, and how it reached them.

mod element;
mod headers;
#[cfg(test)]
mod tests;
mod trust;
mod walk;

pub(crate) use trust::{Forwarded, Proxies};
