use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::external::External;
use super::super::failures::{Attempt, FailureLimit};
use super::super::lockout::{Lockout, Whose};
use super::credentials::Credentials;
use super::hashing::{Busy, Hashing};
use super::queue::Asking;
use super::users::{PasswordStore, PasswordUser, Users};
use crate::middleware::limit_store::{OnStoreFailure, StoreHandle};
use crate::security::{AuthenticationFailure, Refusal, Reporter, SecurityEventKind};
use crate::{AuthenticatedUser, Code, Error};

/// Names and passwords, with everything that stands between a guess and its answer: the limit of failures, the lockout
/// of names, and turns at hashing.
///
/// Clones count together: give one to [`BasicAuth`](crate::middleware::BasicAuth) and one to a login, and a name that is
/// locked in one is locked in the other.
///
/// ```
/// use neurolink_core::AuthenticatedUser;
/// use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordUser, Passwords};
///
/// let hash = PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4")?;
/// let passwords = Passwords::users([PasswordUser::new("ada", hash, AuthenticatedUser::new("u1"))]);
/// let auth = BasicAuth::passwords(passwords.clone());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone)]
pub struct Passwords {
    store: Arc<dyn PasswordStore>,
    names: Option<Arc<[String]>>,
    hashing: Arc<Hashing>,
    pub(in super::super) lockout: Lockout,
    pub(in super::super) failures: FailureLimit,
    external: External,
}

/// How long a store of users has to answer.
const BUDGET: Duration = Duration::from_secs(5);

impl Passwords {
    /// Those of these users.
    #[must_use]
    pub fn users(users: impl IntoIterator<Item = PasswordUser>) -> Self {
        let users: Vec<_> = users.into_iter().collect();
        let names = users.iter().map(|user| user.name.clone()).collect();
        Self { names: Some(names), ..Self::store(Users(users)) }
    }

    /// Those of the users of a store.
    #[must_use]
    pub fn store(store: impl PasswordStore) -> Self {
        Self {
            store: Arc::new(store),
            names: None,
            hashing: Arc::new(Hashing::new()),
            lockout: Lockout::default(),
            failures: FailureLimit::default(),
            external: External::new(BUDGET),
        }
    }

    /// How many failures a client address may have, in how long: 30 in a minute unless told.
    #[must_use]
    pub fn failure_limit(mut self, failures: u32, window: Duration) -> Self {
        self.failures.set(Some((failures, window)));
        self
    }

    /// Lets clients fail as often as they like, but for the lockout.
    #[must_use]
    pub fn no_failure_limit(mut self) -> Self {
        self.failures.set(None);
        self
    }

    /// How many failures a name may have from one network, and from all together, in how long: 5 and 50 in 15 minutes
    /// unless told.
    #[must_use]
    pub fn lockout(mut self, from_one_network: u32, from_all: u32, window: Duration) -> Self {
        self.lockout.numbers(from_one_network, from_all, window);
        self
    }

    /// Counts failures of names, and of addresses, in a store too, so that servers which share it lock names together.
    ///
    /// It is asked for each name and password, also for one that is remembered. An address that has failed too often is
    /// refused by each server for itself as well, and before anything is asked.
    ///
    /// ```
    /// use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
    /// # use neurolink_core::middleware::Passwords;
    ///
    /// # fn f(passwords: Passwords) -> Passwords {
    /// let store = StoreHandle::new(MemoryStore::new(100_000)); // in earnest one that other servers reach too
    /// passwords.lockout_store(&store)
    /// # }
    /// ```
    #[must_use]
    pub fn lockout_store(mut self, store: impl Into<StoreHandle>) -> Self {
        self.lockout.store(store.into());
        self
    }

    /// What a name and a password get while that store does not answer: 503 unless told; by `Local`, what this process
    /// has counted decides.
    #[must_use]
    pub fn on_lockout_store_failure(mut self, policy: OnStoreFailure) -> Self {
        self.lockout.on_store_failure(policy);
        self
    }

