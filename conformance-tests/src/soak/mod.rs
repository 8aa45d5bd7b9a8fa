//! A soak: clients of all kinds for as long as wanted, and afterwards nothing may be left of them.

mod clients;
mod outcome;
mod places;
mod restarts;
mod run;
mod special;
mod state;

pub use outcome::{Memory, Outcome};
pub use run::{Progress, SoakOptions, soak};
pub use state::Measure;
