//! Streams and work that is given up: tokens, places, and how a server ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use neurolink_core::app::ConnInfo;
use neurolink_core::engine::{Call, EventStream, StreamEvent};
use neurolink_core::server::{
    Adapter, Event, Listener, Phase, ServeError, Server, ServerBuilder, ServerError, Shutdown,
};
use neurolink_core::stream::StreamPlace;
use neurolink_core::{App, AppBuilder, Body, BoxFuture, Code, Error, Reply, Response, Route};
use tokio::time::Instant;

use crate::support::{Auth, Quiet};

fn app() -> AppBuilder {
    App::builder(Quiet)
}

fn silent() -> EventStream {
    Box::pin(futures_util::stream::pending())
}

async fn send(app: &App, path: &str, user: Option<&str>, address: Option<[u8; 4]>) -> Response {
    let mut request = http::Request::get(path).header("host", "localhost");
    if let Some(user) = user {
        request = request.header("authorization", user);
    }
    let conn = ConnInfo::new(address.map(|address| (address, 9).into()));
    app.handle(request.body(Body::empty()).expect("a request"), conn).await
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn the_token_fires_when_the_deadline_passes() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |call: Call| {
        sender.send(call.cancellation).expect("a listener");
        std::future::pending::<()>()
    };
    let app = app().route(Route::get("/api/x", handler).timeout(Duration::from_secs(2))).build().expect("valid");
    let response = send(&app, "/api/x", None, None).await;
    assert_eq!(response.status(), 504);
    assert!(receiver.recv().await.expect("a token").is_cancelled());
}

#[tokio::test]
async fn a_caller_has_so_many_open_streams_and_an_address_counts_for_nobody_else() {
    let app = app()
        .configure(|settings| settings.stream.max_per_client = 2)
        .middleware(Auth)
        .route(Route::get("/api/stream", async || silent()).optional_auth())
        .build()
        .expect("valid");
    let (here, there) = (Some([127, 0, 0, 1]), Some([127, 0, 0, 2]));
    let open = [send(&app, "/api/stream", Some("u1"), here).await, send(&app, "/api/stream", Some("u1"), there).await];
    assert!(open.iter().all(|response| response.status() == 200));
    let refused = send(&app, "/api/stream", Some("u1"), here).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &http::HeaderValue::from(1)));
    assert!(text(refused).await.contains("RATE_LIMIT_EXCEEDED"));
    // Another user, and callers without one, by address.
    assert_eq!(send(&app, "/api/stream", Some("u2"), here).await.status(), 200);
    let anonymous = [send(&app, "/api/stream", None, here).await, send(&app, "/api/stream", None, here).await];
    assert_eq!(send(&app, "/api/stream", None, here).await.status(), 429);
    assert_eq!(send(&app, "/api/stream", None, there).await.status(), 200);
    drop((open, anonymous));
    assert_eq!(send(&app, "/api/stream", Some("u1"), here).await.status(), 200, "given back with the body");
}

#[tokio::test]
async fn a_caller_of_whom_nothing_is_known_shares_no_place() {
    let app = app().configure(|settings| settings.stream.max_per_client = 1);
    let app = app.route(Route::get("/api/stream", async || silent())).build().expect("valid");
    let open = [send(&app, "/api/stream", None, None).await, send(&app, "/api/stream", None, None).await];
    assert!(open.iter().all(|response| response.status() == 200));
}

#[tokio::test]
async fn above_the_limit_the_handler_does_not_begin() {
    let begun = Arc::new(Mutex::new(0));
    let handler = {
        let begun = Arc::clone(&begun);
        move |_: StreamPlace| {
            *begun.lock().expect("a lock") += 1;
            async { Reply::events(silent()) }
        }
    };
    let app = app().configure(|settings| settings.stream.max_per_client = 1);
    let app = app.route(Route::get("/api/stream", handler)).build().expect("valid");
    let first = send(&app, "/api/stream", None, Some([127, 0, 0, 1])).await;
    assert_eq!(send(&app, "/api/stream", None, Some([127, 0, 0, 1])).await.status(), 429);
    assert_eq!(*begun.lock().expect("a lock"), 1);
    drop(first);
}

#[tokio::test]
async fn a_failed_handler_gives_its_place_back() {
    let handler = async |_: StreamPlace| Err::<Reply, _>(Error::new(Code::Unavailable));
    let app = app().configure(|settings| settings.stream.max_per_client = 1);
    let app = app.route(Route::get("/api/stream", handler)).build().expect("valid");
    for _ in 0..3 {
        assert_eq!(send(&app, "/api/stream", None, Some([127, 0, 0, 1])).await.status(), 503);
    }
}

type Seen = Arc<Mutex<Vec<(Phase, Instant)>>>;

/// A framework that does as it is told.
#[derive(Clone)]
struct Fake {
    /// Fails at once.
    fails: bool,
    /// The phases that it saw, and when.
    seen: Seen,
}

impl Adapter for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn serve(&self, _: App, _: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let this = self.clone();
        Box::pin(async move {
            if this.fails {
                return Err(ServeError::new("fake", "a secret cause"));
            }
            for phase in [Phase::Draining, Phase::Refusing, Phase::Ending, Phase::Forced] {
                shutdown.reached(phase).await;
                this.seen.lock().expect("a lock").push((phase, Instant::now()));
            }
            std::future::pending().await // not even then
        })
    }
}

