use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use neurolink_core::{FromFacts, fact};

/// What the stack found out, in a native handler: a user, the request's id, the client's address.
///
/// Where the stack does not run, the answer is a 500 and the log says what is missing.
///
/// ```
/// use axum::{Router, routing::get};
/// use neurolink_axum::Fact;
/// use neurolink_core::AuthenticatedUser;
///
/// let router: Router = Router::new()
///     .route("/me", get(|Fact(user): Fact<AuthenticatedUser>| async move { user.id }));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fact<T>(pub T);

impl<T: FromFacts, S: Sync> FromRequestParts<S> for Fact<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        fact(parts.extensions.get()).map(Self).map_err(|response| (*response).map(Body::new))
    }
}
