//! Lines of the log that a flood must not fill it with.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two of them.
const QUIET: Duration = Duration::from_secs(10);

/// When the log was last told of something that strangers can cause.
#[derive(Debug, Default)]
pub struct Quiet(Mutex<Option<Instant>>);

impl Quiet {
    /// Whether the log is to be told now; once in 10 s at most.
    pub fn is_to_tell(&self) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_quiet = told.is_some_and(|at| at.elapsed() < QUIET);
        if !is_quiet {
            *told = Some(Instant::now());
        }
        !is_quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_once_in_a_while() {
        let quiet = Quiet::default();
        assert!(quiet.is_to_tell() && !quiet.is_to_tell());
        *quiet.0.lock().expect("no panic") = Instant::now().checked_sub(QUIET);
        assert!(quiet.is_to_tell());
    }
}
