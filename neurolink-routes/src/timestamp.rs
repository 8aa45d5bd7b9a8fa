use std::time::Duration;

/// A time since the Unix epoch as ISO 8601 with milliseconds, in UTC.
pub(crate) fn iso(since_epoch: Duration) -> String {
    let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_written() {
        assert_eq!(iso(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(Duration::from_millis(1_700_000_000_005)), "2023-11-14T22:13:20.005Z");
    }
}
