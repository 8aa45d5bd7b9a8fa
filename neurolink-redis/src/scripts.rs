//! The six scripts: the maths of a limit, where the counters are.

use neurolink_core::middleware::limit_store::{Algorithm, Quota};
use redis::Script;

/// What a script returns.
pub(crate) type Numbers = Vec<u64>;

/// The scripts, each with the digest that it is called by.
pub(crate) struct Scripts([(Script, &'static str); 6]);

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
    ($file:literal $(, $first:literal)?) => {{
        const CODE: &str =
            concat!($($first,)? include_str!("scripts/common.lua"), include_str!(concat!("scripts/", $file)));
        (Script::new(CODE), CODE)
    }};
}

impl Scripts {
    pub(crate) fn new() -> Self {
        // In the order of the names.
        Self([
            script!("fixed_window.lua"),
            script!("sliding_log.lua"),
            script!("sliding_counter.lua", "local STRICT = false\n"),
            script!("sliding_counter.lua", "local STRICT = true\n"),
            script!("bucket.lua"),
            script!("keryx.lua"),
        ])
    }

    pub(crate) fn digest(&self, name: Name) -> &str {
        self.0[name as usize].0.get_hash()
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
