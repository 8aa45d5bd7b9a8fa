//! What is asked of Redis, and how its answers read.

use std::time::Duration;

use neurolink_core::BoxError;
use neurolink_core::middleware::limit_store::{Change, Charge, LimitKey, Taken};
use redis::Cmd;
use sha2::{Digest as _, Sha256};

use crate::scripts::{Name, Scripts};

/// One call of a script: one key, so that any cluster can serve it.
pub(crate) struct Call {
    script: Name,
    key: Vec<u8>,
    what: &'static str,
    limit: u64,
    window: u64,
    full: u64,
    charge: (u64, u32),
}

impl Call {
    /// Takes one.
    pub(crate) fn take(prefix: &str, key: &LimitKey) -> Result<Self, BoxError> {
        let quota = key.quota();
        let script = Name::of(quota).ok_or("there is no script for this algorithm")?;
        let times = |limit: u32| u64::from(limit.saturating_mul(key.share()));
        let window = millis(quota.window).max(1);
        Ok(Self {
            script,
            key: redis_key(prefix, key, script),
            what: "take",
            limit: times(quota.limit),
            window,
            full: times(quota.most()).saturating_mul(window),
            charge: (0, 0),
        })
    }

    /// Changes what was taken.
    pub(crate) fn settle(prefix: &str, key: &LimitKey, charge: Charge, change: Change) -> Result<Self, BoxError> {
        let (what, charge) = match change {
            Change::GiveBack => ("give_back", (charge.at, charge.part)),
            Change::ChargeMore(more) => ("charge_more", (more.into(), 0)),
        };
        Ok(Self { what, charge, ..Self::take(prefix, key)? })
    }

    /// Takes one of a key that nobody has.
    pub(crate) fn probe(prefix: &str) -> Self {
        let key = format!("{{{prefix}:probe}}").into_bytes();
        Self { script: Name::FixedWindow, key, what: "take", limit: 1, window: 1, full: 1, charge: (0, 0) }
    }

    /// As a command; without a time, by the clock of Redis.
    pub(crate) fn command(&self, scripts: &Scripts, now: Option<Duration>) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(scripts.digest(self.script)).arg(1).arg(&self.key).arg(self.what);
        match now {
            Some(now) => command.arg(millis(now)),
            None => command.arg(""),
        };
        command.arg(self.limit).arg(self.window).arg(self.full).arg(self.charge.0).arg(self.charge.1);
        command
    }
}

/// `{prefix:rule:hash}`, all of it a hash tag.
///
/// The hash is that of the identity, which a client may have chosen, and of what the state means: a rule with
/// another algorithm or window begins anew. Braces of a rule's name would end the tag early, so they are escaped.
fn redis_key(prefix: &str, key: &LimitKey, script: Name) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update([script as u8]);
    hash.update(millis(key.quota().window).to_be_bytes());
    hash.update(key.identity());
    let hash = hash.finalize();
    let mut name = format!("{{{prefix}:{}:", escaped(key.rule()));
    for byte in &hash[..16] {
        name.push_str(&format!("{byte:02x}"));
    }
    name.push('}');
    name.into_bytes()
}

/// A text that ends no hash tag.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

/// Reads what a script says of taking one.
pub(crate) fn taken(numbers: &[u64]) -> Result<Taken, BoxError> {
    let [passes, remaining, wait, at, part] = *numbers else {
        return Err(format!("a script gave {} numbers", numbers.len()).into());
    };
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Taken {
        charge: (passes == 1).then(|| Charge::new(at, narrow(part))),
        remaining: narrow(remaining),
        wait: Duration::from_millis(wait),
    })
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
