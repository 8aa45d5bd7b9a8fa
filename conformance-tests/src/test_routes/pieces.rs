//! A handler that takes a body as it comes, and one that tells how much of it has come so far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use neurolink_core::{AppBuilder, Body, Error, Json, Path, Route, State};
use serde_json::{Value, json};

/// The bytes of each body that is on its way, by the name in its path.
#[derive(Clone, Default)]
struct OnTheirWay(Arc<Mutex<BTreeMap<String, usize>>>);

impl OnTheirWay {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(
    Path(name): Path<String>,
    State(bodies): State<OnTheirWay>,
    mut body: Body,
) -> Result<Json<Value>, Error> {
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(Error::internal)?;
        *bodies.all().entry(name.clone()).or_default() += piece.len();
    }
    Ok(Json(json!({ "bytes": bodies.all().remove(&name).unwrap_or_default() })))
}

async fn tell(Path(name): Path<String>, State(bodies): State<OnTheirWay>) -> Json<Value> {
    Json(json!({ "bytes": bodies.all().get(&name) }))
}

/// `POST` and `GET /api/test/pieces/{name}`.
pub(crate) fn with_pieces(builder: AppBuilder) -> AppBuilder {
    builder
        .state(OnTheirWay::default())
        .route(Route::post("/api/test/pieces/{name}", take).public())
        .route(Route::get("/api/test/pieces/{name}", tell).public())
}
