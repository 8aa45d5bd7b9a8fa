//! Durations, sizes and rates as people write them: `30s`, `1mb`, `100/60s`.

use std::fmt;
use std::num::IntErrorKind;
use std::time::Duration;

const DURATIONS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZES: [(&str, u64); 3] = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)];

pub(crate) const DURATION_HELP: &str = "write a whole number and a unit: `300ms`, `30s`, `5m`, `1h` or `1d`";
pub(crate) const SIZE_HELP: &str = "write bytes, or a whole number and a unit: `512`, `64kb`, `1mb` or `1gb`";
const RATE_HELP: &str = "write requests and their time, such as `100/60s` or `1000/1h`";

/// Reads `300ms`, `30s`, `5m`, `1h` or `1d`; a number without a unit is refused.
///
/// ```
/// use std::time::Duration;
/// use neurolink_config::units::parse_duration;
///
/// assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
/// assert!(parse_duration("30").is_err());
/// ```
///
/// # Errors
/// What would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or(DURATION_HELP)?;
    if unit.is_empty() {
        return Err(format!("say the unit: `{number}s` or `{number}ms`"));
    }
    let factor = match unit.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "s" | "sec" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DURATION_HELP.into()),
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    // A time that no clock reaches would overflow where it is added to one.
    match milliseconds {
        Some(milliseconds) if milliseconds <= 3650 * 86_400_000 => Ok(Duration::from_millis(milliseconds)),
        _ => Err("it is too long; give at most `3650d`".into()),
    }
}

/// Writes a duration so that [`parse_duration`] reads it; parts of a millisecond are lost.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".into();
    }
    let exact = DURATIONS.iter().find(|(_, factor)| milliseconds.is_multiple_of(*factor));
    let (unit, factor) = exact.copied().unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / factor)
}

/// Reads bytes, or `64kb`, `1mb`, `10 mb`, `1gb`; a kilobyte has 1024 bytes.
///
/// ```
/// use neurolink_config::units::parse_size;
///
/// assert_eq!(parse_size("1kb"), Ok(1024));
/// assert_eq!(parse_size("10 MB"), Ok(10 * 1024 * 1024));
/// ```
///
/// # Errors
/// What would be right.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text).ok_or(SIZE_HELP)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(SIZE_HELP.into()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| u64::try_from(*bytes).is_ok_and(|bytes| bytes <= 1 << 50))
        .ok_or_else(|| "it is larger than any memory; give at most `1048576gb`".into())
}

/// Writes a size so that [`parse_size`] reads it.
#[must_use]
pub fn format_size(bytes: usize) -> String {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    match SIZES.iter().find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// So many in so long, such as `100/60s`.
///
/// ```
/// use neurolink_config::Rate;
///
/// let rate: Rate = "100/60s".parse().expect("a rate");
/// assert_eq!((rate.limit, rate.window.as_secs()), (100, 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub limit: u32,
    /// In how long.
    pub window: Duration,
}

impl Rate {
    /// So many in so long.
    #[must_use]
    pub const fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, format_duration(self.window))
    }
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (limit, window) = text.split_once('/').ok_or(RATE_HELP)?;
        let limit = limit.trim().parse::<u32>().map_err(|error| match error.kind() {
            IntErrorKind::PosOverflow => format!("it is more than can be counted; give at most `{}/..`", u32::MAX),
            _ => RATE_HELP.into(),
        })?;
        let window = parse_duration(window.trim()).map_err(|problem| format!("{RATE_HELP}; the time: {problem}"))?;
        if limit == 0 {
            return Err("a limit of 0 refuses everything; give at least 1, or `off`".into());
        }
        if window < Duration::from_secs(1) {
            return Err("the time is too short; give at least `1s`".into());
        }
        Ok(Self { limit, window })
    }
}

/// The digits in front and the unit behind them.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then(|| (number, unit.trim_start()))
}
