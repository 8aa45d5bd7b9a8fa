//! A handler that takes a form in parts, and tells what is in it.

use neurolink_core::{AppBuilder, Error, Json, Multipart, Route};
use serde_json::{Value, json};

async fn tell(mut form: Multipart) -> Result<Json<Value>, Error> {
    let mut parts = Vec::new();
    while let Some(part) = form.next_part().await? {
        let mut told = json!({
            "name": part.name(),
            "fileName": part.file_name(),
            "contentType": part.content_type(),
        });
        told["text"] = part.text().await?.into();
        parts.push(told);
    }
    Ok(Json(json!({ "parts": parts })))
}

/// `POST /api/test/form`.
pub(crate) fn with_form(builder: AppBuilder) -> AppBuilder {
    builder.route(Route::post("/api/test/form", tell).public())
}
