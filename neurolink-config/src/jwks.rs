//! Key sets by their address, if this build has the feature `jwks`.

use neurolink_core::middleware::JwtKeys;

/// Whether keys can come from an address.
#[cfg(feature = "jwks")]
pub(crate) fn check(url: &str) -> Result<(), String> {
    neurolink_jwks::JwksUrl::new(url).map(drop).map_err(|error| error.to_string())
}

/// Takes the keys of an address too.
#[cfg(feature = "jwks")]
pub(crate) fn add(keys: JwtKeys, url: &str) -> Result<JwtKeys, String> {
    neurolink_jwks::JwksUrl::new(url).map(|url| keys.or_source(url)).map_err(|error| error.to_string())
}

/// Why no keys can come from an address.
#[cfg(not(feature = "jwks"))]
pub(crate) fn check(_: &str) -> Result<(), String> {
    Err("this build has no HTTP client; add the feature `jwks`, or use `jwks_file`".into())
}

/// Why no keys can come from an address.
#[cfg(not(feature = "jwks"))]
pub(crate) fn add(_: JwtKeys, url: &str) -> Result<JwtKeys, String> {
    check(url).and(Err(String::new()))
}
