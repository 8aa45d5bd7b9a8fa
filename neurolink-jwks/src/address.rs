//! Which addresses keys may come from.

use std::net::IpAddr;

use http::Uri;

const NO_HOST: &str = "it names no host; write for example `https://login.example.com/jwks.json`";

/// The address, which has to be `https`, or `http` to this machine.
pub(crate) fn parse(url: &str) -> Result<Uri, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL; write for example `https://login.example.com/jwks.json`")?;
    let authority = uri.authority().ok_or(NO_HOST)?;
    if authority.as_str().contains('@') {
        return Err("it has a user or a password, which would be in logs; key sets are public");
    }
    if authority.host().is_empty() {
        return Err(NO_HOST);
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_this_machine(authority.host()) => Ok(uri),
        _ => Err(
            "write `https://`: who can change the keys on their way can sign tokens; `http` is for this machine only",
        ),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for url in [
            "https://login.example.com/jwks",
            "https://login.example.com",
            "https://10.0.0.1:8443/jwks?x=1",
            "http://localhost:8080/jwks",
            "http://LOCALHOST/jwks",
            "http://127.0.0.1/jwks",
            "http://127.9.9.9/jwks",
            "http://[::1]:80/jwks",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://login.example.com/jwks",
            "http://localhost.example.com/jwks",
            "http://127.0.0.1.example.com/jwks",
            "http://0.0.0.0/jwks",
            "http://10.0.0.1/jwks",
            "http://[::2]/jwks",
            "https://user:password@login.example.com/jwks",
            "ftp://login.example.com/jwks",
            "file:///etc/passwd",
            "/jwks",
            "login.example.com",
            "https://",
            "",
            "https://a b",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
