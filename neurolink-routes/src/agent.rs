use std::sync::Arc;

use neurolink_core::engine::{Call, Generation};
use neurolink_core::stream::StreamPlace;
use neurolink_core::{Code, Engine, Error, Json, Reply, Route, RouteGroup};
use serde::Serialize;

use crate::agent_request::{self, Embed};
use crate::document::Document;

type Body = Option<Json<Document>>;

/// The routes of the engine itself: execute, stream, providers, and embeddings if it has an embedder.
///
/// | method and path | answer |
/// |---|---|
/// | POST `/agent/execute` | a whole answer |
/// | POST `/agent/stream` | server-sent events, `[DONE]` at the end |
/// | GET `/agent/providers` | the names of the providers |
/// | POST `/agent/embed` | the vector of a text |
/// | POST `/agent/embed-many` | the vectors of up to 2048 texts |
///
/// ```
/// use neurolink_core::App;
/// use neurolink_routes::{OfflineEngine, agent};
///
/// let engine = OfflineEngine::new();
/// let group = agent("/api", &engine);
/// let app = App::builder(engine).group(group).build()?;
/// assert_eq!(app.plan().routes.len(), 5);
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[must_use]
pub fn agent(base: &str, engine: &dyn Engine) -> RouteGroup {
    let group = RouteGroup::new(format!("{}/agent", base.trim_end_matches('/')))
        .route(Route::post("/execute", execute).description("Answers as a whole"))
        .route(Route::post("/stream", stream).description("Answers piece by piece"))
        .route(Route::get("/providers", providers).description("Names the providers"));
    if engine.embedder().is_none() {
        return group;
    }
    group
        .route(Route::post("/embed", embed).description("Turns a text into a vector"))
        .route(Route::post("/embed-many", embed_many).description("Turns texts into vectors"))
}

async fn execute(engine: Arc<dyn Engine>, call: Call, body: Body) -> Result<Json<Generation>, Error> {
    let request = agent_request::generate(body, &call)?;
    engine.generate(request, &call).await.map(Json)
}

async fn stream(_: StreamPlace, engine: Arc<dyn Engine>, call: Call, body: Body) -> Result<Reply, Error> {
    let request = agent_request::generate(body, &call)?;
    engine.stream(request, &call).await.map(Reply::events)
}

#[derive(Serialize)]
struct Providers {
    total: usize,
    providers: Vec<String>,
}

async fn providers(engine: Arc<dyn Engine>) -> Json<Providers> {
    let providers = engine.providers();
    Json(Providers { total: providers.len(), providers })
}

#[derive(Serialize)]
struct Embedded {
    embedding: Vec<f32>,
    provider: String,
    model: String,
    dimension: usize,
}

async fn embed(engine: Arc<dyn Engine>, call: Call, body: Body) -> Result<Json<Embedded>, Error> {
    let request = agent_request::embed(body, false, &engine.providers())?;
    let EmbeddedMany { mut embeddings, provider, model, dimension, .. } = vectors(&*engine, request, &call).await?;
    let embedding = embeddings.pop().unwrap_or_default();
    Ok(Json(Embedded { embedding, provider, model, dimension }))
}

#[derive(Serialize)]
struct EmbeddedMany {
    embeddings: Vec<Vec<f32>>,
    provider: String,
    model: String,
    count: usize,
    dimension: usize,
}

async fn embed_many(engine: Arc<dyn Engine>, call: Call, body: Body) -> Result<Json<EmbeddedMany>, Error> {
    let request = agent_request::embed(body, true, &engine.providers())?;
    vectors(&*engine, request, &call).await.map(Json)
}

async fn vectors(engine: &dyn Engine, request: Embed, call: &Call) -> Result<EmbeddedMany, Error> {
    let Embed { texts, provider, model } = request;
    let embedder = engine.embedder().ok_or_else(|| Error::new(Code::Unavailable))?;
    let embeddings = embedder.embed(&texts, model.as_deref(), call).await?;
    if embeddings.len() != texts.len() {
        return Err(Error::new(Code::ExecutionFailed).with_source(format!(
            "the embedder gave {} vectors for {} texts",
            embeddings.len(),
            texts.len()
        )));
    }
    Ok(EmbeddedMany {
        provider: provider.unwrap_or_else(|| engine.name().to_owned()),
        model: model.unwrap_or_else(|| embedder.default_model().to_owned()),
        count: embeddings.len(),
        dimension: embeddings.first().map_or(0, Vec::len),
        embeddings,
    })
}
