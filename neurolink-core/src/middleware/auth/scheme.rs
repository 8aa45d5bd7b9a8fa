use http::header;

use crate::Context;

/// What comes after a scheme in `Authorization`, which may be nothing at all; none without that scheme.
pub(super) fn behind<'a>(scheme: &str, ctx: &'a Context) -> Option<&'a [u8]> {
    let value = ctx.headers().get(header::AUTHORIZATION)?.as_bytes();
    let (found, credentials) = match memchr::memchr(b' ', value) {
        Some(blank) => (&value[..blank], &value[blank + 1..]),
        None => (value, &[][..]),
    };
    found.eq_ignore_ascii_case(scheme.as_bytes()).then_some(credentials)
}
