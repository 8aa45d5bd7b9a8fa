//! Threads with a runtime of their own each, for servers whose futures cannot leave their thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

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

/// What is known of a thread.
#[derive(Debug)]
struct Thread {
    /// Dropped when it has no connection and gets none.
    idle: oneshot::Receiver<()>,
    /// Dropped to let its runtime end.
    end: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// Threads that serve connections which [`accept`](crate::accept) takes; dropping them cuts all.
#[derive(Debug)]
pub struct Workers {
    jobs: Vec<mpsc::UnboundedSender<Job>>,
    threads: Vec<Thread>,
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
        let mut workers = Self { jobs: Vec::new(), threads: Vec::new(), next: AtomicUsize::new(0) };
        for number in 0..count {
            let (sender, jobs) = mpsc::unbounded_channel();
            let ((idle, idles), (end, ends), (over, ended)) =
                (oneshot::channel(), oneshot::channel(), oneshot::channel());
            let prepare = Arc::clone(&prepare);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            std::thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
                // What is still open is dropped with the set.
                LocalSet::new().block_on(&runtime, async move {
                    let mut ends = std::pin::pin!(ends);
                    tokio::select! {
                        () = work(&*prepare, jobs) => {
                            drop::<oneshot::Sender<()>>(idle);
                            let _ = ends.await;
                        }
                        _ = &mut ends => {}
                    }
                });
                runtime.shutdown_background();
                drop::<oneshot::Sender<()>>(over);
            })?;
            workers.jobs.push(sender);
            workers.threads.push(Thread { idle: idles, end, ended });
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
    ///
    /// Once no connection is left, `last` runs before any of their runtimes ends, for what was begun in one of them.
    pub async fn end(self, last: impl Future<Output = ()>) {
        drop(self.jobs);
        let (mut idle, mut ended, mut end) = (Vec::new(), Vec::new(), Vec::new());
        for thread in self.threads {
            idle.push(thread.idle);
            ended.push(thread.ended);
            end.push(thread.end);
        }
        let _ = timeout(CUT, all(idle)).await;
        last.await;
        drop(end);
        let _ = timeout(CUT, all(ended)).await;
    }
}

async fn all(threads: Vec<oneshot::Receiver<()>>) {
    for thread in threads {
        let _ = thread.await;
    }
}

async fn work<F, S, R>(prepare: &impl Fn() -> F, mut jobs: mpsc::UnboundedReceiver<Job>)
where
    F: Future<Output = Option<S>>,
    S: Fn(Accepted) -> R,
    R: Future<Output = ()> + 'static,
{
    let Some(serve) = prepare().await else { return };
    let mut open = JoinSet::new();
    loop {
        let job = tokio::select! {
            biased;
            Some(_) = open.join_next() => continue,
            job = jobs.recv() => job,
        };
        let Some(Job { connection, gone, cut }) = job else { break };
        let Ok(accepted) = connection.attach() else { continue };
        let serving = serve(accepted);
        open.spawn_local(async move {
            tokio::select! {
                () = serving => {}
                _ = cut => {}
            }
            drop(gone);
        });
    }
    while open.join_next().await.is_some() {}
}
