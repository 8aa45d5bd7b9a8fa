use std::fmt;

use argon2::password_hash::phc::{self, Output};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::credentials::Credentials;

/// The least memory of argon2id, in KiB, that OWASP's Password Storage Cheat Sheet has.
const LEAST_MEMORY: u32 = 7168;
/// What a hash that is made here takes: of memory, in KiB, and of passes.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
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

    /// Hashes a password by argon2id, with 19 MiB of memory and two passes (OWASP), which takes some tens of milliseconds.
    ///
    /// ```
    /// use neurolink_core::middleware::PasswordHash;
    ///
    /// let hash = PasswordHash::of("correct horse battery staple")?;
    /// assert!(hash.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// It is empty, has more than 1024 bytes or control characters, so that nobody could send it; or there are no random
    /// numbers.
    pub fn of(password: &str) -> Result<Self, String> {
        if password.is_empty() || Credentials::new("name", password).is_none() {
            return Err("a password has 1 to 1024 bytes and no control characters".into());
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let failed = |error: argon2::Error| error.to_string();
        let params = Params::new(MEMORY, PASSES, 1, None).map_err(failed)?;
        let mut hash = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(password.as_bytes(), &salt, &mut hash).map_err(failed)?;
        let [salt, hash] = [&salt[..], &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        Self::parse(&format!("$argon2id$v=19$m={MEMORY},t={PASSES},p=1${salt}${hash}"))
    }

    /// As it is kept, in a configuration or a database; it is no secret that may be shown to people.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.0 {
            Kind::Argon2id(hash) => hash.to_string(),
            Kind::Bcrypt(hash) => hash.to_string(),
        }
    }

    /// A hash of no password, as costly as one should be.
    pub(super) fn decoy() -> Self {
        const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8tcGFzc3dvcmQ$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4";
        Self::parse(HASH).expect("a valid hash")
    }

    /// Whether the password is the one; takes as long whatever the answer is, and long on purpose.
    pub(super) fn verify(&self, password: &str, memory: &mut Memory) -> bool {
        match &self.0 {
            Kind::Argon2id(hash) => is_of(hash, password.as_bytes(), memory).unwrap_or(false),
            Kind::Bcrypt(hash) => {
                // Cut, it would be the password of whoever knows its beginning; and it still costs a hash.
                let read = &password.as_bytes()[..password.len().min(BCRYPT_READS)];
                bcrypt::verify(read, hash).unwrap_or(false) && read.len() == password.len()
            }
        }
    }
}

/// Whether a hash by argon2id is of the password; nothing if it is not whole.
fn is_of(hash: &phc::PasswordHash, password: &[u8], memory: &mut Memory) -> Option<bool> {
    let params = Params::try_from(hash).ok()?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let mut computed = [0; Output::MAX_LENGTH];
    let computed = computed.get_mut(..expected.len())?;
    let blocks = memory.blocks(params.block_count());
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
    argon2.hash_password_into_with_memory(password, salt, computed, blocks).ok()?;
    // Compared in constant time.
    Some(Output::new(computed).ok()? == *expected)
}

/// What hashes need of memory, one after another.
///
/// Given back each time, an allocator would keep it once for each thread that has hashed.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

/// The most that is kept for the next hash, in blocks of 1 KiB.
const KEPT: usize = 64 * 1024;

impl Memory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            // Nothing is copied, and both are never there at one time.
            self.0 = Vec::new();
            self.0.resize(count, Block::new());
        }
        &mut self.0[..count]
    }

    /// As it is kept: what a hash has had that takes unusually much is given back.
    pub(super) fn kept(self) -> Self {
        if self.0.len() > KEPT { Self::default() } else { self }
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

    // Shows S1-76.
    #[test]
    fn only_the_password_itself_is_the_one() {
        for text in [ARGON2ID, BCRYPT] {
            let hash = PasswordHash::parse(text).expect(text);
            // The memory of one is used by the next.
            let mut memory = Memory::default();
            for _ in 0..2 {
                assert!(hash.verify("correct horse", &mut memory), "{text}");
                for wrong in ["", "correct", "correct horse ", "Correct horse", "correct horse\0"] {
                    assert!(!hash.verify(wrong, &mut memory), "{text}: {wrong:?}");
                }
            }
        }
    }

    #[test]
    fn a_hash_that_is_made_here_is_of_its_password_and_like_no_other() {
        let [one, other] = [0, 1].map(|_| PasswordHash::of("p\u{e4}ss: w\u{f6}rd").expect("hashed"));
        assert_ne!(one.text(), other.text(), "each has a salt of its own");
        let read = PasswordHash::parse(&one.text()).expect("a hash");
        let mut memory = Memory::default();
        assert!(read.verify("p\u{e4}ss: w\u{f6}rd", &mut memory) && !read.verify("p\u{e4}ss: word", &mut memory));
        for wrong in ["", "a\nb", &"a".repeat(1025)] {
            assert!(PasswordHash::of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn memory_is_kept_for_the_next_hash_unless_it_is_unusually_much() {
        let mut memory = Memory::default();
        memory.blocks(7168)[0] = Block::new();
        let first = memory.0.as_ptr();
        assert_eq!((memory.blocks(100).len(), memory.blocks(7168).len()), (100, 7168));
        let mut memory = memory.kept();
        assert_eq!(memory.0.as_ptr(), first);
        memory.blocks(KEPT + 1);
        assert!(memory.kept().0.is_empty());
    }

    #[test]
    fn bcrypt_takes_no_password_whose_end_it_would_not_read() {
        let password = "p".repeat(72);
        let hash = PasswordHash::parse(&bcrypt::hash(&password, 10).expect("hashed")).expect("a hash");
        let mut memory = Memory::default();
        assert!(hash.verify(&password, &mut memory) && !hash.verify(&format!("{password}x"), &mut memory));
    }

    // Shows S1-76.
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
