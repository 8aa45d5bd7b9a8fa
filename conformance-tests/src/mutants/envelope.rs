//! The shape of answers, and what errors say.

use std::time::Duration;

use http::{StatusCode, header};
use neurolink_config::ErrorFormat;
use neurolink_core::{Body, Response};
use serde_json::{Value, json};

use super::adapter::{ask, change_json};
use super::edit::{is, refusal, remove, replace, set, text};
use super::fatal::Dead;
use super::mutant::Mutant;

const AREAS: &[&str] = &["envelope"];
const ERRORS: &[&str] = &["errors"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("metadata-is-missing", &["envelope", "requestid"], "answers have no metadata")
        .json(|_, value| remove(value, &["metadata"])),
    Mutant::new("timestamp-is-a-number", &["envelope", "health"], "times are told in milliseconds").json(|_, value| {
        replace(value, &["metadata", "timestamp"], 1_700_000_000);
        replace(value, &["data", "timestamp"], 1_700_000_000);
    }),
    Mutant::new("duration-is-a-text", AREAS, "the duration is told as text")
        .json(|_, value| replace(value, &["metadata", "duration"], "1ms")),
    Mutant::new("data-is-unwrapped", &["envelope", "health", "agent"], "a success is its data").json(|_, value| {
        if let Some(data) = value.get_mut("data").map(Value::take) {
            *value = data;
        }
    }),
    Mutant::new("error-is-a-text", &["envelope", "errors", "agent", "roles"], "an error is its message").json(
        |_, value| {
            if let Some(message) = value.get_mut("error").map(|error| error["message"].take()) {
                value["error"] = message;
            }
        },
    ),
    Mutant::new("error-has-data-too", &["envelope", "routing"], "an error has data").json(|_, value| {
        if value.get("error").is_some() {
            value["data"] = Value::Null;
        }
    }),
    Mutant::new("length-is-lost", AREAS, "whole answers come in chunks").response(|_, response| {
        let body = std::mem::take(response.body_mut());
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from_stream(body);
    }),
    Mutant::new("problem-json-is-not-offered", &["envelope", "errors", "duplicates"], "Accept is not looked at")
        .request(|request| drop(request.headers_mut().remove("accept"))),
    Mutant::new("problem-json-is-all", &["envelope", "errors"], "every error is problem+json")
        .config(|config| config.errors.format = ErrorFormat::Problem),
    Mutant::new("problem-json-needs-to-be-alone", AREAS, "only the first type of Accept is read").request(|request| {
        let accept = text(request.headers(), "accept");
        set(request.headers_mut(), "accept", accept.split(',').next().unwrap_or_default());
    }),
    Mutant::new("quality-is-not-read", AREAS, "`q=0` accepts").request(|request| {
        let accept = text(request.headers(), "accept").replace("q=0,", "q=1,");
        set(request.headers_mut(), "accept", &accept);
    }),
    Mutant::new("success-is-a-problem", AREAS, "a success has the type of a problem").response(|head, response| {
        if text(&head.headers, "accept").contains("problem") {
            set(response.headers_mut(), "content-type", "application/problem+json");
        }
    }),
    Mutant::new("errors-are-html", &["envelope", "errors"], "a browser gets an error page").response(
        |head, response| {
            if response.status().as_u16() >= 400 && text(&head.headers, "accept").contains("html") {
                *response.body_mut() = Body::from("<html><pre>no</pre></html>");
                set(response.headers_mut(), "content-type", "text/html");
            }
        },
    ),
    Mutant::new("data-with-an-error-is-an-error", AREAS, "data that has `error` is taken for one").response(
        |head, response| {
            if is(head, "/api/test/echo") {
                change_json(response, |value| {
                    if value["data"]["body"].get("error").is_some() {
                        *value = value["data"]["body"].take();
                    }
                });
            }
        },
    ),
    Mutant::new("data-with-metadata-is-the-envelope", AREAS, "data that has `metadata` is taken for an answer").json(
        |_, value| {
            if value["data"]["body"].get("metadata").is_some() {
                *value = value["data"]["body"].take();
            }
        },
    ),
    Mutant::new("text-is-escaped-for-html", AREAS, "`<` and `&` of data become entities").json(|head, value| {
        if is(head, "/api/test/echo") {
            let text = value.to_string().replace('&', "&amp;").replace('<', "&lt;");
            *value = serde_json::from_str(&text).unwrap_or_default();
        }
    }),
    Mutant::new("numbers-are-floats", AREAS, "a whole number is rounded to 53 bits").json(|_, value| {
        if let Some(number) = value.pointer_mut("/data/body/n") {
            *number = number.as_f64().map_or(Value::Null, |number| json!(number));
        }
    }),
    Mutant::new("5xx-text-is-told", ERRORS, "an internal error tells its source").around(|host, request| {
        Box::pin(async move {
            let mut response = ask(host, request).await;
            if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
                change_json(&mut response, |value| {
                    replace(value, &["error", "message"], "secret db password=hunter2");
                    replace(value, &["detail"], "secret db password=hunter2");
                });
            }
            response
        })
    }),
    Mutant::new("5xx-has-a-stack", ERRORS, "an internal error tells where it happened").json(|_, value| {
        if value["error"]["code"] == "INTERNAL_ERROR" {
            value["error"]["stack"] = json!("at handler");
        }
    }),
    Mutant::new("panic-ends-the-server", ERRORS, "after a panic every answer is a 500").around(|host, request| {
        static DEAD: Dead = Dead::none();
        Box::pin(async move {
            let mut watch = match DEAD.watch(&request) {
                Ok(watch) => watch,
                Err(dead) => return dead,
            };
            watch.went_well(request.uri().path() != "/api/test/panic");
            ask(host, request).await
        })
    }),
    Mutant::new("panic-is-a-503", ERRORS, "a panic is told as a busy server").response(|head, response| {
        if is(head, "/api/test/panic") {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
    }),
    Mutant::new("timeout-is-off", ERRORS, "a handler has all the time it wants")
        .config(|config| config.timeout.request = Duration::from_secs(10)),
    Mutant::new("timeout-is-too-early", ERRORS, "a handler has 20 ms")
        .config(|config| config.timeout.request = Duration::from_millis(20)),
    Mutant::new("timeout-is-a-500", ERRORS, "a timeout is an internal error").response(|_, response| {
        if response.status() == StatusCode::GATEWAY_TIMEOUT {
            *response = refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR");
        }
    }),
    Mutant::new("timeout-closes", ERRORS, "a timeout ends the connection").response(|_, response: &mut Response| {
        if response.status() == StatusCode::GATEWAY_TIMEOUT {
            set(response.headers_mut(), "connection", "close");
        }
    }),
];
