//! Middleware of an application: in another order, for other paths, or not heard.

use http::{HeaderValue, StatusCode};
use neurolink_core::{Body, Response};

use super::edit::{is, lose, replace, set};
use super::mutant::Mutant;

const AREAS: &[&str] = &["middleware"];
const LAYER: &str = "x-test-layer";
const PATH: &str = "x-test-path";

/// Answers of this path, and of those below it if it ends with a slash, without what middleware wrote.
macro_rules! skipped {
    ($name:literal, $breaks:literal, $when:expr) => {
        Mutant::new($name, AREAS, $breaks).response(|head, response| {
            let when: fn(&str) -> bool = $when;
            if when(head.uri.path()) {
                lose(response, LAYER);
                *response.body_mut() = Body::from(r#"{"data":[]}"#);
            }
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("middleware-ends-as-it-begins", AREAS, "parts after the handler run first in, first out").response(
        |_, response| {
            let lines: Vec<_> = response.headers().get_all(LAYER).iter().cloned().collect();
            lose(response, LAYER);
            lines.into_iter().rev().for_each(|line| _ = response.headers_mut().append(LAYER, line));
        },
    ),
    skipped!("middleware-skips-older-routes", "routes that were there before have none", |path| path
        .ends_with("/layers/before")),
    skipped!("middleware-skips-the-root-of-its-scope", "`/x/*` does not cover `/x`", |path| path.ends_with("/layers")),
    skipped!("middleware-of-a-group-is-not-run", "a group's routes have none of it", |path| path.contains("/grouped/")),
    Mutant::new("scope-is-a-prefix-of-text", AREAS, "a scope covers what begins with its text").response(
        |head, response| {
            if is(head, "/api/test/layersfoo") {
                response.headers_mut().append(LAYER, HeaderValue::from_static("late 200"));
            }
        },
    ),
    Mutant::new("middleware-answers-in-vain", AREAS, "the handler runs although a middleware has answered").response(
        |head, response| {
            if is(head, "/api/test/layers/closed") {
                *response = Response::new(Body::from(r#"{"data":[]}"#));
            }
        },
    ),
    Mutant::new("middleware-sees-the-rest-of-a-path", AREAS, "a middleware sees what is behind its scope").response(
        |_, response| {
            if response.headers().contains_key(PATH) {
                set(response.headers_mut(), PATH, "/seen");
            }
        },
    ),
    Mutant::new("scope-has-no-exceptions", AREAS, "a path that is left out is covered").response(|head, response| {
        if head.uri.path().contains("/scoped/fr") {
            set(response.headers_mut(), PATH, head.uri.path());
        }
    }),
    Mutant::new("requests-are-kept", AREAS, "what a request holds outlives it").json(|head, value| {
        if is(head, "/api/test/held/count") {
            replace(value, &["data", "held"], 5);
        }
    }),
    Mutant::new("errors-pass-middleware-by", AREAS, "middleware does not see errors").response(|_, response| {
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            lose(response, LAYER);
        }
    }),
    Mutant::new("unmatched-paths-pass-middleware-by", AREAS, "middleware does not see what no route has").response(
        |_, response| {
            if response.status() == StatusCode::NOT_FOUND {
                lose(response, LAYER);
            }
        },
    ),
    Mutant::new("silent-streams-stay", &["sse"], "a silent engine holds its stream for ever")
        .config(|config| config.stream.idle_timeout = std::time::Duration::from_secs(3600)),
];
