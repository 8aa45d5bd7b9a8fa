//! An app with logins, and what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, header};
use http_body_util::BodyExt as _;
use neurolink_core::login::{Login, LoginCall, LoginTokens};
use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
use neurolink_core::{App, AppBuilder, AuthenticatedUser, ConnInfo, Error, Json, ManualClock, Request, Route};
use serde_json::{Value, json};

use crate::support::{Answer, app};

/// Of `correct horse`.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn ada() -> PasswordUser {
    let user =
        AuthenticatedUser::new("u1").with_roles(["admin"]).with_permissions(["write"]).with_email("ada@x.example");
    PasswordUser::new("ada", PasswordHash::parse(HASH).expect("a hash"), user)
}

pub(crate) fn login() -> Login {
    Login::new(Passwords::users([ada()]), SECRET)
}

pub(crate) fn building(login: Login) -> AppBuilder {
    async fn sign_in(call: LoginCall, Json(body): Json<Value>) -> Result<Json<LoginTokens>, Error> {
        call.sign_in(text(&body, "username"), text(&body, "password")).await.map(Json)
    }
    async fn refresh(call: LoginCall, Json(body): Json<Value>) -> Result<Json<LoginTokens>, Error> {
        call.refresh(text(&body, "refreshToken")).await.map(Json)
    }
    async fn sign_out(call: LoginCall, Json(body): Json<Value>) -> Result<(), Error> {
        call.sign_out(text(&body, "refreshToken")).await
    }
    fn text<'a>(body: &'a Value, key: &str) -> &'a str {
        body[key].as_str().unwrap_or_default()
    }
    app()
        .middleware(BearerAuth::jwt(login.keys()))
        .state(login)
        .route(Route::post("/api/login", sign_in).public())
        .route(Route::post("/api/refresh", refresh).public())
        .route(Route::post("/api/logout", sign_out).public())
        .route(Route::get("/api/me", async |user: AuthenticatedUser| {
            Json(json!({ "id": user.id, "roles": user.roles, "permissions": user.permissions, "email": user.email }))
        }))
}

/// An app with this login, and its clock.
pub(crate) fn serving(login: Login) -> (App, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    (building(login).clock(Arc::clone(&clock) as _).build().expect("valid"), clock)
}

pub(crate) async fn post(app: &App, path: &str, peer: &str, body: Value) -> Answer {
    let request = http::Request::builder().method(Method::POST).uri(path).header(header::HOST, "localhost");
    let request: Request =
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into()).expect("a request");
    let response =
        app.handle(request, ConnInfo::new(Some((peer.parse::<std::net::IpAddr>().expect("an address"), 9).into())));
    let (parts, body) = response.await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    }
}

const HERE: &str = "192.0.2.1";

pub(crate) async fn sign_in(app: &App, name: &str, password: &str) -> Answer {
    post(app, "/api/login", HERE, json!({ "username": name, "password": password })).await
}

pub(crate) async fn refresh(app: &App, token: &str) -> Answer {
    post(app, "/api/refresh", HERE, json!({ "refreshToken": token })).await
}

pub(crate) async fn sign_out(app: &App, token: &str) -> Answer {
    post(app, "/api/logout", HERE, json!({ "refreshToken": token })).await
}

/// The access token and the refresh token of an answer.
pub(crate) fn tokens(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = &answer.json()["data"];
    let text = |key: &str| data[key].as_str().expect("a text").to_owned();
    (text("accessToken"), text("refreshToken"))
}

/// Both tokens of a new login.
pub(crate) async fn signed_in(app: &App) -> (String, String) {
    tokens(&sign_in(app, "ada", "correct horse").await)
}

pub(crate) async fn get(app: &App, path: &str, access: &str) -> Answer {
    crate::support::ask(app, "GET", path, "192.0.2.1:9", &[("authorization", &format!("Bearer {access}"))]).await
}

pub(crate) async fn me(app: &App, access: &str) -> Answer {
    get(app, "/api/me", access).await
}

/// What a refusal looks like, but for what is of the request alone.
pub(crate) fn shape(answer: &Answer) -> (u16, String, Vec<&str>) {
    (answer.status, answer.json()["error"].to_string(), answer.challenges())
}
