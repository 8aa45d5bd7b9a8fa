//! The stack around native filters of warp.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use native::{facts, paths};
use neurolink_core::middleware::RateLimitState;
use neurolink_core::{AuthenticatedUser, ClientAddress, Inserted, RequestId, Settings, Stack};
use neurolink_warp::{fact, protect_with};
use tower::ServiceExt as _;
use warp::{Filter, Rejection, Reply};

fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let me = warp::path!("me").and(warp::get()).and(fact()).map(|user: AuthenticatedUser| user.id);
    let public = warp::path!("public").or(warp::path!("maybe")).unify().and(warp::get()).and(fact());
    let public = public.map(|user: Option<AuthenticatedUser>| user.is_some().to_string());
    let id = warp::path!("id").and(warp::get()).and(fact()).map(|id: RequestId| id.to_string());
    let seen = warp::path!("seen").and(warp::get()).and(warp::header("x-seen")).map(|seen: String| seen);
    let echo = warp::path!("echo").and(warp::post()).and(warp::body::bytes()).map(|body: Bytes| body.to_vec());
    let panic = warp::path!("panic").and(warp::get()).map(|| -> &'static str { panic!("secret") });
    me.or(public).or(id).or(seen).or(echo).or(panic).or(of_the_stack()).or(spelled())
}

fn of_the_stack() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let limit = warp::path!("limit").and(warp::get()).and(fact());
    let limit = limit.map(|state: RateLimitState| state.remaining.to_string());
    let tenant = warp::path!("tenant").and(warp::get()).and(fact());
    let tenant = tenant.map(|Inserted(facts::Tenant(name)): Inserted<facts::Tenant>| name);
    let hang = warp::path!("hang").and(warp::get()).and(fact()).then(facts::hang);
    let client = warp::path!("client").and(warp::get()).and(fact());
    let client = client.map(|ClientAddress(address): ClientAddress| address.to_string());
    limit.or(tenant).or(hang).or(client)
}

fn spelled() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let open = warp::path!("open" / ..).or(warp::path!("team" / "open")).unify().and(warp::get()).map(|| "open");
    let panel = warp::path!("admin" / "panel").or(warp::path!("files" / ..)).unify();
    let user = warp::path!("users" / String).map(|_| ()).untuple_one();
    let secret = warp::path!("secret").or(warp::path!("all" / ..)).unify();
    let by = warp::path!("by" / String).map(|_| ()).untuple_one();
    let team = warp::path!("team" / ..).and(secret.or(by).unify());
    open.or(panel.or(user).unify().or(team).unify().and(warp::get()).map(paths::reach))
}

struct Warp;

impl native::Native for Warp {
    async fn ask_with(
        &self,
        stack: Option<Stack>,
        settings: Settings,
        request: Request<&'static str>,
    ) -> Response<Bytes> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let (parts, body) = match stack {
            Some(stack) => {
                let answer =
                    protect_with(stack, settings, routes()).expect("valid").oneshot(request).await.expect("an answer");
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

    /// Nothing stands inside of a filter of warp's: the whole is protected.
    async fn ask_team(&self, stack: Stack, request: Request<&'static str>) -> Response<Bytes> {
        native::Native::ask(self, Some(stack), request).await
    }
}

native::native_tests!(Warp);
