//! What the claims of a token must say, and the user that they become.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::algorithm::Algorithms;
use super::claims::{Claim, Claims};
use super::header::is_kind;
use crate::security::{AuthenticationFailure, Refusal};
use crate::{AuthenticatedUser, Code, Error};

/// The most that clocks may differ.
pub(super) const MOST_LEEWAY: Duration = Duration::from_secs(60);
/// The last second of the year 9999; what is later was written in milliseconds, or is no time at all.
const LAST_DATE: f64 = 253_402_300_799.0;
/// The longest `sub`, in characters.
const LONGEST_SUBJECT: usize = 256;
/// What `typ` may be unless told: others are made for other purposes (RFC 8725, section 3.11).
const KINDS: [&str; 2] = ["jwt", "at+jwt"];

#[derive(Clone)]
pub(super) struct Rules {
    pub(super) algorithms: Algorithms,
    pub(super) issuer: Expected,
    pub(super) audience: Expected,
    pub(super) leeway: Duration,
    /// What `typ` must be.
    pub(super) kind: Option<String>,
    pub(super) names: Names,
}

#[derive(Clone)]
pub(super) enum Expected {
    Undecided,
    Any,
    Exactly(String),
}

/// The claims that become the user.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) tenant: Option<String>,
    /// Tokens without that claim are of users without a tenant, for this server makes them.
    pub(super) has_own_tenants: bool,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    pub(super) permissions: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            algorithms: Algorithms::ANY,
            issuer: Expected::Undecided,
            audience: Expected::Undecided,
            leeway: Duration::ZERO,
            kind: None,
            names: Names {
                tenant: None,
                has_own_tenants: false,
                email: "email".into(),
                name: "name".into(),
                roles: vec!["roles".into(), "role".into()],
                permissions: vec!["permissions".into()],
            },
        }
    }
}

/// What a token that is good says.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Known {
    pub(in super::super) user: Arc<AuthenticatedUser>,
    /// `jti`.
    pub(super) id: Option<String>,
    /// `iat`.
    pub(super) issued: Option<Duration>,
}

pub(super) fn invalid(reason: &'static str) -> Error {
    refused(AuthenticationFailure::Invalid, reason)
}

pub(super) fn malformed(reason: &'static str) -> Error {
    refused(AuthenticationFailure::Malformed, reason)
}

pub(super) fn refused(class: AuthenticationFailure, reason: &'static str) -> Error {
    Error::new(Code::AuthInvalid).with_source(Refusal::new(class, reason))
}

