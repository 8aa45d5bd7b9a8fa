#![doc = include_str!("../README.md")]

mod address;
mod area;
pub mod case;
pub mod control;
pub mod differential;
pub mod divergences;
pub mod expect;
mod failing_store;
mod field;
pub mod function;
mod functions;
pub mod generate;
mod h2;
pub mod harness;
/// The fifth framework: plain hyper, as the page "Write an adapter" of the documentation writes it.
pub mod hyper_adapter;
mod json;
mod layers;
pub mod matrix;
pub mod mutants;
mod native;
pub mod normalise;
mod own_server;
pub mod parse;
mod placeholders;
mod process;
pub mod reference;
pub mod report;
mod request;
pub mod requirements;
pub mod run;
pub mod soak;
mod sse;
pub mod suite;
mod talk;
mod test_routes;
mod tokens;
pub mod verdict;
mod watched;
pub mod wire;

pub use area::{behaviours, case_ids, cases, function_cases, test_names};
pub use case::{Case, Level};
pub use control::{Control, ManualClock};
pub use differential::{Column, Report, differential, differential_by_needs};
pub use divergences::{Divergence, Divergences};
pub use function::{Ctx, Failure, FunctionCase};
pub use harness::{Running, Subject, run_cli};
pub use own_server::OWN_SERVER_AREAS;
pub use parse::RawResponse;
pub use requirements::coverage;
pub use run::{answer, run_case, run_function};
pub use suite::{Suite, Test};
pub use tokens::{Token, TokenVerdict, tokens};
pub use verdict::{CaseOutcome, Verdict};
pub use watched::Counters;

/// The configuration that the cases of `needs = "reference"` run with.
pub const REFERENCE_TOML: &str = include_str!("../reference.toml");

/// Name and text of each configuration that a case may need.
pub const CONFIGURATIONS: &[(&str, &str)] = &[
    ("reference", REFERENCE_TOML),
    ("patient", include_str!("../configurations/patient.toml")),
    ("drain", include_str!("../configurations/drain.toml")),
    ("apikey", include_str!("../configurations/apikey.toml")),
    ("basic", include_str!("../configurations/basic.toml")),
    ("login", include_str!("../configurations/login.toml")),
    ("busy", include_str!("../configurations/busy.toml")),
    ("dialects", include_str!("../configurations/dialects.toml")),
    ("keryx", include_str!("../configurations/keryx.toml")),
    ("large", include_str!("../configurations/large.toml")),
    ("formats", include_str!("../configurations/formats.toml")),
    ("idle", include_str!("../configurations/idle.toml")),
    ("jwt", include_str!("../configurations/jwt.toml")),
    ("narrow", include_str!("../configurations/narrow.toml")),
    ("draft-7", include_str!("../configurations/draft-7.toml")),
    ("tokens", include_str!("../configurations/tokens.toml")),
    ("proxies", include_str!("../configurations/proxies.toml")),
    ("proxies-forwarded", include_str!("../configurations/proxies-forwarded.toml")),
    ("proxies-single", include_str!("../configurations/proxies-single.toml")),
    ("proxies-elsewhere", include_str!("../configurations/proxies-elsewhere.toml")),
];

/// The text of the configuration of this name.
#[must_use]
pub fn configuration(needs: &str) -> Option<&'static str> {
    CONFIGURATIONS.iter().find(|(name, _)| *name == needs).map(|(_, text)| *text)
}

/// Whether cases of this configuration are asked one after the other of the servers of this process: a server hashes
/// one password at a time on two cores, and answers 503 to who has waited for 2 s.
pub(crate) fn asked_one_at_a_time(needs: &str) -> bool {
    const CONFIGURATIONS: [&str; 2] = ["basic", "login"];
    CONFIGURATIONS.contains(&needs)
}
