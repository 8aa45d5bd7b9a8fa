//! What a request's head must be.

use neurolink_core::{Body, Path, Route};

use crate::support::{app, get, send, to};

#[tokio::test]
async fn only_the_canonical_path_counts() {
    let app = app()
        .route(Route::get("/api/admin", async || "admin"))
        .route(Route::get("/api/f/{*rest}", async |Path(rest): Path<String>| rest))
        .build()
        .expect("valid");
    assert_eq!(get(&app, "/api/%61dmin").await.status, 200);
    for other in ["/api/admin/", "//api/admin", "/API/admin", "/api//admin"] {
        assert_eq!(get(&app, other).await.status, 404, "{other}");
    }
    for bad in ["/api/%2e%2e/admin", "/api/admin%00", "/api/%zz", "/api/..%2fadmin", "/api/a%5cb"] {
        assert_eq!(get(&app, bad).await.code(), "BAD_REQUEST", "{bad}");
    }
    assert_eq!(get(&app, "/api/f/a/b%2Fc").await.json()["data"], "a/b/c");
}

#[tokio::test]
async fn heads_that_mean_two_things_are_refused() {
    let app = app().route(Route::get("/api/x", async || "x")).build().expect("valid");
    for name in ["authorization", "host", "origin", "content-type", "content-length", "x-api-key"] {
        let request = to("/api/x").header(name, "1").header(name, "1");
        assert_eq!(send(&app, request, Body::empty()).await.status, 400, "{name}");
    }
    for encodings in [&["gzip, chunked"][..], &["chunked, chunked"], &["chunked", "chunked"], &["identity", "chunked"]]
    {
        let mut request = to("/api/x");
        for encoding in encodings {
            request = request.header("transfer-encoding", *encoding);
        }
        let answer = send(&app, request, Body::empty()).await;
        assert_eq!(answer.status, 400, "{encodings:?}");
        assert_eq!(answer.headers["connection"], "close", "{encodings:?}");
    }
    let long = format!("/api/x?{}", "a".repeat(9000));
    assert_eq!(get(&app, &long).await.code(), "URI_TOO_LONG");
    let request = to("/api/x").header("x-big", "a".repeat(40_000));
    assert_eq!(send(&app, request, Body::empty()).await.code(), "HEADERS_TOO_LARGE");
}

#[tokio::test]
async fn unsafe_requests_from_other_sites_are_refused() {
    let app = app()
        .configure(|settings| settings.trusted_origins = vec!["https://friend.example".into()])
        .route(Route::post("/api/x", async || "x"))
        .build()
        .expect("valid");
    for (headers, status) in [
        (&[][..], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "http://localhost")], 200),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "https://friend.example"), ("sec-fetch-site", "cross-site")], 200),
    ] {
        let mut request = to("/api/x").method("POST");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(send(&app, request, Body::empty()).await.status, status, "{headers:?}");
    }
}
