//! Files for tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Writes a file of its own folder and returns its path.
#[allow(unreachable_pub)]
pub fn file(name: &str, content: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file");
    path
}
