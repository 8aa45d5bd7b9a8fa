use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use neurolink_core::app::Facts;
use neurolink_core::{FromFacts, fact};

use crate::convert;
use crate::native;

/// What the stack found out, in a native handler: a user, the request's id, the client's address.
///
/// Where the stack does not run, the answer is a 500 and the log says what is missing.
///
/// ```
/// use actix_web::get;
/// use neurolink_actix::Fact;
/// use neurolink_core::AuthenticatedUser;
///
/// #[get("/me")]
/// async fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
///     user.id
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fact<T>(pub T);

impl<T: FromFacts> FromRequest for Fact<T> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let found = fact(request.extensions().get::<Arc<Facts>>()).map(Self);
        ready(found.map_err(|response| native::error("a fact is missing", *response, convert::asked(request))))
    }
}
