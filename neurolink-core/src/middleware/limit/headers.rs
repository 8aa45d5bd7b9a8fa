//! Where a request stands, in the dialects that clients read.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::RateLimitState;
use crate::http::number;

const LEGACY_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const LEGACY_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const LEGACY_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A dialect in which a [`RateLimit`](super::RateLimit) tells where a request stands.
///
/// The drafts are those of `draft-ietf-httpapi-ratelimit-headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, which is in seconds since the epoch.
    Legacy,
    /// `RateLimit-Limit`, `-Remaining`, `-Reset` in seconds from now, and `RateLimit-Policy: 100;w=60`.
    Draft6,
    /// `RateLimit: limit=100, remaining=99, reset=60`, and `RateLimit-Policy: 100;w=60`.
    Draft7,
    /// Structured lists of every limit by its name: `RateLimit: "rate-limit";r=99;t=60`, and
    /// `RateLimit-Policy: "rate-limit";q=100;w=60`.
    Draft10,
}

/// A set of dialects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialects(u8);

impl Dialects {
    pub(super) const LEGACY: Self = Self(1 << RateLimitHeaders::Legacy as u8);

    pub(super) fn of(dialects: impl IntoIterator<Item = RateLimitHeaders>) -> Self {
        Self(dialects.into_iter().fold(0, |all, dialect| all | 1 << dialect as u8))
    }

    pub(super) const fn has(self, dialect: RateLimitHeaders) -> bool {
        self.0 & 1 << dialect as u8 != 0
    }

    /// There is a dialect that shows each limit by itself.
    pub(super) const fn has_draft(self) -> bool {
        self.0 & !Self::LEGACY.0 != 0
    }

    /// Two of the dialects give `RateLimit` a meaning each.
    pub(super) const fn is_ambiguous(self) -> bool {
        self.has(RateLimitHeaders::Draft7) && self.has(RateLimitHeaders::Draft10)
    }
}

/// One limit, as the drafts show it.
pub(super) struct Shown {
    pub(super) dialects: Dialects,
    /// For dialects that have names.
    pub(super) name: Option<Arc<str>>,
    pub(super) window: Duration,
    pub(super) state: RateLimitState,
}

pub(super) fn write_legacy(state: &RateLimitState, headers: &mut HeaderMap) {
    headers.insert(LEGACY_LIMIT, number(state.limit));
    headers.insert(LEGACY_REMAINING, number(state.remaining));
    headers.insert(LEGACY_RESET, number(whole_seconds(state.resets)));
}

/// Writes the drafts; where two have one name, the newest has it.
pub(super) fn write_drafts(shown: &[Shown], now: Duration, headers: &mut HeaderMap) {
    let of = |dialect| shown.iter().filter(move |shown| shown.dialects.has(dialect));
    let wait = |state: &RateLimitState| whole_seconds(state.resets.saturating_sub(now));
    // What is left of the tightest; of those that have nothing left, the longest wait.
    let tightest = |dialect| {
        let states = of(dialect).map(|shown| shown.state);
        states.min_by_key(|state| (state.remaining, Reverse(state.resets)))
    };
    if let Some(state) = tightest(RateLimitHeaders::Draft6) {
        headers.insert(LIMIT, number(state.limit));
        headers.insert(REMAINING, number(state.remaining));
        headers.insert(RESET, number(wait(&state)));
    }
    if let Some(state) = tightest(RateLimitHeaders::Draft7) {
        let RateLimitState { limit, remaining, .. } = state;
        set(headers, RATE_LIMIT, &format!("limit={limit}, remaining={remaining}, reset={}", wait(&state)));
    }
    let unnamed =
        |shown: &&Shown| shown.dialects.has(RateLimitHeaders::Draft6) || shown.dialects.has(RateLimitHeaders::Draft7);
    let policies = list(shown.iter().filter(unnamed), |text, shown| {
        _ = write!(text, "{};w={}", shown.state.limit, whole_seconds(shown.window));
    });
    set(headers, POLICY, &policies);
    let named = |write: fn(&mut String, &Shown, u64)| {
        list(of(RateLimitHeaders::Draft10), |text, shown| {
            quote(text, shown.name.as_deref().unwrap_or("default"));
            write(text, shown, wait(&shown.state));
        })
    };
    set(
        headers,
        POLICY,
        &named(|text, shown, _| {
            _ = write!(text, ";q={};w={}", shown.state.limit, whole_seconds(shown.window));
        }),
    );
    set(
        headers,
        RATE_LIMIT,
        &named(|text, shown, wait| {
            _ = write!(text, ";r={};t={wait}", shown.state.remaining);
        }),
    );
}

