//! The stack around routes that a framework serves itself: what every adapter must pass on unchanged.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use neurolink_core::engine::{Call, EventStream, Generate, Generation};
use neurolink_core::login::{Login, LoginCall};
use neurolink_core::middleware::{
    AccessLog, BearerAuth, ConcurrencyLimit, PasswordHash, PasswordUser, Passwords, StaticToken, Timing, Tower,
};
use neurolink_core::stack::BodyAccess;
use neurolink_core::{
    App, AuthenticatedUser, Body, Code, ConnInfo, ContentCoding, Context, Engine, Error, Hook, Json, Middleware, Next,
    Route, Settings, Stack,
};

#[path = "native_facts.rs"]
pub(crate) mod facts;
#[path = "log.rs"]
mod log;
#[path = "native_paths.rs"]
pub(crate) mod paths;

pub(crate) use facts::{
    a_client_that_leaves_cancels_the_native_handler, the_limit_and_facts_of_ones_own_reach_native_handlers,
    the_log_names_the_middleware_that_a_fact_needs,
};
pub(crate) use paths::{
    a_stack_inside_a_nested_router_sees_the_whole_path, no_spelling_passes_a_stack_inside_a_nested_router,
    no_spelling_reaches_a_native_handler_without_credentials, no_spelling_reaches_a_native_handler_without_the_role,
};

const TOKEN: &str = "token-of-u1-0123456789";

/// Native routes of a framework, with a stack around them or bare.
///
/// `GET /me` answers the user's id, `GET /public` and `GET /maybe` whether there is a user, `GET /id` the request's id,
/// `GET /client` the client's address,
/// `GET /seen` the header `x-seen`, `POST /echo` the body, `GET /panic` panics;
/// `GET /limit` answers how many requests are left, `GET /tenant` the [`Tenant`](facts::Tenant), `GET /hang` does
/// [`facts::hang`]; `GET /open` and all below answer `open`;
/// `GET /admin/panel`, `/users/{id}`, `/files/{*rest}` and, in a router of their own at `/team`, `/secret`, `/by/{id}`
/// and `/all/{*rest}` do [`paths::reach`].
pub(crate) trait Native {
    /// Sends one request and reads the whole answer.
    async fn ask_with(
        &self,
        stack: Option<Stack>,
        settings: Settings,
        request: Request<&'static str>,
    ) -> Response<Bytes>;

    /// The same with the settings that nobody has changed.
    async fn ask(&self, stack: Option<Stack>, request: Request<&'static str>) -> Response<Bytes> {
        self.ask_with(stack, Settings::default(), request).await
    }

    /// The same with the stack around the router at `/team` only, where the framework can do that.
    async fn ask_team(&self, stack: Stack, request: Request<&'static str>) -> Response<Bytes>;
}

/// The tests of native routes, each with its name.
macro_rules! native_tests {
    ($native:expr; $($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            native::$name(&$native).await;
        }
    )*};
    ($native:expr) => {
        native::native_tests!($native;
            native_routes_are_protected_and_know_the_user,
            other_spellings_do_not_reach_a_native_handler,
            native_bodies_pass_untouched,
            a_fact_without_the_stack_is_a_500,
            a_middleware_changes_the_head_both_ways,
            a_middleware_reads_bodies_both_ways_if_it_asks,
            a_middleware_that_reads_without_asking_is_a_500,
            a_panic_of_a_native_handler_is_a_500_with_its_headers,
            timing_is_on_native_answers,
            the_access_log_tells_of_native_requests,
            a_tower_layer_stands_around_native_routes,
            the_limit_and_facts_of_ones_own_reach_native_handlers,
            the_log_names_the_middleware_that_a_fact_needs,
            a_client_that_leaves_cancels_the_native_handler,
            limits_of_concurrency_count_native_requests,
            tokens_of_a_login_open_native_routes,
            no_spelling_reaches_a_native_handler_without_credentials,
            no_spelling_reaches_a_native_handler_without_the_role,
            no_spelling_passes_a_stack_inside_a_nested_router,
            a_stack_inside_a_nested_router_sees_the_whole_path,
        );
    };
}
pub(crate) use native_tests;

fn auth() -> BearerAuth {
    BearerAuth::tokens([StaticToken::new(TOKEN, AuthenticatedUser::new("u1"))]).no_failure_limit()
}

fn protecting() -> Stack {
    Stack::builder().with(auth()).public(["/public"]).build().expect("valid")
}

fn request(method: &str, path: &str, signed_in: bool, body: &'static str) -> Request<&'static str> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    if !body.is_empty() {
        request = request.header(header::CONTENT_LENGTH, body.len());
    }
    if signed_in {
        request = request.header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    }
    request.body(body).expect("a request")
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("text")
}

