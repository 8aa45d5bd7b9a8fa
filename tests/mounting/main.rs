//! The app in applications that are there already: beside their routes, more than once, on several frameworks at once.

mod actix;
mod axum;
#[path = "../../conformance-tests/kit/log.rs"]
mod log;
mod poem;
mod warp;

use http::{HeaderMap, Request, StatusCode};
use log::Log;
use neurolink::middleware::{AccessLog, BearerAuth, RateLimit, StaticToken};
use neurolink::routes::OfflineEngine;
use neurolink::{App, AuthenticatedUser, Body, ConnInfo, Framework, Route, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type Answer = (StatusCode, HeaderMap, String);

/// An application of a framework, with a 404, a state and a middleware of its own: every answer has `x-host: 1`,
/// `GET /mine` answers the state, which is `the host's state`, and the 404 says `the host's 404`.
trait Host {
    /// Sends a GET to the application with these apps mounted.
    async fn get(&self, apps: Vec<App>, path: &str) -> Answer;
}

const STATE: &str = "the host's state";
const NOT_FOUND: &str = "the host's 404";

/// An app that says its name at `/hello` below its base path.
fn app(base: &str, name: &'static str) -> neurolink::AppBuilder {
    App::builder(OfflineEngine::new())
        .configure(|settings| settings.base_path = base.into())
        .route(Route::get(format!("{base}/hello"), move || async move { name }))
}

fn open(base: &str, name: &'static str) -> App {
    app(base, name).build().expect("valid")
}

fn is_the_hosts((_, headers, _): &Answer) -> bool {
    headers.contains_key("x-host") && !headers.contains_key("x-request-id")
}

async fn foreign_routes_keep_their_state_their_middleware_and_their_404(host: &impl Host) {
    let get = async |path| host.get(vec![open("/api", "ours")], path).await;
    let mine = get("/mine").await;
    assert_eq!((mine.0, mine.2.as_str()), (StatusCode::OK, STATE));
    assert!(is_the_hosts(&mine), "{mine:?}");
    for path in ["/nope", "/apis", "/ap", "/mine/x", "/x/api/hello"] {
        let nope = get(path).await;
        assert_eq!((nope.0, nope.2.as_str()), (StatusCode::NOT_FOUND, NOT_FOUND), "{path}");
        assert!(is_the_hosts(&nope), "{path}: {nope:?}");
    }
    for path in ["/api", "/api/", "/api/nope"] {
        let ours = get(path).await;
        assert_eq!(ours.0, StatusCode::NOT_FOUND);
        assert!(ours.1.contains_key("x-request-id") && ours.2.contains("NOT_FOUND"), "{path}: {ours:?}");
    }
}

async fn the_base_path_may_be_any(host: &impl Host) {
    for base in ["/api", "/v1/ai", "/a-b_c~d.e", "/deep/er/and/deeper"] {
        let (status, _, body) = host.get(vec![open(base, "ours")], &format!("{base}/hello")).await;
        assert!(status == StatusCode::OK && body.contains(r#"{"data":"ours""#), "{base}: {status} {body}");
    }
}

async fn several_apps_have_each_their_own_rules(host: &impl Host) {
    let user = StaticToken::new("a-token-of-at-least-128-bits", AuthenticatedUser::new("u1"));
    let protected = app("/two", "two").middleware(BearerAuth::tokens([user]).no_failure_limit());
    let protected = protected.build().expect("valid");
    let get =
        async |path| host.get(vec![open("/one", "one"), protected.clone(), open("/one-more", "more")], path).await;
    assert!(get("/one/hello").await.2.contains(r#"{"data":"one""#));
    assert!(get("/one-more/hello").await.2.contains(r#"{"data":"more""#));
    assert_eq!(get("/two/hello").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(get("/one/nope").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/two/nope").await.0, StatusCode::UNAUTHORIZED);
    assert!(is_the_hosts(&get("/mine").await));
}

/// None of these hosts tells the peer's address: what needs none is served, what needs one fails and says the way out.
async fn a_peer_that_nobody_tells_is_told_in_the_log(host: &impl Host) {
    let logged = app("/logged", "logged").middleware(AccessLog::new());
    let limited = app("/limited", "limited").middleware(AccessLog::new());
    let limited = limited.middleware(RateLimit::fixed_window(5, std::time::Duration::from_secs(60)));
    let (logged, limited) = (logged.build().expect("valid"), limited.build().expect("valid"));
    for (path, status, reason) in [("/logged/hello", 200, None), ("/limited/hello", 500, Some("address is not known"))]
    {
        let (log, _listening) = Log::listen();
        let answer = host.get(vec![logged.clone(), limited.clone()], path).await;
        assert_eq!(answer.0.as_u16(), status, "{answer:?}");
        let text = log.text();
        let lines = |part: &str| text.lines().filter(|line| line.contains(part)).collect::<Vec<_>>();
        let [line] = lines("neurolink::access")[..] else { panic!("not one line of access: {text}") };
        let told = line.contains(&format!(" path={path} ")) && line.contains(&format!(" status={status} "));
        assert!(told && !line.contains("client="), "{line}");
        if let Some(reason) = reason {
            let [line] = lines(reason)[..] else { panic!("not one line says {reason:?}: {text}") };
            let fix = "into_make_service_with_connect_info::<neurolink_axum::Connection>()";
            assert!(line.contains("ERROR") && line.contains(fix), "{line}");
            assert!(!answer.2.contains("address"), "the client learns nothing of it: {answer:?}");
        }
    }
}

macro_rules! hosts {
    ($($framework:ident: $host:expr),*; $tests:tt) => {
        $(hosts!(@ $framework, $host, $tests);)*
    };
    (@ $framework:ident, $host:expr, [$($name:ident),*]) => {
        mod $framework {
            $(#[tokio::test]
            async fn $name() {
                super::super::$name(&$host).await;
            })*
        }
    };
}

mod on {
    hosts!(
        axum: crate::axum::Axum, actix: crate::actix::Actix, warp: crate::warp::Warp, poem: crate::poem::Poem;
        [
            foreign_routes_keep_their_state_their_middleware_and_their_404,
            the_base_path_may_be_any,
            several_apps_have_each_their_own_rules,
            a_peer_that_nobody_tells_is_told_in_the_log
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_app_is_served_by_all_frameworks_at_once() {
    let app = open("/api", "ours");
    let mut servers = Vec::new();
    for framework in Framework::ALL {
        let adapter = framework.adapter().expect("compiled in");
        let server = Server::builder(app.clone()).adapter(adapter).bind("127.0.0.1:0").build().expect("valid");
        server.initialize().expect("initializes");
        servers.push((framework, server.start().await.expect("starts"), server));
    }
    for (framework, address, _) in &servers {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
        let request = b"GET /api/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answers");
        assert!(answer.contains(r#"{"data":"ours""#), "{framework}: {answer}");
    }
    for (_, _, server) in servers {
        server.stop().await.expect("stops");
    }
}

#[tokio::test]
async fn try_handle_gives_back_what_is_not_the_apps_untouched() {
    let app = open("/api", "ours");
    let request = |path: &str| {
        let request = Request::post(path).header("host", "localhost").header("x-mine", "1");
        request.extension(7_u8).body(Body::from("whole")).expect("a request")
    };
    for path in ["/mine", "/apis", "/", "/x/api/hello"] {
        let foreign = app.try_handle(request(path), ConnInfo::default()).await.expect_err("it is not the app's");
        assert_eq!((foreign.uri().path(), &foreign.headers()["x-mine"]), (path, &http::HeaderValue::from_static("1")));
        assert_eq!(foreign.extensions().get::<u8>(), Some(&7));
        assert_eq!(foreign.into_body().into_full().expect("whole"), "whole");
    }
    for path in ["/api", "/api/hello", "/%61pi/hello", "/api/%zz"] {
        assert!(app.try_handle(request(path), ConnInfo::default()).await.is_ok(), "{path}");
    }
}
