//! What the code under test tells the log, on this thread.

use std::io::Write;
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};

use tracing_subscriber::util::SubscriberInitExt as _;

/// The lines so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// A log, and what it listens with until that is dropped.
    pub(crate) fn listen() -> (Self, impl Sized) {
        second_listener();
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        (log, subscriber.with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).finish().set_default())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A listener that nobody reads, for as long as the process lives.
///
/// With one listener alone, tracing asks the thread that comes to a line first whether it is wanted, and remembers that
/// for all: a test that does not listen would silence the line for one that does. With two it asks them all.
fn second_listener() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (listens, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink);
            let all = tracing_subscriber::filter::LevelFilter::TRACE;
            let _listening = subscriber.with_max_level(all).finish().set_default();
            let _ = listens.send(());
            loop {
                std::thread::park();
            }
        });
        heard.recv().expect("it listens");
    });
}