impl Rules {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let expected = [(&self.issuer, "issuer", "any_issuer"), (&self.audience, "audience", "any_audience")];
        for (expected, name, any) in expected {
            match expected {
                Expected::Undecided => problems.push(format!(
                    "tokens of every {name} would be accepted; name it with `.{name}(..)`, or say `.{any}()`"
                )),
                Expected::Exactly(text) if text.is_empty() => {
                    problems.push(format!("the {name} is empty; name it, or say `.{any}()`"));
                }
                _ => {}
            }
        }
        if self.leeway > MOST_LEEWAY {
            problems.push("the leeway is more than 60 s; set the clocks instead".into());
        }
        if self.kind.as_ref().is_some_and(String::is_empty) {
            problems.push("the token type is empty; write for example `at+jwt`".into());
        }
        let Names { tenant, email, name, roles, permissions, .. } = &self.names;
        if [email, name].into_iter().chain(tenant).chain(roles).chain(permissions).any(String::is_empty) {
            problems.push("the name of a claim is empty; write for example `roles`, or `/realm_access/roles`".into());
        }
        problems
    }

    /// Whether `typ` is one of the kinds that are accepted.
    pub(super) fn accepts_kind(&self, kind: Option<&str>) -> bool {
        match (&self.kind, kind) {
            (Some(expected), Some(kind)) => is_kind(kind, expected),
            (Some(_), None) => false,
            (None, Some(kind)) => KINDS.iter().any(|known| is_kind(kind, known)),
            (None, None) => true,
        }
    }

    pub(super) fn set_kind(&mut self, kind: &str) {
        self.kind = Some(kind.to_owned());
    }

    /// The user of claims whose signature is good.
    pub(super) fn user(&self, mut claims: Claims, now: Duration) -> Result<Known, Error> {
        let (now, leeway) = (now.as_secs_f64(), self.leeway.as_secs_f64());
        let time = |name| claims.get(name).map(date);
        let ends = match time(Claim::Exp) {
            Some(Some(expires)) if expires + leeway > now => expires + leeway,
            Some(Some(_)) => return Err(Error::new(Code::TokenExpired)),
            _ => return Err(invalid("the token has no valid exp")),
        };
        match time(Claim::Nbf) {
            None => {}
            Some(Some(from)) if from - leeway <= now => {}
            _ => return Err(invalid("the token is not valid yet")),
        }
        let issued = match time(Claim::Iat) {
            None => None,
            // It gives no rights, so that the clocks may differ even where `exp` and `nbf` are strict.
            Some(Some(issued)) if issued <= now + MOST_LEEWAY.as_secs_f64() => Some(issued),
            _ => return Err(invalid("the token has no valid iat")),
        };
        if let Expected::Exactly(issuer) = &self.issuer
            && claims.get(Claim::Iss).and_then(Value::as_str) != Some(issuer)
        {
            return Err(invalid("the token is of another issuer"));
        }
        if let Expected::Exactly(audience) = &self.audience
            && !names(claims.get(Claim::Aud), audience)
        {
            return Err(invalid("the token is for another audience"));
        }
        let Some(Value::String(subject)) = claims.take(Claim::Sub) else {
            return Err(invalid("the token has no sub"));
        };
        if !is_subject(&subject) {
            return Err(invalid("the token has no valid sub"));
        }
        let id = match claims.take(Claim::Jti) {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(invalid("the token has no valid jti")),
        };
        let tenant = match self.names.tenant.as_ref().map(|name| claims.take_named(name)) {
            None => None,
            Some(None) if self.names.has_own_tenants => None,
            Some(Some(Value::String(tenant))) if is_subject(&tenant) => Some(tenant),
            // Without it the user would be one of no tenant, whom the id could make somebody else.
            Some(_) => return Err(invalid("the token has no valid tenant")),
        };
        let mut user = self.names.user(subject, claims);
        user.tenant = tenant;
        // One that is too far away to be told is no end.
        user.expires = Duration::try_from_secs_f64(ends).ok();
        Ok(Known {
            user: Arc::new(user),
            id,
            issued: issued.and_then(|issued| Duration::try_from_secs_f64(issued).ok()),
        })
    }
}

/// A NumericDate (RFC 7519, section 2): seconds that some calendar has.
fn date(claim: &Value) -> Option<f64> {
    claim.as_f64().filter(|seconds| seconds.abs() <= LAST_DATE)
}

/// Whether a text can name a user: what would break or turn round a line of log cannot.
pub(in super::super) fn is_subject(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !text.trim().is_empty() && !text.contains(unseen) && text.chars().count() <= LONGEST_SUBJECT
}

/// Whether `aud` is the audience or holds it; a list that holds anything but text is not valid (RFC 7519, section 4.1.3).
fn names(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(own)) => own == audience,
        Some(Value::Array(all)) => {
            all.iter().all(Value::is_string) && all.iter().any(|own| own.as_str() == Some(audience))
        }
        _ => false,
    }
}

impl Names {
    fn user(&self, subject: String, mut claims: Claims) -> AuthenticatedUser {
        let mut user = AuthenticatedUser::new(subject);
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        user.email = text(claims.take_named(&self.email));
        user.name = text(claims.take_named(&self.name));
        for name in &self.roles {
            match claims.take_named(name) {
                Some(Value::String(role)) => user.roles.push(role),
                list => user.roles.extend(texts(list)),
            }
        }
        for name in &self.permissions {
            match claims.take_named(name) {
                // As `scope` has them (RFC 8693, section 4.2).
                Some(Value::String(all)) => user.permissions.extend(all.split_whitespace().map(str::to_owned)),
                list => user.permissions.extend(texts(list)),
            }
        }
        user.metadata = claims.others;
        user
    }
}

fn texts(list: Option<Value>) -> impl Iterator<Item = String> {
    let items = match list {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    items.into_iter().filter_map(|item| match item {
        Value::String(text) => Some(text),
        _ => None,
    })
}
