//! The tool routes.

use http::StatusCode;
use serde_json::{Value, json};

use super::edit::{change_query, is, refusal, remove, replace};
use super::mutant::Mutant;

const AREAS: &[&str] = &["tools"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("tools-are-hidden", AREAS, "no tool is listed")
        .json(|_, value| replace(value, &["data", "tools"], json!([]))),
    Mutant::new("tools-have-no-total", AREAS, "a list tells no total")
        .json(|_, value| remove(value, &["data", "total"])),
    Mutant::new("tool-search-has-case", AREAS, "a search compares with case").request(|request| {
        change_query(request, |query| query.replace("ECHO", "ECHO%20"));
    }),
    Mutant::new("tool-search-finds-everything", AREAS, "a search lists all").request(|request| {
        if request.uri().path() == "/api/tools/search" {
            change_query(request, |query| query.replace("q=no-such-tool", "q=echo"));
        }
    }),
    Mutant::new("tool-search-needs-a-query", AREAS, "a search without a query finds nothing").json(|head, value| {
        if is(head, "/api/tools/search") && head.uri.query().is_none() {
            replace(value, &["data", "tools"], json!([]));
        }
    }),
    Mutant::new("tool-search-has-no-limit", AREAS, "a search does not end at its limit").request(|request| {
        change_query(request, |query| query.replace("limit=1", "limit=9"));
    }),
    Mutant::new("tool-has-no-schema", AREAS, "a tool does not tell what it takes")
        .json(|_, value| remove(value, &["data", "inputSchema"])),
    Mutant::new("unknown-tool-is-a-success", AREAS, "a tool that is not there is an answer").response(
        |head, response| {
            if response.status() == StatusCode::NOT_FOUND && head.uri.path().starts_with("/api/tools") {
                *response.status_mut() = StatusCode::OK;
            }
        },
    ),
    Mutant::new("tool-result-does-not-name-the-tool", AREAS, "a result has no metadata")
        .json(|_, value| remove(value, &["data", "metadata"])),
    Mutant::new("tool-params-are-arguments", AREAS, "`params` is not unwrapped").body(|_, body| {
        match serde_json::from_slice::<Value>(&body) {
            Ok(mut value) if value.get("params").is_some() => {
                value["text"] = json!("\"params\"");
                value.to_string().into_bytes()
            }
            _ => body,
        }
    }),
    Mutant::new("tool-arguments-are-lost", AREAS, "a tool sees no argument").body(
        |_, body| match serde_json::from_slice::<Value>(&body) {
            Ok(mut value) if value["arguments"]["text"].is_string() => {
                value["arguments"]["text"] = json!("lost");
                value.to_string().into_bytes()
            }
            _ => body,
        },
    ),
    Mutant::new("failing-tool-is-a-500", AREAS, "a tool that fails is the server's error").response(
        |head, response| {
            if head.uri.path().contains("calculate") {
                *response = refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR");
            }
        },
    ),
    Mutant::new("tool-name-is-made-up", AREAS, "a call without a name calls something").body(|head, body| {
        match serde_json::from_slice::<Value>(&body) {
            Ok(mut value) if is(head, "/api/tools/execute") => {
                let named = value["name"].as_str().is_some_and(|name| !name.is_empty());
                if !named {
                    value["name"] = json!("echo");
                    value["arguments"] = json!({ "text": "x" });
                }
                value.to_string().into_bytes()
            }
            _ => body,
        }
    }),
    Mutant::new("tool-arguments-may-be-a-list", AREAS, "arguments that are no object are none").body(|_, body| {
        match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Array(_)) => br#"{"text":"x"}"#.to_vec(),
            Ok(mut value) if value["arguments"].is_array() => {
                value["arguments"] = json!({ "text": "x" });
                value.to_string().into_bytes()
            }
            _ => body,
        }
    }),
];