fn list<'a>(shown: impl Iterator<Item = &'a Shown>, write: impl Fn(&mut String, &Shown)) -> String {
    let mut text = String::new();
    for shown in shown {
        if !text.is_empty() {
            text.push_str(", ");
        }
        write(&mut text, shown);
    }
    text
}

/// Sets a header, unless there is nothing to say.
fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if !text.is_empty()
        && let Ok(value) = HeaderValue::from_str(text)
    {
        headers.insert(name, value);
    }
}

/// Writes a string of RFC 9651; it has only visible ASCII and blanks, so anything else becomes `?`.
fn quote(text: &mut String, name: &str) {
    text.push('"');
    for char in name.chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            ' '..='~' => text.push(char),
            _ => text.push('?'),
        }
    }
    text.push('"');
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::RateLimitHeaders::{Draft6, Draft7, Draft10, Legacy};
    use super::*;

    const NOW: Duration = Duration::from_secs(1_706_745_600);

    fn shown(dialects: &[RateLimitHeaders], name: &str, limit: u32, remaining: u32, reset: u64) -> Shown {
        let state = RateLimitState { limit, remaining, resets: NOW + Duration::from_millis(reset) };
        Shown {
            dialects: Dialects::of(dialects.iter().copied()),
            name: Some(name.into()),
            window: Duration::from_secs(900),
            state,
        }
    }

    fn written(all: &[Shown]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        write_drafts(all, NOW, &mut headers);
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        let mut written: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        written.sort();
        written
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    // Shows S1-07, S1-09, S3-18.
    #[test]
    fn draft_6_shows_the_tightest_and_all_policies() {
        let all = [shown(&[Draft6, Legacy], "a", 100, 95, 896_001), shown(&[Draft6], "b", 5, 0, 60_000)];
        assert_eq!(
            written(&all),
            pairs(&[
                ("ratelimit-limit", "5"),
                ("ratelimit-policy", "100;w=900, 5;w=900"),
                ("ratelimit-remaining", "0"),
                ("ratelimit-reset", "60"),
            ])
        );
        assert_eq!(written(&all[..1])[3], ("ratelimit-reset".into(), "897".into()), "seconds are rounded up");
    }

    #[test]
    fn draft_7_has_one_header_for_the_state() {
        assert_eq!(
            written(&[shown(&[Draft7], "a", 2, 1, 60_000)]),
            pairs(&[("ratelimit", "limit=2, remaining=1, reset=60"), ("ratelimit-policy", "2;w=900")])
        );
    }

    #[test]
    fn draft_10_lists_every_limit_by_its_name() {
        let all = [shown(&[Draft10], "default", 100, 50, 30_000), shown(&[Draft10], "a \"b\" \\ ü", 5, 0, 1)];
        assert_eq!(
            written(&all),
            pairs(&[
                ("ratelimit", r#""default";r=50;t=30, "a \"b\" \\ ?";r=0;t=1"#),
                ("ratelimit-policy", r#""default";q=100;w=900, "a \"b\" \\ ?";q=5;w=900"#),
            ])
        );
    }

    #[test]
    fn limits_of_one_request_may_speak_different_dialects() {
        let all = [shown(&[Draft6], "a", 100, 7, 1000), shown(&[Draft10], "b", 5, 4, 2000)];
        assert_eq!(
            written(&all),
            pairs(&[
                ("ratelimit", r#""b";r=4;t=2"#),
                ("ratelimit-limit", "100"),
                ("ratelimit-policy", r#""b";q=5;w=900"#),
                ("ratelimit-remaining", "7"),
                ("ratelimit-reset", "1"),
            ])
        );
        assert_eq!(written(&[shown(&[Legacy], "a", 1, 1, 1)]), []);
    }

    #[test]
    fn of_several_that_have_nothing_left_the_longest_wait_is_shown() {
        let all = [shown(&[Draft6], "a", 1, 0, 1000), shown(&[Draft6], "b", 2, 0, 9000)];
        assert_eq!(written(&all)[3].1, "9");
    }
}
