//! Log lines on standard error; the libraries install nothing.

use std::io::IsTerminal as _;

use neurolink::{ConfigError, ConfigProblem};
use neurolink_config::{LogConfig, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;

/// Our own lines at the configured level, those of dependencies if they warn.
///
/// What a client sends is not worth a line of theirs: actix would write an error for each malformed request,
/// as no other framework does.
fn filter(level: LogLevel) -> String {
    let others = match level {
        LogLevel::Off | LogLevel::Error => level,
        _ => LogLevel::Warn,
    };
    format!("{},neurolink={},actix_http::h1::dispatcher=off", others.as_str(), level.as_str())
}

/// Begins to log; `RUST_LOG` wins over the configured level.
pub(crate) fn start(config: &LogConfig) -> Result<(), ConfigError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.trim().is_empty() => text.parse::<EnvFilter>().map_err(|_| {
            let problem = "it is no filter; write for example `info` or `info,neurolink=debug`";
            let problem = ConfigProblem::new("RUST_LOG", problem).with_value(text);
            ConfigError::new(vec![problem.with_origin("environment variable RUST_LOG")])
        })?,
        _ => EnvFilter::new(filter(config.level)),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.format == LogFormat::Json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        // The text of a panic has lines of its own.
        std::panic::set_hook(Box::new(|panic| tracing::error!(target: "neurolink::panic", "{panic}")));
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        builder.with_ansi(colours).init();
    }
    Ok(())
}
