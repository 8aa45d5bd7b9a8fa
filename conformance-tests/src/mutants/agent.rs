//! The agent routes and the probes.

use serde_json::{Value, json};

use http::StatusCode;

use super::adapter::{again, ask, whole};
use super::edit::{is, refusal, remove, replace};
use super::mutant::Mutant;

const AREAS: &[&str] = &["agent", "validation"];
const HEALTH: &[&str] = &["health"];

/// Changes the JSON body of a request.
macro_rules! sent {
    ($name:literal, $areas:expr, $breaks:literal, $change:expr) => {
        Mutant::new($name, $areas, $breaks).body(|_, body| {
            let change: fn(&mut Value) = $change;
            match serde_json::from_slice(&body) {
                Ok(mut value) => {
                    change(&mut value);
                    value.to_string().into_bytes()
                }
                Err(_) => body,
            }
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("answer-has-no-content", AREAS, "the answer is empty")
        .json(|_, value| replace(value, &["data", "content"], Value::Null)),
    Mutant::new("answer-names-no-provider", AREAS, "nothing says who answered")
        .json(|_, value| remove(value, &["data", "provider"])),
    Mutant::new("usage-has-one-set-of-names", AREAS, "usage is not told under its old names").json(|_, value| {
        for name in ["promptTokens", "completionTokens", "totalTokens"] {
            remove(value, &["data", "usage", name]);
        }
    }),
    Mutant::new("finish-reason-is-missing", AREAS, "nothing says why the answer ended")
        .json(|_, value| remove(value, &["data", "finishReason"])),
    Mutant::new("texts-have-no-bound", AREAS, "any number of texts is turned into vectors").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = whole(request).await;
            let one = if texts(&body) > 2048 { br#"{"texts":["a"]}"#.to_vec() } else { body };
            ask(host, again(&parts, &one)).await
        })
    }),
    Mutant::new("texts-are-at-most-2047", AREAS, "one text less than promised is taken").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = whole(request).await;
            if texts(&body) == 2048 {
                return refusal(StatusCode::BAD_REQUEST, "VALIDATION_ERROR");
            }
            ask(host, again(&parts, &body)).await
        })
    }),
    sent!("input-has-to-be-text", AREAS, "an object as input is refused", |body| {
        if body["input"].is_object() {
            body["input"] = json!(1);
        }
    }),
    sent!("input-has-to-be-there", AREAS, "an empty input is refused", |body| {
        if body["input"] == "" {
            remove(body, &["input"]);
        }
    }),
    sent!("unknown-fields-are-refused", AREAS, "a field that nobody knows is an error", |body| {
        if body.get("enableTools").is_some() {
            remove(body, &["input"]);
        }
    }),
    sent!("options-are-refused", AREAS, "a request with options is an error", |body| {
        if body.get("systemPrompt").is_some() {
            body["temperature"] = json!("hot");
        }
    }),
    sent!("input-is-made-up", &["agent", "sse"], "a missing or wrong input is an empty one", |body| {
        if body.is_object() && !body["input"].is_string() && body.get("text").is_none() && body.get("texts").is_none() {
            body["input"] = json!("");
        }
    }),
    sent!("bodies-are-made-up", AREAS, "a body that is no object is an empty request", |body| {
        if !body.is_object() {
            *body = json!({ "input": "" });
        }
    }),
    Mutant::new("no-body-is-an-empty-request", AREAS, "nothing sent is an empty request").around(|host, request| {
        Box::pin(async move {
            let (mut parts, body) = super::adapter::whole(request).await;
            if !body.is_empty() || !is(&parts, "/api/agent/execute") {
                return super::adapter::ask(host, super::adapter::again(&parts, &body)).await;
            }
            super::edit::set(&mut parts.headers, "content-type", "application/json");
            super::adapter::ask(host, super::adapter::again(&parts, br#"{"input":""}"#)).await
        })
    }),
    sent!("wrong-types-are-dropped", AREAS, "an option of another type is ignored", |body| {
        for (name, is_right) in [
            ("temperature", Value::is_number as fn(&Value) -> bool),
            ("maxTokens", Value::is_number),
            ("provider", Value::is_string),
            ("tools", Value::is_array),
        ] {
            if body.get(name).is_some_and(|value| !is_right(value)) {
                remove(body, &[name]);
            }
        }
    }),
    sent!("options-have-no-range", &["agent", "sse"], "an option outside of its range is taken", |body| {
        if body["temperature"].is_number() {
            body["temperature"] = json!(1);
        }
        if body["maxTokens"].is_number() {
            body["maxTokens"] = json!(1);
        }
    }),
    Mutant::new("validation-names-no-field", AREAS, "a validation error has no details")
        .json(|_, value| remove(value, &["error", "details"])),
    Mutant::new("validation-repeats-values", AREAS, "a validation error tells the value").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = super::adapter::whole(request).await;
            let sent = String::from_utf8_lossy(&body).into_owned();
            let mut response = super::adapter::ask(host, super::adapter::again(&parts, &body)).await;
            super::adapter::change_json(&mut response, |value| replace(value, &["error", "message"], sent));
            response
        })
    }),
    Mutant::new("validation-is-a-422", &["agent", "tools", "sse"], "a wrong body is a 422").json(|_, value| {
        if value["error"]["code"] == "VALIDATION_ERROR" {
            replace(value, &["error", "code"], "UNPROCESSABLE");
        }
    }),
    Mutant::new("providers-are-empty", AREAS, "no provider is listed")
        .json(|_, value| replace(value, &["data", "providers"], json!([]))),
    Mutant::new("embedding-has-no-dimension", AREAS, "an embedding tells no dimension")
        .json(|_, value| remove(value, &["data", "dimension"])),
    Mutant::new("embeddings-are-miscounted", AREAS, "the count of embeddings is one more").json(|_, value| {
        if let Some(count) = value["data"]["count"].as_u64() {
            value["data"]["count"] = json!(count + 1);
        }
    }),
    Mutant::new("embeddings-are-reversed", AREAS, "the first vector is that of the last text").json(|_, value| {
        if let Some(vectors) = value.pointer_mut("/data/embeddings").and_then(Value::as_array_mut) {
            vectors.reverse();
        }
    }),
    sent!("embedding-makes-up-texts", AREAS, "what has no text is embedded", |body| {
        if body.get("input").is_none() {
            body["text"] = json!("x");
            body["texts"] = json!(["x", "y"]);
        }
    }),
    Mutant::new("probe-says-up", HEALTH, "the probes say another word").json(|_, value| {
        replace(value, &["data", "status"], "up");
        replace(value, &["data", "ready"], "up");
        replace(value, &["data", "started"], "up");
    }),
    Mutant::new("probe-tells-the-process", HEALTH, "a public probe tells its process id").json(|_, value| {
        if let Some(Value::Object(data)) = value.get_mut("data") {
            data.insert("pid".into(), json!(1));
        }
    }),
    Mutant::new("readiness-asks-nobody", HEALTH, "readiness is 200 whatever the engine says").response(
        |head, response| {
            if is(head, "/api/health/ready") && response.status() == StatusCode::SERVICE_UNAVAILABLE {
                *response.status_mut() = StatusCode::OK;
            }
        },
    ),
    Mutant::new("old-path-of-readiness-is-gone", HEALTH, "readiness has one path").response(|head, response| {
        if is(head, "/api/ready") {
            *response = refusal(StatusCode::NOT_FOUND, "NOT_FOUND");
        }
    }),
];

/// How many texts a body has.
fn texts(body: &[u8]) -> usize {
    serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(body["texts"].as_array()?.len())).unwrap_or(0)
}
