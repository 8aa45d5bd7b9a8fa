//! Files of API keys: a line `key,user,role|role` each, or TOML with `keys`.

use std::path::Path;

use serde::Deserialize;

use crate::ApiKeyConfig;
use crate::secrets::{SHORTEST, read_file};

const TOO_SHORT: &str = "has a key that is too short; give at least 16 random bytes, as from `openssl rand -hex 32`";

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
}

/// The keys of a file; no message quotes it.
pub(crate) fn read(path: &Path) -> Result<Vec<ApiKeyConfig>, Vec<String>> {
    let content = read_file(path).map_err(|problem| vec![problem])?;
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let keys = if is_toml { from_toml(&content)? } else { from_lines(&content)? };
    if keys.is_empty() {
        return Err(vec!["the file has no key; write one `key,user,role|role` a line".into()]);
    }
    Ok(keys)
}

fn from_toml(content: &str) -> Result<Vec<ApiKeyConfig>, Vec<String>> {
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
        if key.key.trim().len() < SHORTEST {
            problems.push(format!("keys[{index}] of it {TOO_SHORT}"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let key = |key: TomlKey| ApiKeyConfig { roles: key.roles, ..ApiKeyConfig::new(key.key, key.user) };
    Ok(file.keys.into_iter().map(key).collect())
}

fn from_lines(content: &str) -> Result<Vec<ApiKeyConfig>, Vec<String>> {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in content.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        if parts.len() > 1 && parts[0].len() < SHORTEST {
            problems.push(format!("line {} of it {TOO_SHORT}", number + 1));
            continue;
        }
        match *parts.as_slice() {
            [key, user] if !key.is_empty() && !user.is_empty() => {
                keys.push(ApiKeyConfig::new(key, user));
            }
            [key, user, roles] if !key.is_empty() && !user.is_empty() => {
                let roles = roles.split('|').map(str::trim).filter(|role| !role.is_empty());
                keys.push(ApiKeyConfig { roles: roles.map(Into::into).collect(), ..ApiKeyConfig::new(key, user) });
            }
            _ => problems.push(format!("line {} of it is no `key,user` or `key,user,role|role`", number + 1)),
        }
    }
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}
