//! Where logins are kept.

use std::time::Duration;

use async_trait::async_trait;

use super::family::{FamilyId, TokenHash};
use crate::BoxError;

/// How long logins last, and how many a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FamilyLimits {
    /// How long a login lasts that nobody refreshes.
    pub idle: Duration,
    /// How long a login lasts at most.
    pub absolute: Duration,
    /// How long the token that was just replaced gets the same successor again.
    pub grace: Duration,
    /// How many logins a user has: one more ends the oldest of the same user.
    pub per_user: usize,
}

/// A login that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NewFamily<'a> {
    /// What it is kept under.
    pub family: &'a FamilyId,
    /// A text of up to 512 bytes, for [`look`](CredentialStore::look).
    pub subject: &'a str,
    /// The token that counts.
    pub token: &'a TokenHash,
    /// What holds for the login.
    pub limits: &'a FamilyLimits,
}

impl<'a> NewFamily<'a> {
    /// A new login, for tests of a store.
    #[must_use]
    pub const fn new(family: &'a FamilyId, subject: &'a str, token: &'a TokenHash, limits: &'a FamilyLimits) -> Self {
        Self { family, subject, token, limits }
    }
}

/// The use of a refresh token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim<'a> {
    /// The login that the token is of.
    pub family: &'a FamilyId,
    /// The token that came.
    pub presented: &'a TokenHash,
    /// The only one that can come behind it.
    pub successor: &'a TokenHash,
    /// What holds for the login.
    pub limits: &'a FamilyLimits,
}

impl<'a> Claim<'a> {
    /// A claim, for tests of a store.
    #[must_use]
    pub const fn new(
        family: &'a FamilyId,
        presented: &'a TokenHash,
        successor: &'a TokenHash,
        limits: &'a FamilyLimits,
    ) -> Self {
        Self { family, presented, successor, limits }
    }
}

/// What became of the use of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// It counted, and from now on its successor does; the login ends by itself in so long, however it is used.
    Rotated(Duration),
    /// It was replaced a moment ago: its successor counts; the login ends by itself in so long, however it is used.
    Again(Duration),
    /// It was replaced before that: the login is gone.
    Reused,
    /// There is no such login, or it has ended.
    Unknown,
}

/// Keeps logins, and lets each refresh token be used once.
///
/// It is given hashes only. At most 64 requests ask it at one time, each for no longer than a second unless told; if it
/// fails, the answer is 503.
///
/// Each call is atomic. A login that is not there has ended: a store may drop one at any time, and must not bring one
/// back.
#[async_trait]
pub trait CredentialStore: Send + Sync + 'static {
    /// What it is called in the plan.
    fn name(&self) -> &str;

    /// What is wrong with its settings, each with its fix; `build()` reports all.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Keeps a new login with its first token; of a user who has [too many](FamilyLimits::per_user) the oldest goes. Gives
    /// those that had to go although they went on: each is a security event.
    ///
    /// # Errors
    /// It cannot keep it, or has no room: never by dropping another user's.
    async fn begin(&self, new: NewFamily<'_>, now: Duration) -> Result<Vec<FamilyId>, BoxError>;

    /// The `subject` of a login, while it goes on.
    ///
    /// It may tell one whose time is over: access tokens end by themselves, and a claim looks at the time.
    ///
    /// # Errors
    /// It could not be asked.
    async fn look(&self, family: &FamilyId) -> Result<Option<String>, BoxError>;

    /// Uses a token, in one step:
    ///
    /// 1. no login, or one that is over: [`Claimed::Unknown`], and it is dropped;
    /// 2. the token that counts: it becomes the preceding one, its successor the one that counts, [`Claimed::Rotated`];
    /// 3. the preceding one within [`grace`](FamilyLimits::grace) of that: [`Claimed::Again`];
    /// 4. any other: the login is dropped, [`Claimed::Reused`].
    ///
    /// # Errors
    /// It could not be asked; whoever comes again then finds what has happened.
    async fn claim(&self, claim: Claim<'_>, now: Duration) -> Result<Claimed, BoxError>;

    /// Ends a login, if it goes on.
    ///
    /// # Errors
    /// It could not be asked.
    async fn revoke(&self, family: &FamilyId) -> Result<(), BoxError>;
}
