//! The onion around a service that cannot leave its thread: it is suspended inside `next` while the service runs.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::native::{Crossing, Protected};
use super::{ConnInfo, respond_error};
use crate::stack::panicked;
use crate::{Body, Error, Request, Response};

impl Protected {
    /// Runs the onion around a host whose futures and bodies cannot leave their thread.
    ///
    /// `native` gives a body that stays with the host as [`Crossing::Kept`]; it comes back untouched, unless a
    /// middleware put another in its place.
    pub async fn around_local<R, F, Fut>(
        &self,
        request: Request,
        conn: ConnInfo,
        native: F,
    ) -> http::Response<Crossing<R>>
    where
        F: FnOnce(Request) -> Fut,
        Fut: Future<Output = http::Response<Crossing<R>>>,
    {
        let kept = Cell::new(None);
        let response = self.wrap_local(request, conn, |request| async {
            let (parts, body) = native(request).await.into_parts();
            let body = match body {
                Crossing::Core(body) => body,
                Crossing::Kept(body) => {
                    kept.set(Some(body));
                    Body::unavailable()
                }
            };
            Response::from_parts(parts, body)
        });
        let response = response.await;
        response.map(|body| match kept.take() {
            Some(kept) if body.is_unavailable() => Crossing::Kept(kept),
            _ => Crossing::Core(body),
        })
    }

    /// [`wrap`](Self::wrap) for a service whose future is not `Send`, such as actix-web's.
    ///
    /// The service runs in the task that polls this future; a deadline that passes meanwhile drops it.
    pub async fn wrap_local<F, Fut>(&self, request: Request, conn: ConnInfo, native: F) -> Response
    where
        F: FnOnce(Request) -> Fut,
        Fut: Future<Output = Response>,
    {
        let (enter, entered) = oneshot::channel();
        let (leave, left) = oneshot::channel();
        let onion = self.wrap(request, conn, |request| async move {
            // Both ends are in the frame below, which outlives this future.
            let _ = enter.send(request);
            left.await.unwrap_or_else(|_| respond_error(Error::internal("the native service did not answer")))
        });
        let mut onion = std::pin::pin!(onion);
        let request = tokio::select! {
            biased;
            response = &mut onion => return response,
            Ok(request) = entered => request,
        };
        let native = AssertUnwindSafe(async { native(request).await }).catch_unwind();
        let answer = tokio::select! {
            answer = native => answer.unwrap_or_else(|panic| respond_error(panicked(&*panic))),
            response = &mut onion => return response,
        };
        let _ = leave.send(answer);
        onion.await
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;
    use crate::{Context, Hook, Settings, Stack};

    struct Mark;

    impl Hook for Mark {
        fn name(&self) -> &str {
            "mark"
        }

        fn order(&self) -> i16 {
            crate::order::HEADERS
        }

        fn after(&self, _ctx: &Context, response: &mut Response) {
            response.headers_mut().insert("x-mark", HeaderValue::from_static("1"));
        }
    }

    fn protected(timeout: Duration) -> Protected {
        let settings = Settings { timeout, ..Settings::default() };
        Stack::builder().with(Mark).build().expect("valid").protect(settings).expect("valid")
    }

    fn request(path: &str) -> Request {
        http::Request::get(path).header("host", "localhost").body(Body::unavailable()).expect("a request")
    }

    #[tokio::test]
    async fn a_service_of_one_thread_is_decorated() {
        let called = Rc::new(Cell::new(false));
        let seen = Rc::clone(&called);
        let native = |_| async move {
            tokio::task::yield_now().await;
            seen.set(true);
            Response::new(Body::from("mine"))
        };
        let protected = protected(Duration::from_secs(1));
        let response = protected.wrap_local(request("/x"), ConnInfo::default(), native).await;
        assert!(called.get() && response.headers().contains_key("x-mark"));
        assert_eq!(response.into_body().into_full().expect("whole"), "mine");
    }

    #[tokio::test]
    async fn a_refused_request_does_not_reach_the_service() {
        let protected = protected(Duration::from_secs(1));
        let never = |_| async { panic!("it was called") };
        let response = protected.wrap_local(request("/a/../b"), ConnInfo::default(), never).await;
        assert_eq!(response.status().as_u16(), 400);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_takes_too_long_is_dropped() {
        struct Guard(Rc<Cell<bool>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let dropped = Rc::new(Cell::new(false));
        let guard = Guard(Rc::clone(&dropped));
        let protected = protected(Duration::from_millis(50));
        let response = protected.wrap_local(request("/x"), ConnInfo::default(), |_| async move {
            let _guard = guard;
            std::future::pending().await
        });
        let response = response.await;
        assert_eq!(response.status().as_u16(), 504);
        assert!(dropped.get() && response.headers().contains_key("x-mark"));
    }

    #[tokio::test]
    async fn a_panic_of_the_service_is_a_500_with_its_headers() {
        let protected = protected(Duration::from_secs(1));
        let response = protected.wrap_local(request("/x"), ConnInfo::default(), |_| async { panic!("secret") }).await;
        assert_eq!(response.status().as_u16(), 500);
        assert!(response.headers().contains_key("x-mark"));
    }
}
