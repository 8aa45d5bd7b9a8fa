use std::fmt;
use std::sync::Arc;

use super::algorithm::Quota;
use crate::Context;
use crate::counters::Counters;

/// A quota, and what counts it in this process.
#[derive(Clone)]
pub(super) struct Class {
    /// What a store calls it; nothing for everybody.
    pub(super) tier: Option<Arc<str>>,
    pub(super) quota: Quota,
    pub(super) counters: Arc<dyn Counters>,
}

impl Class {
    pub(super) fn new(quota: Quota, capacity: usize) -> Self {
        Self { tier: None, quota, counters: quota.counters(capacity) }
    }

    /// What a store calls the count of a rule: a tier has one of its own, as in memory.
    pub(super) fn name(&self, rule: &Arc<str>) -> Arc<str> {
        self.tier.as_ref().map_or_else(|| Arc::clone(rule), |tier| format!("{rule}@{tier}").into())
    }

    pub(super) fn of(who: &Who, quota: Quota, capacity: usize) -> Self {
        Self { tier: Some(who.name().into()), ..Self::new(quota, capacity) }
    }
}

/// Callers whose limit is another one.
#[derive(Clone)]
pub(super) struct Tier {
    pub(super) who: Who,
    pub(super) class: Class,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever is known.
    Users,
    /// Users with this role, or with this text as `tier` in their metadata.
    Named(Arc<str>),
}

impl Who {
    /// What it is called in a store: users as no tier is.
    fn name(&self) -> &str {
        match self {
            Self::Users => "",
            Self::Named(name) => name,
        }
    }

    pub(super) fn is(&self, ctx: &Context) -> bool {
        let Some(user) = ctx.user() else { return false };
        match self {
            Self::Users => true,
            Self::Named(name) => {
                user.has_role(name) || user.metadata.get("tier").and_then(|tier| tier.as_str()) == Some(name)
            }
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users => f.write_str("users"),
            Self::Named(name) => f.write_str(name),
        }
    }
}
