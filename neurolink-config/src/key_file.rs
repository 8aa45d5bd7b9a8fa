//! Files of API keys: a line `key,user,role|role` each, or TOML with `keys`.

use std::num::NonZeroU32;
use std::path::Path;

use serde::Deserialize;

use crate::ApiKeyConfig;
use crate::bounded;
use crate::secrets::{API_KEY, LONGEST};
use crate::sections::time;

/// A key, and where in its file it stands.
pub(crate) type Placed = (String, ApiKeyConfig);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlFile {
    keys: Vec<TomlKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlKey {
    key: String,
    user: String,
    #[serde(default)]
    roles: Vec<String>,
    id: Option<String>,
    expires: Option<String>,
    rate_limit: Option<NonZeroU32>,
}

/// The keys of a file; no message quotes it.
pub(crate) fn read(path: &Path) -> Result<Vec<Placed>, Vec<String>> {
    let content = bounded::read(path, LONGEST).map_err(|problem| vec![problem])?;
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let keys = if is_toml { from_toml(&content)? } else { from_lines(&content)? };
    if keys.is_empty() {
        return Err(vec!["the file has no key; write one `key,user,role|role` a line".into()]);
    }
    Ok(keys)
}

fn from_toml(content: &str) -> Result<Vec<Placed>, Vec<String>> {
    let file: TomlFile = toml::from_str(content).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            1 + content.as_bytes()[..span.start].iter().filter(|byte| **byte == b'\n').count()
        });
        vec![format!(
            "line {line} of it is not as it should be; write `keys = [{{ key = \"..\", user = \"..\", roles = [\"..\"] }}]`"
        )]
    })?;
    let mut problems = Vec::new();
    for (index, key) in file.keys.iter().enumerate() {
        if key.user.trim().is_empty() {
            problems.push(format!("keys[{index}] of it has no user; name one"));
        }
        if let Err(problem) = API_KEY.check(&key.key) {
            problems.push(format!("the key of keys[{index}] of it {problem}"));
        }
        if key.expires.as_ref().is_some_and(|expires| time(expires).is_err()) {
            problems
                .push(format!("the end of keys[{index}] of it is no time; write for example `2030-01-31T00:00:00Z`"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let key = |key: TomlKey| ApiKeyConfig {
        roles: key.roles,
        id: key.id,
        expires: key.expires.and_then(|expires| time(&expires).ok()),
        rate_limit: key.rate_limit.map(NonZeroU32::get),
        ..ApiKeyConfig::new(key.key, key.user)
    };
    Ok(file.keys.into_iter().enumerate().map(|(index, own)| (format!("keys[{index}]"), key(own))).collect())
}

fn from_lines(content: &str) -> Result<Vec<Placed>, Vec<String>> {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in content.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        let place = format!("line {}", number + 1);
        if parts.len() > 1
            && let Err(problem) = API_KEY.check(parts[0])
        {
            problems.push(format!("the key of {place} of it {problem}"));
            continue;
        }
        match *parts.as_slice() {
            [key, user] if !key.is_empty() && !user.is_empty() => {
                keys.push((place, ApiKeyConfig::new(key, user)));
            }
            [key, user, roles] if !key.is_empty() && !user.is_empty() => {
                let roles = roles.split('|').map(str::trim).filter(|role| !role.is_empty());
                let roles = roles.map(Into::into).collect();
                keys.push((place, ApiKeyConfig { roles, ..ApiKeyConfig::new(key, user) }));
            }
            _ => problems.push(format!("{place} of it is no `key,user` or `key,user,role|role`")),
        }
    }
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}