pub(crate) async fn native_routes_are_protected_and_know_the_user(native: &impl Native) {
    let ask = async |path, signed_in| native.ask(Some(protecting()), request("GET", path, signed_in, "")).await;
    let refused = ask("/me", false).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE) && text(&refused).contains("AUTH_REQUIRED"));
    let me = ask("/me", true).await;
    assert_eq!((me.status(), text(&me)), (StatusCode::OK, "u1"));
    assert!(me.headers().contains_key("x-request-id"));
    assert_eq!(text(&ask("/public", false).await), "false");
    assert_eq!(text(&ask("/maybe", true).await), "true");
    assert_eq!(ask("/nope", false).await.status(), StatusCode::UNAUTHORIZED);
    let missing = ask("/nope", true).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(missing.headers().contains_key("x-request-id"), "the host's own 404 is decorated");
    let id = ask("/id", true).await;
    assert_eq!(id.headers()["x-request-id"], text(&id));
}

pub(crate) async fn other_spellings_do_not_reach_a_native_handler(native: &impl Native) {
    for path in ["/%6de", "//me", "/me/../me", "/me%00", "/pub/..%2fme", "/%70ublic"] {
        for signed_in in [true, false] {
            let answer = native.ask(Some(protecting()), request("GET", path, signed_in, "")).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        }
    }
}

