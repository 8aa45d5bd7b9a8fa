//! A request to paste: it works as it is printed, once the secret is in its variable.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use neurolink::server::Status;
use neurolink_config::Config;

/// The line for a server, if it is at a place that has a name.
pub(crate) fn line(config: &Config, status: &Status) -> Option<String> {
    let address = status.address.map(|address| SocketAddr::new(reachable(address.ip()), address.port()));
    let credential = credential(config);
    let tls = config.server.tls.as_ref();
    // A secret, and what leaves this machine, goes to nobody but the owner of the certificate.
    let verified = tls.filter(|_| credential.is_some() || address.is_some_and(|address| !address.ip().is_loopback()));
    let mut parts = vec!["curl".to_owned()];
    if let Some(tls) = verified {
        parts.push(format!("--cacert {}", quoted(tls.cert.to_str()?)));
    } else if tls.is_some() {
        // The certificate names a host, seldom an address.
        parts.push("--insecure".into());
    }
    if config.server.proxy_protocol {
        parts.push("--haproxy-protocol".into());
    }
    let name = verified.and_then(|_| certified_name(config, address));
    let authority = match (address, &status.unix) {
        (Some(address), _) => match &name {
            Some(name) => {
                parts.push(format!("--resolve {name}:{}:{}", address.port(), bracketed(address.ip())));
                format!("{name}:{}", address.port())
            }
            None => address.to_string(),
        },
        (None, Some(path)) => {
            parts.push(format!("--unix-socket {}", quoted(path.to_str()?)));
            name.clone().unwrap_or_else(|| "localhost".into())
        }
        (None, None) => return None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base = config.server.base_path.trim_end_matches('/');
    parts.push(format!("{scheme}://{authority}{base}/agent/execute -H 'Content-Type: application/json'"));
    if name.is_none() {
        parts.extend(address.and_then(|address| host(config, address.ip())));
    }
    parts.extend(credential);
    parts.push("-d '{\"input\":\"Hello\"}'".into());
    Some(parts.join(" "))
}

/// The name that the certificate is probably for: the first that is configured, or that of this machine; none if that
/// is the address itself.
fn certified_name(config: &Config, address: Option<SocketAddr>) -> Option<String> {
    let hosts = &config.server.hosts;
    if let Some(name) = hosts.iter().find(|host| literal(host).is_none()) {
        return Some(concrete(name));
    }
    let local = address.is_none_or(|address| address.ip().is_loopback());
    let by_address = address.is_some_and(|address| hosts.iter().any(|host| literal(host) == Some(address.ip())));
    (local && !by_address).then(|| "localhost".into())
}

/// The address that stands in place of a name: curl looks that up nowhere, so it cannot be resolved to another.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// A name that a pattern such as `*.example.com` covers.
fn concrete(name: &str) -> String {
    name.strip_prefix('*').map_or_else(|| name.to_owned(), |domain| format!("www{domain}"))
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
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
    Some(format!("-H 'Host: {}'", concrete(name)))
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
