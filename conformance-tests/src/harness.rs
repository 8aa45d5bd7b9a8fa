//! What an adapter's test binary calls: every case becomes a named test.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::control::Control;
use crate::report;
use crate::suite::{Suite, Test};
use crate::verdict::Verdict;

/// How many cases run at one time unless told.
const TEST_THREADS: usize = 4;

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

    /// Whether it can be started with this configuration; a case that needs another is not observable.
    fn offers(&self, _needs: &str) -> bool {
        true
    }

    /// Starts the same behind the framework's own server, such as `axum::serve`, if `start` uses another.
    fn start_own(&self, _needs: &str) -> Option<std::io::Result<Running>> {
        None
    }

    /// Starts routes that the framework serves itself, with the configuration's stack around them; see `native.toml`.
    fn start_native(&self, _needs: &str) -> Option<std::io::Result<Running>> {
        None
    }
}

/// A server that runs until it is dropped.
pub struct Running {
    /// Where it answers.
    pub addr: SocketAddr,
    /// Its inside, if it runs in this process.
    pub control: Option<Control>,
    /// Whether it speaks HTTP/2 by prior knowledge; unknown for one that runs elsewhere.
    pub http2: Option<bool>,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Running {
    /// A server at this address and what ends it.
    pub fn new(addr: SocketAddr, stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { addr, control: None, http2: None, stop: Some(Box::new(stop)) }
    }

    /// A server that somebody else has started and will end.
    #[must_use]
    pub const fn elsewhere(addr: SocketAddr) -> Self {
        Self { addr, control: None, http2: None, stop: None }
    }

    /// Whether somebody else has started it.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        self.stop.is_none()
    }

    /// Adds the inside of the server.
    #[must_use]
    pub fn with_control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// Says whether it speaks HTTP/2 by prior knowledge.
    #[must_use]
    pub const fn with_http2(mut self, yes: bool) -> Self {
        self.http2 = Some(yes);
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
    let mut arguments = Arguments::from_args();
    // Cases wait more than they work, some for ten seconds and longer.
    arguments.test_threads.get_or_insert(TEST_THREADS);
    let suite = match Suite::new(subject, divergences_toml) {
        Ok(suite) => Arc::new(suite),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials(&suite));
    suite.stop();
    conclusion.exit_code()
}

/// The command that repeats only this test of this binary; cargo and nextest say which package it is of.
fn rerun(adapter: &str, test: &str) -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| format!("neurolink-{adapter}"));
    let binary = std::env::current_exe().ok().and_then(|path| path.file_stem()?.to_str().map(str::to_owned));
    let binary = binary.as_deref().and_then(|name| Some(name.rsplit_once('-')?.0)).unwrap_or("conformance");
    format!("cargo test -p {package} --test {binary} -- --exact '{test}'")
}

fn judged(suite: &Suite, test: &Test) -> Result<(), Failed> {
    let outcome = suite.run(test);
    let text = || report::describe(&outcome, &test.wanted(), &rerun(suite.name(), &outcome.name));
    if outcome.is_failure() {
        return Err(text().into());
    }
    if outcome.verdict != Verdict::Pass {
        // Never silent: a warning and a divergence are seen in the log.
        eprintln!("{}", text());
    }
    Ok(())
}

fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let names = suite.tests().iter().map(|test| test.name().to_owned()).collect::<Vec<_>>();
    let mut trials: Vec<Trial> = suite
        .tests()
        .iter()
        .cloned()
        .map(|test| {
            let suite = Arc::clone(suite);
            Trial::test(test.name().to_owned(), move || judged(&suite, &test))
        })
        .collect();
    let list = Arc::clone(suite);
    trials.push(Trial::test("divergences/list-is-true", move || {
        list.divergences().validate(&names).map_err(|error| error.to_string().into())
    }));
    trials
}
