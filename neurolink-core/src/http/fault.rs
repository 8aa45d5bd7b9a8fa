//! What went wrong with a body that somebody reads as it comes.

use std::sync::{Arc, OnceLock};

use super::too_large;
use crate::Error;

/// What is wrong with a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// More came than this limit.
    TooLarge(usize),
    /// More of it than that, of the parts of a form.
    #[cfg(feature = "multipart")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The most.
        limit: usize,
    },
    /// It is not what its head says; why.
    #[cfg(any(feature = "decompress", feature = "multipart"))]
    Malformed(&'static str),
}

impl BodyFault {
    /// The error that it is answered with.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::TooLarge(limit) => too_large(limit),
            #[cfg(feature = "multipart")]
            Self::TooMuch { what, limit } => {
                Error::new(crate::Code::PayloadTooLarge).with_message(format!("The form has more than {limit} {what}"))
            }
            #[cfg(any(feature = "decompress", feature = "multipart"))]
            Self::Malformed(why) => Error::bad_request(why),
        }
    }
}

/// Tells of a body's fault, so that the answer tells it whatever the reader made of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    first: Arc<OnceLock<BodyFault>>,
    /// That of the same body when it was taken further outside.
    outer: Option<Box<Fault>>,
}

impl Fault {
    /// Notes a fault, of which the first one counts, and gives what the reader of the body gets.
    pub(crate) fn note(&self, fault: BodyFault) -> Error {
        self.first.get_or_init(|| fault).error()
    }

    /// What happened, if anything did.
    pub(crate) fn error(&self) -> Option<Error> {
        let outer = || self.outer.as_ref()?.error();
        self.first.get().map(|fault| fault.error()).or_else(outer)
    }

    /// This one, and `outer` still holds.
    pub(crate) fn within(self, outer: Option<Self>) -> Self {
        Self { outer: outer.map(Box::new), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn the_first_fault_counts_and_one_further_outside_is_told_too() {
        let (outer, inner) = (Fault::default(), Fault::default());
        let both = inner.clone().within(Some(outer.clone()));
        assert!(both.error().is_none());
        outer.note(BodyFault::TooLarge(1));
        assert_eq!(both.error().expect("of the outer").code(), Code::PayloadTooLarge);
        inner.note(BodyFault::TooLarge(20));
        inner.note(BodyFault::TooLarge(300));
        assert!(both.error().expect("of the inner").message().contains(" 20 bytes"));
    }
}
