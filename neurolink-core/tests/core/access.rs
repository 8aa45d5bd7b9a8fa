//! Who may call a route, as it says itself.

use http::{HeaderValue, header};
use neurolink_core::{AuthenticatedUser, Body, Route};

use crate::support::{Auth, app, get, send, to};

#[tokio::test]
async fn once_an_authenticator_exists_a_route_needs_a_user_unless_it_says_otherwise() {
    let app = app()
        .middleware(Auth)
        .route(Route::get("/api/default", async |user: AuthenticatedUser| user.id))
        .route(
            Route::get("/api/public", async |user: Option<AuthenticatedUser>| {
                user.map_or("nobody".to_owned(), |u| u.id)
            })
            .public(),
        )
        .route(
            Route::get("/api/optional", async |user: Option<AuthenticatedUser>| {
                user.map_or("nobody".to_owned(), |u| u.id)
            })
            .optional_auth(),
        )
        .route(Route::get("/api/admin", async || "admin").roles(["admin"]))
        .build()
        .expect("valid");
    let of = async |path: &str, user: Option<&str>| {
        let mut request = to(path);
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, user);
        }
        send(&app, request, Body::empty()).await
    };
    for (path, user, status) in [
        ("/api/default", None, 401),
        ("/api/default", Some("bad"), 401),
        ("/api/default", Some("u1"), 200),
        ("/api/public", None, 200),
        ("/api/public", Some("bad"), 200),
        ("/api/optional", None, 200),
        ("/api/optional", Some("bad"), 401),
        ("/api/optional", Some("u1"), 200),
        ("/api/admin", None, 401),
        ("/api/admin", Some("u1"), 403),
        ("/api/admin", Some("admin"), 200),
        ("/api/%61dmin", None, 401),
        ("/api/nope", None, 401),
        ("/api/nope", Some("u1"), 404),
    ] {
        assert_eq!(of(path, user).await.status, status, "{path} {user:?}");
    }
    let missing = of("/api/default", None).await;
    assert_eq!(
        (missing.code().as_str(), &missing.headers["www-authenticate"]),
        ("AUTH_REQUIRED", &HeaderValue::from_static("Test"))
    );
    let options = send(&app, to("/api/default").method("OPTIONS"), Body::empty()).await;
    assert_eq!(options.status, 401);
}

#[tokio::test]
async fn a_private_route_is_not_there_without_an_authenticator() {
    let route = || Route::get("/api/private", async || "x").private();
    assert_eq!(get(&app().route(route()).build().expect("valid"), "/api/private").await.status, 404);
    let app = app().middleware(Auth).route(route()).build().expect("valid");
    assert_eq!(get(&app, "/api/private").await.status, 401);
}
