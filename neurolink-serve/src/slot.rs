//! The way of a socket out of hyper, which keeps it to itself and drops it when a head is late.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Io;

/// Where a dropped socket's connection is left for whoever has a last word to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Io>>>);

impl Slot {
    pub(crate) fn leave(&self, io: Io) {
        // After an upgrade nobody looks here any more: then it is dropped with the slot.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(io);
    }

    pub(crate) fn take(self) -> Option<Io> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
