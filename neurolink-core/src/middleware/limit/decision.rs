//! Several limits decide as one: if one refuses, none is charged.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use smallvec::SmallVec;

use super::{RateLimit, RateLimitState};
use crate::counters::{Charge, Counters};
use crate::stack::{Member, Scoped};
use crate::{Context, Error, Hook, Middleware, Response};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What earlier limits of a request took, to be given back if a later one refuses.
pub(crate) type Charges = Vec<(Arc<Counters>, Charge)>;

/// Puts the limits of one place in a chain together into one step.
///
/// Limits at different places stay apart, for who is calling is found out between them;
/// then the earlier ones keep what they took, so that a later one can give it back.
pub(crate) fn decide_together(members: Vec<Member>) -> Vec<Member> {
    let is_limit = |(_, scoped): &Member| scoped.middleware.as_rate_limit().is_some();
    if members.iter().filter(|member| is_limit(member)).count() < 2 {
        return members;
    }
    let last = members.iter().rev().find(|member| is_limit(member)).map(|(order, _)| *order);
    let mut together: Vec<Member> = Vec::with_capacity(members.len());
    let mut done = None;
    for (index, member) in members.iter().enumerate() {
        let order = member.0;
        if !is_limit(member) {
            together.push(member.clone());
        } else if done != Some(order) {
            done = Some(order);
            let of_this_place = members[index..].iter().filter(|other| other.0 == order && is_limit(other));
            let rules = of_this_place.map(|(_, scoped)| scoped.clone()).collect();
            let limits: Arc<dyn Middleware> = Arc::new(Limits { rules, keeps: last != Some(order) });
            together.push((order, Scoped::from(limits)));
        }
    }
    together
}

/// The limits of one place.
struct Limits {
    rules: Box<[Scoped]>,
    /// Another place follows, whose refusal gives back what this one took.
    keeps: bool,
}

impl Hook for Limits {
    fn name(&self) -> &str {
        "rate-limits"
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let applying = self.rules.iter().filter(|rule| rule.applies(ctx));
        let rules: SmallVec<[&RateLimit; 4]> = applying.filter_map(|rule| rule.middleware.as_rate_limit()).collect();
        decide(&rules, ctx, self.keeps)
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        show(ctx, response);
    }
}

/// Asks all rules; if one refuses, nothing stays charged, not even by rules that were asked further outside.
///
/// The refusal waits for the last of the windows that are used up.
pub(super) fn decide(rules: &[&RateLimit], ctx: &mut Context, keeps: bool) -> Option<Response> {
    let mut charged: SmallVec<[(&Arc<Counters>, Charge); 4]> = SmallVec::new();
    let mut least = ctx.fact::<RateLimitState>().copied();
    let mut refused: Option<(&RateLimit, RateLimitState)> = None;
    let mut unknown = None;
    for rule in rules {
        let taken = match rule.take(ctx) {
            Ok(taken) => taken,
            Err(no_address) => {
                unknown = Some(Error::internal(no_address));
                break;
            }
        };
        for window in &taken {
            let state = rule.state(window);
            if least.is_none_or(|least| state.remaining < least.remaining) {
                least = Some(state);
            }
            match window.charge {
                Some(charge) => charged.push((rule.counters(), charge)),
                None if refused.is_none_or(|(_, longest)| state.resets > longest.resets) => {
                    refused = Some((rule, state));
                }
                None => {}
            }
        }
    }
    let error = match (unknown, refused) {
        (Some(error), _) => error,
        (None, Some((rule, state))) => {
            least = Some(state);
            rule.refusal(ctx, state.resets)
        }
        (None, None) => {
            if keeps {
                ctx.charges.extend(charged.into_iter().map(|(counters, charge)| (Arc::clone(counters), charge)));
            }
            if let Some(least) = least {
                ctx.insert(least);
            }
            return None;
        }
    };
    for (counters, charge) in charged {
        counters.give_back(charge);
    }
    for (counters, charge) in ctx.charges.drain(..) {
        counters.give_back(charge);
    }
    if let Some(least) = least {
        ctx.insert(least);
    }
    let mut response = ctx.fail(error);
    show(ctx, &mut response);
    Some(response)
}

/// Writes where the request stands.
pub(super) fn show(ctx: &Context, response: &mut Response) {
    let Some(state) = ctx.fact::<RateLimitState>() else { return };
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(state.limit));
    headers.insert(REMAINING, HeaderValue::from(state.remaining));
    headers.insert(RESET, HeaderValue::from(whole_seconds(state.resets)));
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
