use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::RateLimitState;
use super::algorithm::Quota;
use crate::http::Timestamp;
use crate::{Context, Error};

/// Makes the body of a refusal.
pub type RefusalFn = Arc<dyn Fn(&Context, &Refusal) -> Value + Send + Sync>;

/// What is known when a request is refused.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// Where the caller stands.
    pub state: RateLimitState,
    /// The seconds of `Retry-After`.
    pub retry_after: u64,
}

/// Bodies of refusals that clients of other systems read; the headers are the same with each.
///
/// ```
/// use std::time::Duration;
///
/// use neurolink_core::middleware::{RateLimit, RefusalBody};
///
/// let limit = RateLimit::fixed_window(5, Duration::from_secs(3600)).body_as(RefusalBody::Slowapi);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalBody {
    /// `{"error":"rate_limit_exceeded","message":..,"retryAfter":"2026-01-31T09:30:00.000Z"}`: handlers written for
    /// express-rate-limit, which tell the time of the next request.
    Express,
    /// `{"error":"Rate limit exceeded: 5 per 1 hour"}`: slowapi, of FastAPI.
    Slowapi,
    /// The message alone, as text: express-rate-limit without a handler.
    Text,
}

/// Whose body a refusal has, if not ours.
#[derive(Clone)]
pub(super) enum Chosen {
    Own(RefusalFn),
    Known(RefusalBody),
}

impl Chosen {
    /// The error with the body.
    pub(super) fn body_of(&self, error: Error, ctx: &Context, refusal: Refusal, quota: &Quota) -> Error {
        let json = match self {
            Self::Own(body) => body(ctx, &refusal),
            Self::Known(RefusalBody::Text) => {
                let message = error.message().to_owned();
                return error.with_text(message);
            }
            Self::Known(RefusalBody::Slowapi) => {
                let limit = refusal.state.limit;
                json!({ "error": format!("Rate limit exceeded: {limit} per {}", in_words(quota.window)) })
            }
            Self::Known(RefusalBody::Express) => {
                let passes = Timestamp::new(refusal.state.resets);
                json!({ "error": "rate_limit_exceeded", "message": error.message(), "retryAfter": passes.as_str() })
            }
        };
        error.with_body(json)
    }
}

/// A time in its largest whole unit, as slowapi writes it: `15 minute`.
fn in_words(window: Duration) -> String {
    let seconds = window.as_secs().max(1);
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "second"));
    format!("{} {unit}", seconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_in_its_largest_whole_unit() {
        let words = [1, 60, 90, 900, 3600, 7200, 86_400].map(|seconds| in_words(Duration::from_secs(seconds)));
        assert_eq!(words, ["1 second", "1 minute", "90 second", "15 minute", "1 hour", "2 hour", "1 day"]);
        assert_eq!(in_words(Duration::from_millis(500)), "1 second");
    }
}
