//! What an adapter's test binary calls: every case becomes a named test.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::area::{cases, function_cases};
use crate::case::Case;
use crate::control::Control;
use crate::divergences::Divergences;
use crate::function::FunctionCase;
use crate::report;
use crate::run::{run_case, run_function};
use crate::verdict::{CaseOutcome, Verdict};

/// Something that answers HTTP: an adapter under test.
pub trait Subject: Send + Sync + 'static {
    /// The name in reports, such as `axum`.
    fn name(&self) -> &str;

    /// Starts a server with the configuration that cases ask for by name, such as `reference`.
    ///
    /// It is called once a name, when the first such case runs, and again for each case that wants a server alone.
    ///
    /// # Errors
    /// There is no such configuration, or the server does not start.
    fn start(&self, needs: &str) -> std::io::Result<Running>;

    /// Starts the same behind the framework's own server, such as `axum::serve`, if `start` uses another.
    fn start_own(&self, _needs: &str) -> Option<std::io::Result<Running>> {
        None
    }
}

/// A server that runs until it is dropped.
pub struct Running {
    /// Where it answers.
    pub addr: SocketAddr,
    /// Its inside, if it runs in this process.
    pub control: Option<Control>,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Running {
    /// A server at this address and what ends it.
    pub fn new(addr: SocketAddr, stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { addr, control: None, stop: Some(Box::new(stop)) }
    }

    /// A server that somebody else has started and will end.
    #[must_use]
    pub const fn elsewhere(addr: SocketAddr) -> Self {
        Self { addr, control: None, stop: None }
    }

    /// Adds the inside of the server.
    #[must_use]
    pub fn with_control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
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

/// The areas that also run behind the framework's own server: the adapter must not lean on our accept loop.
pub const OWN_SERVER_AREAS: [&str; 4] = ["routing", "auth", "headers", "body"];

/// Which server a case is sent to.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    needs: String,
    own: bool,
}

struct Suite {
    subject: Box<dyn Subject>,
    divergences: Divergences,
    servers: Mutex<HashMap<Place, Result<Arc<Running>, String>>>,
}

impl Suite {
    fn new(subject: impl Subject, divergences_toml: &str) -> Result<Self, String> {
        let divergences = Divergences::parse(divergences_toml).map_err(|error| error.to_string())?;
        Ok(Self { subject: Box::new(subject), divergences, servers: Mutex::default() })
    }

    /// The shared server of a place, started when it is first asked for.
    fn server(&self, place: &Place) -> Result<Arc<Running>, String> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(place.clone()).or_insert_with(|| self.start(place).map(Arc::new)).clone()
    }

    fn start(&self, place: &Place) -> Result<Running, String> {
        let Place { needs, own } = place;
        let started = if *own {
            self.subject.start_own(needs).unwrap_or_else(|| Err(std::io::ErrorKind::Unsupported.into()))
        } else {
            self.subject.start(needs)
        };
        started.map_err(|error| format!("{} does not start with `{needs}`: {error}", self.subject.name()))
    }

    fn stop(&self) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn data(&self, case: &Case, place: &Place) -> Result<(), Failed> {
        let name = if place.own { format!("own-server/{}", case.name()) } else { case.name() };
        let outcome = match self.server(place) {
            Ok(server) => CaseOutcome { name, ..run_case(server.addr, case) },
            Err(problem) => CaseOutcome::harness_error(name, case.level, problem),
        };
        self.verdict(outcome)
    }

    fn function(&self, case: &FunctionCase) -> Result<(), Failed> {
        let place = Place { needs: case.needs.to_owned(), own: false };
        let server = if case.alone { self.start(&place).map(Arc::new) } else { self.server(&place) };
        let outcome = match server {
            Ok(server) => run_function(&server, case),
            Err(problem) => CaseOutcome::harness_error(case.id.to_owned(), case.level, problem),
        };
        self.verdict(outcome)
    }

    fn verdict(&self, outcome: CaseOutcome) -> Result<(), Failed> {
        let outcome = self.divergences.judge(outcome);
        let (adapter, name) = (self.subject.name(), &outcome.name);
        let rerun = format!("cargo test -p neurolink-{adapter} --test conformance -- --exact '{name}'");
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

type Run = Box<dyn FnOnce(&Suite) -> Result<(), Failed> + Send>;

fn trials(suite: &Arc<Suite>) -> Result<Vec<Trial>, String> {
    let mut trials = Vec::new();
    let mut names = Vec::new();
    let mut add = |name: String, run: Run| {
        names.push(name.clone());
        let suite = Arc::clone(suite);
        trials.push(Trial::test(name, move || run(&suite)));
    };
    let cases = cases().map_err(|error| error.to_string())?;
    let has_own = suite.subject.start_own("").is_some();
    for case in cases.iter().filter(|case| has_own && OWN_SERVER_AREAS.contains(&case.area())).cloned() {
        let place = Place { needs: case.needs.clone(), own: true };
        add(format!("own-server/{}", case.name()), Box::new(move |suite| suite.data(&case, &place)));
    }
    for case in cases {
        let place = Place { needs: case.needs.clone(), own: false };
        add(case.name(), Box::new(move |suite| suite.data(&case, &place)));
    }
    for case in function_cases() {
        add(case.id.to_owned(), Box::new(|suite| suite.function(case)));
    }
    let list = Arc::clone(suite);
    trials.push(Trial::test("divergences/list-is-true", move || {
        list.divergences.validate(&names).map_err(|error| error.to_string().into())
    }));
    Ok(trials)
}
