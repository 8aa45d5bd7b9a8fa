use std::io::ErrorKind;

use clap::Args;
use listenfd::ListenFd;
use neurolink::routes::OfflineEngine;
use neurolink::server::Listener;
use neurolink::{ConfigError, ConfigProblem, Server, ServerError, create_server};
use neurolink_config::{Config, Loaded, LogFormat};
use serde_json::json;

use crate::options::{Options, remarks, say_remarks};
use crate::output::{BOLD, CYAN, Failure, paint, print};
use crate::{curl, logging, table};

/// Serves the built-in engine until SIGTERM or Ctrl-C.
///
/// Open requests and streams are finished first, for as long as `server.grace` says; a second signal cuts them.
/// The first line of standard output is `listening on http://ADDRESS:PORT`, with `https` where connections are
/// encrypted, or `listening on unix:PATH`; logs go to standard error. With `--log json` every line of both is an
/// object of JSON: the first of standard output has that text as `message`, and a line for each route follows.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink serve
  neurolink serve --framework actix --port 8080
  neurolink serve --cors-origin https://app.example.com --rate-limit 100/60s
  neurolink serve --bind unix:/run/neurolink.sock
  neurolink serve --tls-cert server.crt --tls-key server.key
  NEUROLINK__AUTH__TOKEN_FILE=/run/secrets/token neurolink serve --host 0.0.0.0
  neurolink serve --config neurolink.toml --log json

A secret has no flag: set NEUROLINK__AUTH__TOKEN, or NEUROLINK__AUTH__TOKEN_FILE with the path of a file.
A socket that a supervisor hands over (LISTEN_FDS) is served in place of the address; SIGHUP reads certificates again.
Every setting has a variable, such as NEUROLINK__SERVER__PORT; `neurolink config` shows them all.")]
pub(crate) struct Serve {
    #[command(flatten)]
    options: Options,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.options.load().map_err(|refused| {
            let format = refused.log_format;
            Failure::from(refused).told_in(format)
        })?;
        run(&loaded).map_err(|failure| failure.told_in(loaded.config.log.format))
    }
}

fn run(loaded: &Loaded) -> Result<(), Failure> {
    loaded.check_exposure()?;
    logging::start(&loaded.config.log)?;
    say(loaded);
    let mut server =
        create_server(OfflineEngine::new()).bind(loaded.config.server.address()).config(loaded.config.clone());
    if let Some(listener) = handed_over()? {
        server = server.listener(listener);
    }
    let server = server.build()?;
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Failure::Run(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(serve(&server, &loaded.config))
}

/// The socket that a supervisor has opened for this process (`LISTEN_FDS` and `LISTEN_PID`, as systemd sets them).
fn handed_over() -> Result<Option<Listener>, Failure> {
    let failed = |error| Failure::Run(format!("the socket in LISTEN_FDS cannot be used: {error}"));
    let mut sockets = ListenFd::from_env();
    match sockets.len() {
        0 => return Ok(None),
        1 => {}
        many => {
            return Err(Failure::Run(format!("LISTEN_FDS hands over {many} sockets; one is served, hand over one")));
        }
    }
    #[cfg(unix)]
    if let Ok(Some(listener)) = sockets.take_unix_listener(0) {
        return Ok(Some(listener.into()));
    }
    Ok(sockets.take_tcp_listener(0).map_err(failed)?.map(Listener::from))
}

/// What should be known about the configuration; in the log when that is for machines.
fn say(loaded: &Loaded) {
    match loaded.config.log.format {
        LogFormat::Json => remarks(loaded).for_each(|text| tracing::warn!(target: "neurolink::config", "{text}")),
        _ => say_remarks(loaded),
    }
}

async fn serve(server: &Server, config: &Config) -> Result<(), Failure> {
    server.initialize().map_err(|error| failed(error, config))?;
    server.start().await.map_err(|error| failed(error, config))?;
    let stopped = async { server.wait().await.map_err(|error| failed(error, config)) };
    // Signals are listened for before anybody can know that it serves.
    tokio::try_join!(biased; stopped, async { announce(server, config) }).map(|_| ())
}

fn announce(server: &Server, config: &Config) -> Result<(), Failure> {
    let status = server.status();
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let place = match (status.address, &status.unix) {
        (Some(address), _) => format!("{scheme}://{address}"),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => "the Unix socket that was handed over".into(),
    };
    if config.log.format == LogFormat::Json {
        return announce_json(server, config, &place);
    }
    print(format_args!("listening on {place}"))?;
    let engine = "the built-in offline engine";
    print(format_args!("serving {engine} on {}, preset {}\n", paint(BOLD, status.framework), config.preset))?;
    print(table::table(server.plan(), table::terminal_width()))?;
    match curl::line(config, &status) {
        Some(line) => print(format_args!("{}\n  {}", paint(BOLD, "Try it:"), paint(CYAN, line))),
        None => Ok(()),
    }
}

/// Where it listens, then a line for each route.
fn announce_json(server: &Server, config: &Config, place: &str) -> Result<(), Failure> {
    let (framework, preset) = (server.status().framework, config.preset.to_string());
    let message = format!("listening on {place}");
    print(
        json!({ "message": message, "place": place, "framework": framework, "preset": preset, "engine": "offline" }),
    )?;
    server.plan().routes.iter().try_for_each(|route| print(json!({ "message": "route", "route": route })))
}

fn failed(error: ServerError, config: &Config) -> Failure {
    let address = config.server.address();
    match error {
        ServerError::Bind { source, .. } => {
            let hint = match source.kind() {
                ErrorKind::AddrInUse => {
                    "another program listens there; stop it, choose another port with --port, or take any free one with --port 0"
                }
                ErrorKind::PermissionDenied => "ports below 1024 need a permission; choose another with --port",
                ErrorKind::AddrNotAvailable => "the address is none of this machine's; choose another with --host",
                _ => "choose another address with --host and --port",
            };
            Failure::Run(format!("cannot listen on {address}: {source}\n  {hint}"))
        }
        ServerError::Address(_) => {
            let problem = "it is no address of a machine; write for example `127.0.0.1`";
            let problem = ConfigProblem::new("server.host", problem);
            ConfigError::new(vec![problem.with_value(&*config.server.host)]).into()
        }
        error => Failure::Run(error.to_string()),
    }
}
