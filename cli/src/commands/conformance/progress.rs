use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A line on a terminal that says how far it is; nothing where nobody looks.
pub(super) struct Progress<'a> {
    name: &'a str,
    total: usize,
    done: AtomicUsize,
    failed: AtomicUsize,
    shown: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(name: &'a str, total: usize) -> Self {
        Self { name, total, done: AtomicUsize::new(0), failed: AtomicUsize::new(0), shown: stderr().is_terminal() }
    }

    pub(super) fn done(&self, failed: bool) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let failed = self.failed.fetch_add(usize::from(failed), Ordering::Relaxed) + usize::from(failed);
        if self.shown && (done.is_multiple_of(10) || done == self.total) {
            let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
            let _ = write!(stderr(), "\r\x1b[K{}: {done} of {}{failed}", self.name, self.total);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
