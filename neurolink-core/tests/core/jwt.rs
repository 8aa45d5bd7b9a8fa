//! JWTs through an app: key sets, what is remembered, what is revoked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::engine::EventStream;
use neurolink_core::middleware::{BearerAuth, JwtKeys, KeySource, RevocationCheck, VerifiedToken};
use neurolink_core::{App, Error, Route};
use serde_json::Value;
use tokio::time::Instant;

use super::support::{Answer, app, ask};

const SET: &str = include_str!("../../../conformance-tests/tokens/jwks.json");
const TOKENS: &str = include_str!("../../../conformance-tests/tokens/tokens.json");

/// A token of the attack table.
fn token(name: &str) -> String {
    let all: Value = serde_json::from_str(TOKENS).expect("JSON");
    let found = all.as_array().expect("a list").iter().find(|token| token["name"] == name);
    found.and_then(|token| token["token"].as_str()).expect("a token of this name").to_owned()
}

/// The set of this key alone.
fn only(name: &str) -> String {
    let mut set: Value = serde_json::from_str(SET).expect("JSON");
    set["keys"].as_array_mut().expect("a list").retain(|key| key["kid"] == name);
    set.to_string()
}

/// A set that can change; nothing is an outage.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Option<String>>>);

impl Provider {
    fn gives(&self, text: Option<String>) {
        *self.0.lock().expect("a lock") = text;
    }
}

#[async_trait]
impl KeySource for Provider {
    fn name(&self) -> String {
        "the provider".into()
    }

    async fn fetch(&self) -> Result<String, Error> {
        self.0.lock().expect("a lock").clone().ok_or_else(|| Error::internal("away"))
    }
}

fn parties(keys: JwtKeys) -> JwtKeys {
    keys.issuer("https://issuer.example").audience("neurolink")
}

fn serving(keys: JwtKeys) -> App {
    let auth = BearerAuth::jwt(parties(keys)).failure_limit(3, Duration::from_secs(60));
    async fn silent() -> EventStream {
        Box::pin(futures_util::stream::pending())
    }
    app()
        .middleware(auth)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/silent", silent))
        .build()
        .expect("valid")
}

async fn get(app: &App, path: &str, token: &str) -> Answer {
    ask(app, "GET", path, "192.0.2.1:9", &[("authorization", &format!("Bearer {token}"))]).await
}

async fn status(app: &App, token: &str) -> u16 {
    get(app, "/api/x", token).await.status
}

#[tokio::test(start_paused = true)]
async fn keys_that_change_forget_what_the_old_ones_verified() {
    let provider = Provider::default();
    provider.gives(Some(only("ed-1")));
    let app = serving(JwtKeys::source(provider.clone()));
    let (old, new) = (token("eddsa"), token("es256"));
    assert_eq!((status(&app, &old).await, status(&app, &old).await), (200, 200));
    provider.gives(Some(only("p256-1")));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(status(&app, &new).await, 200, "a name that is not known asks the provider");
    assert_eq!(status(&app, &old).await, 401, "the token is remembered, and its key is gone");
}

#[tokio::test(start_paused = true)]
async fn without_a_key_set_it_is_503_and_no_failure() {
    let provider = Provider::default();
    let app = serving(JwtKeys::source(provider.clone()));
    for _ in 0..10 {
        let answer = get(&app, "/api/x", &token("es256")).await;
        assert_eq!((answer.status, answer.code()), (503, "UNAVAILABLE".into()));
        assert!(!answer.header("retry-after").is_empty() && answer.challenges().is_empty());
    }
    provider.gives(Some(SET.into()));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(status(&app, &token("es256")).await, 200);
}

#[tokio::test]
async fn who_failed_too_often_waits_also_with_a_token_that_is_remembered() {
    let app = serving(JwtKeys::jwk_set(SET));
    let good = token("eddsa");
    assert_eq!((status(&app, &good).await, status(&app, &good).await), (200, 200));
    for _ in 0..3 {
        assert_eq!(status(&app, &token("eddsa-zero")).await, 401);
    }
    let answer = get(&app, "/api/x", &good).await;
    assert_eq!((answer.status, answer.code()), (429, "RATE_LIMIT_EXCEEDED".into()));
    let elsewhere = ask(&app, "GET", "/api/x", "192.0.2.2:9", &[("authorization", &format!("Bearer {good}"))]).await;
    assert_eq!(elsewhere.status, 200);
}

