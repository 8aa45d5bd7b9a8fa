//! What single values must look like.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Method};
use ipnet::IpNet;

/// The name of a header.
pub(crate) fn header_name(text: &str) -> Result<(), String> {
    let help = "it is no name of a header; write for example `x-request-id`";
    HeaderName::try_from(text).map(|_| ()).map_err(|_| help.into())
}

/// The value of a header.
pub(crate) fn header_value(text: &str) -> Result<(), String> {
    let valid = HeaderValue::try_from(text).is_ok_and(|value| value.to_str().is_ok());
    let help = "it cannot be in a header; write visible ASCII on one line";
    if valid { Ok(()) } else { Err(help.into()) }
}

/// A method such as `GET`.
pub(crate) fn method(text: &str) -> Result<(), String> {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.iter().any(|method| method.as_str() == text) {
        return Ok(());
    }
    Err("it is no method; write `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`, in capitals".into())
}

/// A network such as `10.0.0.0/8`, an address, or `unix`.
pub(crate) fn proxy(text: &str) -> Result<(), String> {
    if text == "unix" || text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err("it is no network; write for example `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`, or `unix` for a Unix socket"
        .into())
}

/// A host name such as `api.example.com` or `*.example.com`.
pub(crate) fn host_name(text: &str) -> Result<(), String> {
    let plain = text.strip_prefix("*.").unwrap_or(text);
    let address = plain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let valid = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !plain.is_empty()
                && plain.split('.').all(|label| {
                    !label.is_empty()
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                })
        }
    };
    let help = "it is no host name; write `api.example.com` or `*.example.com`, without scheme, port and path";
    if valid { Ok(()) } else { Err(help.into()) }
}

/// What a socket listens on.
pub(crate) fn listen_host(text: &str) -> Result<(), String> {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    // `8080` would be an address, 0.0.31.144; whoever wrote it meant a port.
    let is_number = || text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let name = || !text.contains(':') && !text.starts_with("*.") && host_name(text).is_ok() && !is_number();
    if bare.parse::<IpAddr>().is_ok() || name() {
        return Ok(());
    }
    Err("it is no address to listen on; write `127.0.0.1`, `0.0.0.0`, `::1` or a name, without the port".into())
}

/// A path that routes stand under.
pub(crate) fn base_path(text: &str) -> Result<(), String> {
    let plain = |segment: &str| {
        !segment.is_empty()
            && !matches!(segment, "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
    };
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    let valid = text == "/" || trimmed.strip_prefix('/').is_some_and(|path| path.split('/').all(plain));
    let help = "it is no plain path; write for example `/api`, or `/` for none";
    if valid { Ok(()) } else { Err(help.into()) }
}

/// A pattern of paths such as `/api/tools/{name}` or `/api/admin/*`.
pub(crate) fn pattern(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err("a path begins with a slash; write for example `/api/admin/*`".into());
    }
    if text.split('/').any(|segment| segment.starts_with(':')) {
        return Err("write a parameter as `{name}`, not as `:name`".into());
    }
    let body = text.strip_suffix("/*").unwrap_or(text);
    if body.replace("{*", "").contains('*') {
        return Err("`*` stands only at the end, as in `/api/admin/*`".into());
    }
    if text.contains([' ', '?', '#', '\\']) || !text.is_ascii() {
        return Err("it is no path; write for example `/api/admin/*`".into());
    }
    Ok(())
}

/// The name of a cookie or of a parameter.
pub(crate) fn plain_name(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let help = "it is no plain name; write for example `access_token`";
    if !text.is_empty() && text.bytes().all(plain) { Ok(()) } else { Err(help.into()) }
}

/// What entries in a Redis begin with.
pub(crate) fn redis_prefix(text: &str) -> Result<(), String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | ':' | '/');
    let help = "it has 1 to 64 letters, digits or `-_.:/`; write for example `neurolink:prod`";
    if (1..=64).contains(&text.len()) && text.chars().all(plain) { Ok(()) } else { Err(help.into()) }
}

/// Text in front of the codes of errors.
pub(crate) fn code_prefix(text: &str) -> Result<(), String> {
    let valid = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if valid { Ok(()) } else { Err("codes are capitals and `_`; write for example `SERVER_ADAPTER_`".into()) }
}

/// Anything.
pub(crate) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}
