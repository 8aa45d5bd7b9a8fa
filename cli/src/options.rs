//! The flags that stand for settings; whatever is wrong with them is reported with the rest of the configuration.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;
use neurolink_config::{Loaded, Loader, Refused};

use crate::output::warn;

/// Where the configuration comes from, and what the command line changes.
#[derive(Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Options {
    /// File to read: TOML, JSON or YAML by its ending [default: $NEUROLINK_CONFIG, or neurolink.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Values to begin with [default: modern] [possible values: modern, neurolink, keryx]
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,

    /// Web framework to serve on [default: axum] [possible values: axum, actix, warp, poem]
    #[arg(long, value_name = "NAME")]
    framework: Option<String>,

    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,

    /// Port to listen on; 0 takes any free one [default: 3000]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    port: Option<String>,

    /// Where to listen, in one: HOST:PORT, or unix:PATH for a Unix socket; in place of --host and --port
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["host", "port"])]
    bind: Option<String>,

    /// Certificate in PEM, with its chain: connections are encrypted
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,

    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,

    /// Prefix of every route [default: /api]
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,

    /// Origin whose pages may call from a browser, such as https://app.example.com; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,

    /// Requests of one address in a time, such as 100/60s; or off [default: off]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    rate_limit: Option<String>,

    /// Largest request body, such as 512kb or 10mb [default: 1mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    body_limit: Option<String>,

    /// How lines look, those of the log and all others [default: text] [possible values: text, json, keryx]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,

    /// Serve everybody on a public address, without authentication
    #[arg(long)]
    allow_unauthenticated: bool,
}

impl Options {
    /// Reads all layers.
    pub(crate) fn load(self) -> Result<Loaded, Refused> {
        let mut loader = Loader::from_system();
        if let Some(path) = self.config {
            loader = loader.only_file(path);
        }
        let (host, port, unix) = bind(self.bind);
        let texts = [
            ("preset", self.preset, "flag --preset"),
            ("server.framework", self.framework, "flag --framework"),
            ("server.host", self.host, "flag --host"),
            ("server.port", self.port, "flag --port"),
            ("server.host", host, "flag --bind"),
            ("server.port", port, "flag --bind"),
            ("server.unix", unix, "flag --bind"),
            ("server.tls.cert", self.tls_cert, "flag --tls-cert"),
            ("server.tls.key", self.tls_key, "flag --tls-key"),
            ("server.base_path", self.base_path, "flag --base-path"),
            ("rate_limit.limit", self.rate_limit, "flag --rate-limit"),
            ("body.limit", self.body_limit, "flag --body-limit"),
            ("log.format", self.log, "flag --log"),
        ];
        for (key, value, origin) in texts {
            if let Some(value) = value {
                loader = loader.set(key, value, origin);
            }
        }
        if !self.cors_origin.is_empty() {
            loader = loader.set("cors.origins", self.cors_origin, "flag --cors-origin");
        }
        if self.allow_unauthenticated {
            loader = loader.set("server.allow_unauthenticated", true, "flag --allow-unauthenticated");
        }
        loader.load_or_refuse()
    }
}

/// Host, port and path of a place to listen; a place without a port keeps the configured one.
fn bind(place: Option<String>) -> (Option<String>, Option<String>, Option<String>) {
    let Some(place) = place else { return (None, None, None) };
    if let Some(path) = place.strip_prefix("unix:") {
        return (None, None, Some(path.to_owned()));
    }
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    match place.rsplit_once(':') {
        // The colons of an address are its own, in brackets or without a port behind it.
        Some((host, port)) if !port.contains(']') && (is_address(host) || !is_address(&place)) => {
            (Some(host.to_owned()), Some(port.to_owned()), None)
        }
        _ => (Some(place), None, None),
    }
}

/// What has no effect, and what weakens security, in the same words everywhere.
pub(crate) fn remarks(loaded: &Loaded) -> impl Iterator<Item = String> {
    let weak = loaded.weaknesses.iter().map(|weakness| format!("weak setting {weakness}"));
    loaded.warnings.iter().cloned().chain(weak)
}

/// Says the remarks on standard error.
pub(crate) fn say_remarks(loaded: &Loaded) {
    remarks(loaded).for_each(warn);
}
