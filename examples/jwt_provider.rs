//! JWTs of a provider: its key set is fetched from its address and refreshed as it changes.
//!
//! `cargo run --example jwt_provider --features jwks` starts a provider of its own, which signs for everybody:
//! `curl -H "Authorization: Bearer $(curl -s http://<provider>/token)" http://<server>/api/me`

use axum::{Json, Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use neurolink::jwks::JwksUrl;
use neurolink::middleware::{BearerAuth, JwtKeys};
use neurolink::routes::OfflineEngine;
use neurolink::{AuthenticatedUser, Route, create_server};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "my-api";
/// The provider's key pair (Ed25519), which is everybody's.
const PRIVATE: &str = "GNQIB4ypAMWVgASn_QRMMMRIGv5qig4eaDFa9GtHjE8";
const PUBLIC: &str = "iS73VwqItHU9BBYMVeVHEc7MElsSFSo42zffbNbDzLg";

async fn key_set() -> Json<Value> {
    Json(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "2026", "use": "sig", "x": PUBLIC }] }))
}

async fn token() -> String {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "roles": ["user"], "exp": get_current_timestamp() + 300,
    });
    let header = Header { kid: Some("2026".into()), ..Header::new(Algorithm::EdDSA) };
    // An Ed25519 key in PKCS #8 is these bytes and the key (RFC 8410).
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend(URL_SAFE_NO_PAD.decode(PRIVATE).expect("base64url"));
    encode(&header, &claims, &EncodingKey::from_ed_der(&der)).expect("a token")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let provider = listener.local_addr()?;
    println!("the provider is listening on http://{provider}");
    let router = Router::new().route("/jwks.json", get(key_set)).route("/token", get(token));
    tokio::spawn(async move { axum::serve(listener, router).await });

    // `https`, but for a provider on this machine.
    let url = JwksUrl::new(&format!("http://{provider}/jwks.json"))?;
    let keys = JwtKeys::source(url).issuer(ISSUER).audience(AUDIENCE);
    let server = create_server(OfflineEngine::new())
        .middleware(BearerAuth::jwt(keys))
        .route(Route::get("/api/me", async |user: AuthenticatedUser| user.id))
        .bind(std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()))
        .build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    server.wait().await?;
    Ok(())
}
