use std::time::Duration;

use http::{Method, StatusCode};

use crate::security::SecurityEvent;
use crate::{Code, RequestId};

/// Watches requests; it gets borrowed data and must not block.
///
/// ```
/// use neurolink_core::app::{Observer, ResponseEvent};
///
/// struct Slow;
/// impl Observer for Slow {
///     fn response(&self, event: &ResponseEvent<'_>) {
///         if event.duration.as_secs() > 1 { println!("slow: {}", event.path); }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A request has come.
    fn request(&self, event: &RequestEvent<'_>) {
        let _ = event;
    }

    /// A response goes out; a stream's first byte is yet to come.
    fn response(&self, event: &ResponseEvent<'_>) {
        let _ = event;
    }

    /// Something was decided about who may do what.
    ///
    /// Every decision comes here, however many there are: what an observer keeps of them is for it to bound.
    fn security(&self, event: &SecurityEvent<'_>) {
        let _ = event;
    }
}

/// A request has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestEvent<'a> {
    /// Its id.
    pub request_id: &'a RequestId,
    /// Its method.
    pub method: &'a Method,
    /// Its canonical path.
    pub path: &'a str,
}

/// A response goes out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseEvent<'a> {
    /// The request's id.
    pub request_id: &'a RequestId,
    /// The request's method.
    pub method: &'a Method,
    /// The request's canonical path.
    pub path: &'a str,
    /// The pattern of the route, if there is one.
    pub matched: Option<&'a str>,
    /// The status.
    pub status: StatusCode,
    /// The code of the error, if it is one.
    pub code: Option<Code>,
    /// How long it took until the head was ready.
    pub duration: Duration,
}
