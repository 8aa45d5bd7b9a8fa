//! What is asked of Redis, and how its answers read.

use std::time::Duration;

use neurolink_core::BoxError;
use neurolink_core::middleware::limit_store::{Change, Charge, LimitKey, Taken};
use redis::Cmd;

use crate::keys::Keys;
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
    pub(crate) fn take(keys: &Keys, key: &LimitKey) -> Result<Self, BoxError> {
        let quota = key.quota();
        let script = keys.script(quota).ok_or("there is no script for this algorithm")?;
        let times = |limit: u32| u64::from(limit.saturating_mul(key.share()));
        let window = millis(quota.window).max(1);
        Ok(Self {
            script,
            key: keys.of(key, script),
            what: "take",
            limit: times(quota.limit),
            window,
            full: times(quota.most()).saturating_mul(window),
            charge: (0, 0),
        })
    }

    /// Asks what taking one would give.
    pub(crate) fn look(keys: &Keys, key: &LimitKey) -> Result<Self, BoxError> {
        Ok(Self { what: "look", ..Self::take(keys, key)? })
    }

    /// Changes what was taken.
    pub(crate) fn settle(keys: &Keys, key: &LimitKey, charge: Charge, change: Change) -> Result<Self, BoxError> {
        let (what, charge) = match change {
            Change::GiveBack => ("give_back", (charge.at, charge.part)),
            Change::ChargeMore(more) => ("charge_more", (more.into(), 0)),
        };
        Ok(Self { what, charge, ..Self::take(keys, key)? })
    }

    /// Takes one of a key that nobody has.
    pub(crate) fn probe(keys: &Keys) -> Self {
        let (script, key) = keys.probe();
        Self { script, key, what: "take", limit: 1, window: 1, full: 1, charge: (0, 0) }
    }

    /// As a command; without a time, by the clock of Redis.
    pub(crate) fn command(&self, scripts: &Scripts, now: Option<Duration>) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(scripts.digest(self.script as usize)).arg(1).arg(&self.key).arg(self.what);
        match now {
            Some(now) => command.arg(millis(now)),
            None => command.arg(""),
        };
        command.arg(self.limit).arg(self.window).arg(self.full).arg(self.charge.0).arg(self.charge.1);
        command
    }
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
