//! What is counted: an app, a request to it, and the status it must give.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use neurolink_core::middleware::{
    AccessLog, ApiKey, ApiKeyAuth, BearerAuth, ConcurrencyLimit, Cors, JwtKeys, Key, RateLimit, RequireRoles,
    SecurityHeaders, StaticToken, Timing, Tower,
};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, Context, Error, Hook, Json, Middleware, Next, Path, Request, Response,
    Route,
};
use neurolink_routes::{OfflineEngine, WithRoutes as _};
use serde_json::{Value, json};
use tower_layer::Identity;

/// One thing to count.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Nothing, when only the request is built.
    pub(crate) app: fn() -> Option<App>,
    pub(crate) request: fn() -> Request,
    pub(crate) status: StatusCode,
}

const fn ok(name: &'static str, app: fn() -> Option<App>, request: fn() -> Request) -> Scenario {
    Scenario { name, app, request, status: StatusCode::OK }
}

/// Each beside the one it is to be compared with: `build-*` is what building the request alone costs.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ok("build-get", || None, get),
    ok("get", || built(bare()), get),
    ok("get-parameter", || built(bare()), || to("/api/item/some-name")),
    ok("get-escaped", || built(bare()), || to("/api/item/some%2Fna%6De")),
    Scenario { name: "get-404", app: || built(bare()), request: || to("/api/nothing"), status: StatusCode::NOT_FOUND },
    ok("get-timing", || built(bare().middleware(Timing::new())), get),
    ok("get-access-log", || built(bare().middleware(AccessLog::new())), get),
    ok("get-headers", || built(bare().middleware(SecurityHeaders::modern())), get),
    ok("get-cors", || built(bare().middleware(cors())), get),
    ok("get-limit", || built(bare().middleware(limit())), get),
    ok("get-concurrency", || built(bare().middleware(ConcurrencyLimit::by(Key::Address, 1000))), get),
    ok("get-tower", || built(bare().middleware(Tower::new("identity", Identity::new()))), get),
    // The onion alone: ten hooks, and ten middleware with a future each, which do nothing.
    ok("get-ten-hooks", || built((0..10).fold(bare(), |app, at| app.middleware(Nothing.named(at.to_string())))), get),
    ok(
        "get-ten-middleware",
        || built((0..10).fold(bare(), |app, at| app.middleware(Passes.named(at.to_string())))),
        get,
    ),
    ok("get-headers-cors-limit", || built(three(bare())), get),
    ok("get-static-token", || built(guarded().middleware(bearer())), || bearing(TOKEN)),
    ok("get-api-key", || built(guarded().middleware(api_key())), with_key),
    ok("get-jwt", || built(guarded().middleware(jwt())), || bearing(&SIGNED)),
    ok("get-jwt-remembered", || built(guarded().middleware(remembered())), || bearing(&SIGNED)),
    ok("get-jwt-es256", || built(guarded().middleware(by_key(ES256))), || bearing(&SIGNED_ES256)),
    ok("get-jwt-eddsa", || built(guarded().middleware(by_key(ED25519))), || bearing(&SIGNED_EDDSA)),
    // What `jsonwebtoken::decode` costs alone: signature, `exp`, `iss` and `aud`, claims as a map.
    ok("decode-hs256", || None, || decoded(&SIGNED, &HS256_KEY, Algorithm::HS256)),
    ok("decode-es256", || None, || decoded(&SIGNED_ES256, &ES256_KEY, Algorithm::ES256)),
    ok("decode-eddsa", || None, || decoded(&SIGNED_EDDSA, &EDDSA_KEY, Algorithm::EdDSA)),
    ok("build-get-bearing", || None, || bearing(&SIGNED)),
    ok(
        "get-roles",
        || built(guarded().middleware(bearer()).middleware(RequireRoles::any(["reader"]))),
        || bearing(TOKEN),
    ),
    ok("get-five-jobs", || built(three(guarded()).middleware(jwt())), || bearing(&SIGNED)),
    ok("build-post-1k", || None, post),
    ok("post-1k", || built(bare()), post),
    ok("execute-1k", || built(App::builder(OfflineEngine::new()).all_routes()), execute),
    ok("build-stream-50", || None, stream),
    ok("stream-50", || built(App::builder(OfflineEngine::new()).all_routes()), stream),
];

/// A hook that does nothing.
struct Nothing;

impl Hook for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }
}

/// A middleware that does nothing, with a future of its own.
struct Passes;

#[async_trait]
impl Middleware for Passes {
    fn name(&self) -> &str {
        "passes"
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        Ok(next.run(ctx).await)
    }
}

const TOKEN: &str = "bench-token-0123456789abcdef-0123456789";
const KEY: &str = "bench-key-0123456789abcdef-0123456789ab";
const SECRET: &[u8] = b"a-secret-of-at-least-thirty-two-bytes";

static SIGNED: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({ "sub": "bench", "iss": "bench", "aud": "bench", "exp": 4_102_444_800_u64 });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).expect("signed")
});

static POST: LazyLock<String> = LazyLock::new(|| json!({ "text": "word ".repeat(200) }).to_string());

static EXECUTE: LazyLock<String> = LazyLock::new(|| json!({ "input": { "text": "word ".repeat(200) } }).to_string());

fn app(route: impl Fn(Route) -> Route) -> AppBuilder {
    App::builder(OfflineEngine::new())
        .route(route(Route::get("/api/text", async || "text")))
        .route(route(Route::get("/api/item/{name}", async |Path(name): Path<String>| name)))
        .route(route(Route::post("/api/echo", async |Json(value): Json<Value>| Json(value))))
        .configure(|settings| settings.probe_rate = 0)
}