/// Users whose tokens do not count any more; nothing is an outage.
#[derive(Clone)]
struct Revoked(Arc<Mutex<Option<HashSet<String>>>>);

impl Revoked {
    fn none() -> Self {
        Self(Arc::new(Mutex::new(Some(HashSet::new()))))
    }

    fn is(&self, users: Option<&[&str]>) {
        *self.0.lock().expect("a lock") = users.map(|users| users.iter().map(|user| (*user).to_owned()).collect());
    }
}

#[async_trait]
impl RevocationCheck for Revoked {
    async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error> {
        let revoked = self.0.lock().expect("a lock");
        let revoked = revoked.as_ref().ok_or_else(|| Error::internal("the list is away"))?;
        Ok(revoked.contains(&token.user.id))
    }
}

#[tokio::test]
async fn a_revoked_token_is_401_on_the_next_request_and_an_outage_is_503() {
    let revoked = Revoked::none();
    let app = serving(JwtKeys::jwk_set(SET).revocation(revoked.clone()));
    let good = token("es256");
    assert_eq!((status(&app, &good).await, status(&app, &good).await), (200, 200));
    revoked.is(Some(&["jwt-user"]));
    let answer = get(&app, "/api/x", &good).await;
    assert_eq!((answer.status, answer.code()), (401, "AUTH_INVALID".into()));
    revoked.is(None);
    assert_eq!(status(&app, &good).await, 503);
    revoked.is(Some(&[]));
    assert_eq!(status(&app, &good).await, 200);
}

/// Reads a stream to its end, and tells how long that took.
async fn until_the_end(app: &App, token: &str) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = get(app, "/api/silent", token).await;
    (answer, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_its_revocation_and_of_an_outage_that_lasts() {
    for users in [Some(&["jwt-user"][..]), None] {
        let revoked = Revoked::none();
        let keys = JwtKeys::jwk_set(SET).revocation(revoked.clone());
        let app = serving(keys);
        let change = async {
            tokio::time::sleep(Duration::from_secs(26)).await;
            revoked.is(users);
        };
        let good = token("es256");
        let ((answer, took), ()) = tokio::join!(until_the_end(&app, &good), change);
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("AUTH_EXPIRED") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
        assert!((26..=86).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test]
async fn keys_in_pem_verify_what_those_of_a_set_do() {
    // RSA in both forms, P-256, P-384 and Ed25519, one after another.
    let app = serving(JwtKeys::pem(include_str!("keys.pem")));
    for algorithm in ["rs256", "ps512", "es256", "es384", "eddsa"] {
        assert_eq!(status(&app, &token(algorithm)).await, 200, "{algorithm}: a key without a name is tried");
        assert_eq!(status(&app, &token(&format!("{algorithm}-no-kid"))).await, 200, "{algorithm}");
    }
    let app = serving(JwtKeys::pem(include_str!("keys.pem")));
    for attack in ["stranger-es256", "rsa-key-as-secret-spki-pem", "ed-key-as-secret"] {
        assert_eq!(status(&app, &token(attack)).await, 401, "{attack}");
    }
}

#[tokio::test]
async fn requests_of_a_good_token_at_one_time_are_no_failures_while_its_revocation_is_asked() {
    struct Slow(Revoked);
    #[async_trait]
    impl RevocationCheck for Slow {
        async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error> {
            tokio::task::yield_now().await;
            self.0.is_revoked(token).await
        }
    }
    let revoked = Revoked::none();
    let keys = JwtKeys::jwk_set(SET).any_issuer().any_audience().revocation(Slow(revoked.clone()));
    let bearer = BearerAuth::jwt(keys).failure_limit(3, Duration::from_secs(60));
    let app = app().middleware(bearer).route(Route::get("/api/me", async || "me")).build().expect("valid");
    let authorization = format!("Bearer {}", token("es256"));
    let status = async || ask(&app, "GET", "/api/me", "192.0.2.1:5", &[("authorization", &authorization)]).await.status;
    assert_eq!(status().await, 200);
    assert_eq!(futures_util::future::join_all((0..50).map(|_| status())).await, vec![200; 50]);
}
