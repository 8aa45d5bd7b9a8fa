//! All cases against one subject: what the test binaries and the command line share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::address::{take_turn, unobservable};
use crate::area::{cases, function_cases};
use crate::asked_one_at_a_time;
use crate::case::{Case, Level};
use crate::divergences::Divergences;
use crate::function::FunctionCase;
use crate::harness::{Running, Subject};
use crate::native;
use crate::own_server;
use crate::run::{run_case, run_function};
use crate::verdict::CaseOutcome;

/// One case, or one row of it, at one place.
#[derive(Clone, Debug)]
pub struct Test {
    name: String,
    place: Place,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Data(Arc<Case>),
    Function(&'static FunctionCase),
}

/// Which server a case is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    needs: String,
    server: ServerKind,
}

/// How a server of a subject serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ServerKind {
    /// The app in the framework's router.
    Mounted,
    /// The same behind the framework's own server.
    Own,
    /// The framework's own routes with the stack around them.
    Native,
}

impl ServerKind {
    /// The name of a case's test there.
    fn name_of(self, case: &str) -> String {
        match self {
            Self::Mounted => case.to_owned(),
            Self::Own => format!("own-server/{case}"),
            Self::Native => format!("native/{case}"),
        }
    }
}

impl Test {
    fn data(case: &Arc<Case>, server: ServerKind) -> Self {
        Self {
            name: server.name_of(&case.name()),
            place: Place { needs: case.needs.clone(), server },
            kind: Kind::Data(Arc::clone(case)),
        }
    }

    fn function(case: &'static FunctionCase, server: ServerKind) -> Self {
        let place = Place { needs: case.needs.to_owned(), server };
        Self { name: server.name_of(case.id), place, kind: Kind::Function(case) }
    }

    /// The same test with no more than this time, in milliseconds; a conversation keeps its own.
    pub(crate) fn within(mut self, most: u64) -> Self {
        if let Kind::Data(case) = &mut self.kind {
            let case = Arc::make_mut(case);
            case.timeout_ms = case.timeout_ms.min(most);
        }
        self
    }

    /// The name: the case's id, with the row in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The case's id, which the rows of a table share.
    #[must_use]
    pub fn id(&self) -> &str {
        self.name.split('[').next().unwrap_or(&self.name)
    }

    /// The part of the id in front of the first slash.
    #[must_use]
    pub fn area(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    /// What a failure means.
    #[must_use]
    pub fn level(&self) -> Level {
        match &self.kind {
            Kind::Data(case) => case.level,
            Kind::Function(case) => case.level,
        }
    }

    /// The RFC section or the row of the original that the case comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        match &self.kind {
            Kind::Data(case) => &case.source,
            Kind::Function(case) => case.source,
        }
    }

    /// The requirements that the case covers.
    #[must_use]
    pub fn covers(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Data(case) => case.covers.iter().map(String::as_str).collect(),
            Kind::Function(case) => case.covers.to_vec(),
        }
    }

    /// The configuration that the server has to run with.
    #[must_use]
    pub fn needs(&self) -> &str {
        &self.place.needs
    }

    /// Whether it looks into the server, which then has to run in this process.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        matches!(&self.kind, Kind::Function(case) if case.inside)
    }

    /// Whether it has a server of its own.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(&self.kind, Kind::Function(case) if case.alone)
    }

    /// Why it cannot be observed at a server of this address, if it cannot.
    fn unobservable_at(&self, addr: SocketAddr) -> Option<String> {
        match &self.kind {
            Kind::Data(case) => unobservable(addr, &case.name(), case.is_by_address()),
            Kind::Function(case) => unobservable(addr, case.id, case.by_address),
        }
    }

    /// What has to come back, as it is written in the case; the id of a conversation says it in words.
    #[must_use]
    pub fn wanted(&self) -> String {
        match &self.kind {
            Kind::Data(case) => case.wanted.clone(),
            Kind::Function(case) => case.id.split_once('/').map_or(case.id, |(_, name)| name).replace('-', " "),
        }
    }
}

/// All cases and the subject they are asked of.
pub struct Suite {
    subject: Box<dyn Subject>,
    divergences: Divergences,
    tests: Vec<Test>,
    servers: Mutex<HashMap<Place, Result<Arc<Running>, String>>>,
}

