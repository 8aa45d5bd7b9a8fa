//! Limits that API keys bring with them.

use super::RateLimit;
use super::algorithm::Quota;
use super::store::OnStoreFailure;
use crate::Context;

impl RateLimit {
    /// The limit of the caller's API key, if it has one of its own and this counts by key.
    ///
    /// One that cannot be counted here does not count: then the rule's does. It is a number of requests, so it takes the
    /// place of no limit of failures, tokens or other costs.
    pub(super) fn of_api_key(&self, ctx: &Context, quota: &Quota) -> Option<Quota> {
        let limit = ctx.api_key_limit().filter(|_| self.key.counts_api_keys() && self.cost_of().is_none())?;
        let own = Quota { limit, ..*quota };
        let can_here = own.problems(self.capacity).is_empty() && quota.has_room_for(limit);
        let can_there = self.store.as_ref().is_none_or(|store| store.problems(&own).is_empty());
        (can_here && can_there).then_some(own)
    }

    /// So much of a limit of an API key's as is counted in this process.
    pub(super) fn here(&self, own: &Quota) -> u32 {
        match self.on_store_failure {
            Some(OnStoreFailure::Local { percent }) => own.percent(percent).limit,
            _ => own.limit,
        }
    }
}
