#![doc = include_str!("../README.md")]

mod area;
pub mod case;
pub mod differential;
pub mod divergences;
pub mod expect;
mod field;
pub mod function;
mod functions;
pub mod generate;
pub mod harness;
mod json;
pub mod normalise;
pub mod parse;
mod placeholders;
pub mod reference;
pub mod report;
mod request;
pub mod run;
mod sse;
pub mod verdict;
pub mod wire;

pub use area::{behaviours, case_ids, cases, function_cases};
pub use case::{Case, Level};
pub use differential::{Column, Report, differential};
pub use divergences::Divergences;
pub use function::{Ctx, Failure, FunctionCase};
pub use harness::{Running, Subject, run_cli};
pub use parse::RawResponse;
pub use run::{answer, run_case, run_function};
pub use verdict::{CaseOutcome, Verdict};

/// The configuration that the cases of `needs = "reference"` run with.
pub const REFERENCE_TOML: &str = include_str!("../reference.toml");
