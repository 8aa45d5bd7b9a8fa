//! Durations, sizes and rates: what is read, what is refused, and that writing is the inverse of reading.

use std::time::Duration;

use neurolink_config::Rate;
use neurolink_config::units::{format_duration, format_size, parse_duration, parse_size};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_written_duration_is_read_again(milliseconds in 0u64..3650 * 86_400_000) {
        let duration = Duration::from_millis(milliseconds);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn a_written_size_is_read_again(bytes in 0usize..1 << 50) {
        prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
    }

    #[test]
    fn a_written_rate_is_read_again(limit in 1u32.., seconds in 1u64..100_000_000) {
        let rate = Rate::new(limit, Duration::from_secs(seconds));
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = (parse_duration(&text), parse_size(&text), text.parse::<Rate>());
    }

    #[test]
    fn digits_and_units_do_not_panic(text in "[0-9]{0,30} ?[a-zA-Z/]{0,3}[0-9]{0,25}[a-z]{0,2}") {
        let _ = (parse_duration(&text), parse_size(&text), text.parse::<Rate>());
    }
}

#[test]
fn durations_have_units() {
    let good =
        [("300ms", 300), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), (" 2 s ", 2000)];
    for (text, milliseconds) in good {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
    }
    for text in ["30", "", "s", "1.5s", "-1s", "1w", "99999999999999999999s", "5 5s", "٣s"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    assert_eq!(parse_duration("30").unwrap_err(), "say the unit: `30s` or `30ms`");
}

#[test]
fn a_kilobyte_has_1024_bytes() {
    for (text, bytes) in
        [("1kb", 1024), ("1MB", 1 << 20), ("10 mb", 10 << 20), ("1gb", 1 << 30), ("512", 512), ("7b", 7)]
    {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for text in ["", "mb", "1.5mb", "-1", "1tb", "18446744073709551616", "99999999999gb"] {
        assert!(parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn a_rate_is_a_number_and_a_time() {
    assert_eq!("5/15m".parse(), Ok(Rate::new(5, Duration::from_secs(900))));
    for text in ["5", "0/60s", "5/60", "5/0s", "5/500ms", "-5/60s", "5/", "/60s", "4294967296/60s"] {
        assert!(text.parse::<Rate>().is_err(), "{text}");
    }
}
