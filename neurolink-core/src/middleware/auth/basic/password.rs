use std::fmt;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc;
use argon2::{Argon2, Params};

/// The least memory of argon2id, in KiB, that OWASP's Password Storage Cheat Sheet has.
const LEAST_MEMORY: u32 = 7168;
/// The most memory, in KiB: a hash of another machine must not bring this one down.
const MOST_MEMORY: u32 = 1024 * 1024;
/// The least and the most cost of bcrypt.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 10..=16;
/// bcrypt reads no more bytes of a password.
const BCRYPT_READS: usize = 72;

/// A password as it is kept: by argon2id, or by bcrypt where it was hashed elsewhere.
///
/// ```
/// use neurolink_core::middleware::PasswordHash;
///
/// let hash = PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4");
/// assert!(hash.is_ok());
/// assert!(PasswordHash::parse("hunter2").is_err());
/// ```
#[derive(Clone)]
pub struct PasswordHash(Kind);

#[derive(Clone)]
enum Kind {
    Argon2id(Box<phc::PasswordHash>),
    Bcrypt(Box<str>),
}

impl PasswordHash {
    /// Reads `$argon2id$..` (the PHC string format) or `$2a$..`, `$2b$..`, `$2y$..`.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right; never the hash itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("$2") {
            let cost = text.get(4..6).and_then(|cost| cost.parse().ok());
            let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
            return match cost {
                Some(cost) if known && text.len() == 60 && text.is_ascii() && BCRYPT_COSTS.contains(&cost) => {
                    Ok(Self(Kind::Bcrypt(text.into())))
                }
                _ => Err("it is no hash of bcrypt with a cost of 10 to 16; hash the password by argon2id".into()),
            };
        }
        let wrong = || "it is no hash; write one such as `$argon2id$v=19$m=19456,t=2,p=1$..`".to_owned();
        let hash = phc::PasswordHash::new(text).map_err(|_| wrong())?;
        if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
            return Err(wrong());
        }
        let params = Params::try_from(&hash).map_err(|_| wrong())?;
        if !(LEAST_MEMORY..=MOST_MEMORY).contains(&params.m_cost()) || params.t_cost() > 64 || params.p_cost() > 64 {
            return Err(format!(
                "it takes {} KiB of memory and {} passes; {LEAST_MEMORY} to {MOST_MEMORY} KiB and at most 64 are \
                 accepted, for example `m=19456,t=2,p=1`",
                params.m_cost(),
                params.t_cost()
            ));
        }
        Ok(Self(Kind::Argon2id(Box::new(hash))))
    }

    /// A hash of no password, as costly as one should be.
    pub(super) fn decoy() -> Self {
        const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8tcGFzc3dvcmQ$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4";
        Self::parse(HASH).expect("a valid hash")
    }

    /// Whether the password is the one; takes as long whatever the answer is, and long on purpose.
    pub(super) fn verify(&self, password: &str) -> bool {
        match &self.0 {
            Kind::Argon2id(hash) => Argon2::default().verify_password(password.as_bytes(), &**hash).is_ok(),
            Kind::Bcrypt(hash) => {
                // Cut, it would be the password of whoever knows its beginning; and it still costs a hash.
                let read = &password.as_bytes()[..password.len().min(BCRYPT_READS)];
                bcrypt::verify(read, hash).unwrap_or(false) && read.len() == password.len()
            }
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Argon2id(_) => "PasswordHash(argon2id)",
            Kind::Bcrypt(_) => "PasswordHash(bcrypt)",
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of `correct horse`, as cheap as is accepted.
    pub(in super::super) const ARGON2ID: &str =
        "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
    /// Of `correct horse`.
    pub(in super::super) const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu";

    #[test]
    fn only_the_password_itself_is_the_one() {
        for text in [ARGON2ID, BCRYPT] {
            let hash = PasswordHash::parse(text).expect(text);
            assert!(hash.verify("correct horse"), "{text}");
            for wrong in ["", "correct", "correct horse ", "Correct horse", "correct horse\0"] {
                assert!(!hash.verify(wrong), "{text}: {wrong:?}");
            }
        }
    }

    #[test]
    fn bcrypt_takes_no_password_whose_end_it_would_not_read() {
        let password = "p".repeat(72);
        let hash = PasswordHash::parse(&bcrypt::hash(&password, 10).expect("hashed")).expect("a hash");
        assert!(hash.verify(&password) && !hash.verify(&format!("{password}x")));
    }

    #[test]
    fn weak_and_foreign_hashes_say_what_would_be_right() {
        let argon = |params: &str| {
            format!("$argon2id$v=19${params}$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4")
        };
        for (text, hint) in [
            ("", "`$argon2id$"),
            ("hunter2", "`$argon2id$"),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4",
                "`$argon2id$",
            ),
            ("$5$rounds=1000$salt$abc", "`$argon2id$"),
            (&*argon("m=1024,t=2,p=1"), "1024 KiB"),
            (&*argon("m=4194304,t=2,p=1"), "at most 64"),
            ("$2b$04$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijk.", "cost of 10 to 16"),
            ("$2x$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijk.", "bcrypt"),
            ("$2b$", "bcrypt"),
        ] {
            let problem = PasswordHash::parse(text).map(drop).expect_err(text);
            assert!(problem.contains(hint), "{text}: {problem}");
        }
    }
}
