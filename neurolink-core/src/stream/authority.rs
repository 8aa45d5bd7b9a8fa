use std::time::Duration;

/// Whether a credential is still good.
pub(crate) type StillGood = Box<dyn Fn() -> bool + Send + Sync>;

/// What a caller's right to a stream rests on, for as long as the stream lasts.
#[derive(Default)]
pub(crate) struct Authority {
    /// When the credential ends, since the epoch.
    pub(crate) expires: Option<Duration>,
    /// Asked now and then, for credentials that can be revoked.
    pub(crate) still_good: Option<StillGood>,
}
