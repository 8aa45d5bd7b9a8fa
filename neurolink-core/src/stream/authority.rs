use std::time::Duration;

use smallvec::SmallVec;

use crate::BoxFuture;

/// Whether a credential is still good.
pub(crate) type StillGood = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What a caller's right to a stream rests on, for as long as the stream lasts.
#[derive(Default)]
pub(crate) struct Authority {
    /// When the credential ends, since the epoch.
    pub(crate) expires: Option<Duration>,
    /// Asked now and then, for credentials that can be revoked: all must say so.
    pub(crate) still_good: SmallVec<[StillGood; 1]>,
}

impl Authority {
    /// Whether it can end before the credential does.
    pub(crate) fn can_be_revoked(&self) -> bool {
        !self.still_good.is_empty()
    }

    /// Asks all.
    pub(crate) fn ask(&self) -> BoxFuture<'static, bool> {
        let all: Vec<_> = self.still_good.iter().map(|still_good| still_good()).collect();
        Box::pin(async move {
            for good in all {
                if !good.await {
                    return false;
                }
            }
            true
        })
    }
}
