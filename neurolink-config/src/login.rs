//! The login that a configuration describes, and the authenticators that go with it.

use neurolink_core::login::Login;
use neurolink_core::middleware::{BasicAuth, BearerAuth, PasswordHash, PasswordUser, Passwords, StaticToken};
use neurolink_core::{AuthenticatedUser, ConfigProblem};
use secrecy::ExposeSecret as _;

use crate::{AuthConfig, LoginConfig, LoginStore, PasswordConfig};

/// A login, and where it is kept.
pub(crate) struct KeptLogin {
    pub(crate) login: Login,
    pub(crate) store: LoginStore,
}

impl AuthConfig {
    /// Names and passwords, which Basic and the login judge and count together.
    pub(crate) fn passwords(&self, problems: &mut Vec<ConfigProblem>) -> Option<Passwords> {
        let mut users = Vec::new();
        for (index, PasswordConfig { name, hash, user, roles }) in self.passwords.iter().enumerate() {
            let user = AuthenticatedUser::new(&**user).with_roles(roles);
            match PasswordHash::parse(hash.expose_secret()) {
                Ok(hash) => users.push(PasswordUser::new(&**name, hash, user)),
                Err(problem) => problems.push(ConfigProblem::new(format!("auth.passwords[{index}].hash"), problem)),
            }
        }
        if users.is_empty() {
            return None;
        }
        let passwords = Passwords::users(users);
        Some(match self.failure_limit {
            Some(rate) => passwords.failure_limit(rate.limit, rate.window),
            None => passwords.no_failure_limit(),
        })
    }

    /// Names and passwords in each request: not beside a login, unless it says so.
    pub(crate) fn basic(&self, passwords: Option<&Passwords>) -> Option<BasicAuth> {
        let is_on = self.login.as_ref().is_none_or(|login| login.basic);
        passwords.filter(|_| is_on).cloned().map(BasicAuth::passwords)
    }

    /// The login, if there is one.
    pub(crate) fn login(&self, passwords: Option<&Passwords>, problems: &mut Vec<ConfigProblem>) -> Option<KeptLogin> {
        let config = self.login.as_ref()?;
        let mistakes = self.login_mistakes();
        if let (Some(passwords), []) = (passwords, &*mistakes) {
            match config.stored(config.with(passwords.clone())) {
                Ok(login) => return Some(KeptLogin { login, store: config.store }),
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(mistakes.into_iter().map(|problem| ConfigProblem::new("auth.login", problem)));
        None
    }

    /// What is between the login and its neighbours.
    pub(crate) fn login_mistakes(&self) -> Vec<&'static str> {
        let mut mistakes = Vec::new();
        if self.login.is_some() && self.passwords.is_empty() {
            mistakes.push("nobody could log in; name users in `auth.passwords`");
        }
        if self.login.is_some() && self.jwt.is_some() {
            mistakes.push(
                "`auth.jwt` is there as well, and a signed token would be judged by one of the two only; remove one",
            );
        }
        mistakes
    }

    pub(crate) fn bearer(&self, login: Option<&Login>, problems: &mut Vec<ConfigProblem>) -> Option<BearerAuth> {
        let single =
            self.token.iter().map(|token| StaticToken::new(token.expose_secret(), AuthenticatedUser::new("token")));
        let tokens = self.tokens.iter().map(|token| {
            let mut user =
                AuthenticatedUser::new(&*token.user).with_roles(&token.roles).with_permissions(&token.permissions);
            user.email.clone_from(&token.email);
            StaticToken::new(token.token.expose_secret(), user)
        });
        let tokens: Vec<_> = single.chain(tokens).collect();
        let keys = self.jwt.as_ref().and_then(|jwt| {
            let refused = |(key, problem)| problems.push(ConfigProblem::new(format!("auth.jwt.{key}"), problem));
            jwt.keys().map_err(refused).ok()
        });
        let bearer = match keys.or_else(|| login.map(Login::keys)) {
            Some(keys) if tokens.is_empty() => BearerAuth::jwt(keys),
            Some(keys) => BearerAuth::tokens(tokens).or_jwt(keys),
            None if tokens.is_empty() => return None,
            None => BearerAuth::tokens(tokens),
        };
        let bearer = self.token_header.iter().fold(bearer, |bearer, name| bearer.or_header(name));
        let bearer = self.token_cookie.iter().fold(bearer, |bearer, name| bearer.or_cookie(name));
        let bearer = self.token_query.iter().fold(bearer, |bearer, name| bearer.or_query(name));
        Some(match self.failure_limit {
            Some(rate) => bearer.failure_limit(rate.limit, rate.window),
            None => bearer.no_failure_limit(),
        })
    }
}

impl LoginConfig {
    /// The same login, kept where the configuration says; no connection is made.
    #[cfg(feature = "redis")]
    fn stored(&self, login: Login) -> Result<Login, ConfigProblem> {
        if self.store == LoginStore::Memory {
            return Ok(login);
        }
        let url = self.redis_url.as_ref().map_or("", |url| url.expose_secret());
        match neurolink_redis::RedisCredentials::new(url) {
            Ok(store) => Ok(login.store(store.prefix(&*self.prefix))),
            Err(error) => Err(ConfigProblem::new("auth.login.redis_url", error.to_string()).with_secret(url)),
        }
    }

    #[cfg(not(feature = "redis"))]
    fn stored(&self, login: Login) -> Result<Login, ConfigProblem> {
        if self.store == LoginStore::Memory {
            return Ok(login);
        }
        let problem = "this build has no Redis; enable the feature `redis`, or write `memory`";
        Err(ConfigProblem::new("auth.login.store", problem).with_value("redis"))
    }
}
