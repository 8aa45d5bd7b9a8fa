//! Access tokens: what they are signed with, and what they say.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use serde_json::{Map, Value, json};
use spki::der::Document;

use super::super::jwt::{Key, LONGEST, is_subject};
use super::alive::SID;
use super::family::FamilyId;
use crate::middleware::{JwtAlgorithm, JwtKeys};
use crate::{AuthenticatedUser, Error};

/// The header `typ` of access tokens (RFC 9068): keys of a login take no other.
pub(super) const KIND: &str = "at+jwt";

/// The claim that names the user's tenant, of users who have one.
const TENANT: &str = "tenant";

/// Signs access tokens, and says what verifies them.
#[derive(Clone)]
pub(super) struct Signer {
    algorithm: JwtAlgorithm,
    key: EncodingKey,
    /// What verifies them, or why nothing can.
    public: Result<Key, String>,
}

impl Signer {
    pub(super) fn hs256(secret: &[u8]) -> Self {
        let algorithm = JwtAlgorithm::Hs256;
        let public = Key::secret(algorithm, secret);
        Self { algorithm, key: EncodingKey::from_secret(secret), public }
    }

    /// With a private key in PEM (RFC 8410).
    pub(super) fn ed25519(pem: &str) -> Self {
        let read = || {
            let (label, der) = Document::from_pem(pem.trim()).ok()?;
            (label == "PRIVATE KEY").then_some(der)
        };
        let der = read().map(Document::into_vec).unwrap_or_default();
        let public = (DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key)(&der, &EllipticCurve::Ed25519)
            .map_err(|_| {
                "the key that signs is no private key of Ed25519 in PEM; make one by `openssl genpkey -algorithm ed25519`"
                    .to_owned()
            })
            .and_then(|x| Key::ed25519(&x));
        Self { algorithm: JwtAlgorithm::EdDsa, key: EncodingKey::from_ed_der(&der), public }
    }

    pub(super) const fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    pub(super) fn problem(&self) -> Option<&String> {
        self.public.as_ref().err()
    }

    /// What verifies its tokens, and nobody else's.
    pub(super) fn keys(&self) -> JwtKeys {
        JwtKeys::of(self.public.clone()).algorithms([self.algorithm]).token_type(KIND).own_tenant_claim(TENANT)
    }

    /// Signs what a token says (RFC 7515, section 5.1).
    pub(super) fn sign(&self, claims: &Map<String, Value>) -> Result<String, Error> {
        let encode = |part: Vec<u8>| URL_SAFE_NO_PAD.encode(part);
        let header = json!({ "alg": self.algorithm.name(), "typ": KIND });
        let claims = serde_json::to_vec(claims).map_err(Error::internal)?;
        let message = format!("{}.{}", encode(header.to_string().into_bytes()), encode(claims));
        let signer =
            (DEFAULT_PROVIDER.signer_factory)(&self.algorithm.library(), &self.key).map_err(Error::internal)?;
        let signature = signer.try_sign(message.as_bytes()).map_err(Error::internal)?;
        let token = format!("{message}.{}", encode(signature));
        if token.len() > LONGEST {
            return Err(Error::internal("the token of a user would be longer than 8 KiB; give the user fewer roles"));
        }
        Ok(token)
    }
}

/// What a token says of its user; `metadata` stays here, since the client can read its token.
pub(super) fn claims(
    user: &AuthenticatedUser,
    family: &FamilyId,
    parties: (&str, &str),
    issued: Duration,
    expires: Duration,
) -> Result<Map<String, Value>, Error> {
    if !is_subject(&user.id) {
        return Err(Error::internal("the id of a user cannot be in a token; give one of 1 to 256 plain characters"));
    }
    if user.tenant.as_deref().is_some_and(|tenant| !is_subject(tenant)) {
        return Err(Error::internal(
            "the tenant of a user cannot be in a token; give one of 1 to 256 plain characters",
        ));
    }
    let mut claims = Map::new();
    let mut say = |name: &str, value: Value| _ = claims.insert(name.to_owned(), value);
    say("iss", parties.0.into());
    say("aud", parties.1.into());
    say("sub", user.id.as_str().into());
    say("iat", issued.as_secs().into());
    say("exp", expires.as_secs().into());
    say("jti", uuid::Uuid::new_v4().to_string().into());
    say(SID, family.text().into());
    for (name, value) in [(TENANT, &user.tenant), ("email", &user.email), ("name", &user.name)] {
        if let Some(value) = value {
            say(name, value.as_str().into());
        }
    }
    for (name, values) in [("roles", &user.roles), ("permissions", &user.permissions)] {
        if !values.is_empty() {
            say(name, values.clone().into());
        }
    }
    Ok(claims)
}
