//! Stores of logins that are wrong in one way each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::login::{
    Claim, Claimed, CredentialStore, FamilyId, Login, MemoryCredentials, NewFamily, TokenHash,
};
use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords, StaticToken};
use neurolink_core::{AppBuilder, AuthenticatedUser, BoxError};
use secrecy::ExposeSecret as _;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    NoGrace,
    LongGrace,
    /// A reused token is refused, and that is all.
    Lenient,
    AlwaysThere,
    NoLogout,
}

struct Wrong {
    how: How,
    inner: MemoryCredentials,
    subjects: Mutex<HashMap<FamilyId, String>>,
    /// The token that counts, and the one before it.
    last: Mutex<HashMap<FamilyId, [TokenHash; 2]>>,
}

/// The app with a login of the same users in a store that is wrong; as it is, where there is no login.
pub(super) fn with(builder: AppBuilder, how: How) -> AppBuilder {
    if !builder.has_state::<Login>() {
        return builder;
    }
    match login(how) {
        Some((login, tokens)) => {
            builder.middleware(BearerAuth::tokens(tokens).or_jwt(login.keys()).failure_limit(20, MINUTE)).state(login)
        }
        None => builder,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn login(how: How) -> Option<(Login, Vec<StaticToken>)> {
    let config = crate::reference::config("login").ok()?;
    let users = config.auth.passwords.iter().filter_map(|one| {
        let hash = PasswordHash::parse(one.hash.expose_secret()).ok()?;
        Some(PasswordUser::new(&*one.name, hash, AuthenticatedUser::new(&*one.user).with_roles(&one.roles)))
    });
    let passwords = Passwords::users(users).failure_limit(20, MINUTE);
    let own = config.auth.login.as_ref()?;
    let store = Wrong { how, inner: MemoryCredentials::new(), subjects: Mutex::default(), last: Mutex::default() };
    let login = Login::new(passwords, own.secret.expose_secret()).per_user(own.per_user).store(store);
    let tokens = config.auth.tokens.iter();
    let tokens = tokens.map(|one| StaticToken::new(one.token.expose_secret(), AuthenticatedUser::new(&*one.user)));
    Some((login, tokens.collect()))
}

#[async_trait]
impl CredentialStore for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }

    async fn begin(&self, new: NewFamily<'_>, now: Duration) -> Result<Vec<FamilyId>, BoxError> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).insert(*new.family, new.subject.to_owned());
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(*new.family, [*new.token; 2]);
        self.inner.begin(new, now).await
    }

    async fn look(&self, family: &FamilyId) -> Result<Option<String>, BoxError> {
        if self.how == How::AlwaysThere {
            return Ok(self.subjects.lock().unwrap_or_else(PoisonError::into_inner).get(family).cloned());
        }
        self.inner.look(family).await
    }

    async fn claim(&self, claim: Claim<'_>, now: Duration) -> Result<Claimed, BoxError> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).get(claim.family).copied();
        if self.how == How::Lenient && last.is_some_and(|last| !last.contains(claim.presented)) {
            return Ok(Claimed::Unknown);
        }
        let mut limits = *claim.limits;
        match self.how {
            How::NoGrace => limits.grace = Duration::ZERO,
            How::LongGrace => limits.grace = Duration::from_secs(3600),
            _ => {}
        }
        // Without a grace, the same moment is none either.
        let now = if self.how == How::NoGrace { now + Duration::from_nanos(1) } else { now };
        let changed = Claim::new(claim.family, claim.presented, claim.successor, &limits);
        let claimed = self.inner.claim(changed, now).await?;
        if matches!(claimed, Claimed::Rotated(_)) {
            let last = [*claim.successor, *claim.presented];
            self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(*claim.family, last);
        }
        Ok(claimed)
    }

    async fn revoke(&self, family: &FamilyId) -> Result<(), BoxError> {
        if self.how == How::NoLogout {
            return Ok(());
        }
        self.inner.revoke(family).await
    }
}
