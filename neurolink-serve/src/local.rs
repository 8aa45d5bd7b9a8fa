use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::Executor;
use neurolink_core::server::Shutdown;
use tower_service::Service;

use crate::connection::{Http, drive};
use crate::{Prepared, ServeConfig};

/// HTTP/2 as [`serve`](crate::serve) speaks it, for a server whose futures cannot leave their thread.
pub struct LocalHttp2(Http<Local>);

impl LocalHttp2 {
    /// What a configuration says.
    #[must_use]
    pub fn new(config: &ServeConfig) -> Self {
        Self(Http::new(config, Local))
    }

    /// Serves one connection until its socket is closed; dropping the future cuts it.
    ///
    /// # Panics
    /// Outside a [`LocalSet`](tokio::task::LocalSet).
    pub async fn serve<S, B>(&self, mut prepared: Prepared, shutdown: Shutdown, service: S)
    where
        S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + 'static,
        S::Future: 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        prepared.http2 = Some(true); // whoever calls has looked
        drive(prepared, &self.0, shutdown, service).await;
    }
}

impl fmt::Debug for LocalHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHttp2").finish_non_exhaustive()
    }
}

/// Runs the streams of a connection in its own thread.
#[derive(Clone)]
struct Local;

impl<F> Executor<F> for Local
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(stream);
    }
}
