//! Request bodies in a content coding.

use http::{HeaderValue, StatusCode, header};
use http_body::Body as _;
use neurolink_core::ContentCoding;

use super::adapter::ask;
use super::edit::refusal;
use super::mutant::Mutant;

const AREAS: &[&str] = &["decompress"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("no-coding-is-taken", &["decompress", "multipart"], "a body in a content coding is refused")
        .config(|config| config.body.decompress.clear()),
    Mutant::new("only-gzip-is-taken", AREAS, "deflate is refused")
        .config(|config| config.body.decompress = vec![ContentCoding::Gzip]),
    Mutant::new("every-body-is-inflated", AREAS, "a plain body is taken for gzip").request(|request| {
        request.headers_mut().entry(header::CONTENT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    }),
    Mutant::new("unknown-codings-are-ignored", AREAS, "a body in a coding that is not taken is read as it is").request(
        |request| {
            let known = ["gzip", "x-gzip", "deflate"];
            let coding = super::edit::text(request.headers(), "content-encoding").to_lowercase();
            if !known.contains(&&*coding) {
                request.headers_mut().remove(header::CONTENT_ENCODING);
            }
        },
    ),
    Mutant::new("torn-codings-are-a-500", AREAS, "a body that is not in its coding is the server's error").response(
        |head, response| {
            if response.status() == StatusCode::BAD_REQUEST && head.headers.contains_key(header::CONTENT_ENCODING) {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
        },
    ),
    Mutant::new("no-bytes-are-a-torn-coding", AREAS, "an empty body in a coding is refused").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = super::adapter::whole(request).await;
            let request = super::adapter::again(&parts, &body);
            if parts.headers.contains_key(header::CONTENT_ENCODING) && request.body().is_end_stream() {
                return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
            }
            ask(host, request).await
        })
    }),
];
