use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use neurolink_core::engine::{Call, EventStream, Generate, Generation, ToolError, ToolInfo, Tools};
use neurolink_core::stack::{Kind, order};
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, Code, ConnInfo, Context, Engine, Error, ManualClock, Middleware, Next,
    Request, Response,
};
use neurolink_routes::{OfflineEngine, WithRoutes as _};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2023-11-14T22:13:20.005Z";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Duration::from_millis(1_700_000_000_005)))
}

pub(crate) fn builder() -> AppBuilder {
    App::builder(OfflineEngine::new().with_clock(clock())).clock(clock())
}

pub(crate) fn app() -> App {
    builder().all_routes().build().expect("valid")
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
                Ok(user) => ctx.authenticate(AuthenticatedUser::new(user))?,
            }
        }
        Ok(next.run(ctx).await)
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["data"].clone()
    }

    /// The data of any status, with its envelope.
    pub(crate) fn data_of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.json()["metadata"]["requestId"].is_string());
        self.json()["data"].clone()
    }

    pub(crate) fn error(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()["error"].clone()
    }

    /// The paths and codes of a validation error, after its code and message were checked.
    pub(crate) fn invalid(&self, message: &str) -> Vec<(String, String)> {
        let error = self.error(400);
        assert_eq!((&error["code"], &error["message"]), (&json!("VALIDATION_ERROR"), &json!(message)));
        let details = error["details"].as_array().expect("details").clone();
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        details
            .iter()
            .map(|detail| {
                assert!(!text(&detail["message"]).is_empty());
                (text(&detail["path"]), text(&detail["code"]))
            })
            .collect()
    }

    /// The events of a stream, which ends with `[DONE]`.
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.headers["content-type"], "text/event-stream");
        let body = self.body.strip_suffix("data: [DONE]\n\n").expect("an end");
        body.split_terminator("\n\n")
            .map(|event| event.strip_prefix("data: ").expect("data"))
            .map(|event| serde_json::from_str(event).expect("JSON"))
            .collect()
    }
}

pub(crate) fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

pub(crate) async fn raw(app: &App, method: Method, path: &str, user: &str, body: &str) -> Response {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json");
    if !user.is_empty() {
        request = request.header(header::AUTHORIZATION, user);
    }
    let body = if body.is_empty() { Body::empty() } else { Body::from(body.to_owned()) };
    let request: Request = request.body(body).expect("a request");
    app.handle(request, ConnInfo::new(Some(([127, 0, 0, 1], 9).into()))).await
}

async fn send(app: &App, method: Method, path: &str, user: &str, body: &str) -> Answer {
    let (parts, body) = raw(app, method, path, user, body).await.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let body = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(app: &App, path: &str) -> Answer {
    send(app, Method::GET, path, "", "").await
}

pub(crate) async fn get_as(app: &App, path: &str, user: &str) -> Answer {
    send(app, Method::GET, path, user, "").await
}

pub(crate) async fn post(app: &App, path: &str, body: &str) -> Answer {
    send(app, Method::POST, path, "", body).await
}

pub(crate) async fn post_json(app: &App, path: &str, body: Value) -> Answer {
    post(app, path, &body.to_string()).await
}

/// What a [`Custom`] engine does when it is asked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Fine,
    Failing,
    NotReady,
}

/// An engine without an embedder, with tools if it is told.
pub(crate) struct Custom {
    pub(crate) mood: Mood,
    pub(crate) tools: Option<CustomTools>,
}

pub(crate) struct CustomTools(pub(crate) Vec<ToolInfo>);

#[async_trait::async_trait]
impl Engine for Custom {
    fn name(&self) -> &str {
        "custom"
    }

    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error> {
        if self.mood == Mood::Failing {
            return Err(Error::internal("provider key sk-123"));
        }
        let told = json!({
            "user": call.user_id,
            "session": request.session.map(|session| json!([session.tenant(), session.user(), session.id()])),
            "tools": request.tools,
            "temperature": request.temperature,
            "maxTokens": request.max_tokens,
            "history": request.history,
            "images": request.input.images,
            "files": request.input.files,
            "text": request.input.text,
            "system": request.system_prompt,
            "provider": request.provider,
            "model": request.model,
        });
        Ok(Generation::new(told.to_string(), "custom", "custom-1"))
    }

    async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
        Err(Error::internal("provider key sk-123"))
    }

    async fn ready(&self) -> bool {
        self.mood != Mood::NotReady
    }

    fn tools(&self) -> Option<&dyn Tools> {
        self.tools.as_ref().map(|tools| tools as _)
    }
}

#[async_trait::async_trait]
impl Tools for CustomTools {
    fn list(&self) -> Vec<ToolInfo> {
        self.0.clone()
    }

    async fn call(&self, name: &str, arguments: Value, _: &Call) -> Result<Value, ToolError> {
        if arguments.get("fail").is_some() {
            return Err(ToolError::internal("provider key sk-123"));
        }
        Ok(json!({ "called": name, "with": arguments }))
    }
}
