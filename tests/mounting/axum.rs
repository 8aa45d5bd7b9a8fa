use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use http::HeaderValue;
use neurolink::App;
use tower::ServiceExt as _;

use crate::{Answer, Host, NOT_FOUND, STATE};

pub(crate) struct Axum;

async fn marked(mut response: Response) -> Response {
    response.headers_mut().insert("x-host", HeaderValue::from_static("1"));
    response
}

impl Host for Axum {
    async fn get(&self, apps: Vec<App>, path: &str) -> Answer {
        let mut router = Router::new().route("/mine", get(async |State(state): State<&'static str>| state));
        for app in apps {
            router = router.merge(neurolink::axum::router(app));
        }
        let router = router.fallback(async || (StatusCode::NOT_FOUND, NOT_FOUND)).layer(map_response(marked));
        let request = http::Request::get(path).header("host", "localhost").body(Body::empty()).expect("a request");
        let answer = router.with_state(STATE).oneshot(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }
}
