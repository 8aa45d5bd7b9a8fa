//! Secrets: a key, or the key with `_file` behind it; never both, never empty, never shown.

use std::path::Path;

use neurolink_core::ConfigProblem;
use neurolink_core::middleware::{ApiKeyHash, check_secret};
use secrecy::SecretString;

use crate::bounded;
use crate::layers::{Entry, Value};
use crate::reader::{Section, with_origin};

/// What the configuration shows instead of a secret.
pub(crate) const HIDDEN: &str = "[hidden]";

/// What a secret of some kind must be.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The fewest bytes.
    pub(crate) least: usize,
    /// Whether it must be none that can be guessed, as far as that can be seen.
    random: bool,
    /// Whether its hash may stand for it.
    hash: bool,
    allows: fn(&str) -> bool,
    alphabet: &'static str,
}

/// A bearer token: what `Authorization: Bearer` can carry (RFC 6750, section 2.1).
pub(crate) const BEARER: Rules = Rules {
    least: 1,
    random: true,
    hash: false,
    allows: |text| {
        text.trim_end_matches('=')
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'))
    },
    alphabet: "write letters, digits and `-._~+/`, and `=` only at its end",
};

/// An API key: what a header can carry without doubt; or `sha256:` and its hash.
pub(crate) const API_KEY: Rules = Rules {
    least: 1,
    random: true,
    hash: true,
    allows: |text| text.bytes().all(|byte| byte.is_ascii_graphic()),
    alphabet: "write visible ASCII without blanks",
};

/// A secret of HS256 (RFC 7518, section 3.2); it is never sent.
pub(crate) const JWT: Rules = Rules { least: 32, random: false, hash: false, allows: |_| true, alphabet: "" };

/// The hash of a password; it is read when it is known to be one.
pub(crate) const PASSWORD_HASH: Rules = Rules { least: 1, random: false, hash: false, allows: |_| true, alphabet: "" };

/// An address with a password in it; whoever connects checks it.
pub(crate) const URL: Rules = Rules { least: 1, random: false, hash: false, allows: |_| true, alphabet: "" };

impl Rules {
    /// The same with other fewest bytes.
    pub(crate) const fn of_at_least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// Whether a secret is long enough, can be sent, and cannot be guessed.
    ///
    /// # Errors
    /// What is wrong with it, without the secret, and what to do.
    pub(crate) fn check(self, secret: &str) -> Result<(), String> {
        const FIX: &str = "as from `openssl rand -hex 32`";
        if self.hash && secret.starts_with("sha256:") {
            return secret.parse::<ApiKeyHash>().map(drop).map_err(|problem| format!("is no hash of a key: {problem}"));
        }
        if !self.random && secret.len() < self.least {
            return Err(format!("is too short; give at least {} random bytes, {FIX}", self.least));
        }
        if !(self.allows)(secret) {
            return Err(format!("has characters that no request can carry; {}, {FIX}", self.alphabet));
        }
        if self.random { check_secret(secret) } else { Ok(()) }
    }
}

/// No secret is longer.
pub(crate) const LONGEST: u64 = 64 * 1024;

impl Section<'_> {
    /// Reads a secret from `key`, or from the file that `file_key` names.
    pub(crate) fn secret(&mut self, key: &'static str, file_key: &'static str, rules: Rules) -> Option<SecretString> {
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
            (Some(given), None) => self.checked(key, &given, &given.value, rules),
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
                match bounded::read(Path::new(&path), LONGEST) {
                    Ok(content) => self.checked(file_key, &file, &Value::String(content), rules),
                    Err(problem) => {
                        self.wrong(file_key, &file, problem);
                        None
                    }
                }
            }
        }
    }

    fn checked(&self, key: &str, entry: &Entry, value: &Value, rules: Rules) -> Option<SecretString> {
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
        if let Err(problem) = rules.check(text) {
            return refuse(&format!("the secret {problem}"), text);
        }
        Some(SecretString::from(text))
    }
}
