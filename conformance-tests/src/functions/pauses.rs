//! How long a busy machine lets threads wait that want to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often each thread wants to run.
const BEAT: Duration = Duration::from_millis(1);
/// As many as a server's workers, so that no core is left out.
const THREADS: usize = 2;

/// Threads that do nothing but wake, and see how late they do.
pub(crate) struct Pauses {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Duration>>,
}

impl Pauses {
    /// Watches from now on.
    pub(crate) fn watch() -> Self {
        let over = Arc::<AtomicBool>::default();
        let threads = (0..THREADS).map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                let mut worst = Duration::ZERO;
                while !over.load(Ordering::Acquire) {
                    let begun = Instant::now();
                    std::thread::sleep(BEAT);
                    worst = worst.max(begun.elapsed().saturating_sub(BEAT));
                }
                worst
            })
        });
        Self { threads: threads.collect(), over }
    }

    /// The longest pause since then.
    pub(crate) fn worst(mut self) -> Duration {
        self.end()
    }

    fn end(&mut self) -> Duration {
        self.over.store(true, Ordering::Release);
        self.threads.drain(..).map(|thread| thread.join().unwrap_or_default()).max().unwrap_or_default()
    }
}

impl Drop for Pauses {
    /// A case that fails early leaves no thread behind.
    fn drop(&mut self) {
        self.end();
    }
}
