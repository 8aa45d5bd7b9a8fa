use std::path::PathBuf;
use std::time::Duration;

use neurolink_core::Middleware as _;
use neurolink_core::middleware::{BearerAuth, JwtAlgorithm, JwtKeys};
use secrecy::SecretString;
use serde::Serialize;

use crate::reader::{Section, boolean, duration, text};
use crate::secrets::JWT;
use crate::{bounded, checks, show};

/// The longest file of public keys, in bytes.
const LONGEST_PEM: u64 = 64 * 1024;
/// The longest file of a key set, in bytes.
const LONGEST_SET: u64 = 256 * 1024;
/// The most that clocks may differ.
const MOST_LEEWAY: Duration = Duration::from_secs(60);

/// Section `auth.jwt`: how signed tokens are verified, by at least one key.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JwtConfig {
    /// The shared secret of HS256: at least 32 bytes.
    #[serde(serialize_with = "show::optional_secret", skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
    /// More shared secrets, such as the one before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<JwtSecretConfig>,
    /// Public keys in PEM, one or several: RSA, P-256, P-384 or Ed25519.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The file that they were read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<PathBuf>,
    /// Public keys as a JSON Web Key Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// A file with such a set, which is read again as it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// The address of such a set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// How old the keys of a file or an address are when they are asked for again: 5 minutes.
    #[serde(serialize_with = "show::duration")]
    pub jwks_refresh: Duration,
    /// How old they may become before every token is answered with 503: 24 hours.
    #[serde(serialize_with = "show::duration")]
    pub jwks_max_stale: Duration,
    /// The algorithms that are accepted; all that the keys are for when there are none.
    #[serde(serialize_with = "show::texts", skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<JwtAlgorithm>,
    /// The issuer that tokens must name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The audience that tokens must name: this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Believes tokens of any issuer.
    pub any_issuer: bool,
    /// Believes tokens that were made for any service.
    pub any_audience: bool,
    /// How far the issuer's clock may be off: 0, and 60 s at most.
    #[serde(serialize_with = "show::duration")]
    pub leeway: Duration,
    /// The `typ` that tokens must have, such as `at+jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The claims that hold roles: `roles` and `role`.
    pub roles_claims: Vec<String>,
    /// The claims that hold permissions: `permissions`.
    pub permissions_claims: Vec<String>,
    /// The claim that holds the user's tenant, such as `tid`: none; a token without it is not valid then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// The claim that holds the mail address: `email`.
    pub email_claim: String,
    /// The claim that holds the name for people: `name`.
    pub name_claim: String,
}

/// A shared secret and its algorithm.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JwtSecretConfig {
    /// The secret: at least 32, 48 or 64 bytes.
    #[serde(serialize_with = "show::secret")]
    pub secret: SecretString,
    /// HS256, HS384 or HS512.
    #[serde(serialize_with = "show::text")]
    pub algorithm: JwtAlgorithm,
}

