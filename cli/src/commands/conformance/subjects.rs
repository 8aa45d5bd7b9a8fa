//! Whom the cases are asked of.

use std::borrow::Cow;
use std::net::{SocketAddr, ToSocketAddrs as _};

use clap::Args;
use neurolink::{App, Framework};
use neurolink_conformance::matrix::Head;
use neurolink_conformance::{CaseOutcome, Running, Subject, Suite, Test, reference};

use super::failed;
use super::progress::Progress;
use crate::output::Failure;

/// Which servers are asked.
#[derive(Args)]
#[command(next_help_heading = "Servers")]
pub(super) struct Whom {
    /// A framework of this binary; may be repeated [default: all, unless there is a --url]
    #[arg(long, value_name = "NAME")]
    framework: Vec<Framework>,

    /// A server that runs already, in any language, such as http://127.0.0.1:3000 or mine=http://127.0.0.1:3000;
    /// may be repeated
    #[arg(long, value_name = "[NAME=]URL")]
    url: Vec<String>,

    /// What all servers at --url are known to do otherwise: a framework of this binary, or a divergences.toml
    #[arg(long, value_name = "FRAMEWORK|FILE", requires = "url")]
    known: Option<String>,
}

impl Whom {
    /// The frameworks of this binary among them.
    pub(super) fn frameworks(&self) -> Vec<Framework> {
        if self.is_default() {
            Framework::ALL.into_iter().filter(|framework| framework.is_enabled()).collect()
        } else {
            self.framework.clone()
        }
    }

    /// Whether nobody said whom.
    pub(super) fn is_default(&self) -> bool {
        self.framework.is_empty() && self.url.is_empty()
    }

    /// Name and address of those that run already.
    pub(super) fn elsewhere(&self) -> Result<Vec<(String, SocketAddr)>, Failure> {
        self.url.iter().map(|text| address(text)).collect()
    }

    /// The divergences of those that run already.
    pub(super) fn known(&self) -> Result<Cow<'static, str>, Failure> {
        let Some(known) = &self.known else { return Ok("".into()) };
        if let Ok(framework) = known.parse::<Framework>() {
            return framework.divergences().map(Cow::Borrowed).map_err(|problem| Failure::Run(problem.problem));
        }
        std::fs::read_to_string(known).map(Cow::Owned).map_err(|error| failed(&format!("--known {known}"), error))
    }

    /// The arguments that say the same again, each with a space in front.
    pub(super) fn again(&self) -> String {
        let frameworks = self.framework.iter().map(|framework| format!(" --framework {framework}"));
        let known = self.known.iter().map(|known| format!(" --known {known}"));
        frameworks.chain(self.url.iter().map(|url| format!(" --url {url}"))).chain(known).collect()
    }
}

/// Which servers are asked the cases, and how.
#[derive(Args)]
pub(super) struct Servers {
    #[command(flatten)]
    whom: Whom,

    /// The configuration that those servers run with; `conformance list --needs` prints them
    #[arg(long, value_name = "CONFIGURATION", default_value = "reference")]
    needs: String,

    /// Cases that are asked at the same time; they wait more than they work
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    jobs: usize,
}

/// A server and how to ask it again.
pub(super) struct AskedServer {
    pub(super) head: Head,
    pub(super) suite: Suite,
    again: String,
}

impl Servers {
    pub(super) fn columns(&self) -> Result<Vec<AskedServer>, Failure> {
        let built_in = self.whom.frameworks().into_iter().map(built_in);
        built_in.chain(self.whom.url.iter().map(|text| self.elsewhere(text))).collect()
    }

    fn elsewhere(&self, text: &str) -> Result<AskedServer, Failure> {
        let (name, addr) = address(text)?;
        let subject = Elsewhere { name: name.clone(), addr, needs: self.needs.clone() };
        let suite = Suite::new(subject, &self.whom.known()?).map_err(|error| failed("--known", error))?;
        let known = self.whom.known.iter().map(|known| format!(" --known {known}")).collect::<String>();
        let again = format!("--url {text} --needs {}{known}", self.needs);
        Ok(AskedServer { head: Head { name, note: String::new() }, suite, again })
    }

    /// Asks a server, with a line of progress on a terminal.
    pub(super) fn ask<'a>(
        &self,
        column: &'a AskedServer,
        wanted: impl Fn(&Test) -> bool + Sync,
    ) -> Vec<(&'a Test, CaseOutcome)> {
        let total = column.suite.tests().iter().filter(|test| wanted(test)).count();
        let progress = Progress::new(&column.head.name, total);
        let outcomes = column.suite.run_all(self.jobs, wanted, |outcome| progress.done(outcome.is_failure()));
        column.suite.stop();
        outcomes
    }
}

