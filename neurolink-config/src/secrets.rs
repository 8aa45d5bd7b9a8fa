//! Secrets: a key, or the key with `_file` behind it; never both, never empty, never shown.

use std::path::Path;

use neurolink_core::ConfigProblem;
use secrecy::SecretString;

use crate::layers::{Entry, Value};
use crate::reader::{Section, with_origin};

/// What the configuration shows instead of a secret.
pub(crate) const HIDDEN: &str = "[hidden]";

/// The shortest bearer token and API key, in bytes.
pub(crate) const SHORTEST: usize = 16;

/// The shortest secret of HS256, in bytes (RFC 7518, section 3.2).
pub(crate) const SHORTEST_JWT: usize = 32;

/// No secret is longer.
const LONGEST: u64 = 64 * 1024;

impl Section<'_> {
    /// Reads a secret of at least `least` bytes from `key`, or from the file that `file_key` names.
    pub(crate) fn secret(&mut self, key: &'static str, file_key: &'static str, least: usize) -> Option<SecretString> {
        let given = self.take(key);
        let file = self.take(file_key);
        match (given, file) {
            (None, None) => None,
            (Some(given), Some(file)) => {
                let problem =
                    format!("`{}` is given as well, by {}; give one of the two", self.key(file_key), file.origin);
                let found = ConfigProblem::new(self.key(key), problem);
                self.found().problem(with_origin(found, &given.origin));
                None
            }
            (Some(given), None) => self.checked(key, &given, &given.value, least),
            (None, Some(file)) => {
                let path = match &file.value {
                    Value::String(path) | Value::Text(path) if !path.trim().is_empty() => path.trim().to_owned(),
                    other => {
                        let problem = format!(
                            "it is {}; write the path of a file",
                            match other {
                                Value::String(_) | Value::Text(_) => "empty",
                                other => other.kind(),
                            }
                        );
                        self.wrong(file_key, &file, problem);
                        return None;
                    }
                };
                match read_file(Path::new(&path)) {
                    Ok(content) => self.checked(file_key, &file, &Value::String(content), least),
                    Err(problem) => {
                        self.wrong(file_key, &file, problem);
                        None
                    }
                }
            }
        }
    }

    fn checked(&self, key: &str, entry: &Entry, value: &Value, least: usize) -> Option<SecretString> {
        let refuse = |problem: &str, secret: &str| {
            let found = ConfigProblem::new(self.key(key), problem).with_secret(secret);
            self.found().problem(with_origin(found, &entry.origin));
            None
        };
        let text = match value {
            Value::String(text) | Value::Text(text) => text.trim_end_matches(['\r', '\n']),
            other => {
                let problem = format!("it is {}; write the secret as text in quotes", other.kind());
                let found = ConfigProblem::new(self.key(key), problem);
                self.found().problem(with_origin(found, &entry.origin));
                return None;
            }
        };
        if text.trim().is_empty() {
            return refuse("the secret is empty; give one, or leave it out and say nothing", text);
        }
        if text == HIDDEN {
            return refuse("this is what `neurolink config` shows instead of a secret; give the secret itself", text);
        }
        if text.trim() != text || text.contains(['\n', '\r']) {
            return refuse("the secret has blanks at its ends or several lines; remove them", text);
        }
        if text.len() < least {
            let problem =
                format!("the secret is too short; give at least {least} random bytes, as from `openssl rand -hex 32`");
            return refuse(&problem, text);
        }
        Some(SecretString::from(text))
    }
}

/// The text of a small file.
pub(crate) fn read_file(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > LONGEST {
        return Err(format!("the file has {size} bytes, at most {LONGEST} are read; name the file of the secret"));
    }
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".into()),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Why a file cannot be read, and what to do.
pub(crate) fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; check the path".into(),
        std::io::ErrorKind::PermissionDenied => "the file may not be read; give this user the permission".into(),
        _ => format!("the file cannot be read: {error}"),
    }
}
