//! Opaque tokens of a provider, which is asked whether they are active (RFC 7662), in `Authorization` and in the query.
//!
//! `cargo run --example token_introspection` starts a provider of its own, which knows the token `alice-0123456789`:
//! `curl -H "Authorization: Bearer alice-0123456789" http://<server>/api/me`
//! `curl -X POST http://<provider>/revoke` takes it back, and `/stop` and `/go-on` make an outage of the provider.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use neurolink::middleware::{BearerAuth, TokenValidator};
use neurolink::routes::OfflineEngine;
use neurolink::{AuthenticatedUser, Error, Route, create_server};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long an answer of the provider is believed: so long a token goes on that it has taken back.
const BELIEVED: Duration = Duration::from_secs(1);
/// Tokens that are known at one time; more are asked for each time.
const MOST: usize = 1024;

struct Introspection {
    client: reqwest::Client,
    endpoint: String,
    /// Active tokens only, so that nobody fills it with guesses.
    known: Mutex<HashMap<String, (AuthenticatedUser, Instant)>>,
}

impl Introspection {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, (AuthenticatedUser, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, token: &str, user: &AuthenticatedUser) {
        let mut known = self.known();
        known.retain(|_, (_, since)| since.elapsed() < BELIEVED);
        if known.len() < MOST {
            known.insert(token.to_owned(), (user.clone(), Instant::now()));
        }
    }
}

#[async_trait]
impl TokenValidator for Introspection {
    async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error> {
        if let Some((user, since)) = self.known().get(token)
            && since.elapsed() < BELIEVED
        {
            return Ok(Some(user.clone()));
        }
        // A token is visible ASCII, of which a form escapes what is no letter and no digit.
        let escaped: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = self.client.post(&self.endpoint).basic_auth("my-api", Some("client-secret"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("token={escaped}&token_type_hint=access_token")).send().await;
        // Whatever is no answer is an error, and the caller gets 503.
        let answer = answer.and_then(reqwest::Response::error_for_status).map_err(Error::internal)?;
        let answer: Value = answer.json().await.map_err(Error::internal)?;
        let user = match (answer["active"].as_bool(), answer["sub"].as_str()) {
            (Some(true), Some(subject)) if !subject.is_empty() => subject,
            (Some(_), _) => return Ok(None),
            (None, _) => return Err(Error::internal("the provider does not say whether the token is active")),
        };
        let scopes = answer["scope"].as_str().unwrap_or_default().split_whitespace();
        let mut user = AuthenticatedUser::new(user).with_permissions(scopes);
        user.expires = answer["exp"].as_u64().map(Duration::from_secs);
        self.remember(token, &user);
        Ok(Some(user))
    }
}

/// A provider that knows one token.
#[derive(Clone, Default)]
struct Provider {
    revoked: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Provider {
    fn introspect(&self, headers: &HeaderMap, form: &str) -> (StatusCode, axum::Json<Value>) {
        // `my-api:client-secret`.
        let client = headers.get("authorization").is_some_and(|value| value == "Basic bXktYXBpOmNsaWVudC1zZWNyZXQ=");
        let token: String = "alice-0123456789".bytes().map(|byte| format!("%{byte:02X}")).collect();
        let known = form.starts_with(&format!("token={token}&")) && !self.revoked.load(Ordering::SeqCst);
        match (self.stopped.load(Ordering::SeqCst), client) {
            (true, _) => (StatusCode::BAD_GATEWAY, axum::Json(Value::Null)),
            (false, false) => (StatusCode::UNAUTHORIZED, axum::Json(Value::Null)),
            (false, true) if known => {
                (StatusCode::OK, axum::Json(json!({ "active": true, "sub": "alice", "scope": "read write" })))
            }
            (false, true) => (StatusCode::OK, axum::Json(json!({ "active": false }))),
        }
    }

    fn router(&self) -> Router {
        let set = |flag: &Arc<AtomicBool>, to: bool| {
            let flag = Arc::clone(flag);
            post(move || async move { flag.store(to, Ordering::SeqCst) })
        };
        let provider = self.clone();
        let introspect =
            post(move |headers: HeaderMap, form: String| async move { provider.introspect(&headers, &form) });
        Router::new()
            .route("/introspect", introspect)
            .route("/revoke", set(&self.revoked, true))
            .route("/stop", set(&self.stopped, true))
            .route("/go-on", set(&self.stopped, false))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let provider = listener.local_addr()?;
    println!("the provider is listening on http://{provider}");
    tokio::spawn(async move { axum::serve(listener, Provider::default().router()).await });

    let introspection = Introspection {
        client: reqwest::Client::builder().timeout(Duration::from_secs(3)).build()?,
        endpoint: format!("http://{provider}/introspect"),
        known: Mutex::default(),
    };
    let server = create_server(OfflineEngine::new())
        .middleware(BearerAuth::validator(introspection).or_query("access_token"))
        .route(Route::get("/api/me", async |user: AuthenticatedUser| user.id))
        .bind(std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()))
        .build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    server.wait().await?;
    Ok(())
}