impl JwtConfig {
    /// Tokens signed with `secret` (HS256), by this issuer, for this audience.
    pub fn new(secret: impl Into<SecretString>, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuer, audience) = (Some(issuer.into()), Some(audience.into()));
        Self { secret: Some(secret.into()), issuer, audience, ..Self::empty() }
    }

    /// Tokens of the keys at an address, by this issuer, for this audience.
    pub fn by_url(url: impl Into<String>, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuer, audience) = (Some(issuer.into()), Some(audience.into()));
        Self { jwks_url: Some(url.into()), issuer, audience, ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            secret: None,
            secrets: Vec::new(),
            public_key: None,
            public_key_file: None,
            jwks: None,
            jwks_file: None,
            jwks_url: None,
            jwks_refresh: Duration::from_secs(300),
            jwks_max_stale: Duration::from_secs(24 * 3600),
            algorithms: Vec::new(),
            issuer: None,
            audience: None,
            any_issuer: false,
            any_audience: false,
            leeway: Duration::ZERO,
            token_type: None,
            roles_claims: vec!["roles".into(), "role".into()],
            permissions_claims: vec!["permissions".into()],
            tenant_claim: None,
            email_claim: "email".into(),
            name_claim: "name".into(),
        }
    }

    pub(crate) fn read(mut section: Section<'_>) -> Option<Self> {
        let before = section.found().count();
        let mut jwt = Self::empty();
        jwt.read_keys(&mut section);
        jwt.read_parties(&mut section);
        section.set("leeway", &mut jwt.leeway, |value| match duration(true)(value)? {
            leeway if leeway > MOST_LEEWAY => Err("it is more than 60s; set the clocks instead".into()),
            leeway => Ok(leeway),
        });
        section.set("token_type", &mut jwt.token_type, |value| text(value).map(Some));
        section.list("roles_claims", &mut jwt.roles_claims, checks::anything);
        section.list("permissions_claims", &mut jwt.permissions_claims, checks::anything);
        section.set("tenant_claim", &mut jwt.tenant_claim, |value| text(value).map(Some));
        section.set("email_claim", &mut jwt.email_claim, text);
        section.set("name_claim", &mut jwt.name_claim, text);
        let mut names = Vec::new();
        section.list("algorithms", &mut names, |name| {
            name.parse::<JwtAlgorithm>().map(drop).map_err(|error| error.to_string())
        });
        jwt.algorithms = names.iter().filter_map(|name| name.parse().ok()).collect();
        if section.found().count() == before {
            // What is wrong with each key alone is known: the rest is between them.
            match jwt.keys() {
                Ok(keys) => {
                    for problem in BearerAuth::jwt(keys).problems() {
                        section.missing("algorithms", &problem);
                    }
                }
                Err((key, problem)) => section.missing(key, &problem),
            }
        }
        section.finish();
        Some(jwt)
    }

    fn read_keys(&mut self, section: &mut Section<'_>) {
        const KEYS: [&str; 8] =
            ["secret", "secret_file", "secrets", "public_key", "public_key_file", "jwks", "jwks_file", "jwks_url"];
        if section.given(&KEYS).is_empty() {
            let problem = "there is no key; set NEUROLINK__AUTH__JWT__SECRET, or .._SECRET_FILE with its path, or name \
                           public keys: `public_key_file`, `jwks_file` or `jwks_url`";
            section.missing("secret", problem);
        }
        for (one, other) in
            [("public_key", "public_key_file"), ("jwks", "jwks_file"), ("jwks", "jwks_url"), ("jwks_file", "jwks_url")]
        {
            if section.given(&[one, other]).len() == 2 {
                section.missing(one, &format!("`{}` is given as well; remove one of the two", section.key(other)));
            }
        }
        self.secret = section.secret("secret", "secret_file", JWT);
        if let Some(secrets) = section.sections("secrets") {
            self.secrets = secrets.into_iter().filter_map(JwtSecretConfig::read).collect();
        }
        self.public_key = content(section, "public_key", |pem| JwtKeys::pem(pem));
        if let Some((path, pem)) = file(section, "public_key_file", LONGEST_PEM, |pem| JwtKeys::pem(pem)) {
            (self.public_key, self.public_key_file) = (Some(pem), Some(path));
        }
        self.jwks = content(section, "jwks", |set| JwtKeys::jwk_set(set));
        let set_file = file(section, "jwks_file", LONGEST_SET, |set| JwtKeys::jwk_set(set));
        self.jwks_file = set_file.map(|(path, _)| path);
        section.set("jwks_url", &mut self.jwks_url, |value| {
            let url = text(value)?;
            crate::jwks::check(&url).map(|()| Some(url))
        });
        let changed = (!section.given(&["jwks_refresh"]).is_empty(), !section.given(&["jwks_max_stale"]).is_empty());
        section.set("jwks_refresh", &mut self.jwks_refresh, duration(false));
        section.set("jwks_max_stale", &mut self.jwks_max_stale, duration(false));
        if self.jwks_file.is_none() && self.jwks_url.is_none() {
            let idle = [("jwks_refresh", changed.0), ("jwks_max_stale", changed.1)];
            section.warn_idle(&idle, "without `jwks_file` or `jwks_url`");
        }
    }

    fn read_parties(&mut self, section: &mut Section<'_>) {
        let given = (!section.given(&["issuer"]).is_empty(), !section.given(&["audience"]).is_empty());
        section.set("issuer", &mut self.issuer, |value| text(value).map(Some));
        section.set("audience", &mut self.audience, |value| text(value).map(Some));
        section.set("any_issuer", &mut self.any_issuer, boolean);
        section.set("any_audience", &mut self.any_audience, boolean);
        if !given.0 && !self.any_issuer {
            section.missing("issuer", "it is missing; write who signs the tokens, or `any_issuer = true`");
        }
        if !given.1 && !self.any_audience {
            section.missing("audience", "it is missing; write what tokens call this service, or `any_audience = true`");
        }
        if given.0 && self.any_issuer {
            section.missing("any_issuer", "an issuer is named as well; remove one of the two");
        }
        if given.1 && self.any_audience {
            section.missing("any_audience", "an audience is named as well; remove one of the two");
        }
    }
}

/// What is wrong with keys by themselves.
fn problems(keys: JwtKeys) -> Vec<String> {
    BearerAuth::jwt(keys.any_issuer().any_audience()).problems()
}

/// A text with public keys.
fn content(section: &mut Section<'_>, key: &'static str, read: impl Fn(&str) -> JwtKeys) -> Option<String> {
    let mut content = None;
    section.set(key, &mut content, |value| {
        let text = text(value)?;
        let problems = problems(read(&text));
        if problems.is_empty() { Ok(Some(text)) } else { Err(problems.join("; ")) }
    });
    content
}

/// A file with public keys.
fn file(
    section: &mut Section<'_>,
    key: &'static str,
    longest: u64,
    read: impl Fn(&str) -> JwtKeys,
) -> Option<(PathBuf, String)> {
    let mut found = None;
    section.set(key, &mut found, |value| {
        let path = PathBuf::from(text(value)?);
        let text = bounded::read(&path, longest)?;
        let problems = problems(read(&text));
        if problems.is_empty() { Ok(Some((path, text))) } else { Err(problems.join("; ")) }
    });
    found
}

impl JwtSecretConfig {
    fn read(mut section: Section<'_>) -> Option<Self> {
        let given = section.given(&["secret", "secret_file"]);
        let mut algorithm = JwtAlgorithm::Hs256;
        section.set("algorithm", &mut algorithm, |value| {
            let algorithm = text(value)?.parse::<JwtAlgorithm>().ok().filter(|algorithm| algorithm.is_shared());
            algorithm.ok_or_else(|| "write one of HS256, HS384, HS512".into())
        });
        let rules = JWT.of_at_least(algorithm.shortest_secret());
        let secret = section.secret("secret", "secret_file", rules);
        if given.is_empty() {
            section.missing("secret", "it is missing; write the secret, or `secret_file` with its path");
        }
        section.finish();
        Some(Self { secret: secret?, algorithm })
    }
}