    /// The user of right credentials; `right` runs when they are, also if nobody waits any more.
    ///
    /// # Errors
    /// 401 for wrong ones, 429 for an address that failed too often, 503 if nobody can tell.
    pub(in super::super) async fn judge(
        &self,
        credentials: Credentials,
        whose: Whose,
        judging: Judging,
        right: impl FnOnce(&AuthenticatedUser) + Send + 'static,
    ) -> Result<PasswordUser, Error> {
        let Judging { failure, now, reporter } = judging;
        let Credentials { name, password } = credentials;
        let seen = self.lockout.look(&whose, now).await?;
        let found = match seen.is_locked {
            true => None,
            // Before the attempt counts: a store that is down locks no name.
            false => self.find(&name).await?,
        };
        let asking = Asking { network: whose.network(), name: whose.name().into(), is_trusted: seen.is_trusted };
        let Some(lock) = self.lockout.attempt(whose, seen, &self.failures, &reporter, now).await? else {
            failure.failed();
            return Err(wrong(LOCKED));
        };
        let hash = found.as_ref().map_or_else(|| self.store.decoy(), |user| user.hash.clone());
        let mut permit = self.hashing.enter(asking).await.map_err(|Busy| busy())?;
        // A client that goes away meanwhile has made its guess all the same: it is judged to its end.
        let judged = tokio::task::spawn_blocking(move || {
            // The permit goes when this guess is settled, and then whoever is next hashes.
            let is_right = hash.verify(&password, &mut permit.memory);
            // A decoy's password lets nobody in.
            match found {
                Some(found) if is_right => {
                    let told = lock.succeeded();
                    drop(failure); // whoever finds it remembered finds no failure of it
                    right(&found.user);
                    Some((found, told))
                }
                found => {
                    // It counts before anybody hears of it.
                    let locked = lock.failed();
                    failure.failed();
                    reporter.report(SecurityEventKind::AuthenticationFailed {
                        reason: NOBODY.class,
                        detail: NOBODY.text.into(),
                    });
                    if locked {
                        let user = found.map(|found| found.user.id.into());
                        reporter.report(SecurityEventKind::LockoutBegan { user });
                    }
                    None
                }
            }
        });
        let (user, told) = judged.await.map_err(Error::internal)?.ok_or_else(|| wrong(NOBODY))?;
        told.await;
        Ok(user)
    }

    /// The user of a name; 503 if nobody can tell.
    pub(in super::super) async fn find(&self, name: &str) -> Result<Option<PasswordUser>, Error> {
        self.external.ask(self.store.find(name)).await
    }

    /// A few words for the plan.
    pub(in super::super) fn summary(&self) -> String {
        let users = match &self.names {
            Some(names) => format!("{} users", names.len()),
            None => "users of a store".into(),
        };
        format!("{users}; {}; {}", self.failures.summary(), self.lockout)
    }

    pub(in super::super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.failures.problem().into_iter().collect();
        problems.extend(self.lockout.problems(&self.failures));
        let names = self.names.as_deref().unwrap_or_default();
        if self.names.is_some() && names.is_empty() {
            problems.push("it has no user, so that nobody could come in; give one".into());
        }
        for (index, name) in names.iter().enumerate() {
            if let Err(problem) = PasswordUser::check_name(name) {
                problems.push(format!("the user `{}`: {problem}", name.escape_debug()));
            }
            if names[..index].contains(name) {
                problems.push(format!("the user `{name}` is there twice; take one of them away"));
            }
        }
        problems
    }
}

/// What a guess is judged with.
pub(in super::super) struct Judging {
    pub(in super::super) failure: Attempt,
    pub(in super::super) now: Duration,
    /// Who hears of it, also when the client is gone.
    pub(in super::super) reporter: Reporter,
}

const LOCKED: Refusal = Refusal::new(AuthenticationFailure::Throttled, "the name is locked");
const NOBODY: Refusal = Refusal::new(AuthenticationFailure::Invalid, "the name and the password are nobody's");

fn wrong(reason: Refusal) -> Error {
    Error::new(Code::AuthInvalid).with_source(reason)
}

pub(in super::super) fn busy() -> Error {
    let error = Error::new(Code::Unavailable).with_source("too many passwords are being hashed");
    error.with_retry_after(Duration::from_secs(1))
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({})", self.summary())
    }
}
