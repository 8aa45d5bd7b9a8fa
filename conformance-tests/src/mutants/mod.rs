//! Servers that are wrong in one way each: the proof that the cases can fail.
//!
//! A mutant is the reference on plain hyper with one change.
//! Every mutant has to be killed by a case of the areas that it belongs to, and every MUST case has to kill one.

mod adapter;
mod agent;
mod all;
mod apikey;
mod auth;
mod basic;
mod body;
mod browser;
mod concurrency;
mod connection;
mod decompress;
mod edit;
mod envelope;
mod everywhere;
mod fatal;
mod forwarded;
mod headers;
mod identity;
mod jwt;
mod keryx;
mod layers;
mod lifecycle;
mod limit;
mod login;
mod login_stores;
mod matrix;
mod methods;
mod mount;
mod multipart;
mod mutant;
mod onion;
mod parser;
mod path;
mod policies;
mod proxy;
mod report;
mod routing;
mod stream;
mod tokens;
mod tools;

pub use all::all;
pub use matrix::{MutantOptions, run};
pub use mutant::Mutant;
pub use report::Report;
