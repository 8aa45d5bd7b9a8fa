//! An engine and an authenticator for tests.

use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use neurolink_core::engine::{Call, EventStream, Generate, Generation, StreamEvent};
use neurolink_core::stack::{Kind, order};
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, Code, ConfigError, ConnInfo, Context, Engine, Error, Hook, Middleware,
    Next, Request, Response,
};

/// Says back what it hears.
pub(crate) struct Quiet;

#[async_trait::async_trait]
impl Engine for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        Ok(Generation::new(request.input.text, "quiet", "quiet-1"))
    }

    async fn stream(&self, _request: Generate, _call: &Call) -> Result<EventStream, Error> {
        Ok(Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("hi"))])))
    }
}

/// Accepts `Authorization: <user>` for any user but `bad`.
pub(crate) struct Auth;

#[async_trait::async_trait]
impl Middleware for Auth {
    fn name(&self) -> &str {
        "auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        ctx.challenge(HeaderValue::from_static("Test"));
        if let Some(user) = ctx.headers().get(header::AUTHORIZATION) {
            match user.to_str() {
                Ok("bad") | Err(_) => return Err(Error::new(Code::AuthInvalid)),
                Ok(user) => {
                    let user = AuthenticatedUser::new(user).with_roles([user]);
                    ctx.authenticate(user)?;
                }
            }
        }
        Ok(next.run(ctx).await)
    }
}

/// Marks the responses that pass it: `x-mark: 1`.
pub(crate) struct Mark;

impl Hook for Mark {
    fn name(&self) -> &str {
        "mark"
    }

    fn after(&self, _: &Context, response: &mut Response) {
        response.headers_mut().insert("x-mark", HeaderValue::from_static("1"));
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The lines of `WWW-Authenticate`.
    #[cfg(feature = "full")]
    pub(crate) fn challenges(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        lines.map(|line| line.to_str().expect("text")).collect()
    }
}

/// An app around [`Quiet`].
pub(crate) fn app() -> AppBuilder {
    App::builder(Quiet)
}

/// A request to a path.
pub(crate) fn to(path: &str) -> http::request::Builder {
    http::Request::builder().uri(path)
}

/// Asks for a path from this machine.
pub(crate) async fn get(app: &App, path: &str) -> Answer {
    send(app, to(path), Body::empty()).await
}

/// Sends a request from this machine.
pub(crate) async fn send(app: &App, request: http::request::Builder, body: impl Into<Body>) -> Answer {
    answer(app, request, body.into(), ConnInfo::new(Some(([127, 0, 0, 1], 9).into()))).await
}

/// Sends a request without a body from `peer`, or from nowhere known.
pub(crate) async fn ask(app: &App, method: &str, path: &str, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = to(path).method(method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let conn = ConnInfo::new((!peer.is_empty()).then(|| peer.parse().expect("an address")));
    answer(app, request, Body::empty(), conn).await
}

async fn answer(app: &App, request: http::request::Builder, body: Body, conn: ConnInfo) -> Answer {
    let mut request: Request = request.body(body).expect("a request");
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    let (parts, body) = app.handle(request, conn).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    }
}

/// The mistakes of a build, one a line.
pub(crate) fn mistakes<T>(built: Result<T, ConfigError>) -> Vec<String> {
    built.err().expect("a mistake").problems().iter().map(ToString::to_string).collect()
}
