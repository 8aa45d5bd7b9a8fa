//! Forms in parts.

use http::StatusCode;
use http_body::Body as _;

use super::adapter::{again, ask, whole};
use super::edit::{refusal, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["multipart"];
const PATH: &str = "/api/test/form";

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("forms-may-have-any-parts", AREAS, "any number of parts is read")
        .config(|config| config.body.parts = 1000),
    Mutant::new("forms-have-a-part-less", AREAS, "two parts are read").config(|config| config.body.parts = 2),
    Mutant::new("parts-may-have-any-size", AREAS, "a part may be as large as the body")
        .config(|config| config.body.part_limit = None),
    Mutant::new("heads-of-parts-may-have-any-size", AREAS, "the head of a part has no limit")
        .config(|config| config.body.part_head = 1 << 20),
    Mutant::new("the-last-part-is-lost", AREAS, "the last part is not told").json(|_, value| {
        if let Some(parts) = value["data"]["parts"].as_array_mut() {
            parts.pop();
        }
    }),
    Mutant::new("malformed-forms-are-a-500", AREAS, "a malformed form is the server's error").response(
        |head, response| {
            if response.status() == StatusCode::BAD_REQUEST
                && text(&head.headers, "content-type").contains("boundary=B")
            {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
        },
    ),
    Mutant::new("no-boundary-is-another-type", AREAS, "a form without a boundary is 415").response(|head, response| {
        let kind = text(&head.headers, "content-type");
        if response.status() == StatusCode::BAD_REQUEST && !kind.contains("boundary=B") {
            *response = refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE");
        }
    }),
    Mutant::new("every-type-is-a-form", AREAS, "the type of a form is not asked").request(|request| {
        if request.uri().path() == PATH && !text(request.headers(), "content-type").contains("form-data;") {
            set(request.headers_mut(), "content-type", "multipart/form-data; boundary=B");
        }
    }),
    Mutant::new("boundaries-lose-their-quotes", AREAS, "a boundary in quotes is cut").request(|request| {
        let kind = text(request.headers(), "content-type").replace('"', "");
        if kind.contains("boundary") {
            set(request.headers_mut(), "content-type", &kind);
        }
    }),
    Mutant::new("no-bytes-are-a-malformed-form", AREAS, "an empty form is refused").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = whole(request).await;
            let request = again(&parts, &body);
            if parts.uri.path() == PATH && request.body().is_end_stream() {
                return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
            }
            ask(host, request).await
        })
    }),
];
