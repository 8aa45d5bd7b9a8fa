//! Whose a token is.

use std::sync::Arc;

use super::super::jwt::JwtKeys;
use super::super::secret::{self, Hashed};
use super::BearerAuth;
use super::validator::Asked;
use crate::{AuthenticatedUser, Code, Context, Error};

impl BearerAuth {
    /// The user of a configured token.
    fn configured(&self, token: &str) -> Option<&Arc<AuthenticatedUser>> {
        let presented = (!self.tokens.is_empty()).then(|| Hashed::new(token.as_bytes()))?;
        secret::find(self.tokens.iter(), &presented, |token| &token.hashed).map(|token| &token.user)
    }

    /// The keys that judge a token, if it is one of theirs.
    fn keys(&self, token: &str) -> Option<&JwtKeys> {
        self.jwt.as_ref().filter(|_| is_jwt(token))
    }

    /// The validator of a token that is not the keys', if nobody here knows it.
    fn asked(&self, token: &str) -> Option<&Asked> {
        self.validator.as_ref().filter(|_| self.configured(token).is_none())
    }

    /// Judges a token, or what is none.
    pub(super) async fn judge(&self, ctx: &mut Context, token: Result<String, Error>) -> Result<(), Error> {
        let keys = token.as_ref().ok().and_then(|token| self.keys(token));
        // Boxed: it is seldom needed, and would make the future of every request large.
        if let (Ok(token), None) = (&token, keys)
            && let Some(validator) = self.asked(token)
        {
            return Box::pin(self.validated(ctx, validator, token)).await;
        }
        // What is good and only asked about again is no guess: many at one time would use up what an address may fail.
        let asks_again = |token: &str| keys.is_some_and(|keys| keys.asks_again(token, ctx.now()));
        let attempt = match &token {
            Ok(token) if asks_again(token) => self.failures.ask(ctx).map(|()| None)?,
            _ => Some(self.failures.attempt(ctx)?),
        };
        let judged = match token {
            Err(error) => Err(error),
            Ok(token) => match keys {
                Some(keys) => Box::pin(signed(ctx, keys, &token)).await,
                None => self.configured(&token).map(Arc::clone).ok_or_else(|| Error::new(Code::AuthInvalid)),
            },
        };
        match judged {
            Ok(user) => {
                drop(attempt);
                ctx.authenticate_shared(user)
            }
            Err(error) => {
                let (challenge, reason) = (self.challenges.for_error(&error), error.log_text());
                Err(self.failures.refused(attempt, ctx, error, &reason, challenge))
            }
        }
    }

    /// Asks the validator for a token.
    async fn validated(&self, ctx: &mut Context, validator: &Asked, token: &str) -> Result<(), Error> {
        let judging = validator.recent.judge(token.as_bytes(), &self.failures, ctx)?;
        match validator.user(token).await {
            Ok(user) => {
                judging.passed(user.expires, ctx.now());
                ctx.keep_authority_async(validator.still_good(token, user.clone()));
                ctx.authenticate(user)
            }
            Err(error) => {
                let (challenge, reason) = (self.challenges.for_error(&error), error.log_text());
                Err(judging.refused(ctx, error, &reason, challenge))
            }
        }
    }

    /// Judges the tokens that are not in `Authorization`, each by itself; `in_query` tells whether one was in the query.
    pub(super) async fn elsewhere(&self, ctx: &mut Context, in_query: &mut bool) -> Result<(), Error> {
        for source in &self.sources {
            let found = match source.extract(ctx) {
                Ok(None) => continue,
                Ok(Some(token)) => Ok(token),
                Err(error) => Err(error),
            };
            *in_query |= source.is_query();
            if let Ok(token) = &found
                && let Some(known) = self.jwt.as_ref().and_then(|keys| keys.remembered(token.as_bytes(), ctx.now()))
            {
                self.failures.ask(ctx)?;
                ctx.authenticate_shared(Arc::clone(&known.user))?;
                continue;
            }
            self.judge(ctx, found).await?;
        }
        Ok(())
    }
}

/// The user of a JSON Web Token.
async fn signed(ctx: &mut Context, keys: &JwtKeys, token: &str) -> Result<Arc<AuthenticatedUser>, Error> {
    let known = keys.verify(token, ctx.now()).await?;
    if let Some(still_good) = keys.still_good(&known) {
        ctx.keep_authority_async(still_good);
    }
    Ok(Arc::clone(&known.user))
}

/// Whether a token has the form of a JWT: three parts.
fn is_jwt(token: &str) -> bool {
    // The count of a short piece is a byte: the processor compares many at one time.
    let pieces = token.as_bytes().chunks(usize::from(u8::MAX));
    let dots = pieces.map(|piece| usize::from(piece.iter().map(|byte| u8::from(*byte == b'.')).sum::<u8>()));
    dots.sum::<usize>() == 2
}
