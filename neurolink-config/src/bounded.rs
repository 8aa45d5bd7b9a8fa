//! Reading files that somebody named: regular ones only, and never more than fits.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

/// The text of a regular file of at most `largest` bytes; links are followed.
///
/// A pipe could block for ever, and a device never end: neither is read.
///
/// # Errors
/// What is wrong, and what to do.
pub(crate) fn read(path: &Path, largest: u64) -> Result<String, String> {
    is_regular(path)?;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    // Files such as those of /proc say that they are empty: what is read decides.
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > largest {
        return Err(too_long(largest));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".into())
}

/// Whether it could be read, for files that only the server itself may open.
///
/// # Errors
/// What is wrong, and what to do.
pub(crate) fn is_there(path: &Path, largest: u64) -> Result<(), String> {
    if is_regular(path)? > largest { Err(too_long(largest)) } else { Ok(()) }
}

/// The length of a regular file as its folder says.
fn is_regular(path: &Path) -> Result<u64, String> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err("it is a folder; name a file".into());
    }
    if !metadata.is_file() {
        return Err("it is no regular file; pipes and devices are not read, so write it to a file".into());
    }
    Ok(metadata.len())
}

fn too_long(largest: u64) -> String {
    format!("it has more than the {largest} bytes that are read; check the path")
}

fn unreadable(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file; check the path".into(),
        ErrorKind::PermissionDenied => "the file may not be read; give this user the permission".into(),
        _ => format!("the file cannot be read: {error}"),
    }
}
