//! What an engine is told beside a request.

use tokio_util::sync::CancellationToken;

/// What an engine knows of the request it works for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Call {
    /// The id of the request, for logs.
    pub request_id: String,
    /// The authenticated user; what a caller claims to be never comes here.
    pub user_id: Option<String>,
    /// The tenant of the user, as the credential has it.
    pub tenant: Option<String>,
    /// Fires when the client is gone or the deadline has passed.
    pub cancellation: CancellationToken,
}

impl Call {
    /// A call of no user.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), ..Self::default() }
    }
}
