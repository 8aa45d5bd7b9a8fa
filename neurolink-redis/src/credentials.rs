//! Logins in Redis.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::BoxError;
use neurolink_core::login::{Claim, Claimed, CredentialStore, FamilyId, NewFamily};
use redis::Cmd;

use crate::call::millis;
use crate::connection::{InvalidUrl, Place};
use crate::link::Link;
use crate::scripts::Scripts;
use crate::store::prefix_problem;

/// Keeps logins in Redis, where several servers share them.
///
/// Each operation is one script on one key, which holds the logins of one user: a refresh token is used once, whichever
/// server it comes to. Keys are codes, values have hashes of tokens only, and every key has a lifetime.
///
/// It connects when it is first asked, and again when the connection is lost. A Redis that lost its data has lost the
/// logins: their users sign in again.
///
/// ```
/// use neurolink_core::login::Login;
/// # use neurolink_core::middleware::Passwords;
/// use neurolink_redis::RedisCredentials;
///
/// # fn f(passwords: Passwords) -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisCredentials::new("redis://neurolink:secret@10.0.0.5:6379/0")?;
/// let login = Login::new(passwords, "a secret of at least thirty-two bytes").store(store);
/// # Ok(()) }
/// ```
pub struct RedisCredentials {
    link: Link,
    scripts: Scripts,
    prefix: String,
    callers_time: bool,
}

/// The scripts, in the order of [`Scripts::credentials`].
#[derive(Clone, Copy)]
enum Operation {
    Begin,
    Look,
    Claim,
    Revoke,
}

impl RedisCredentials {
    /// A store at `redis://user:password@host:port/database`; no connection is made yet.
    ///
    /// # Errors
    /// It is no such URL. The URL may hold a password, so it is not shown.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Place::one(url).map(Self::at)
    }

    /// A store in a cluster, some of whose nodes are at these URLs; no connection is made yet.
    ///
    /// # Errors
    /// There is no URL, one is none or names a Unix socket, or they differ in user or password.
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidUrl> {
        Place::cluster(urls).map(Self::at)
    }

    fn at(place: Place) -> Self {
        Self {
            link: Link::new(place),
            scripts: Scripts::credentials(),
            prefix: "neurolink".into(),
            callers_time: false,
        }
    }

    /// What all its keys begin with, behind a brace: `neurolink` unless told.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Goes by the app's clock instead of that of Redis; for tests, and for servers whose clocks agree.
    #[must_use]
    pub const fn callers_time(mut self) -> Self {
        self.callers_time = true;
        self
    }

    /// A call of a script: the user's key, the time, and which login.
    fn call(&self, operation: Operation, family: &FamilyId, now: Option<Duration>) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        let key = format!("{{{}:login:{}}}", self.prefix, hex(family.user()));
        command.arg(self.scripts.digest(operation as usize)).arg(1).arg(key);
        match now.filter(|_| self.callers_time) {
            Some(now) => command.arg(millis(now)),
            None => command.arg(""),
        };
        command.arg(hex(family.family()));
        command
    }

    async fn run(&self, command: Cmd) -> Result<Vec<String>, BoxError> {
        let answers = self.link.run(&self.scripts, &[command]).await?;
        answers.into_iter().next().ok_or_else(|| "Redis gave no answer".into())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a field was made of.
fn unhex(text: &str) -> Result<[u8; 16], BoxError> {
    if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("a field is called as none of ours".into());
    }
    Ok(u128::from_str_radix(text, 16)?.to_be_bytes())
}

#[async_trait]
impl CredentialStore for RedisCredentials {
    fn name(&self) -> &str {
        "redis"
    }

    fn problems(&self) -> Vec<String> {
        prefix_problem(&self.prefix).into_iter().collect()
    }

    async fn begin(&self, new: NewFamily<'_>, now: Duration) -> Result<Vec<FamilyId>, BoxError> {
        let NewFamily { family, subject, token, limits, .. } = new;
        let mut call = self.call(Operation::Begin, family, Some(now));
        call.arg(hex(token.as_bytes())).arg(subject);
        call.arg(millis(limits.idle)).arg(millis(limits.absolute)).arg(limits.per_user);
        let gone = self.run(call).await?;
        gone.iter().map(|gone| unhex(gone).map(|gone| family.sibling(gone))).collect()
    }

    async fn look(&self, family: &FamilyId) -> Result<Option<String>, BoxError> {
        self.run(self.call(Operation::Look, family, None)).await.map(|mut answer| answer.pop())
    }

    async fn claim(&self, claim: Claim<'_>, now: Duration) -> Result<Claimed, BoxError> {
        let mut call = self.call(Operation::Claim, claim.family, Some(now));
        call.arg(hex(claim.presented.as_bytes())).arg(hex(claim.successor.as_bytes()));
        let limits = claim.limits;
        call.arg(millis(limits.idle)).arg(millis(limits.absolute)).arg(millis(limits.grace));
        let answer = self.run(call).await?;
        let left = || -> Result<Duration, BoxError> {
            let left = answer.get(1).and_then(|left| left.parse().ok());
            left.map(Duration::from_millis).ok_or_else(|| "a script told no time".into())
        };
        match answer.first().map(String::as_str) {
            Some("rotated") => left().map(Claimed::Rotated),
            Some("again") => left().map(Claimed::Again),
            Some("reused") => Ok(Claimed::Reused),
            Some("unknown") => Ok(Claimed::Unknown),
            other => Err(format!("a script answered {other:?}").into()),
        }
    }

    async fn revoke(&self, family: &FamilyId) -> Result<(), BoxError> {
        self.run(self.call(Operation::Revoke, family, None)).await.map(drop)
    }
}

impl fmt::Debug for RedisCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCredentials").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
