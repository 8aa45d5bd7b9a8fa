//! The stack around native routes of actix-web.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName as ActixName, HeaderValue as ActixValue};
use actix_web::middleware::Condition;
use actix_web::test::TestRequest;
use actix_web::{App, HttpRequest, HttpResponse, test, web};
use bytes::Bytes;
use http::{Request, Response};
use native::{facts, paths};
use neurolink_actix::{Fact, transform, transform_with};
use neurolink_core::middleware::RateLimitState;
use neurolink_core::{AuthenticatedUser, ClientAddress, Inserted, RequestId, Settings, Stack};
use tokio_util::sync::CancellationToken;

fn team(config: &mut web::ServiceConfig) {
    config
        .route("/secret", web::get().to(async || paths::reach()))
        .route("/by/{id}", web::get().to(async || paths::reach()))
        .route("/all/{rest:.*}", web::get().to(async || paths::reach()))
        .route("/open", web::get().to(async || "open"));
}

fn routes(config: &mut web::ServiceConfig) {
    config.configure(alone).service(web::scope("/team").configure(team));
}

fn alone(config: &mut web::ServiceConfig) {
    config
        .route("/limit", web::get().to(async |Fact(state): Fact<RateLimitState>| state.remaining.to_string()))
        .route("/tenant", web::get().to(async |Fact(Inserted(tenant)): Fact<Inserted<facts::Tenant>>| tenant.0))
        .route("/hang", web::get().to(async |Fact(token): Fact<CancellationToken>| facts::hang(token).await))
        .route("/open", web::get().to(async || "open"))
        .route("/open/{rest:.*}", web::get().to(async || "open"))
        .route("/admin/panel", web::get().to(async || paths::reach()))
        .route("/users/{id}", web::get().to(async || paths::reach()))
        .route("/files/{rest:.*}", web::get().to(async || paths::reach()))
        .route("/me", web::get().to(async |Fact(user): Fact<AuthenticatedUser>| user.id))
        .route("/public", web::get().to(async |Fact(user): Fact<Option<AuthenticatedUser>>| user.is_some().to_string()))
        .route("/id", web::get().to(async |Fact(id): Fact<RequestId>| id.to_string()))
        .route("/maybe", web::get().to(async |Fact(user): Fact<Option<AuthenticatedUser>>| user.is_some().to_string()))
        .route("/client", web::get().to(async |Fact(ClientAddress(it)): Fact<ClientAddress>| it.to_string()))
        .route("/seen", web::get().to(seen))
        .route("/echo", web::post().to(async |body: String| body))
        .route("/panic", web::get().to(async || -> &'static str { panic!("secret") }));
}

async fn seen(request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().body(request.headers().get("x-seen").expect("the header").as_bytes().to_vec())
}

struct Actix;

impl native::Native for Actix {
    async fn ask_with(
        &self,
        stack: Option<Stack>,
        settings: Settings,
        request: Request<&'static str>,
    ) -> Response<Bytes> {
        let protected = stack.is_some();
        let around = transform_with(stack.unwrap_or_default(), settings).expect("valid");
        let app = App::new().configure(routes).wrap(Condition::new(protected, around));
        let service = test::init_service(app).await;
        read(test::try_call_service(&service, asking(request).to_request()).await).await
    }

    async fn ask_team(&self, stack: Stack, request: Request<&'static str>) -> Response<Bytes> {
        let team = web::scope("/team").configure(team).wrap(transform(stack).expect("valid"));
        let service = test::init_service(App::new().configure(alone).service(team)).await;
        read(test::try_call_service(&service, asking(request).to_request()).await).await
    }
}

fn asking(request: Request<&'static str>) -> TestRequest {
    let (parts, body) = request.into_parts();
    let mut request = TestRequest::with_uri(&parts.uri.to_string()).set_payload(body);
    request = request.method(parts.method.as_str().parse().expect("a method"));
    for (name, value) in &parts.headers {
        let name = ActixName::from_bytes(name.as_str().as_bytes()).expect("a name");
        request = request.insert_header((name, ActixValue::from_bytes(value.as_bytes()).expect("a value")));
    }
    request
}

async fn read<B: MessageBody + 'static>(answer: Result<ServiceResponse<B>, actix_web::Error>) -> Response<Bytes> {
    let answer =
        answer.map_or_else(|error| error.error_response(), |answer| answer.into_parts().1.map_into_boxed_body());
    let mut response = Response::builder().status(answer.status().as_u16());
    for (name, value) in answer.headers() {
        response = response.header(name.as_str(), value.as_bytes());
    }
    response.body(to_bytes(answer.into_body()).await.expect("a body")).expect("a response")
}

native::native_tests!(Actix);
