//! Trusted proxies: whom the server believes, and what.

use http::{HeaderMap, HeaderName, HeaderValue};
use neurolink_config::{Config, ProxiesConfig};
use neurolink_core::Request;
use serde_json::{Value, json};

use super::edit::{replace, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["proxies"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("proxies-are-not-believed", AREAS, "no proxy is trusted")
        .config(|config| config.proxies = ProxiesConfig::default()),
    Mutant::new("proxies-are-everybody", AREAS, "every peer is a trusted proxy").config(everybody),
    Mutant::new("proxies-believe-the-leftmost", AREAS, "the list is walked from the client")
        .request(|request| lists(request, |entries| entries.reverse())),
    Mutant::new("proxies-skip-what-is-malformed", AREAS, "the walk goes on behind what is no address")
        .request(|request| lists(request, |entries| entries.retain(|entry| entry.parse::<std::net::IpAddr>().is_ok()))),
    Mutant::new("proxies-read-the-last-line", AREAS, "a list ends with its line").request(|request| {
        let last = request.headers().get_all("x-forwarded-for").iter().next_back().cloned();
        if let Some(last) = last {
            request.headers_mut().insert("x-forwarded-for", last);
        }
    }),
    Mutant::new("proxies-read-the-first-single-address", AREAS, "one of several addresses is taken").request(
        |request| {
            let first = text(request.headers(), "x-real-ip");
            if !first.is_empty() {
                let first = first.split(',').next().unwrap_or_default().to_owned();
                set(request.headers_mut(), "x-real-ip", &first);
            }
        },
    ),
    Mutant::new("proxies-have-no-hops", AREAS, "any number of entries is believed")
        .config(|config| config.proxies.hops = None),
    Mutant::new("proxies-scheme-is-the-first", AREAS, "whatever stands first in X-Forwarded-Proto is the scheme")
        .request(|request| {
            let all = text(request.headers(), "x-forwarded-proto");
            if let Some(first) = all.split(',').next().filter(|first| !first.is_empty()) {
                set(request.headers_mut(), "x-forwarded-proto", first);
            }
        }),
    Mutant::new("proxies-host-is-not-checked", AREAS, "any forwarded host is answered for")
        .config(|config| config.server.allow_any_host = true),
    Mutant::new("proxies-host-may-be-malformed", AREAS, "a forwarded host that is none is passed over").request(
        |request| {
            let host = request.headers().get("x-forwarded-host").map(HeaderValue::as_bytes);
            if host.is_some_and(|host| host.is_empty() || host.contains(&b'/') || !host.is_ascii()) {
                request.headers_mut().remove("x-forwarded-host");
            }
        },
    ),
    Mutant::new("proxies-host-replaces-the-own-one", AREAS, "the Host of the request does not count").request(
        |request| {
            let host = text(request.headers(), "x-forwarded-host");
            if !host.is_empty() {
                set(request.headers_mut(), "host", &host);
            }
        },
    ),
    Mutant::new("proxies-cross-site-is-off", AREAS, "other sites may send what changes something")
        .config(|config| config.cross_site.enabled = false),
    Mutant::new("proxies-hide-nothing", AREAS, "handlers see what nobody believes").json(|head, value| {
        let seen = forwarding(&head.headers);
        replace(value, &["data", "headers"], seen);
    }),
];

fn everybody(config: &mut Config) {
    config.proxies.trusted = vec!["0.0.0.0/0".into(), "::/0".into()];
}

/// Changes the entries of a list.
fn lists(request: &mut Request, change: fn(&mut Vec<String>)) {
    let all = text(request.headers(), "x-forwarded-for");
    if !all.is_empty() {
        let mut entries: Vec<String> = all.split(',').map(|entry| entry.trim().to_owned()).collect();
        change(&mut entries);
        set(request.headers_mut(), "x-forwarded-for", &entries.join(","));
    }
}

/// The names of the headers that tell of a client.
fn forwarding(headers: &HeaderMap) -> Value {
    let is_one = |name: &&str| name.contains("forwarded") || name.ends_with("-ip");
    let mut seen: Vec<_> = headers.keys().map(HeaderName::as_str).filter(is_one).collect();
    seen.sort_unstable();
    json!(seen)
}
