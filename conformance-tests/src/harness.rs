//! What an adapter's test binary calls: every case becomes a named test.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::area::{cases, function_cases, test_names};
use crate::case::Level;
use crate::divergences::Divergences;
use crate::report;
use crate::run::{run_case, run_function};
use crate::verdict::{CaseOutcome, Verdict};

/// Something that answers HTTP: an adapter under test.
pub trait Subject: Send + Sync + 'static {
    /// The name in reports, such as `axum`.
    fn name(&self) -> &str;

    /// Starts a server with the configuration that cases ask for by name, such as `reference`.
    ///
    /// It is called at most once a name, when the first such case runs.
    ///
    /// # Errors
    /// There is no such configuration, or the server does not start.
    fn start(&self, needs: &str) -> std::io::Result<Running>;
}

/// A server that runs.
pub struct Running {
    /// Where it answers.
    pub addr: SocketAddr,
    /// Ends it.
    pub stop: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Runs the suite as a test binary (`harness = false`): understands what `cargo test` and nextest pass.
///
/// ```no_run
/// # struct MyServer;
/// # impl neurolink_conformance::Subject for MyServer {
/// #     fn name(&self) -> &str { "mine" }
/// #     fn start(&self, _: &str) -> std::io::Result<neurolink_conformance::Running> { Err(std::io::ErrorKind::Other.into()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     neurolink_conformance::run_cli(MyServer, "")
/// }
/// ```
pub fn run_cli(subject: impl Subject, divergences_toml: &str) -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = match Suite::new(subject, divergences_toml) {
        Ok(suite) => Arc::new(suite),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let trials = match trials(&suite) {
        Ok(trials) => trials,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    suite.stop();
    conclusion.exit_code()
}

struct Suite {
    subject: Box<dyn Subject>,
    divergences: Divergences,
    servers: Mutex<HashMap<String, Result<Running, String>>>,
}

impl Suite {
    fn new(subject: impl Subject, divergences_toml: &str) -> Result<Self, String> {
        let divergences = Divergences::parse(divergences_toml).map_err(|error| error.to_string())?;
        Ok(Self { subject: Box::new(subject), divergences, servers: Mutex::default() })
    }

    /// The server for a configuration, started when it is first asked for.
    fn server(&self, needs: &str) -> Result<SocketAddr, String> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let server = servers.entry(needs.to_owned()).or_insert_with(|| {
            self.subject
                .start(needs)
                .map_err(|error| format!("{} does not start with `{needs}`: {error}", self.subject.name()))
        });
        server.as_ref().map(|running| running.addr).map_err(Clone::clone)
    }

    fn stop(&self) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, server) in servers.drain() {
            if let Ok(running) = server {
                (running.stop)();
            }
        }
    }

    fn outcome(
        &self,
        name: &str,
        level: Level,
        needs: &str,
        run: impl FnOnce(SocketAddr) -> CaseOutcome,
    ) -> Result<(), Failed> {
        let outcome = match self.server(needs) {
            Ok(addr) => self.divergences.judge(run(addr)),
            Err(problem) => CaseOutcome::harness_error(name.to_owned(), level, problem),
        };
        let rerun = format!("cargo test -p neurolink-{} --test conformance -- --exact '{name}'", self.subject.name());
        if outcome.is_failure() {
            return Err(report::describe(&outcome, &rerun).into());
        }
        if outcome.verdict != Verdict::Pass {
            // Never silent: a warning and a divergence are seen in the log.
            eprintln!("{}", report::describe(&outcome, &rerun));
        }
        Ok(())
    }
}

fn trials(suite: &Arc<Suite>) -> Result<Vec<Trial>, String> {
    let mut trials = Vec::new();
    for case in cases().map_err(|error| error.to_string())? {
        let suite = Arc::clone(suite);
        trials.push(Trial::test(case.name(), move || {
            suite.outcome(&case.name(), case.level, &case.needs, |addr| run_case(addr, &case))
        }));
    }
    for case in function_cases() {
        let suite = Arc::clone(suite);
        trials.push(Trial::test(case.id, move || {
            suite.outcome(case.id, case.level, case.needs, |addr| run_function(addr, case))
        }));
    }
    let names = test_names().map_err(|error| error.to_string())?;
    let list = Arc::clone(suite);
    trials.push(Trial::test("divergences/list-is-true", move || {
        list.divergences.validate(&names).map_err(|error| error.to_string().into())
    }));
    Ok(trials)
}
