//! The limits of one place of which some count in a store: one step with a future.

use async_trait::async_trait;
use smallvec::SmallVec;

use super::super::decision::{Asked, applying, decide};
use super::super::limited::{settle, show};
use super::{LimitKey, StoreHandle, Taken};
use crate::stack::Scoped;
use crate::{Context, Error, Middleware, Next, Response};

/// The limits of one place.
pub(in super::super) struct StoredLimits {
    pub(in super::super) rules: Box<[Scoped]>,
    /// Another place follows, whose refusal gives back what this one took.
    pub(in super::super) keeps: bool,
}

/// What a rule's store said.
pub(in super::super) enum Answer {
    /// Nothing: the rule counts in this process.
    Local,
    /// What it took of each key.
    Stored(Vec<Stored>),
    /// It failed.
    Failed,
}

/// A key and what taking one of it gave.
pub(in super::super) struct Stored {
    pub(in super::super) key: LimitKey,
    pub(in super::super) taken: Taken,
}

#[async_trait]
impl Middleware for StoredLimits {
    fn name(&self) -> &str {
        "rate-limits"
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let asked: SmallVec<[Asked<'_>; 4]> = applying(&self.rules, ctx).collect();
        let answers = ask(&asked, ctx).await;
        if let Some(refusal) = decide(&asked, &answers, ctx, self.keeps) {
            send(ctx).await;
            return Ok(refusal);
        }
        let mut response = next.run(ctx).await;
        settle(ctx, &response);
        send(ctx).await;
        show(ctx, &mut response);
        Ok(response)
    }
}

/// A rule's store and what that is asked for; nothing if the rule counts here, or has no key for want of an address.
fn question<'a>(asked: &Asked<'a>, ctx: &Context) -> Option<(&'a StoreHandle, Vec<LimitKey>)> {
    Some((asked.rule.store_handle()?, asked.keys(ctx).ok()?))
}

/// Asks each store once for all rules that it counts.
pub(in super::super) async fn ask(rules: &[Asked<'_>], ctx: &mut Context) -> Vec<Answer> {
    let mut answers: Vec<Answer> = rules.iter().map(|_| Answer::Local).collect();
    let mut questions: Vec<_> = rules.iter().map(|asked| question(asked, ctx)).collect();
    while let Some((store, _)) = questions.iter().flatten().next() {
        let store = *store;
        let of_store =
            |question: &mut Option<_>| question.take_if(|(other, _): &mut (&StoreHandle, _)| other.is_same(store));
        let asked: Vec<Option<Vec<LimitKey>>> =
            questions.iter_mut().map(|question| of_store(question).map(|(_, keys)| keys)).collect();
        let all: Vec<LimitKey> = asked.iter().flatten().flatten().cloned().collect();
        let taken = match all.is_empty() {
            true => Some(Vec::new()),
            false if ctx.limited.has_failed(store) => None,
            false => store.take(&all, ctx.now_or_later()).await,
        };
        if taken.is_none() {
            ctx.limited.store_failed(store);
        }
        let mut taken = taken.map(Vec::into_iter);
        for (answer, keys) in answers.iter_mut().zip(asked) {
            let Some(keys) = keys else { continue };
            *answer = match &mut taken {
                None => Answer::Failed,
                Some(taken) => {
                    Answer::Stored(keys.into_iter().zip(taken).map(|(key, taken)| Stored { key, taken }).collect())
                }
            };
        }
    }
    answers
}

/// Tells each store what became of charges; what one that has failed would have given back is lost.
pub(in super::super) async fn send(ctx: &mut Context) {
    let mut pending = ctx.limited.take_pending();
    pending.retain(|(store, _)| !ctx.limited.has_failed(store));
    let now = ctx.shared.clock.now();
    ctx.shared.settling.tell(pending, now).await;
}
