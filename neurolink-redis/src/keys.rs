//! What keys in Redis are called.

use std::fmt::Write as _;

use neurolink_core::middleware::limit_store::{Algorithm, LimitKey, Quota};
use sha2::{Digest as _, Sha256};

use crate::call::millis;
use crate::scripts::Name;

/// The longest user that is part of a key of Keryx's; a longer one is hashed.
const LONGEST_CALLER: usize = 128;

/// How keys are made.
pub(crate) struct Keys {
    pub(crate) prefix: String,
    /// As Keryx does, so that its servers share them.
    pub(crate) keryx: bool,
}

impl Keys {
    /// The script that counts so; `None` for an algorithm that there is none for.
    pub(crate) fn script(&self, quota: &Quota) -> Option<Name> {
        match self.keryx {
            true => (quota.algorithm == Algorithm::StrictCounter).then_some(Name::Keryx),
            false => Name::of(quota),
        }
    }

    pub(crate) fn of(&self, key: &LimitKey, script: Name) -> Vec<u8> {
        if self.keryx { keryx(&self.prefix, key) } else { hashed(&self.prefix, key, script) }
    }

    /// A key that nobody has, and what counts it.
    pub(crate) fn probe(&self) -> (Name, Vec<u8>) {
        let prefix = &self.prefix;
        match self.keryx {
            true => (Name::Keryx, format!("{prefix}:probe").into_bytes()),
            false => (Name::FixedWindow, format!("{{{prefix}:probe}}").into_bytes()),
        }
    }
}

/// `{prefix:rule:hash}`, all of it a hash tag.
///
/// The hash is that of the identity, which a client may have chosen, and of what the state means: a rule with
/// another algorithm or window begins anew. Braces of a rule's name would end the tag early, so they are escaped.
fn hashed(prefix: &str, key: &LimitKey, script: Name) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update([script as u8]);
    hash.update(millis(key.quota().window).to_be_bytes());
    hash.update(key.identity());
    let rule = escaped(key.rule());
    format!("{{{prefix}:{rule}:{}}}", short(hash)).into_bytes()
}

/// `prefix:caller`, and `prefix:rule:caller` for a rule that has a name of its own; the script adds the window.
fn keryx(prefix: &str, key: &LimitKey) -> Vec<u8> {
    // A tier has no count of its own there.
    let rule = key.rule().split_once('@').map_or(key.rule(), |(rule, _)| rule);
    let caller = key.caller().filter(|caller| caller.len() <= LONGEST_CALLER);
    let caller = caller.unwrap_or_else(|| format!("key:{}", short(Sha256::new_with_prefix(key.identity()))));
    match rule {
        "rate-limit" => format!("{prefix}:{caller}"),
        rule => format!("{prefix}:{rule}:{caller}"),
    }
    .into_bytes()
}

/// 128 bits in hexadecimal.
fn short(hash: Sha256) -> String {
    hash.finalize()[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text that ends no hash tag.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_of_rules_stay_apart_and_keep_out_of_the_hash_tag() {
        let names = ["a{", "a}", "a|", "a%7B", "GET /x/{id}"];
        let keys = names.map(escaped);
        assert_eq!(keys, ["a%7B", "a%7D", "a|", "a%257B", "GET /x/%7Bid%7D"]);
    }
}
