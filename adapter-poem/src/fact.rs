use neurolink_core::{FromFacts, fact};
use poem::{Error, FromRequest, Request, RequestBody, Result};

use crate::convert;

/// What the stack found out, in a native handler: a user, the request's id, the client's address.
///
/// Where the stack does not run, the answer is a 500 and the log says what is missing.
///
/// ```
/// use neurolink_core::AuthenticatedUser;
/// use neurolink_poem::Fact;
/// use poem::handler;
///
/// #[handler]
/// fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
///     user.id
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fact<T>(pub T);

impl<'a, T: FromFacts> FromRequest<'a> for Fact<T> {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> Result<Self> {
        fact(request.extensions().get())
            .map(Self)
            .map_err(|response| Error::from_response(convert::response(*response)))
    }
}