fn bare() -> AppBuilder {
    app(Route::public)
}

/// The same routes, for callers that are known.
fn guarded() -> AppBuilder {
    app(|route| route)
}

fn built(builder: AppBuilder) -> Option<App> {
    Some(builder.build().expect("a valid app"))
}

fn cors() -> Cors {
    Cors::list(["https://app.example.com"])
}

fn limit() -> RateLimit {
    RateLimit::fixed_window(u32::MAX, Duration::from_secs(60))
}

fn three(builder: AppBuilder) -> AppBuilder {
    builder.middleware(SecurityHeaders::modern()).middleware(cors()).middleware(limit())
}

fn user() -> AuthenticatedUser {
    AuthenticatedUser::new("bench").with_roles(["reader"])
}

fn bearer() -> BearerAuth {
    BearerAuth::tokens([StaticToken::new(TOKEN, user())])
}

fn jwt() -> BearerAuth {
    BearerAuth::jwt(keys().remember(0))
}

fn remembered() -> BearerAuth {
    BearerAuth::jwt(keys())
}

fn keys() -> JwtKeys {
    JwtKeys::hs256(SECRET).issuer("bench").audience("bench")
}

/// Public keys of nobody, and tokens that their private halves signed, which are gone.
const ES256: &str = "-----BEGIN PUBLIC KEY-----\n\
             MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfOk4/3jSAlnP1qxQIJiFZ1/iC/X9\n\
             rcQEKhaIxP8mIzmxsu7Twt9Qgq3zQXsAKky+oMVjQO4on+mMTJOSFseePg==\n\
             -----END PUBLIC KEY-----";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----\n\
             MCowBQYDK2VwAyEAYvVeG/qEx7+2UJInSLdZgIzfjlezmf+NrDuLPeNaVG0=\n\
             -----END PUBLIC KEY-----";
static SIGNED_ES256: LazyLock<String> = LazyLock::new(|| {
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJiZW5jaCIsImlzcyI6ImJlbmNoIiwiYXVkIjoiYmVuY2giLCJleHAiOjQxMDI0NDQ4MDB9.Q-hzwijbbdv8-iRhAN1P9dffMyzSYDFO6b5mOT9GS8VCvVnURT_MVXJaDcBO9IgjDLGfba7PJqFED8f6lpKBHw".into()
});
static SIGNED_EDDSA: LazyLock<String> = LazyLock::new(|| {
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiJiZW5jaCIsImlzcyI6ImJlbmNoIiwiYXVkIjoiYmVuY2giLCJleHAiOjQxMDI0NDQ4MDB9.Rh4SL_hV380UNqe6TIcaLrlxKzVZ7BQxptkbPvyjpIGdqH-B3MhG1F_p5HiJCcZGBjJkJgL8uAgL_35_OfU7Cw".into()
});

static HS256_KEY: LazyLock<DecodingKey> = LazyLock::new(|| DecodingKey::from_secret(SECRET));
static ES256_KEY: LazyLock<DecodingKey> = LazyLock::new(|| {
    DecodingKey::from_ec_components(
        "fOk4_3jSAlnP1qxQIJiFZ1_iC_X9rcQEKhaIxP8mIzk",
        "sbLu08LfUIKt80F7ACpMvqDFY0DuKJ_pjEyTkhbHnj4",
    )
    .expect("a key")
});
static EDDSA_KEY: LazyLock<DecodingKey> =
    LazyLock::new(|| DecodingKey::from_ed_components("YvVeG_qEx7-2UJInSLdZgIzfjlezmf-NrDuLPeNaVG0").expect("a key"));

fn by_key(pem: &str) -> BearerAuth {
    BearerAuth::jwt(JwtKeys::pem(pem).issuer("bench").audience("bench").remember(0))
}

/// Verifies a token as the library does it, and builds the request all the same.
fn decoded(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Request {
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&["bench"]);
    rules.set_audience(&["bench"]);
    let decoded = jsonwebtoken::decode::<serde_json::Map<String, Value>>(token, key, &rules).expect("valid");
    std::hint::black_box(decoded);
    get()
}

fn api_key() -> ApiKeyAuth {
    ApiKeyAuth::keys([ApiKey::new(KEY, user())])
}

fn to(path: &'static str) -> Request {
    let builder = http::Request::get(path).header(header::HOST, HeaderValue::from_static("localhost"));
    builder
        .header(header::ORIGIN, HeaderValue::from_static("https://app.example.com"))
        .body(Body::empty())
        .expect("a request")
}

fn get() -> Request {
    to("/api/text")
}

fn bearing(token: &str) -> Request {
    let mut request = get();
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a header's value");
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

fn with_key() -> Request {
    let mut request = get();
    request.headers_mut().insert("x-api-key", HeaderValue::from_static(KEY));
    request
}

fn sending(path: &'static str, body: &'static str) -> Request {
    let builder = http::Request::post(path).header(header::HOST, HeaderValue::from_static("localhost"));
    let json = HeaderValue::from_static("application/json");
    builder.header(header::CONTENT_TYPE, json).body(Body::from(body)).expect("a request")
}

fn post() -> Request {
    sending("/api/echo", &POST)
}

fn execute() -> Request {
    sending("/api/agent/execute", &EXECUTE)
}

fn stream() -> Request {
    sending("/api/agent/stream", r#"{"input":"x","model":"offline/chunks-50"}"#)
}
