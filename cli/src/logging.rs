//! Log lines on standard error; the libraries install nothing.

use std::io::IsTerminal as _;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::path::Path;

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
    let in_json = config.format == LogFormat::Json;
    if in_json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        // Keryx's lines say themselves where they are from.
        builder.with_ansi(colours).with_target(config.format != LogFormat::Keryx).init();
    }
    let as_text = take_hook();
    set_hook(Box::new(move |panic| match panic {
        panic if is_of_a_head(panic) => {}
        // As text it has lines of its own.
        panic if in_json => tracing::error!(target: "neurolink::panic", "{panic}"),
        panic => as_text(panic),
    }));
    Ok(())
}

/// Whether it is that of actix-http at a header name of 64 KiB: a client's doing, of which the adapter tells.
fn is_of_a_head(panic: &PanicHookInfo<'_>) -> bool {
    panic.location().is_some_and(|place| is_the_decoder(Path::new(place.file())))
}

fn is_the_decoder(file: &Path) -> bool {
    let mut folders = file.iter().filter_map(|folder| folder.to_str());
    file.ends_with("src/h1/decoder.rs") && folders.any(|folder| folder.starts_with("actix-http"))
}
