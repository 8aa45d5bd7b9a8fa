//! What can be wrong with settings, found at build.

#[cfg(feature = "login")]
use std::any::{Any, TypeId};
#[cfg(feature = "login")]
use std::collections::HashMap;

use http::{HeaderName, StatusCode};

use super::path;
use crate::config::{Problems, Settings};
use crate::http::reserved;
use crate::stack::Registered;

/// Checks an origin such as `https://app.example.com` (RFC 6454, section 6.2), as browsers send it.
///
/// ```
/// use neurolink_core::app::check_origin;
///
/// assert!(check_origin("https://app.example.com:8443").is_ok());
/// let problem = check_origin("https://app.example.com:443").unwrap_err();
/// assert!(problem.contains("without the scheme's own port"));
/// ```
///
/// # Errors
/// Why it is none, and what to write.
pub fn check_origin(origin: &str) -> Result<(), String> {
    let valid = origin.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https")
            && !authority.is_empty()
            && !authority.contains(['/', '?', '#', '@', '*', ' '])
            && authority.parse::<http::uri::Authority>().is_ok_and(|authority| match authority.port_u16() {
                None => authority.host().len() == authority.as_str().len(),
                // Browsers leave it out, so that an origin with it would never match.
                Some(port) => port != if scheme == "https" { 443 } else { 80 },
            })
            && !authority.bytes().any(|byte| byte.is_ascii_uppercase())
    });
    let help = "it is no origin; write for example `https://app.example.com`, in lower case, without a path and without \
                the scheme's own port";
    if valid { Ok(()) } else { Err(help.into()) }
}

/// Checks the login, if one is registered; `is_closed` if no route is open that was not meant to be.
#[cfg(feature = "login")]
pub(super) fn login(states: &HashMap<TypeId, Box<dyn Any + Send + Sync>>, is_closed: bool, problems: &mut Problems) {
    let login = states.get(&TypeId::of::<crate::login::Login>());
    let Some(login) = login.and_then(|state| state.downcast_ref::<crate::login::Login>()) else { return };
    login.problems().into_iter().for_each(|problem| problems.add("login", problem));
    if !is_closed {
        problems.add("login", "nobody asks for its tokens; add `.middleware(BearerAuth::jwt(login.keys()))`");
    }
}

/// Checks the sizes, times and origins of settings.
pub(super) fn settings(settings: &Settings, problems: &mut Problems) {
    let zero = [
        ("timeout", settings.timeout.is_zero()),
        ("body_timeout", settings.body_timeout.is_zero()),
        ("stream.idle_timeout", settings.stream.idle_timeout.is_zero()),
        ("stream.max_duration", settings.stream.max_duration.is_zero()),
        ("stream.max_per_client", settings.stream.max_per_client == 0),
        ("stream.write_stall", settings.stream.write_stall.is_zero()),
        ("limits.uri", settings.limits.uri == 0),
        ("limits.header_bytes", settings.limits.header_bytes == 0),
        ("limits.header_count", settings.limits.header_count == 0),
        ("limits.json_depth", settings.limits.json_depth == 0),
        ("limits.body_budget", settings.limits.body_budget == 0),
        ("limits.multipart_parts", settings.limits.multipart_parts == 0),
        ("limits.multipart_part", settings.limits.multipart_part == Some(0)),
        ("limits.multipart_head", settings.limits.multipart_head == 0),
    ];
    for (key, is_zero) in zero {
        if is_zero {
            problems.add(key, "it is zero, so that no request could pass; give more or leave it out");
        }
    }
    let most = [
        ("limits.uri", settings.limits.uri, 32 * 1024),
        ("limits.header_bytes", settings.limits.header_bytes, 96 * 1024),
        ("limits.header_count", settings.limits.header_count, 90),
        ("limits.json_depth", settings.limits.json_depth, 120),
    ];
    for (key, value, most) in most {
        if value > most {
            problems.add(key, format!("{value} is more than some framework or parser bears; give at most {most}"));
        }
    }
    if settings.limits.body > settings.limits.body_budget {
        problems.add("limits.body", "a single body is larger than limits.body_budget; raise the budget");
    }
    if !settings.decompress.is_empty() && cfg!(not(feature = "decompress")) {
        problems
            .add("decompress", "neurolink-core is built without its feature `decompress`; turn it on, or list nothing");
    }
    if !matches!(settings.errors.timeout_status, StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT) {
        problems.add("errors.timeout_status", "it says that the work took too long; give 504 or 408");
    }
    if !settings.errors.code_prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        problems.add("errors.code_prefix", "codes are capitals and `_`; write for example `SERVER_ADAPTER_`");
    }
    for origin in &settings.trusted_origins {
        if let Err(problem) = check_origin(origin) {
            problems.add("trusted_origins", format!("`{origin}`: {problem}"));
        }
    }
}

/// The name of the header with the request id.
pub(super) fn request_id_header(text: &str, problems: &mut Problems) -> HeaderName {
    let name: HeaderName = text.parse().unwrap_or_else(|_| {
        problems.add("request_id_header", format!("`{text}` is no header name; write for example `x-request-id`"));
        HeaderName::from_static("x-request-id")
    });
    if let Err(problem) = reserved::request(&name) {
        problems.add("request_id_header", problem);
    }
    name
}

/// The base path without a slash at its end; empty for none.
pub(super) fn base_path(text: &str, problems: &mut Problems) -> String {
    let trimmed = text.trim_end_matches('/');
    if trimmed.is_empty() {
        return String::new();
    }
    match path::canonical(trimmed) {
        Ok(canonical) if canonical.path == trimmed && canonical.normal && !trimmed.contains(['{', '}', '*']) => {
            trimmed.to_owned()
        }
        _ => {
            problems.add("base_path", format!("`{text}` is no plain path; write for example `/api`, or `/` for none"));
            String::new()
        }
    }
}

/// Around a host's own routes only those bodies cross that a middleware asks for, so that each must have said it.
pub(super) fn bodies_said(steps: &[Registered], problems: &mut Problems) {
    for step in steps.iter().filter(|step| !step.middleware.says_body()) {
        let problem = "around a host's own routes a function says which bodies it reads; add `.head_only()` or \
                       `.with_body()` to its `from_fn(..)`";
        problems.add(format!("middleware.{}", step.name), problem);
    }
}
