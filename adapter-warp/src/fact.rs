use std::sync::Arc;

use neurolink_core::app::Facts;
use neurolink_core::{FromFacts, fact as find};
use warp::{Filter, Rejection};

/// A filter of what the stack found out: a user, the request's id, the client's address.
///
/// Where the stack does not run, the answer is a 500 and the log says what is missing.
///
/// ```
/// use neurolink_core::AuthenticatedUser;
/// use neurolink_warp::fact;
/// use warp::Filter as _;
///
/// let me = warp::path!("me").and(fact()).map(|user: AuthenticatedUser| user.id);
/// ```
pub fn fact<T>() -> impl Filter<Extract = (T,), Error = Rejection> + Clone + Send + Sync + 'static
where
    T: FromFacts + Send + 'static,
{
    warp::ext::optional::<Arc<Facts>>().and_then(|facts: Option<Arc<Facts>>| async move {
        find(facts.as_ref()).map_err(|_| warp::reject::custom(Missing))
    })
}

/// warp answers a rejection that nobody knows with 500.
#[derive(Debug)]
struct Missing;

impl warp::reject::Reject for Missing {}
