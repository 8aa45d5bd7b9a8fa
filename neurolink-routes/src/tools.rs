use std::sync::Arc;
use std::time::Duration;

use neurolink_core::engine::{Call, ToolError, ToolInfo, Tools};
use neurolink_core::{Code, Context, Engine, Error, FromContext, Json, Path, Route, RouteGroup};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::check::{Object, Problems, read};
use crate::document::Document;
use crate::timestamp::millis;

/// The routes of an engine's tools; `None` when it has none.
///
/// | method and path | answer |
/// |---|---|
/// | GET `/tools` | all tools |
/// | GET `/tools/search?q=&source=&limit=` | the tools that match |
/// | POST `/tools/execute` | calls the tool `name` with `arguments` |
/// | POST `/tools/{name}/execute` | calls a tool; the body is its arguments |
/// | GET `/tools/{name}` | one tool |
///
/// The fixed paths win: of a tool named `search` or `execute` the last route tells nothing; it can be listed and called.
///
/// ```
/// use neurolink_core::App;
/// use neurolink_routes::{OfflineEngine, tools};
///
/// let engine = OfflineEngine::new();
/// let group = tools("/api", &engine).expect("it has tools");
/// let app = App::builder(engine).group(group).build()?;
/// assert_eq!(app.plan().routes.len(), 5);
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[must_use]
pub fn tools(base: &str, engine: &dyn Engine) -> Option<RouteGroup> {
    engine.tools()?;
    let group = RouteGroup::new(format!("{}/tools", base.trim_end_matches('/')))
        .route(Route::get("/", list).description("Lists the tools"))
        .route(Route::get("/search", search).description("Searches the tools"))
        .route(Route::post("/execute", execute).description("Calls a tool by its name"))
        .route(Route::post("/{name}/execute", execute_named).description("Calls a tool"))
        .route(Route::get("/{name}", describe).description("Describes a tool"));
    Some(group)
}

fn of(engine: &dyn Engine) -> Result<&dyn Tools, Error> {
    engine.tools().ok_or_else(|| Error::new(Code::Unavailable))
}

/// The tool of this name.
fn find(tools: &dyn Tools, name: &str) -> Result<ToolInfo, Error> {
    const SHOWN: usize = 100;
    tools.list().into_iter().find(|tool| tool.name == name).ok_or_else(|| {
        let name: String = name.chars().take(SHOWN).collect();
        Error::new(Code::ToolNotFound).with_message(format!("Tool '{name}' not found"))
    })
}

#[derive(Serialize)]
struct List {
    tools: Vec<ToolInfo>,
    total: usize,
}

async fn list(engine: Arc<dyn Engine>) -> Result<Json<List>, Error> {
    let tools = of(&*engine)?.list();
    Ok(Json(List { total: tools.len(), tools }))
}

async fn describe(engine: Arc<dyn Engine>, Path(name): Path<String>) -> Result<Json<ToolInfo>, Error> {
    find(of(&*engine)?, &name).map(Json)
}

/// What to search for.
struct Search {
    text: Option<String>,
    source: Option<String>,
    limit: usize,
}

impl FromContext for Search {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let limit = ctx.query("limit").map_or(50, |text| limit(&text, &mut problems));
        problems.finish("query parameters")?;
        Ok(Self { text: ctx.query("q"), source: ctx.query("source"), limit })
    }
}

/// A number from 1 to 200.
fn limit(text: &str, problems: &mut Problems) -> usize {
    const MOST: usize = 200;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        problems.add("limit", "expected a whole number from 1 to 200", "invalid_type");
        return 0;
    }
    // Digits that do not fit are a number that is too big.
    let limit = text.parse().unwrap_or(usize::MAX);
    if limit == 0 {
        problems.add("limit", "expected at least 1", "too_small");
    } else if limit > MOST {
        problems.add("limit", format!("expected at most {MOST}"), "too_big");
    }
    limit
}

#[derive(Serialize)]
struct Found {
    tools: Vec<Summary>,
    total: usize,
    query: Option<String>,
}

