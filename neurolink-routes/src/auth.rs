use http::{HeaderValue, header};
use neurolink_core::login::{LoginCall, LoginTokens};
use neurolink_core::stack::order;
use neurolink_core::{Context, Error, Hook, Json, Response, Route, RouteGroup};
use serde::Serialize;

use crate::check::read;
use crate::document::Document;

/// The most bytes of a body: a name and a password, or a token.
const LONGEST: usize = 4 * 1024;

type Body = Option<Json<Document>>;

/// The routes of a [`Login`](neurolink_core::login::Login), which is the app's state; all are public.
///
/// | method and path | body | answer |
/// |---|---|---|
/// | POST `/auth/login` | `username`, `password` | `accessToken`, `refreshToken`, `tokenType`, `expiresIn` and `refreshExpiresIn` in seconds |
/// | POST `/auth/refresh` | `refreshToken` | the same, anew |
/// | POST `/auth/logout` | `refreshToken` | `loggedOut: true`, whether the token was known or not |
///
/// Bodies have 4 KiB at most, and no answer may be stored (`Cache-Control: no-store`).
/// Without the state a build fails.
///
/// ```
/// use neurolink_core::login::Login;
/// use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
/// use neurolink_core::{App, AuthenticatedUser};
/// use neurolink_routes::{OfflineEngine, auth};
///
/// let hash = PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4")?;
/// let passwords = Passwords::users([PasswordUser::new("ada", hash, AuthenticatedUser::new("u1"))]);
/// let login = Login::new(passwords, "a secret of at least thirty-two bytes");
/// let bearer = BearerAuth::jwt(login.keys());
/// let app = App::builder(OfflineEngine::new()).state(login).middleware(bearer).group(auth("/api")).build()?;
/// assert_eq!(app.plan().routes.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn auth(base: &str) -> RouteGroup {
    RouteGroup::new(format!("{}/auth", base.trim_end_matches('/')))
        .middleware(NoStore)
        .route(Route::post("/login", log_in).public().body_limit(LONGEST).description("Begins a login"))
        .route(
            Route::post("/refresh", refresh).public().body_limit(LONGEST).description("Renews the tokens of a login"),
        )
        .route(Route::post("/logout", log_out).public().body_limit(LONGEST).description("Ends a login"))
}

async fn log_in(call: LoginCall, body: Body) -> Result<Json<LoginTokens>, Error> {
    let (name, password) = read(body, |body, problems| {
        let mut text = |name| body.take(name, problems).string(problems).unwrap_or_default();
        (text("username"), text("password"))
    })?;
    call.sign_in(&name, &password).await.map(Json)
}

async fn refresh(call: LoginCall, body: Body) -> Result<Json<LoginTokens>, Error> {
    call.refresh(&token(body)?).await.map(Json)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedOut {
    logged_out: bool,
}

async fn log_out(call: LoginCall, body: Body) -> Result<Json<LoggedOut>, Error> {
    call.sign_out(&token(body)?).await?;
    Ok(Json(LoggedOut { logged_out: true }))
}

fn token(body: Body) -> Result<String, Error> {
    read(body, |body, problems| body.take("refreshToken", problems).string(problems).unwrap_or_default())
}

/// Forbids to store any answer (RFC 9111, section 5.2.2.5): those of logins have tokens in them.
struct NoStore;

impl Hook for NoStore {
    fn name(&self) -> &str {
        "no-store"
    }

    fn order(&self) -> i16 {
        order::HEADERS
    }

    fn summary(&self) -> String {
        "answers may not be stored".into()
    }

    fn after(&self, _: &Context, response: &mut Response) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
