//! Where a token stands in a request, beside `Authorization`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Uri, header};

use crate::http::{query_pairs, reserved};
use crate::security::{AuthenticationFailure, Refusal};
use crate::{Code, Context, Error};

/// The longest token, in bytes.
const LONGEST: usize = 8 * 1024;

/// Finds the token of a request, which may be nowhere.
pub type TokenFn = Arc<dyn Fn(&Context) -> Option<String> + Send + Sync>;

/// One place.
#[derive(Clone)]
pub(super) enum Source {
    /// The whole value of a header.
    Header(Result<HeaderName, String>),
    /// A cookie.
    Cookie(Box<str>),
    /// A parameter of the query.
    Query(Box<str>),
    /// Wherever a function looks.
    Function(TokenFn),
}

impl Source {
    pub(super) fn header(name: &str) -> Self {
        let parsed = name
            .parse::<HeaderName>()
            .map_err(|_| format!("`{}` is no header name; write for example `x-custom-auth`", name.escape_default()));
        Self::Header(parsed.and_then(|header| reserved::request(&header).map(|()| header)))
    }

    /// The token of a request, if one is there.
    ///
    /// # Errors
    /// 400 for one that is there twice, 401 for what cannot be a token.
    pub(super) fn extract(&self, ctx: &mut Context) -> Result<Option<String>, Error> {
        let found = match self {
            Self::Header(Ok(name)) => {
                let mut lines = ctx.headers().get_all(name).iter();
                let found = lines.next().map(text).transpose()?;
                if lines.next().is_some() {
                    return Err(Error::bad_request(format!("The header `{name}` is there more than once")));
                }
                found
            }
            Self::Header(Err(_)) => return Err(Error::internal("the header of the token has no valid name")),
            Self::Cookie(name) => {
                let lines = ctx.headers().get_all(header::COOKIE).iter();
                let own = |pair: &'_ [u8]| value_of(pair, name).map(<[u8]>::to_vec);
                let mut values = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).filter_map(own);
                let found = values.next();
                if values.next().is_some() {
                    return Err(Error::bad_request(format!("The cookie `{name}` is there more than once")));
                }
                found.map(|value| String::from_utf8(value).map_err(|_| no_token())).transpose()?
            }
            Self::Query(name) => {
                let Some(query) = ctx.uri().query() else { return Ok(None) };
                let values: Vec<_> = query_pairs(query).filter(|(other, _)| *other == **name).take(2).collect();
                let (repeated, found) = (values.len() > 1, values.into_iter().next().map(|(_, value)| value));
                if found.is_some() {
                    // Whoever comes behind may log the target.
                    ctx.parts.uri = without(ctx.uri(), name)?;
                }
                if repeated {
                    return Err(Error::bad_request(format!("The parameter `{name}` is there more than once")));
                }
                found
            }
            Self::Function(find) => find(ctx),
        };
        match found {
            Some(token) if is_token(&token) => Ok(Some(token)),
            Some(_) => Err(no_token()),
            None => Ok(None),
        }
    }

    /// Whether it may have been seen where targets are: in histories, in `Referer`, in the logs of proxies.
    pub(super) const fn is_query(&self) -> bool {
        matches!(self, Self::Query(_))
    }

    /// How a challenge names it.
    pub(super) fn challenge(&self) -> Option<String> {
        match self {
            Self::Header(name) => name.as_ref().ok().map(|name| format!("header=\"{name}\"")),
            Self::Cookie(name) => Some(format!("cookie=\"{name}\"")),
            Self::Query(name) => Some(format!("query=\"{name}\"")),
            Self::Function(_) => None,
        }
    }

    /// A few words for the plan.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Header(name) => format!("the header {}", name.as_ref().map_or("-", HeaderName::as_str)),
            Self::Cookie(name) => format!("the cookie {name}"),
            Self::Query(name) => format!("the query parameter {name}"),
            Self::Function(_) => "a function".into(),
        }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let plain = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        match self {
            Self::Header(name) => name.as_ref().err().cloned(),
            Self::Cookie(name) | Self::Query(name) if !plain(name) => Some(format!(
                "`{}` is no plain name of a cookie or a parameter; write for example `access_token`",
                name.escape_default()
            )),
            Self::Cookie(_) | Self::Query(_) | Self::Function(_) => None,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(one), Self::Header(two)) => one == two,
            (Self::Cookie(one), Self::Cookie(two)) | (Self::Query(one), Self::Query(two)) => one == two,
            _ => false,
        }
    }
}

fn text(value: &HeaderValue) -> Result<String, Error> {
    value.to_str().map(str::to_owned).map_err(|_| no_token())
}

fn no_token() -> Error {
    Error::new(Code::AuthInvalid)
        .with_source(Refusal::new(AuthenticationFailure::Malformed, "what is there is no token"))
}

/// Visible ASCII without blanks; a validator gets nothing else.
fn is_token(token: &str) -> bool {
    (1..=LONGEST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The value of a cookie of this name (RFC 6265, section 4.1.1), without its quotes.
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let pair = pair.trim_ascii();
    let equals = memchr::memchr(b'=', pair)?;
    let (own, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    (own == name.as_bytes()).then(|| unquoted.unwrap_or(value))
}

/// The same target without a parameter.
fn without(uri: &Uri, name: &str) -> Result<Uri, Error> {
    let is_own = |pair: &str| query_pairs(pair).next().is_some_and(|(own, _)| own == name);
    let kept: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !is_own(pair)).collect();
    let target = match kept.join("&") {
        query if query.is_empty() => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().map_err(Error::internal)?);
    Uri::from_parts(parts).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_taken_out_in_every_spelling_and_the_others_stay_as_they_are() {
        for (target, left) in [
            ("/x?token=1", "/x"),
            ("/x?a=%20b&token=1&c", "/x?a=%20b&c"),
            ("/x?t%6Fken=1&a=1", "/x?a=1"),
            ("/x?token", "/x"),
            ("/x?tokens=1&Token=2", "/x?tokens=1&Token=2"),
            ("http://h/x?token=1&&a", "http://h/x?&a"),
        ] {
            let uri = without(&target.parse().expect("a target"), "token").expect("a target");
            assert_eq!(uri.to_string(), left);
        }
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name() {
        for (pair, value) in [
            (" sid=abc", Some("abc")),
            ("sid=\"abc\"", Some("abc")),
            ("sid=", Some("")),
            ("sid=a=b", Some("a=b")),
            ("SID=abc", None),
            ("xsid=abc", None),
            ("sid", None),
        ] {
            assert_eq!(value_of(pair.as_bytes(), "sid"), value.map(str::as_bytes), "{pair}");
        }
    }

    #[test]
    fn a_token_is_visible_ascii_of_bounded_length() {
        assert!(is_token("a") && is_token(&"a".repeat(LONGEST)));
        for wrong in ["", "a b", "é", "a\n", &"a".repeat(LONGEST + 1)] {
            assert!(!is_token(wrong), "{wrong:?}");
        }
    }
}
