//! The scripts of a store: the maths of a limit, and the use of a token, where the state is.

use neurolink_core::middleware::limit_store::{Algorithm, Quota};
use redis::Script;

/// What a script of a limit returns.
pub(crate) type Numbers = Vec<u64>;

/// The scripts, each with the digest that it is called by.
pub(crate) struct Scripts(Box<[(Script, &'static str)]>);

/// Which script counts a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    StrictCounter,
    Bucket,
    /// A strict counter as Keryx keeps it.
    Keryx,
}

macro_rules! script {
    ($folder:literal, $file:literal $(, $first:literal)?) => {{
        const CODE: &str = concat!(
            $($first,)?
            include_str!(concat!("scripts/", $folder, "common.lua")),
            include_str!(concat!("scripts/", $folder, $file))
        );
        (Script::new(CODE), CODE)
    }};
}

impl Scripts {
    /// Those of limits, in the order of [`Name`].
    pub(crate) fn limits() -> Self {
        Self(Box::new([
            script!("", "fixed_window.lua"),
            script!("", "sliding_log.lua"),
            script!("", "sliding_counter.lua", "local STRICT = false\n"),
            script!("", "sliding_counter.lua", "local STRICT = true\n"),
            script!("", "bucket.lua"),
            script!("", "keryx.lua"),
        ]))
    }

    /// Those of logins: begin, look, claim, revoke.
    pub(crate) fn credentials() -> Self {
        Self(Box::new([
            script!("credentials/", "begin.lua"),
            script!("credentials/", "look.lua"),
            script!("credentials/", "claim.lua"),
            script!("credentials/", "revoke.lua"),
        ]))
    }

    pub(crate) fn digest(&self, place: usize) -> &str {
        self.0[place].0.get_hash()
    }

    /// Loads all of them.
    pub(crate) fn load(&self) -> redis::Pipeline {
        let mut pipeline = redis::pipe();
        for (_, code) in &self.0 {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(*code);
        }
        pipeline
    }
}

impl Name {
    /// The script that counts so; `None` for an algorithm that it does not know.
    pub(crate) const fn of(quota: &Quota) -> Option<Self> {
        Some(match quota.algorithm {
            Algorithm::FixedWindow => Self::FixedWindow,
            Algorithm::SlidingLog => Self::SlidingLog,
            Algorithm::SlidingCounter => Self::SlidingCounter,
            Algorithm::StrictCounter => Self::StrictCounter,
            Algorithm::LeakyBucket { .. } | Algorithm::Gcra => Self::Bucket,
            _ => return None,
        })
    }
}
