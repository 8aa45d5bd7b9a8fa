//! Logins: a name and a password once, then tokens that are renewed.
//!
//! `LOGIN_SECRET=$(openssl rand -hex 32) cargo run --example login`, and beside it:
//!
//! ```text
//! curl -d '{"username":"ada","password":"correct horse"}' -H 'Content-Type: application/json' http://127.0.0.1:3000/api/auth/login
//! curl -H 'Authorization: Bearer ACCESS_TOKEN' http://127.0.0.1:3000/api/me
//! curl -d '{"refreshToken":"REFRESH_TOKEN"}' -H 'Content-Type: application/json' http://127.0.0.1:3000/api/auth/refresh
//! ```

use neurolink::login::Login;
use neurolink::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
use neurolink::routes::OfflineEngine;
use neurolink::{AuthenticatedUser, Route, create_server};

/// Of `correct horse`; `argon2 SALT -id -m 14 -t 2 -p 1 -e` makes one.
const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("LOGIN_SECRET").map_err(|_| "set LOGIN_SECRET, as from `openssl rand -hex 32`")?;
    let ada = PasswordUser::new("ada", PasswordHash::parse(HASH)?, AuthenticatedUser::new("u1"));
    // Kept in this process; `.store(RedisCredentials::new(..)?)` keeps them where several servers share them.
    let login = Login::new(Passwords::users([ada]), secret);
    let server = create_server(OfflineEngine::new())
        .middleware(BearerAuth::jwt(login.keys()))
        .state(login) // with a login there are /auth/login, /auth/refresh and /auth/logout
        .route(Route::get("/api/me", async |user: AuthenticatedUser| user.id))
        .bind(std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()))
        .build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
