//! The stack around native filters of warp.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use neurolink_core::{AuthenticatedUser, RequestId, Stack};
use neurolink_warp::{fact, protect};
use tower::ServiceExt as _;
use warp::{Filter, Rejection, Reply};

fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let me = warp::path!("me").and(warp::get()).and(fact()).map(|user: AuthenticatedUser| user.id);
    let public = warp::path!("public").and(warp::get()).and(fact());
    let public = public.map(|user: Option<AuthenticatedUser>| user.is_some().to_string());
    let id = warp::path!("id").and(warp::get()).and(fact()).map(|id: RequestId| id.to_string());
    let seen = warp::path!("seen").and(warp::get()).and(warp::header("x-seen")).map(|seen: String| seen);
    let echo = warp::path!("echo").and(warp::post()).and(warp::body::bytes()).map(|body: Bytes| body.to_vec());
    let panic = warp::path!("panic").and(warp::get()).map(|| -> &'static str { panic!("secret") });
    me.or(public).or(id).or(seen).or(echo).or(panic)
}

struct Warp;

impl native::Native for Warp {
    async fn ask(&self, stack: Option<Stack>, request: Request<&'static str>) -> Response<Bytes> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let (parts, body) = match stack {
            Some(stack) => {
                let answer = protect(stack, routes()).expect("valid").oneshot(request).await.expect("an answer");
                let (parts, body) = answer.into_parts();
                (parts, body.collect().await.expect("a body").to_bytes())
            }
            None => {
                let answer = warp::service(routes()).oneshot(request).await.expect("an answer");
                let (parts, body) = answer.into_parts();
                (parts, body.collect().await.expect("a body").to_bytes())
            }
        };
        Response::from_parts(parts, body)
    }
}

native::native_tests!(Warp);
