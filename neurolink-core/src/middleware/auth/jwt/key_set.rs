//! Which keys a token may be of.

use super::algorithm::JwtAlgorithm;
use super::key::Key;

/// How many keys are tried on one token.
const MOST_TRIED: usize = 4;

/// Keys that tokens are verified with.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Key>,
}

impl KeySet {
    /// The keys that a token may be of: at most four.
    ///
    /// One that names its key is of that key, or of one without a name; one that names none is of any.
    pub(super) fn candidates<'a>(
        &'a self,
        algorithm: JwtAlgorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Key> {
        let able = move |key: &&Key| key.algorithms.has(algorithm);
        let named = self.keys.iter().filter(move |key| id.is_none() || key.id.as_deref() == id);
        let nameless = self.keys.iter().filter(move |key| id.is_some() && key.id.is_none());
        named.chain(nameless).filter(able).take(MOST_TRIED)
    }

    /// Whether a key is called so.
    pub(super) fn names(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// What its keys can verify.
    pub(super) fn can(&self, algorithm: JwtAlgorithm) -> bool {
        self.keys.iter().any(|key| key.algorithms.has(algorithm))
    }
}
