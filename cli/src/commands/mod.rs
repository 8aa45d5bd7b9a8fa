//! One file a subcommand; each has a `clap::Args` and a `run`.

mod command;
mod config;
mod conformance;
mod key;
mod password;
mod routes;
mod serve;

pub(crate) use command::Command;