pub(crate) async fn native_bodies_pass_untouched(native: &impl Native) {
    for coding in [None, Some("identity"), Some("gzip"), Some("br")] {
        let mut asked = request("POST", "/echo", true, "hello");
        if let Some(coding) = coding {
            asked.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        let echoed = native.ask(Some(protecting()), asked).await;
        assert_eq!((echoed.status(), text(&echoed)), (StatusCode::OK, "hello"), "{coding:?}");
    }
    // What is inflated, or read in parts, on routes of ours would be a 400 here.
    let mut settings = Settings::default();
    settings.decompress = ContentCoding::ALL.into();
    let mut asked = request("POST", "/echo", true, "neither a form nor compressed");
    asked.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    asked.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=x"));
    let echoed = native.ask_with(Some(protecting()), settings, asked).await;
    assert_eq!((echoed.status(), text(&echoed)), (StatusCode::OK, "neither a form nor compressed"));
}

pub(crate) async fn a_fact_without_the_stack_is_a_500(native: &impl Native) {
    let bare = native.ask(None, request("GET", "/id", false, "")).await;
    assert_eq!(bare.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

struct Head;

impl Hook for Head {
    fn name(&self) -> &str {
        "head"
    }

    fn before(&self, ctx: &mut Context) -> Option<neurolink_core::Response> {
        ctx.headers_mut().insert("x-seen", HeaderValue::from_static("by the stack"));
        None
    }

    fn after(&self, _ctx: &Context, response: &mut neurolink_core::Response) {
        *response.status_mut() = StatusCode::ACCEPTED;
        response.headers_mut().append("x-mark", HeaderValue::from_static("1"));
        response.headers_mut().append("x-mark", HeaderValue::from_static("2"));
    }
}

pub(crate) async fn a_middleware_changes_the_head_both_ways(native: &impl Native) {
    let stack = Stack::builder().with(Head).build().expect("valid");
    let mut asked = request("GET", "/seen", false, "");
    asked.headers_mut().insert("x-seen", HeaderValue::from_static("by the client"));
    let answer = native.ask(Some(stack), asked).await;
    assert_eq!((answer.status(), text(&answer)), (StatusCode::ACCEPTED, "by the stack"));
    assert_eq!(answer.headers().get_all("x-mark").iter().count(), 2);
}

/// Turns every answer round, and refuses a body that says `no`.
struct Mirror(BodyAccess);

#[async_trait]
impl Middleware for Mirror {
    fn name(&self) -> &str {
        "mirror"
    }

    fn body(&self) -> BodyAccess {
        self.0
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<neurolink_core::Response, Error> {
        if &*ctx.read_body().await? == b"no" {
            return Err(Error::new(Code::Forbidden));
        }
        let (parts, body) = next.run(ctx).await.into_parts();
        let whole = http_body_util::BodyExt::collect(body).await.map_err(Error::internal)?.to_bytes();
        let turned: Vec<u8> = whole.iter().rev().copied().collect();
        Ok(neurolink_core::Response::from_parts(parts, Body::from(turned)))
    }
}

pub(crate) async fn a_middleware_reads_bodies_both_ways_if_it_asks(native: &impl Native) {
    let ask = async |body| {
        let stack = Stack::builder().with(Mirror(BodyAccess::Both)).build().expect("valid");
        native.ask(Some(stack), request("POST", "/echo", false, body)).await
    };
    let turned = ask("abc").await;
    assert_eq!((turned.status(), text(&turned)), (StatusCode::OK, "cba"));
    assert_eq!(ask("no").await.status(), StatusCode::FORBIDDEN);
}

pub(crate) async fn a_middleware_that_reads_without_asking_is_a_500(native: &impl Native) {
    let stack = Stack::builder().with(Mirror(BodyAccess::None)).build().expect("valid");
    let answer = native.ask(Some(stack), request("POST", "/echo", false, "abc")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

pub(crate) async fn a_panic_of_a_native_handler_is_a_500_with_its_headers(native: &impl Native) {
    let answer = native.ask(Some(protecting()), request("GET", "/panic", true, "")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.headers().contains_key("x-request-id") && text(&answer).contains("INTERNAL_ERROR"));
}

pub(crate) async fn timing_is_on_native_answers(native: &impl Native) {
    let stack = Stack::builder().with(Timing::new()).build().expect("valid");
    let answer = native.ask(Some(stack), request("GET", "/open", false, "")).await;
    assert!(answer.headers().contains_key("server-timing"));
}

pub(crate) async fn the_access_log_tells_of_native_requests(native: &impl Native) {
    let (log, _listening) = log::Log::listen();
    let stack = Stack::builder().with(AccessLog::new()).build().expect("valid");
    native.ask(Some(stack), request("GET", "/open/x", false, "")).await;
    let text = log.text();
    assert!(text.contains("neurolink::access") && text.contains("/open/x") && text.contains("200"), "{text}");
}

pub(crate) async fn a_tower_layer_stands_around_native_routes(native: &impl Native) {
    let name = HeaderName::from_static("x-tower");
    let layer = tower_http::set_header::SetResponseHeaderLayer::overriding(name, HeaderValue::from_static("yes"));
    let stack = Stack::builder().with(Tower::new("set-header", layer)).build().expect("valid");
    let answer = native.ask(Some(stack), request("POST", "/echo", false, "hello")).await;
    assert_eq!((&answer.headers()["x-tower"], text(&answer)), (&HeaderValue::from_static("yes"), "hello"));
}

pub(crate) async fn limits_of_concurrency_count_native_requests(native: &impl Native) {
    let limit = ConcurrencyLimit::all(1);
    let ask = async |path| {
        let stack = Stack::builder().with(limit.clone()).build().expect("valid");
        native.ask(Some(stack), request("GET", path, false, "")).await
    };
    let shed = tokio::select! {
        answer = ask("/hang") => answer,
        answer = async { facts::hangs().await; ask("/open").await } => answer,
    };
    assert_eq!(shed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shed.headers()["retry-after"], "1");
    let open = ask("/open").await;
    assert_eq!((open.status(), open.body().as_ref()), (StatusCode::OK, &b"open"[..]), "the client has left");
}

/// An app that begins and ends logins.
fn login_app(login: Login) -> App {
    struct Nothing;

    #[async_trait]
    impl Engine for Nothing {
        fn name(&self) -> &str {
            "nothing"
        }

        async fn generate(&self, _: Generate, _: &Call) -> Result<Generation, Error> {
            Err(Error::new(Code::Unavailable))
        }

        async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
            Err(Error::new(Code::Unavailable))
        }
    }

    let sign_in = async |call: LoginCall| call.sign_in("ada", "correct horse").await.map(Json);
    let sign_out = async |call: LoginCall, token: Bytes| call.sign_out(&String::from_utf8_lossy(&token)).await;
    let app = App::builder(Nothing).state(login).route(Route::post("/api/in", sign_in).public());
    app.route(Route::post("/api/out", sign_out).public()).build().expect("valid")
}

pub(crate) async fn tokens_of_a_login_open_native_routes(native: &impl Native) {
    const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
    let ada = PasswordUser::new("ada", PasswordHash::parse(HASH).expect("a hash"), AuthenticatedUser::new("u1"));
    let login = Login::new(Passwords::users([ada]), "a secret of at least thirty-two bytes");
    let app = login_app(login.clone());
    let post = async |path: &str, body: String| {
        let request = Request::post(path).header(header::HOST, "localhost").header(header::CONTENT_TYPE, "text/plain");
        let request = request.body(Body::from(body)).expect("a request");
        let answer = app.handle(request, ConnInfo::new(Some(([192, 0, 2, 1], 9).into()))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        http_body_util::BodyExt::collect(answer.into_body()).await.expect("a body").to_bytes()
    };
    let answer: serde_json::Value = serde_json::from_slice(&post("/api/in", String::new()).await).expect("JSON");
    let token = |name: &str| answer["data"][name].as_str().expect("a token").to_owned();
    let me = async || {
        let stack = Stack::builder().with(BearerAuth::jwt(login.keys()).no_failure_limit()).build().expect("valid");
        let mut asked = request("GET", "/me", false, "");
        let value = format!("Bearer {}", token("accessToken")).parse().expect("a value");
        asked.headers_mut().insert(header::AUTHORIZATION, value);
        native.ask(Some(stack), asked).await
    };
    let opened = me().await;
    assert_eq!((opened.status(), text(&opened)), (StatusCode::OK, "u1"));
    post("/api/out", token("refreshToken")).await;
    assert_eq!(me().await.status(), StatusCode::UNAUTHORIZED);
}
