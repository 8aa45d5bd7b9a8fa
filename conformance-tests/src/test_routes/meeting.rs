//! A handler in which two requests wait for each other, so that both are certainly served at one time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use neurolink_core::{AppBuilder, AuthenticatedUser, Json, Path, Route, State};
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// How long the first waits for the second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who waits, by the name in the path.
#[derive(Clone, Default)]
struct Meetings(Arc<Mutex<HashMap<String, Arc<Barrier>>>>);

async fn meet(Path(name): Path<String>, State(meetings): State<Meetings>, user: AuthenticatedUser) -> Json<Value> {
    let barrier = {
        let mut all = meetings.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.clone()).or_insert_with(|| Arc::new(Barrier::new(2))))
    };
    let met = tokio::time::timeout(PATIENCE, barrier.wait()).await.is_ok();
    // Whoever comes later waits for somebody else.
    meetings.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    Json(json!({ "id": user.id, "met": met }))
}

/// `GET /api/test/meeting/{name}`.
pub(crate) fn with_meeting(builder: AppBuilder) -> AppBuilder {
    builder.state(Meetings::default()).route(Route::get("/api/test/meeting/{name}", meet))
}
