//! The names of keys: other spellings, and what an unknown one may have meant.

use std::sync::Arc;

use neurolink_core::ConfigProblem;

use crate::layers::{Table, Value};

/// The sections, and the two keys that stand outside of them.
pub(crate) const SECTIONS: [&str; 16] = [
    "preset",
    "production",
    "server",
    "auth",
    "cors",
    "rate_limit",
    "concurrency",
    "body",
    "timeout",
    "headers",
    "cross_site",
    "proxies",
    "request_id",
    "errors",
    "stream",
    "log",
];

/// Other spellings of keys: section, spelling, key. The original's names are among them.
const ALIASES: [(&str, &str, &[&str]); 16] = [
    ("auth", "skip_paths", &["public"]),
    ("auth", "skipPaths", &["public"]),
    ("auth", "exclude_paths", &["public"]),
    ("auth", "excludePaths", &["public"]),
    ("auth", "jwt_secret", &["jwt", "secret"]),
    ("auth", "jwt_secret_file", &["jwt", "secret_file"]),
    ("auth", "jwt_issuer", &["jwt", "issuer"]),
    ("auth", "jwt_audience", &["jwt", "audience"]),
    ("auth", "api_keys_file", &["api_keys", "file"]),
    ("auth", "api_keys_header", &["api_keys", "header"]),
    ("rate_limit", "skip_paths", &["except"]),
    ("rate_limit", "skipPaths", &["except"]),
    ("rate_limit", "exclude_paths", &["except"]),
    ("rate_limit", "excludePaths", &["except"]),
    ("server", "basePath", &["base_path"]),
    ("cors", "maxAge", &["max_age"]),
];

/// Keys of the original, and of habit, that are something else here.
const RENAMED: [(&str, &str); 23] = [
    ("enabled", "write `limit = \"off\"`, `origins = \"off\"` or `failure_limit = \"off\"` to turn something off"),
    ("maxRequests", "write `limit = \"100/60s\"`"),
    ("max_requests", "write `limit = \"100/60s\"`"),
    ("windowMs", "write `limit = \"100/60s\"`"),
    ("window_ms", "write `limit = \"100/60s\"`"),
    ("window", "write `limit = \"100/60s\"`"),
    ("keyGenerator", "write `key = \"address\"` or `key = \"user\"`"),
    ("maxSize", "write `limit = \"1mb\"`"),
    ("max_size", "write `limit = \"1mb\"`"),
    ("jsonLimit", "write `limit = \"1mb\"`"),
    ("bodyParser", "the section is `body`"),
    ("body_parser", "the section is `body`"),
    ("body_limit", "write `limit` in the section `body`"),
    ("rateLimit", "the section is `rate_limit`"),
    ("logging", "the section is `log`"),
    ("security", "the sections are `headers` and `cross_site`"),
    ("shutdown", "write `grace` and `drain_delay` in the section `server`"),
    ("gracefulShutdownTimeoutMs", "write `grace = \"25s\"` in the section `server`"),
    ("drainTimeoutMs", "write `drain_delay = \"5s\"` in the section `server`"),
    ("trust_proxy", "write `trusted = [\"10.0.0.0/8\"]` in the section `proxies`"),
    ("trustProxy", "write `trusted = [\"10.0.0.0/8\"]` in the section `proxies`"),
    ("csp", "write `content_security_policy`"),
    ("bearer", "write `tokens` or `jwt` in the section `auth`"),
];

/// Puts every other spelling under its key; two spellings of one key in one layer are a problem.
pub(crate) fn canonical(layer: &mut Table, problems: &mut Vec<ConfigProblem>) {
    for (section, spelling, path) in ALIASES {
        let Some(entry) = layer.get_mut(section) else { continue };
        let Value::Table(table) = &mut entry.value else { continue };
        let Some(given) = table.remove(spelling) else { continue };
        let origin = Arc::clone(&given.origin);
        if let Err(other) = crate::layers::insert(table, path, given) {
            problems.push(
                ConfigProblem::new(
                    format!("{section}.{spelling}"),
                    format!("`{section}.{}` is given already by {other}; remove one", path.join(".")),
                )
                .with_origin(&*origin),
            );
        }
    }
}

/// What to do about a key that nobody knows.
pub(crate) fn advice(key: &str, known: &[&str]) -> String {
    if let Some((_, advice)) = RENAMED.iter().find(|(name, _)| *name == key) {
        return format!("there is no such key; {advice}");
    }
    let plain = |name: &str| name.replace(['_', '-', '.'], "").to_lowercase();
    let wanted = plain(key);
    let close = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&plain(name), &wanted), *name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).clamp(1, 3));
    match close {
        Some((_, name)) => format!("there is no such key; did you mean `{name}`?"),
        None => format!("there is no such key; there are {}", one_of(known)),
    }
}

/// What to do about `section_key`, which stands outside of its section.
pub(crate) fn with_section(key: &str) -> Option<String> {
    let meant = meant_by(key)?;
    let variable = crate::environment::variable(&meant);
    Some(format!("there is no such key; did you mean `{meant}`, as a variable {variable}?"))
}

/// The key `section.key` that `section_key` may stand for; a key outside of the sections is itself.
pub(crate) fn meant_by(name: &str) -> Option<String> {
    if ["preset", "production"].contains(&name) {
        return Some(name.to_owned());
    }
    SECTIONS.iter().find_map(|section| {
        let key = name.strip_prefix(section)?.strip_prefix('_')?.trim_start_matches('_');
        (!key.is_empty()).then(|| format!("{section}.{key}"))
    })
}

/// `a, b and c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
