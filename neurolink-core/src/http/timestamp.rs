use std::cell::Cell;
use std::time::Duration;

/// A time since the Unix epoch in ISO 8601, in UTC, with milliseconds: `2026-01-31T09:30:00.125Z`.
pub(crate) struct Timestamp([u8; LENGTH]);

const LENGTH: usize = 24;
/// Where the three digits of the milliseconds stand.
const MILLIS: usize = 20;

thread_local! {
    /// The calendar is asked once a second.
    static SECOND: Cell<(u64, [u8; LENGTH])> = const { Cell::new((0, *b"1970-01-01T00:00:00.000Z")) };
}

impl Timestamp {
    pub(crate) fn new(since_epoch: Duration) -> Self {
        let (mut second, mut text) = SECOND.get();
        if second != since_epoch.as_secs() {
            second = since_epoch.as_secs();
            text = calendar(second);
            SECOND.set((second, text));
        }
        let millis = since_epoch.subsec_millis();
        for (place, unit) in [100, 10, 1].into_iter().enumerate() {
            text[MILLIS + place] = b'0' + u8::try_from(millis / unit % 10).unwrap_or_default();
        }
        Self(text)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What is beyond the calendar is its last second.
fn calendar(second: u64) -> [u8; LENGTH] {
    let time = i64::try_from(second).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    let text = format!("{:.3}", time.unwrap_or(jiff::Timestamp::MAX));
    text.as_bytes().try_into().unwrap_or(*b"9999-12-31T23:59:59.000Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_calendar_says() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (999, "1970-01-01T00:00:00.999Z"),
            (1_700_000_000_005, "2023-11-14T22:13:20.005Z"),
            (1_709_164_799_120, "2024-02-28T23:59:59.120Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_700_000_000_042, "2023-11-14T22:13:20.042Z"),
        ] {
            assert_eq!(Timestamp::new(Duration::from_millis(millis)).as_str(), text);
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_text_all_the_same() {
        for seconds in [253_402_207_200, 253_402_300_800, u64::MAX] {
            let text = Timestamp::new(Duration::from_secs(seconds));
            assert!(text.as_str().starts_with("9999-12-3") && text.as_str().ends_with('Z'), "{}", text.as_str());
        }
    }
}
