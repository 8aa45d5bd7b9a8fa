//! Several limits decide as one: if one refuses, none is charged.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::algorithm::Quota;
use super::headers::{RateLimitHeaders, Shown};
use super::limited::{Held, settle, show};
use super::meter::Meter;
use super::rule::Cost;
use super::store::{Answer, Change, Charge, LimitKey, OnStoreFailure, Stored, StoredLimits};
use super::tier::Class;
use super::{RateLimit, RateLimitState};
use crate::counters::{self, Taken};
use crate::facts::NoAddress;
use crate::stack::{Member, Scoped};
use crate::{Code, Context, Error, Hook, Middleware, Response};

/// When to come again after a store has failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Puts the limits of one place in a chain together into one step.
///
/// Limits at different places stay apart, for who is calling is found out between them;
/// then the earlier ones keep what they took, so that a later one can give it back.
/// Where one counts in a store, the step has a future; everywhere else it is a hook.
pub(crate) fn decide_together(members: Vec<Member>) -> Vec<Member> {
    let is_limit = |(_, scoped): &Member| scoped.middleware.as_rate_limit().is_some();
    let is_stored =
        |scoped: &Scoped| scoped.middleware.as_rate_limit().is_some_and(|rule| rule.store_handle().is_some());
    let count = members.iter().filter(|member| is_limit(member)).count();
    if count < 2 && !members.iter().any(|(_, scoped)| is_stored(scoped)) {
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
            let rules: Box<[Scoped]> = of_this_place.map(|(_, scoped)| scoped.clone()).collect();
            let keeps = last != Some(order);
            let limits: Arc<dyn Middleware> = match rules.iter().any(is_stored) {
                true => Arc::new(StoredLimits { rules, keeps }),
                false => Arc::new(Limits { rules, keeps }),
            };
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
        let asked: SmallVec<[Asked<'_>; 4]> = applying(&self.rules, ctx).collect();
        decide(&asked, &[], ctx, self.keeps)
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        settle(ctx, response);
        show(ctx, response);
    }
}

/// The rules whose scope a request is in.
pub(super) fn applying<'a>(rules: &'a [Scoped], ctx: &Context) -> impl Iterator<Item = Asked<'a>> {
    let applying = rules.iter().filter(|rule| rule.applies(ctx));
    applying.filter_map(|rule| Some(Asked::new(rule.middleware.as_rate_limit()?, ctx, || Some(rule.name()))))
}

/// A rule that is asked, and its name if a header or a store needs it.
pub(super) struct Asked<'a> {
    pub(super) rule: &'a RateLimit,
    class: &'a Class,
    /// That of the caller's API key, if it has one of its own.
    own: Option<Quota>,
    name: Option<Arc<str>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(rule: &'a RateLimit, ctx: &Context, name: impl FnOnce() -> Option<Arc<str>>) -> Self {
        let needed = rule.dialects().has(RateLimitHeaders::Draft10) || rule.store_handle().is_some();
        let class = rule.class(ctx);
        Self { rule, class, own: rule.of_api_key(ctx, &class.quota), name: if needed { name() } else { None } }
    }

    /// One that a handler asks: what it counts is its own, and no key has a number for that.
    pub(super) fn by_handler(rule: &'a RateLimit, ctx: &Context, name: &Arc<str>) -> Self {
        Self { own: None, ..Self::new(rule, ctx, || Some(Arc::clone(name))) }
    }

    /// What the caller has.
    fn quota(&self) -> Quota {
        self.own.unwrap_or(self.class.quota)
    }

    /// Takes one for each key that a request counts for; one that is used up gives no charge.
    fn take(&self, ctx: &Context) -> Result<SmallVec<[Taken; 2]>, NoAddress> {
        let (keys, now) = (self.rule.keys(ctx)?, ctx.now_or_later());
        let own = self.own.map(|own| self.rule.here(&own));
        let taken = keys.iter().map(|(key, share)| match own {
            Some(limit) => self.class.counters.take_of(limit, key, *share, now),
            None => self.class.counters.take(key, *share, now),
        });
        Ok(taken.collect())
    }

    fn shown(&self, state: RateLimitState) -> Shown {
        let (dialects, window) = (self.rule.dialects(), self.quota().shown_window());
        Shown { dialects, name: self.name.clone(), window, state }
    }

    /// How what was taken is shown.
    fn state(&self, remaining: u32, resets: Duration) -> RateLimitState {
        let limit = self.quota().most();
        RateLimitState { limit, remaining: remaining.min(limit), resets }
    }

    /// What its store is asked for.
    ///
    /// # Errors
    /// It counts by address, and there is none.
    pub(super) fn keys(&self, ctx: &Context) -> Result<Vec<LimitKey>, NoAddress> {
        let name = self.name.clone().unwrap_or_else(|| Hook::name(self.rule).into());
        let rule = self.class.name(&name);
        let quota = self.quota();
        let key = |(identity, share)| LimitKey { rule: Arc::clone(&rule), identity, share, quota };
        Ok(self.rule.keys(ctx)?.into_iter().map(key).collect())
    }
}

