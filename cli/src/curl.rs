//! A request to paste: it works as it is printed, once the secret is in its variable.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use neurolink::server::Status;
use neurolink_config::Config;

/// The line for a server, if it is at a place that has a name.
pub(crate) fn line(config: &Config, status: &Status) -> Option<String> {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let address = status.address.map(|address| SocketAddr::new(reachable(address.ip()), address.port()));
    let place = match (address, &status.unix) {
        (Some(address), _) => format!("{scheme}://{address}"),
        (None, Some(path)) => format!("--unix-socket {} {scheme}://localhost", quoted(path.to_str()?)),
        (None, None) => return None,
    };
    let base = config.server.base_path.trim_end_matches('/');
    let mut parts = vec!["curl".to_owned()];
    if config.server.tls.is_some() {
        // The certificate names a host, seldom an address, and may be signed by itself.
        parts.push("--insecure".into());
    }
    if config.server.proxy_protocol {
        parts.push("--haproxy-protocol".into());
    }
    parts.push(format!("{place}{base}/agent/execute -H 'Content-Type: application/json'"));
    parts.extend(address.and_then(|address| host(config, address.ip())));
    parts.extend(credential(config));
    parts.push("-d '{\"input\":\"Hello\"}'".into());
    Some(parts.join(" "))
}

/// An address that can be called where the server listens on all of them.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The Host, where the server does not answer for its own address.
fn host(config: &Config, ip: IpAddr) -> Option<String> {
    let own_name = ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
    if config.server.allow_any_host || own_name {
        return None;
    }
    let name = if ip.is_loopback() { "localhost" } else { config.server.hosts.first()? };
    let name = name.strip_prefix('*').map_or_else(|| name.to_owned(), |domain| format!("www{domain}"));
    Some(format!("-H 'Host: {name}'"))
}

/// The credential with a variable in place of its secret.
fn credential(config: &Config) -> Option<String> {
    if config.auth.has_bearer() {
        return Some("-H \"Authorization: Bearer $TOKEN\"".into());
    }
    if let Some(user) = config.auth.passwords.first() {
        return Some(format!("-u {}:\"$PASSWORD\"", quoted(&user.name)));
    }
    config.auth.is_configured().then(|| format!("-H \"{}: $KEY\"", config.auth.api_keys.header))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'@');
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}