impl AskedServer {
    /// The command that repeats one test.
    pub(super) fn again(&self, test: &str) -> String {
        format!("neurolink conformance run {} --exact '{test}'", self.again)
    }
}

fn built_in(framework: Framework) -> Result<AskedServer, Failure> {
    let divergences = framework.divergences().map_err(|problem| Failure::Run(problem.problem))?;
    let suite = match framework {
        Framework::Axum => Suite::new(axum_subject(), divergences),
        #[cfg(feature = "actix")]
        Framework::Actix => Suite::new(actix_subject(), divergences),
        #[cfg(feature = "warp")]
        Framework::Warp => Suite::new(warp_subject(), divergences),
        #[cfg(feature = "poem")]
        Framework::Poem => Suite::new(poem_subject(), divergences),
        other => Err(format!("{other} is not compiled in")),
    };
    let head = Head { name: framework.to_string(), note: String::new() };
    let again = format!("--framework {framework}");
    Ok(AskedServer { head, suite: suite.map_err(Failure::Run)?, again })
}

/// Each framework's own router, with the app mounted beside a native route.
fn axum_subject() -> impl Subject {
    use axum::routing::get;
    let host = |app: App| {
        let native = axum::Router::new().route("/native/hello", get(|| async { "hello from axum" }));
        native.merge(neurolink::axum::router(app))
    };
    reference::Served::by(neurolink::axum::Axum::new().host(host))
}

#[cfg(feature = "actix")]
fn actix_subject() -> impl Subject {
    use actix_web::web;
    reference::Served::by(neurolink::actix::Actix::new().workers(2).host(|app, config| {
        config.route("/native/hello", web::get().to(async || "hello from actix"));
        neurolink::actix::configure(app)(config);
    }))
}

#[cfg(feature = "warp")]
fn warp_subject() -> impl Subject {
    use warp::Filter as _;
    reference::Served::by(neurolink::warp::Warp::new().host(|app| {
        let native = warp::path!("native" / "hello").and(warp::get()).map(|| "hello from warp");
        neurolink::warp::filter(app).or(native)
    }))
}

#[cfg(feature = "poem")]
fn poem_subject() -> impl Subject {
    let native = || poem::Route::new().at("/native/hello", poem::get(poem::endpoint::make_sync(|_| "hello from poem")));
    reference::Served::by(neurolink::poem::Poem::new().host(move |app| neurolink::poem::mount(native(), app)))
}

/// The subject of a framework, for `conformance serve`.
pub(super) fn subject(framework: Framework) -> Result<Box<dyn Subject>, Failure> {
    Ok(match framework {
        Framework::Axum => Box::new(axum_subject()),
        #[cfg(feature = "actix")]
        Framework::Actix => Box::new(actix_subject()),
        #[cfg(feature = "warp")]
        Framework::Warp => Box::new(warp_subject()),
        #[cfg(feature = "poem")]
        Framework::Poem => Box::new(poem_subject()),
        other => return Err(Failure::Run(format!("{other} is not compiled in"))),
    })
}

/// No server: the cases are only listed.
pub(super) struct Nobody;

impl Subject for Nobody {
    fn name(&self) -> &str {
        "nobody"
    }

    fn start(&self, _needs: &str) -> std::io::Result<Running> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// A server that somebody else has started.
struct Elsewhere {
    name: String,
    addr: SocketAddr,
    needs: String,
}

impl Subject for Elsewhere {
    fn name(&self) -> &str {
        &self.name
    }

    fn offers(&self, needs: &str) -> bool {
        needs == self.needs
    }

    fn start(&self, _needs: &str) -> std::io::Result<Running> {
        Ok(Running::elsewhere(self.addr))
    }
}

/// Name and address of a server that is given as `[NAME=]URL`.
fn address(text: &str) -> Result<(String, SocketAddr), Failure> {
    let (name, url) = match text.split_once('=') {
        Some((name, url)) if !name.contains(':') => (name, url),
        _ => (text.trim_start_matches("http://"), text),
    };
    let wrong = |what: &str| Failure::Run(format!("--url {text}: {what}; write for example http://127.0.0.1:3000"));
    let authority = url.strip_prefix("http://").ok_or_else(|| wrong("the suite speaks plain HTTP"))?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains(['/', '?', '#', '@']) {
        return Err(wrong("the cases bring their own paths"));
    }
    let with_port = if authority.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let addr = with_port.to_socket_addrs().map_err(|error| failed(&format!("--url {text}"), error))?.next();
    Ok((name.to_owned(), addr.ok_or_else(|| wrong("the name has no address"))?))
}
