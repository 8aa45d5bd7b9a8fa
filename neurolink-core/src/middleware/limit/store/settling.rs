//! What stores are being told, which no request that is given up and no stop of a server cuts short.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::{Settlement, StoreHandle};

/// The settlements of an app that are under way.
pub(crate) struct Settling(TaskTracker);

impl Default for Settling {
    fn default() -> Self {
        let tasks = TaskTracker::new();
        tasks.close(); // it takes tasks all the same, and can be waited for at any time
        Self(tasks)
    }
}

impl Settling {
    /// Tells each store once what became of charges; it goes on if the caller does not wait for the end.
    ///
    /// Nothing can be told outside of a runtime.
    pub(in crate::middleware) fn tell(
        &self,
        settlements: Vec<(StoreHandle, Settlement)>,
        now: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let told = match Handle::try_current() {
            _ if settlements.is_empty() => None,
            Ok(runtime) => Some(self.0.spawn_on(tell_each(settlements, now), &runtime)),
            Err(_) => {
                tracing::warn!("what a request that outlives its runtime has used is not charged in its store");
                None
            }
        };
        async move {
            if let Some(told) = told {
                let _ = told.await;
            }
        }
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        self.0.wait().await;
    }
}

async fn tell_each(mut settlements: Vec<(StoreHandle, Settlement)>, now: Duration) {
    while let Some((store, _)) = settlements.first() {
        let store = store.clone();
        let of_store = settlements.extract_if(.., |(other, _)| other.is_same(&store));
        let of_store: Vec<Settlement> = of_store.map(|(_, settlement)| settlement).collect();
        store.settle(&of_store, now).await;
    }
}
