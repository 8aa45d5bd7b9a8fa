use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::family::{FamilyId, TokenHash};
use super::store::{Claim, Claimed, CredentialStore, FamilyLimits, NewFamily};
use crate::BoxError;

/// How many logins are kept unless told.
const CAPACITY: usize = 100_000;

/// Keeps logins in this process: they end with it, and other processes do not know them.
///
/// It keeps 100,000 unless told, about 300 bytes each. When it is full, what is over goes; then a user with other logins
/// loses the oldest of them, and one without any is answered with 503: nobody can push another user out.
///
/// ```
/// use neurolink_core::login::MemoryCredentials;
///
/// let store = MemoryCredentials::with_capacity(1_000);
/// ```
pub struct MemoryCredentials {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of each user, the oldest first.
    users: HashMap<[u8; 16], Vec<Family>>,
    count: usize,
    /// No login is over before.
    earliest: Duration,
}

struct Family {
    id: [u8; 16],
    subject: Box<str>,
    token: TokenHash,
    preceding: Option<TokenHash>,
    begun: Duration,
    /// When the token that counts came to count.
    rotated: Duration,
    limits: FamilyLimits,
}

impl Family {
    /// When it is over, unless it is refreshed.
    fn ends(&self) -> Duration {
        self.rotated.saturating_add(self.limits.idle).min(self.begun.saturating_add(self.limits.absolute))
    }
}

impl Default for MemoryCredentials {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCredentials {
    /// A store of 100,000 logins.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A store of so many logins.
    #[must_use]
    pub fn with_capacity(logins: usize) -> Self {
        Self { capacity: logins, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&mut self, family: &FamilyId) -> Option<&mut Family> {
        self.users.get_mut(family.user())?.iter_mut().find(|own| own.id == *family.family())
    }

    fn end(&mut self, family: &FamilyId) {
        let Some(own) = self.users.get_mut(family.user()) else { return };
        let before = own.len();
        own.retain(|own| own.id != *family.family());
        self.count -= before - own.len();
        if own.is_empty() {
            self.users.remove(family.user());
        }
    }

    /// Drops what is over; whoever asks often finds that nothing can be.
    fn drop_ended(&mut self, now: Duration) {
        if now < self.earliest {
            return;
        }
        self.users.retain(|_, own| {
            own.retain(|family| now < family.ends());
            !own.is_empty()
        });
        self.count = self.users.values().map(Vec::len).sum();
        self.earliest = self.users.values().flatten().map(Family::ends).min().unwrap_or_default();
    }

    /// Drops the oldest login of a user, if there is one.
    fn drop_oldest(&mut self, user: &[u8; 16]) -> Option<Family> {
        let own = self.users.get_mut(user).filter(|own| !own.is_empty())?;
        self.count -= 1;
        Some(own.remove(0))
    }

    fn add(&mut self, user: [u8; 16], family: Family) {
        self.earliest = if self.count == 0 { family.ends() } else { self.earliest.min(family.ends()) };
        self.count += 1;
        self.users.entry(user).or_default().push(family);
    }
}

#[async_trait]
impl CredentialStore for MemoryCredentials {
    fn name(&self) -> &str {
        "memory"
    }

    fn problems(&self) -> Vec<String> {
        let is_zero = self.capacity == 0;
        is_zero.then(|| "a store of no logins lets nobody in; give it some".into()).into_iter().collect()
    }

    async fn begin(&self, new: NewFamily<'_>, now: Duration) -> Result<Vec<FamilyId>, BoxError> {
        let NewFamily { family, subject, token, limits } = new;
        let mut state = self.state();
        let mut gone = Vec::new();
        while state.users.get(family.user()).is_some_and(|own| own.len() >= limits.per_user) {
            gone.extend(state.drop_oldest(family.user()));
        }
        if state.count >= self.capacity {
            state.drop_ended(now);
        }
        if state.count >= self.capacity {
            let oldest = state.drop_oldest(family.user());
            gone.push(oldest.ok_or_else(|| format!("{} logins are kept, and no more", self.capacity))?);
        }
        state.add(
            *family.user(),
            Family {
                id: *family.family(),
                subject: subject.into(),
                token: *token,
                preceding: None,
                begun: now,
                rotated: now,
                limits: *limits,
            },
        );
        let went_on = gone.into_iter().filter(|family| now < family.ends());
        Ok(went_on.map(|gone| family.sibling(gone.id)).collect())
    }

    async fn look(&self, family: &FamilyId) -> Result<Option<String>, BoxError> {
        Ok(self.state().find(family).map(|family| family.subject.to_string()))
    }

    async fn claim(&self, claim: Claim<'_>, now: Duration) -> Result<Claimed, BoxError> {
        let mut state = self.state();
        let Some(family) = state.find(claim.family) else { return Ok(Claimed::Unknown) };
        family.limits = *claim.limits;
        // A clock that went back makes nothing younger.
        let now = now.max(family.rotated);
        if now >= family.ends() {
            state.end(claim.family);
            return Ok(Claimed::Unknown);
        }
        let left = family.begun.saturating_add(family.limits.absolute).saturating_sub(now);
        if *claim.presented == family.token {
            family.preceding = Some(family.token);
            (family.token, family.rotated) = (*claim.successor, now);
            return Ok(Claimed::Rotated(left));
        }
        let in_grace = now <= family.rotated.saturating_add(family.limits.grace);
        if in_grace && family.preceding == Some(*claim.presented) {
            return Ok(Claimed::Again(left));
        }
        state.end(claim.family);
        Ok(Claimed::Reused)
    }

    async fn revoke(&self, family: &FamilyId) -> Result<(), BoxError> {
        self.state().end(family);
        Ok(())
    }
}

impl fmt::Debug for MemoryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCredentials").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
