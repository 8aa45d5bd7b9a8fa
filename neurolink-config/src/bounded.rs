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
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err("it is a folder; name a file".into());
    }
    if !metadata.is_file() {
        return Err("it is no regular file; pipes and devices are not read, so write it to a file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    // Files such as those of /proc say that they are empty: what is read decides.
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > largest {
        return Err(format!("it has more than the {largest} bytes that are read; check the path"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".into())
}

fn unreadable(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file; check the path".into(),
        ErrorKind::PermissionDenied => "the file may not be read; give this user the permission".into(),
        _ => format!("the file cannot be read: {error}"),
    }
}