impl Suite {
    /// The suite for a subject and the text of its `divergences.toml`.
    ///
    /// # Errors
    /// A file of cases or the list of divergences is malformed.
    pub fn new(subject: impl Subject, divergences_toml: &str) -> Result<Self, String> {
        let divergences = Divergences::parse(divergences_toml).map_err(|error| error.to_string())?;
        let cases: Vec<Arc<Case>> = cases().map_err(|error| error.to_string())?.into_iter().map(Arc::new).collect();
        let has_own = subject.start_own("").is_some();
        let own = cases.iter().filter(|case| has_own && own_server::holds(case));
        let own = own.map(|case| Test::data(case, ServerKind::Own));
        let functions = function_cases().iter();
        let own_functions = functions.clone().filter(|case| has_own && own_server::holds_function(case));
        let own_functions = own_functions.map(|case| Test::function(case, ServerKind::Own));
        let has_native = subject.start_native("").is_some();
        let list = native::list()?;
        let native = cases.iter().filter(|case| has_native && list.holds(case));
        let native = native.map(|case| Test::data(case, ServerKind::Native));
        let native_functions = functions.clone().filter(|case| has_native && list.holds_function(case));
        let native_functions = native_functions.map(|case| Test::function(case, ServerKind::Native));
        let data = cases.iter().map(|case| Test::data(case, ServerKind::Mounted));
        let functions = functions.map(|case| Test::function(case, ServerKind::Mounted));
        let tests =
            own.chain(native).chain(data).chain(own_functions).chain(native_functions).chain(functions).collect();
        Ok(Self { subject: Box::new(subject), divergences, tests, servers: Mutex::default() })
    }

    /// These tests for a subject that has no divergences.
    pub(crate) fn of(subject: impl Subject, tests: Vec<Test>) -> Self {
        Self { subject: Box::new(subject), divergences: Divergences::default(), tests, servers: Mutex::default() }
    }

    /// The subject's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.subject.name()
    }

    /// All tests.
    #[must_use]
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// What the subject is known to do otherwise.
    #[must_use]
    pub const fn divergences(&self) -> &Divergences {
        &self.divergences
    }

    /// Runs a test and judges it in the light of the divergences.
    #[must_use]
    pub fn run(&self, test: &Test) -> CaseOutcome {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let not_asked = |problem| CaseOutcome::not_observable(test.name.clone(), test.level(), problem);
        if !self.subject.offers(test.needs()) {
            return not_asked(format!("it needs a server with the configuration `{}`", test.needs()));
        }
        let server = if test.is_alone() { self.start(&test.place).map(Arc::new) } else { self.shared(&test.place) };
        let outcome = match server {
            Err(problem) => CaseOutcome::harness_error(test.name.clone(), test.level(), problem),
            Ok(server) => {
                if let Some(why) = test.unobservable_at(server.addr) {
                    return not_asked(why);
                }
                // Servers of this process share its cores; one that runs elsewhere has its own.
                let alone = asked_one_at_a_time(test.needs()) && !server.is_elsewhere();
                let _turn = alone.then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
                take_turn(server.addr);
                match &test.kind {
                    Kind::Data(case) => run_case(server.addr, case),
                    Kind::Function(case) => run_function(&server, case),
                }
            }
        };
        self.divergences.judge(CaseOutcome { name: test.name.clone(), ..outcome })
    }

    /// Runs all tests whose name passes, some at the same time, and calls back after each; the order is kept.
    ///
    /// Tests wait more than they work: more jobs than cores are fine.
    #[must_use]
    pub fn run_all(
        &self,
        jobs: usize,
        wanted: impl Fn(&Test) -> bool + Sync,
        done: impl Fn(&CaseOutcome) + Sync,
    ) -> Vec<(&Test, CaseOutcome)> {
        let tests: Vec<&Test> = self.tests.iter().filter(|test| wanted(test)).collect();
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::with_capacity(tests.len()));
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(test) = tests.get(at) else { break };
                        let outcome = self.run(test);
                        done(&outcome);
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
                    }
                });
            }
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_unstable_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(at, outcome)| (tests[at], outcome)).collect()
    }

    /// Ends the servers that tests share.
    pub fn stop(&self) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The server that the tests of a place share, started when it is first asked for.
    fn shared(&self, place: &Place) -> Result<Arc<Running>, String> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(place.clone()).or_insert_with(|| self.start(place).map(Arc::new)).clone()
    }

    fn start(&self, place: &Place) -> Result<Running, String> {
        let needs = &place.needs;
        let unsupported = || Err(std::io::ErrorKind::Unsupported.into());
        let started = match place.server {
            ServerKind::Mounted => self.subject.start(needs),
            ServerKind::Own => self.subject.start_own(needs).unwrap_or_else(unsupported),
            ServerKind::Native => self.subject.start_native(needs).unwrap_or_else(unsupported),
        };
        started.map_err(|error| format!("{} does not start with `{needs}`: {error}", self.name()))
    }
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite").field("subject", &self.name()).field("tests", &self.tests.len()).finish_non_exhaustive()
    }
}
