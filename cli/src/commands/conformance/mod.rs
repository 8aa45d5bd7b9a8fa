//! `neurolink conformance`: the suite against the frameworks of this binary, and against any server by its address.

mod command;
mod diff;
mod failed;
mod list;
mod matrix;
mod picture;
mod progress;
mod run;
mod serve;
mod soak;
mod subjects;

pub(crate) use command::Conformance;
use failed::failed;
