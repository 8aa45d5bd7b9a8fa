//! What stores are being told, which no request that is given up and no stop of a server cuts short.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Settlement, StoreHandle};

/// The settlements of an app that are under way.
#[derive(Default)]
pub(crate) struct Settling(watch::Sender<usize>);

/// One of them, until it is dropped.
struct UnderWay(Arc<Settling>);

impl Settling {
    /// Tells each store once what became of charges; it goes on if the caller does not wait for the end.
    ///
    /// Nothing can be told outside of a runtime.
    pub(in super::super) fn tell(
        self: &Arc<Self>,
        settlements: Vec<(StoreHandle, Settlement)>,
        now: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (end, ended) = oneshot::channel::<()>();
        if !settlements.is_empty() {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => {
                    let under_way = UnderWay::begin(self);
                    runtime.spawn(async move {
                        tell_each(settlements, now).await;
                        drop((under_way, end));
                    });
                }
                Err(_) => {
                    tracing::warn!("what a request that outlives its runtime has used is not charged in its store");
                }
            }
        }
        async move {
            let _ = ended.await;
        }
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        let _ = self.0.subscribe().wait_for(|under_way| *under_way == 0).await;
    }
}

impl UnderWay {
    fn begin(settling: &Arc<Settling>) -> Self {
        settling.0.send_modify(|under_way| *under_way += 1);
        Self(Arc::clone(settling))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|under_way| *under_way -= 1);
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
