//! Threads with a runtime of their own each, for servers whose futures cannot leave their thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

use crate::{Accepted, Detached};

/// How long the threads may take to let go of what was cut.
const CUT: Duration = Duration::from_secs(2);

/// A connection on its way to a thread.
struct Job {
    connection: Detached,
    /// Dropped when the connection is gone.
    gone: oneshot::Sender<()>,
    /// Its other end is dropped when the connection has to go.
    cut: oneshot::Receiver<()>,
}

/// Threads that serve connections which [`accept`](crate::accept) takes; dropping them cuts all.
#[derive(Debug)]
pub struct Workers {
    jobs: Vec<mpsc::UnboundedSender<Job>>,
    ended: Vec<oneshot::Receiver<()>>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts threads: in each, `prepare` runs once, and what it gives runs for every connection; `None` serves none.
    ///
    /// # Errors
    /// When the system gives no thread or runtime.
    pub fn start<P, F, S, R>(count: usize, prepare: P) -> io::Result<Self>
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Option<S>>,
        S: Fn(Accepted) -> R,
        R: Future<Output = ()> + 'static,
    {
        let prepare = Arc::new(prepare);
        let mut workers = Self { jobs: Vec::new(), ended: Vec::new(), next: AtomicUsize::new(0) };
        for number in 0..count {
            let (sender, jobs) = mpsc::unbounded_channel();
            let (end, ended) = oneshot::channel::<()>();
            let prepare = Arc::clone(&prepare);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            std::thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
                // What is still open is dropped with the set.
                LocalSet::new().block_on(&runtime, work(&*prepare, jobs));
                runtime.shutdown_background();
                drop(end);
            })?;
            workers.jobs.push(sender);
            workers.ended.push(ended);
        }
        Ok(workers)
    }

    /// Gives a connection to the next thread; the future ends with the connection, which ends with the future.
    pub fn serve(&self, accepted: Accepted) -> impl Future<Output = ()> + Send + use<> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.jobs.len().max(1);
        let (gone, waits) = oneshot::channel();
        let (keep, cut) = oneshot::channel::<()>();
        // A connection that is gone already is dropped, and so is one for a thread that is.
        if let (Ok(connection), Some(jobs)) = (accepted.detach(), self.jobs.get(next)) {
            let _ = jobs.send(Job { connection, gone, cut });
        }
        async move {
            let _ = waits.await;
            drop(keep);
        }
    }

    /// Waits for the threads, 2 s at most: one that is blocked by a handler is left behind.
    pub async fn end(self) {
        drop(self.jobs);
        let all = async {
            for ended in self.ended {
                let _ = ended.await;
            }
        };
        let _ = tokio::time::timeout(CUT, all).await;
    }
}

async fn work<F, S, R>(prepare: &impl Fn() -> F, mut jobs: mpsc::UnboundedReceiver<Job>)
where
    F: Future<Output = Option<S>>,
    S: Fn(Accepted) -> R,
    R: Future<Output = ()> + 'static,
{
    let Some(serve) = prepare().await else { return };
    while let Some(Job { connection, gone, cut }) = jobs.recv().await {
        let Ok(accepted) = connection.attach() else { continue };
        let serving = serve(accepted);
        spawn_local(async move {
            tokio::select! {
                () = serving => {}
                _ = cut => {}
            }
            drop(gone);
        });
    }
}
