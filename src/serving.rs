//! What of a configuration is about connections.

use neurolink_config::Config;
use neurolink_core::server::Networks;
use neurolink_core::{ConfigError, ConfigProblem};
use neurolink_serve::{ServeConfig, Tls};

/// Limits, times, encryption and PROXY headers of connections, as a configuration has them; files are read here.
///
/// # Errors
/// All mistakes at once: a certificate or key that cannot be used, and PROXY headers without a trusted proxy.
pub fn serve_config(config: &Config) -> Result<ServeConfig, ConfigError> {
    let (server, timeout) = (&config.server, &config.timeout);
    let mut problems = Vec::new();
    let mut serve = ServeConfig::default()
        .max_connections(server.max_connections)
        .header_read_timeout(timeout.head)
        .keep_alive_idle(timeout.keep_alive)
        .tls_handshake_timeout(timeout.tls_handshake)
        .write_stall(timeout.send);
    // What is no network is the app's to tell.
    let trusted = Networks::parse(&config.proxies.trusted);
    if server.max_connections_per_address > 0 {
        serve = serve.max_connections_per_address(server.max_connections_per_address);
        // Behind a proxy are many.
        serve = serve.shared_addresses(trusted.clone().unwrap_or_default());
    }
    if let Some(files) = &server.tls {
        match Tls::load(&files.cert, &files.key) {
            Ok(tls) => serve = serve.tls(tls),
            Err(error) => problems.extend(error.problems.into_iter().map(|problem| {
                let key = if problem.is_key { "server.tls.key" } else { "server.tls.cert" };
                ConfigProblem::new(key, problem.reason).with_value(problem.file.display().to_string())
            })),
        }
    }
    if server.proxy_protocol {
        match trusted {
            Ok(proxies) if proxies.is_empty() => problems.push(ConfigProblem::new(
                "server.proxy_protocol",
                "every client could choose its address; name the proxies that send PROXY headers in `proxies.trusted`",
            )),
            Ok(proxies) => serve = serve.proxy_protocol(proxies),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(serve) } else { Err(ConfigError::new(problems)) }
}
