use futures_util::FutureExt as _;
use neurolink_core::App;
use poem::{Endpoint, Response, Result, Route};

use crate::convert;

/// Adds the app's base path and everything below it to a route of yours.
///
/// What is not below the base path stays yours, your 404 included.
///
/// # Panics
/// When the route has one of these paths already.
#[must_use]
pub fn mount(route: Route, app: App) -> Route {
    let base = app.base_path().to_owned();
    let route = route.at(format!("{base}/*"), endpoint(app.clone()));
    // `/*` is `/` too.
    if base.is_empty() { route } else { route.at(base, endpoint(app)) }
}

/// The app as an endpoint of poem: every request that reaches it is the app's.
///
/// It reads the original target, also where a route that nests it has cut a prefix off.
#[must_use]
pub const fn endpoint(app: App) -> Mount {
    Mount(app)
}

/// What [`endpoint`] makes.
#[derive(Clone, Debug)]
pub struct Mount(App);

impl Endpoint for Mount {
    type Output = Response;

    fn call(&self, request: poem::Request) -> impl Future<Output = Result<Response>> + Send {
        let conn = convert::connection(&request);
        self.0.handle(convert::request(request), conn).map(|response| Ok(convert::response(response)))
    }
}