fn server(fails: bool) -> (ServerBuilder, Seen) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let failing = async || Err::<Reply, _>(Error::internal("a secret cause"));
    let app = app().route(Route::get("/api/fails", failing)).build().expect("valid");
    let server = Server::builder(app).adapter(Fake { fails, seen: Arc::clone(&seen) }).bind("127.0.0.1:0");
    (server, seen)
}

/// How many seconds after the order each phase came, and the whole stop took.
async fn stopped(grace: Option<Duration>) -> (Vec<(Phase, u64)>, u64) {
    let (builder, seen) = server(false);
    let server = grace.map_or(builder, |grace| server_with(grace, &seen)).build().expect("valid");
    server.initialize().expect("initializes");
    server.start().await.expect("starts");
    let begun = Instant::now();
    assert!(matches!(server.stop().await, Err(ServerError::Forced)));
    let whole = begun.elapsed().as_secs();
    let seen = seen.lock().expect("a lock").iter().map(|(phase, at)| (*phase, (*at - begun).as_secs())).collect();
    (seen, whole)
}

fn server_with(grace: Duration, seen: &Seen) -> ServerBuilder {
    let app = app().build().expect("valid");
    Server::builder(app).adapter(Fake { fails: false, seen: Arc::clone(seen) }).bind("127.0.0.1:0").grace(grace)
}

#[tokio::test(start_paused = true)]
async fn the_whole_stop_fits_into_the_grace() {
    use Phase::{Draining, Ending, Forced, Refusing};
    let (seen, whole) = stopped(None).await;
    assert_eq!(seen, [(Draining, 0), (Refusing, 1), (Ending, 23), (Forced, 24)]);
    assert_eq!(whole, 25);
}

#[tokio::test(start_paused = true)]
async fn a_short_grace_leaves_time_to_say_goodbye() {
    use Phase::{Draining, Ending, Forced, Refusing};
    let (seen, whole) = stopped(Some(Duration::ZERO)).await;
    assert_eq!(seen, [(Draining, 0), (Refusing, 0), (Ending, 0), (Forced, 1)]);
    assert_eq!(whole, 2);
}

#[tokio::test]
async fn a_failed_request_is_an_error_event_without_its_cause() {
    let server = server(false).0.build().expect("valid");
    let mut events = server.events();
    let id = send(server.app(), "/api/fails", None, None).await.headers()["x-request-id"].clone();
    assert_eq!(send(server.app(), "/api/none", None, None).await.status(), 404);
    let mut errors = Vec::new();
    // The request, its error, its response, then the 404's request and response.
    for _ in 0..5 {
        let event = events.next().await.expect("an event").expect("none missed");
        if let Event::Error { request_id, code, message, timestamp } = event {
            assert!(!message.contains("secret") && timestamp > Duration::ZERO, "{message}");
            errors.push((request_id.expect("an id"), code));
        }
    }
    assert_eq!(errors, [(id.to_str().expect("text").to_owned(), Code::InternalError)]);
}

#[tokio::test]
async fn a_failed_framework_is_an_error_event_too() {
    let server = server(true).0.build().expect("valid");
    let mut events = server.events();
    server.initialize().expect("initializes");
    server.start().await.expect("starts");
    loop {
        let event = events.next().await.expect("an event").expect("none missed");
        if let Event::Error { request_id, code, message, .. } = event {
            assert_eq!((request_id, code), (None, Code::InternalError));
            assert!(!message.contains("secret"), "{message}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_event_for_expired_authority_names_it() {
    use neurolink_core::stack::{Kind, order};
    use neurolink_core::{AuthenticatedUser, Context, Middleware, Next};

    struct Brief;

    #[async_trait::async_trait]
    impl Middleware for Brief {
        fn name(&self) -> &str {
            "brief"
        }
        fn order(&self) -> i16 {
            order::AUTH
        }
        fn kind(&self) -> Kind {
            Kind::Authenticator
        }
        async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
            let expires = ctx.now() + Duration::from_secs(5);
            ctx.authenticate(AuthenticatedUser::new("u1"))?;
            ctx.authenticate(AuthenticatedUser::new("u1").with_expiry(expires))?;
            Ok(next.run(ctx).await)
        }
    }

    fn once() -> EventStream {
        use futures_util::{StreamExt as _, stream};
        Box::pin(stream::iter([Ok(StreamEvent::text("hi"))]).chain(stream::pending()))
    }
    let app = app().middleware(Brief).route(Route::get("/api/stream", async || once())).build().expect("valid");
    let begun = Instant::now();
    let wire = text(send(&app, "/api/stream", None, None).await).await;
    assert!(wire.contains("hi") && wire.contains("\"code\":\"AUTH_EXPIRED\""), "{wire}");
    assert!(wire.ends_with("data: [DONE]\n\n"), "{wire}");
    // The clock on the wall has run a little between the request and its stream.
    assert!((4..=5).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn a_server_without_an_adapter_is_a_mistake_that_says_so() {
    let error = Server::builder(app().build().expect("valid")).build().expect_err("nobody serves");
    assert!(error.to_string().contains("`.adapter(Axum::new())`"), "{error}");
}
