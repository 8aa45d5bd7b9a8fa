//! What requests hold while they are served: each holds one thing, and a route tells how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AppBuilder, Context, Hook, Json, Response, Route, State};
use serde_json::{Value, json};

/// How many things are held.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

/// One of them, until it is dropped.
struct Thing(Count);

impl Drop for Thing {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Hold(Count);

impl Hook for Hold {
    fn name(&self) -> &str {
        "hold"
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        ctx.insert(Arc::new(Thing(self.0.clone())));
        None
    }
}

async fn count(State(count): State<Count>) -> Json<Value> {
    Json(json!({ "held": count.0.load(Ordering::SeqCst) }))
}

/// `GET /api/test/held/count`; every request below `/api/test/held`, with a route or without, holds a thing.
pub(crate) fn with_held(builder: AppBuilder) -> AppBuilder {
    let things = Count::default();
    builder
        .middleware(Hold(things.clone()).only(["/api/test/held/*"]))
        .route(Route::get("/api/test/held/count", count).public())
        .state(things)
}