/// Where a request stands with one key of a rule.
#[derive(Clone, Copy)]
struct Standing<'a> {
    asked: &'a Asked<'a>,
    state: RateLimitState,
    /// What was taken; nothing if it is refused.
    charge: Option<Place<'a>>,
}

/// Where something was taken.
#[derive(Clone, Copy)]
enum Place<'a> {
    Here(counters::Charge),
    Store(&'a LimitKey, Charge),
}

impl Standing<'_> {
    /// What was taken, to be settled later.
    fn held(&self) -> Option<Held> {
        let rule = self.asked.rule;
        Some(match self.charge? {
            Place::Here(charge) => Held::Here(Arc::clone(&self.asked.class.counters), charge),
            Place::Store(key, charge) => Held::Store(rule.store_handle()?.clone(), key.clone(), charge),
        })
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A step of the chain: its refusal gives back what rules further outside took. `keeps`: so may one further inside.
    Step { keeps: bool },
    /// A handler: its request has been let in, and stays charged for that.
    Handler,
}

/// Decides for a step of the chain: the answer of a refusal.
pub(super) fn decide<'a>(
    rules: &'a [Asked<'a>],
    answers: &'a [Answer],
    ctx: &mut Context,
    keeps: bool,
) -> Option<Response> {
    let error = judge(rules, answers, ctx, Asker::Step { keeps })?;
    let mut response = ctx.fail(error);
    show(ctx, &mut response);
    Some(response)
}

/// Asks all rules, of which those with a store have been answered; if one refuses, nothing of them stays charged.
///
/// The refusal waits for the last of the keys that are used up.
pub(super) fn judge<'a>(
    rules: &'a [Asked<'a>],
    answers: &'a [Answer],
    ctx: &mut Context,
    asker: Asker,
) -> Option<Error> {
    let mut standings: SmallVec<[Standing<'_>; 4]> = SmallVec::new();
    let (mut unknown, mut unavailable) = (None, None);
    for (index, asked) in rules.iter().enumerate() {
        match answers.get(index) {
            Some(Answer::Stored(all)) => {
                standings.extend(all.iter().map(|stored| in_store(asked, stored, ctx)));
                continue;
            }
            Some(Answer::Failed) => match asked.rule.failure_policy() {
                OnStoreFailure::Allow => continue,
                OnStoreFailure::Deny => {
                    unavailable = Some(Error::new(Code::Unavailable).with_retry_after(STORE_PAUSE));
                    continue;
                }
                OnStoreFailure::Local { .. } => {}
            },
            Some(Answer::Local) | None => {}
        }
        match asked.take(ctx) {
            Ok(taken) => standings.extend(taken.iter().map(|taken| {
                let state = asked.state(taken.remaining, taken.resets);
                Standing { asked, state, charge: taken.charge.map(Place::Here) }
            })),
            Err(no_address) => {
                unknown = Some(Error::internal(no_address));
                break;
            }
        }
    }
    let refusal = |refused: &Standing<'_>| refused.asked.rule.refusal(ctx, refused.state);
    let error = unknown.or_else(|| longest(&standings).map(refusal)).or(unavailable);
    if error.is_some() {
        give_back(&mut standings, ctx);
        if asker != Asker::Handler {
            ctx.limited.give_back(ctx.now_or_later());
        }
    } else {
        for standing in &standings {
            let cost = standing.asked.rule.cost_of();
            if asker != (Asker::Step { keeps: true }) && cost.is_none() {
                continue;
            }
            let Some(held) = standing.held() else { continue };
            match cost {
                Some(Cost::Tokens) => ctx.limited.meter(held, ctx.shared.engine.as_ref(), || {
                    Meter::new(Arc::clone(&ctx.shared.clock), Arc::clone(&ctx.shared.settling))
                }),
                Some(Cost::Of(cost)) => ctx.limited.keep(held, Some(cost)),
                None => ctx.limited.keep(held, None),
            }
        }
    }
    record(rules, &standings, ctx);
    error
}

fn in_store<'a>(asked: &'a Asked<'a>, stored: &'a Stored, ctx: &Context) -> Standing<'a> {
    let Stored { key, taken } = stored;
    let state = asked.state(taken.remaining, ctx.now_or_later().saturating_add(taken.wait));
    Standing { asked, state, charge: taken.charge.map(|charge| Place::Store(key, charge)) }
}

fn give_back(standings: &mut [Standing<'_>], ctx: &mut Context) {
    let now = ctx.now_or_later();
    for standing in standings {
        if let Some(held) = standing.held() {
            ctx.limited.change(held, Change::GiveBack, now);
            standing.state.give_back();
        }
    }
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
            ctx.limited.shown.push(asked.shown(state));
        }
    }
}
