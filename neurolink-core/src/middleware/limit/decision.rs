//! Several limits decide as one: if one refuses, none is charged.

use std::sync::Arc;

use smallvec::SmallVec;

use super::headers::RateLimitHeaders;
use super::limited::{settle, show};
use super::{RateLimit, RateLimitState};
use crate::counters::Charge;
use crate::stack::{Member, Scoped};
use crate::{Context, Error, Hook, Middleware, Response};

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
        let asked =
            applying.filter_map(|rule| Some(Asked::new(rule.middleware.as_rate_limit()?, || Some(rule.name()))));
        let asked: SmallVec<[Asked<'_>; 4]> = asked.collect();
        decide(&asked, ctx, self.keeps)
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        settle(ctx, response);
        show(ctx, response);
    }
}

/// A rule that is asked, and its name if a header shows it.
pub(super) struct Asked<'a> {
    rule: &'a RateLimit,
    name: Option<Arc<str>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(rule: &'a RateLimit, name: impl FnOnce() -> Option<Arc<str>>) -> Self {
        let name = if rule.dialects().has(RateLimitHeaders::Draft10) { name() } else { None };
        Self { rule, name }
    }
}

/// Where a request stands with one key of a rule.
#[derive(Clone, Copy)]
struct Standing<'a> {
    asked: &'a Asked<'a>,
    state: RateLimitState,
    /// What was taken; nothing if it is refused.
    charge: Option<Charge>,
}

/// Asks all rules; if one refuses, nothing stays charged, not even by rules that were asked further outside.
///
/// The refusal waits for the last of the keys that are used up.
pub(super) fn decide(rules: &[Asked<'_>], ctx: &mut Context, keeps: bool) -> Option<Response> {
    let mut standings: SmallVec<[Standing<'_>; 4]> = SmallVec::new();
    let mut unknown = None;
    for asked in rules {
        match asked.rule.take(ctx) {
            Ok(taken) => standings.extend(taken.iter().map(|taken| {
                let state = asked.rule.state(taken);
                Standing { asked, state, charge: taken.charge }
            })),
            Err(no_address) => {
                unknown = Some(Error::internal(no_address));
                break;
            }
        }
    }
    let error =
        unknown.or_else(|| longest(&standings).map(|refused| refused.asked.rule.refusal(ctx, refused.state.resets)));
    if error.is_some() {
        give_back(&mut standings, ctx);
    } else {
        for standing in &standings {
            let rule = standing.asked.rule;
            let charge = standing.charge.filter(|_| keeps || rule.cost_fn().is_some());
            if let Some(charge) = charge {
                ctx.limited.keep(rule.counters(), charge, rule.cost_fn());
            }
        }
    }
    record(rules, &standings, ctx);
    let mut response = ctx.fail(error?);
    show(ctx, &mut response);
    Some(response)
}

fn give_back(standings: &mut [Standing<'_>], ctx: &mut Context) {
    let now = ctx.now_or_later();
    for Standing { asked, state, charge } in standings {
        if let Some(charge) = charge {
            asked.rule.counters().give_back(*charge, now);
            state.give_back();
        }
    }
    ctx.limited.give_back(now);
}

/// The one that refuses for the longest time.
fn longest<'s, 'a: 's>(standings: impl IntoIterator<Item = &'s Standing<'a>>) -> Option<&'s Standing<'a>> {
    let refused = standings.into_iter().filter(|standing| standing.charge.is_none());
    refused.reduce(|longest, other| if other.state.resets > longest.state.resets { other } else { longest })
}

/// What is shown of some standings: the longest refusal, or else the least that is left.
fn tightest<'s, 'a: 's>(
    before: Option<RateLimitState>,
    standings: impl Iterator<Item = &'s Standing<'a>> + Clone,
) -> Option<RateLimitState> {
    if let Some(refused) = longest(standings.clone()) {
        return Some(refused.state);
    }
    standings.fold(before, |least, standing| match least {
        Some(least) if least.remaining <= standing.state.remaining => Some(least),
        _ => Some(standing.state),
    })
}

/// Writes down where the request stands, for handlers and for headers.
fn record(rules: &[Asked<'_>], standings: &[Standing<'_>], ctx: &mut Context) {
    if let Some(state) = tightest(ctx.fact::<RateLimitState>().copied(), standings.iter()) {
        ctx.insert(state);
    }
    let legacy = standings.iter().filter(|standing| standing.asked.rule.dialects().has(RateLimitHeaders::Legacy));
    ctx.limited.legacy = tightest(ctx.limited.legacy, legacy);
    for asked in rules.iter().filter(|asked| asked.rule.dialects().has_draft()) {
        let own = standings.iter().filter(|standing| std::ptr::eq(standing.asked, asked));
        if let Some(state) = tightest(None, own) {
            ctx.limited.shown.push(asked.rule.shown(asked.name.clone(), state));
        }
    }
}
