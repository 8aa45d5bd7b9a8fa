//! Request bodies: size, type, syntax and depth.

use std::time::Duration;

use http::{Method, StatusCode, header};
use neurolink_config::Config;
use neurolink_core::Body;
use serde_json::Value;

use super::adapter::{again, ask, small, whole};
use super::edit::{become_user, has_credential, is, refusal, replace, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["body", "json"];
/// Those that bodies in a content coding have to notice, too.
const CODED: &[&str] = &["body", "json", "decompress"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("body-limit-is-off", CODED, "the body may have a megabyte").config(megabyte),
    Mutant::new("bodies-have-no-budget", CODED, "any number of bodies is held at one time")
        .config(|config| config.body.budget = 1 << 30),
    Mutant::new("body-limit-is-half", CODED, "the body may have 512 bytes").config(|config| config.body.limit = 512),
    Mutant::new("body-limit-only-with-a-length", AREAS, "chunks are not counted").config(megabyte).around(
        |host, request| {
            Box::pin(async move {
                let length = text(request.headers(), "content-length").parse().unwrap_or(0);
                if length > 1024 {
                    return refusal(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("body-limit-skips-methods", AREAS, "GET, HEAD, DELETE and OPTIONS have no limit").request(|request| {
        if [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS].contains(request.method()) {
            request.headers_mut().remove(header::CONTENT_LENGTH);
            request.headers_mut().remove(header::TRANSFER_ENCODING);
            *request.body_mut() = Body::empty();
        }
    }),
    Mutant::new("bodies-are-read-whole-first", AREAS, "a refusal waits for the end of the body").around(
        |host, request| {
            Box::pin(async move {
                let (parts, body) = whole(request).await;
                ask(host, again(&parts, &body)).await
            })
        },
    ),
    Mutant::new("413-is-a-500", AREAS, "a body over the limit is the server's error").response(|_, response| {
        if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }),
    Mutant::new("syntax-comes-before-size", AREAS, "a large malformed body is told malformed").response(
        |head, response| {
            if response.status() == StatusCode::PAYLOAD_TOO_LARGE && head.method == Method::POST {
                *response = refusal(StatusCode::BAD_REQUEST, "INVALID_JSON");
            }
        },
    ),
    Mutant::new("type-is-not-asked", CODED, "every body is taken for JSON").request(|request| {
        if request.headers().get_all("content-type").iter().count() < 2 {
            set(request.headers_mut(), "content-type", "application/json");
        }
    }),
    Mutant::new("type-by-part-of-its-name", AREAS, "a type that contains `json` is JSON").request(|request| {
        if text(request.headers(), "content-type").contains("json") {
            set(request.headers_mut(), "content-type", "application/json");
        }
    }),
    Mutant::new("type-is-compared-whole", AREAS, "`application/json; charset=utf-8` is not JSON").request(|request| {
        if !["application/json", ""].contains(&&*text(request.headers(), "content-type")) {
            set(request.headers_mut(), "content-type", "text/plain");
        }
    }),
    Mutant::new("empty-bodies-need-a-type", AREAS, "a body of no bytes is refused by its type").around(
        |host, request| {
            Box::pin(async move {
                if is_echo(request.uri().path()) && text(request.headers(), "content-type") != "application/json" {
                    return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("no-body-is-an-empty-object", AREAS, "handlers see `{}` where nothing was sent").json(|head, value| {
        if is(head, "/api/test/echo") && value["data"]["body"].is_null() {
            replace(value, &["data", "body"], Value::Object(serde_json::Map::new()));
        }
    }),
    Mutant::new("malformed-json-is-an-empty-object", AREAS, "what cannot be parsed is `{}`").body(|_, body| {
        match serde_json::from_slice::<Value>(&body) {
            Err(error) if !error.to_string().contains("recursion") && !body.is_empty() && body.len() < 1024 => {
                b"{}".to_vec()
            }
            _ => body,
        }
    }),
    Mutant::new("malformed-json-is-repeated", AREAS, "an error tells the body").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = match small(request).await {
                Ok(small) => small,
                Err(large) => return ask(host, large).await,
            };
            let mut response = ask(host, again(&parts, &body)).await;
            if response.status() == StatusCode::BAD_REQUEST {
                set(response.headers_mut(), "x-body", &String::from_utf8_lossy(&body));
            }
            response
        })
    }),
    Mutant::new("invalid-utf8-is-replaced-in-bodies", AREAS, "bytes that are no UTF-8 become U+FFFD")
        .body(|_, body| String::from_utf8_lossy(&body).into_owned().into_bytes()),
    Mutant::new("only-objects-are-bodies", AREAS, "JSON that is no object is refused").body(|_, body| {
        match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Object(_) | Value::Array(_)) | Err(_) => body,
            Ok(_) => b"{".to_vec(),
        }
    }),
    Mutant::new("falsy-bodies-are-no-body", AREAS, "`0`, `false` and `\"\"` are nothing").body(
        |_, body| match &*body {
            b"0" | b"false" | b"\"\"" => b"null".to_vec(),
            _ => body,
        },
    ),
    Mutant::new("white-space-is-malformed", AREAS, "JSON has to begin and end with its value").body(
        |_, body| match body.trim_ascii().len() == body.len() {
            true => body,
            false => b"{".to_vec(),
        },
    ),
    Mutant::new("bodies-lose-proto", AREAS, "`__proto__` in a body is dropped").body(|_, body| {
        String::from_utf8(body)
            .map_or_else(std::string::FromUtf8Error::into_bytes, |text| text.replace("__proto__", "proto").into_bytes())
    }),
    Mutant::new("json-depth-is-one-less", AREAS, "63 levels are read").config(|config| config.body.json_depth = 63),
    Mutant::new("json-depth-is-one-more", AREAS, "65 levels are read").config(|config| config.body.json_depth = 65),
    Mutant::new("brackets-in-text-are-depth", AREAS, "depth counts brackets").body(|_, body| {
        match body.iter().filter(|byte| **byte == b'[').count() > 64 {
            true => b"{".to_vec(),
            false => body,
        }
    }),
    Mutant::new("first-member-wins", AREAS, "of a repeated member the first value wins")
        .body(|_, body| super::edit::swap(&body, br#""a":1,"a":2"#, br#""a":1"#)),
    Mutant::new("repeated-fields-are-merged", AREAS, "a typed body may repeat a field")
        .body(|_, body| serde_json::from_slice::<Value>(&body).map_or(body, |value| value.to_string().into_bytes())),
    Mutant::new("bodies-are-judged-before-callers", CODED, "a stranger learns what is wrong with a body").around(
        |host, request| {
            Box::pin(async move {
                if has_credential(request.headers()) {
                    return ask(host, request).await;
                }
                let (parts, body) = match small(request).await {
                    Ok(small) => small,
                    Err(large) => return ask(host, large).await,
                };
                let mut trial = again(&parts, &body);
                become_user(&mut trial, "user-token");
                let judged = ask(host.clone(), trial).await;
                let codes =
                    [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE];
                if codes.contains(&judged.status()) { judged } else { ask(host, again(&parts, &body)).await }
            })
        },
    ),
    Mutant::new("slow-bodies-are-cut", AREAS, "a body has 10 ms for its next bytes")
        .config(|config| config.timeout.body = Duration::from_millis(10)),
    Mutant::new("only-the-first-chunk-is-read", &["body", "http2"], "a body ends with its first chunk").around(
        |host, request| {
            Box::pin(async move {
                let (parts, body) = request.into_parts();
                let mut body = body;
                let first = futures_util::StreamExt::next(&mut body).await;
                let first = first.and_then(Result::ok).unwrap_or_default();
                ask(host, again(&parts, &first)).await
            })
        },
    ),
    Mutant::new("chunks-are-decoded-one-by-one", AREAS, "text is decoded before it is whole").around(
        |host, request| {
            Box::pin(async move {
                let (parts, mut body) = request.into_parts();
                let mut text = String::new();
                while let Some(Ok(piece)) = futures_util::StreamExt::next(&mut body).await {
                    text.push_str(&String::from_utf8_lossy(&piece));
                }
                ask(host, again(&parts, text.as_bytes())).await
            })
        },
    ),
];

/// A megabyte for a body, and room for many of them.
const fn megabyte(config: &mut Config) {
    config.body.limit = 1_000_000;
    config.body.budget = 256 << 20;
}

fn is_echo(path: &str) -> bool {
    path == "/api/test/echo"
}
