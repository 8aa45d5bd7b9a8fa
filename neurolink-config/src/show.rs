//! How a configuration is shown: as it would be written in a file, without its secrets.

use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serializer;

use crate::secrets::HIDDEN;
use crate::units::{self, Rate};

pub(crate) fn duration<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&units::format_duration(*value))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn size<S: Serializer>(value: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&units::format_size(*value))
}

pub(crate) fn optional_size<S: Serializer>(value: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.map_or_else(|| "off".to_owned(), units::format_size))
}

pub(crate) fn rate<S: Serializer>(value: &Option<Rate>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(rate) => serializer.collect_str(rate),
        None => serializer.serialize_str("off"),
    }
}

pub(crate) fn count<S: Serializer>(value: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(number) => serializer.serialize_u32(*number),
        None => serializer.serialize_str("off"),
    }
}

pub(crate) fn secret<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(HIDDEN)
}

pub(crate) fn optional_secret<S: Serializer>(value: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(_) => serializer.serialize_some(HIDDEN),
        None => serializer.serialize_none(),
    }
}

/// A time since the Unix epoch (RFC 3339).
pub(crate) fn optional_time<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = value.and_then(|time| Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok());
    match time {
        Some(time) => serializer.collect_str(&time),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn mode<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:03o}"))
}

pub(crate) fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn texts<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