#[derive(Serialize)]
struct Summary {
    name: String,
    description: String,
    source: String,
}

async fn search(engine: Arc<dyn Engine>, search: Search) -> Result<Json<Found>, Error> {
    let Search { text, source, limit } = search;
    let wanted = text.as_deref().unwrap_or_default().to_lowercase();
    let matches = |tool: &ToolInfo| {
        source.as_ref().is_none_or(|source| tool.source == *source)
            && (tool.name.to_lowercase().contains(&wanted) || tool.description.to_lowercase().contains(&wanted))
    };
    let tools: Vec<Summary> = of(&*engine)?
        .list()
        .into_iter()
        .filter(matches)
        .take(limit)
        .map(|ToolInfo { name, description, source, .. }| Summary { name, description, source })
        .collect();
    Ok(Json(Found { total: tools.len(), tools, query: text }))
}

/// How a call ended; a tool that fails is an answer too.
#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<M> {
    Success { success: bool, data: Value, duration: u64, metadata: M },
    Failure { success: bool, error: String, duration: u64 },
}

impl<M> Outcome<M> {
    fn new(result: Result<Value, ToolError>, duration: Duration, metadata: M) -> Json<Self> {
        let duration = millis(duration);
        Json(match result {
            Ok(data) => Self::Success { success: true, data, duration, metadata },
            Err(error) => Self::Failure { success: false, error: error.to_string(), duration },
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    tool_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InSession {
    tool_name: String,
    session_id: Option<String>,
}

async fn execute(
    engine: Arc<dyn Engine>,
    call: Call,
    body: Option<Json<Document>>,
) -> Result<Json<Outcome<InSession>>, Error> {
    let (tool_name, arguments, session_id) = read(body, |body, problems| {
        let name = body.take("name", problems).filled_string(problems).unwrap_or_default();
        let arguments = match body.optional("arguments", problems) {
            Some(at) => at.object(problems).map(Object::into_fields).unwrap_or_default(),
            None => Map::new(),
        };
        let session = body.optional_string("sessionId", problems);
        body.optional_string("userId", problems);
        (name, arguments, session)
    })?;
    let tools = of(&*engine)?;
    find(tools, &tool_name)?;
    let begun = Instant::now();
    let result = tools.call(&tool_name, Value::Object(arguments), &call).await;
    let result = result.inspect_err(|error| error.log(&tool_name, &call.request_id));
    Ok(Outcome::new(result, begun.elapsed(), InSession { tool_name, session_id }))
}

async fn execute_named(
    engine: Arc<dyn Engine>,
    call: Call,
    Path(tool_name): Path<String>,
    body: Option<Json<Value>>,
) -> Result<Json<Outcome<Named>>, Error> {
    let tools = of(&*engine)?;
    let tool = find(tools, &tool_name)?;
    let arguments = arguments(&tool, body)?;
    let begun = Instant::now();
    let result = tools.call(&tool_name, arguments, &call).await;
    let result = result.inspect_err(|error| error.log(&tool_name, &call.request_id));
    Ok(Outcome::new(result, begun.elapsed(), Named { tool_name }))
}

/// The arguments of a call: the body, or what the original's client wraps into `params`.
fn arguments(tool: &ToolInfo, body: Option<Json<Value>>) -> Result<Value, Error> {
    let mut fields = match body {
        None | Some(Json(Value::Null)) => Map::new(),
        Some(Json(Value::Object(fields))) => fields,
        Some(Json(other)) => {
            let mut problems = Problems::default();
            problems.wrong_type("", "object", Some(&other));
            problems.finish("request body")?;
            Map::new()
        }
    };
    let wrapped =
        fields.len() == 1 && fields.get("params").is_some_and(Value::is_object) && !tool.has_parameter("params");
    Ok(match fields.remove("params") {
        Some(inner) if wrapped => inner,
        Some(inner) => {
            fields.insert("params".into(), inner);
            Value::Object(fields)
        }
        None => Value::Object(fields),
    })
}
