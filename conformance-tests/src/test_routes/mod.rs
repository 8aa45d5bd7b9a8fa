//! Routes of the reference app that show something of the core which no route of a user's shows: one file a subject.

mod asked_limit;
mod form;
mod held;
mod issued;
mod keyed_limit;
mod lockout;
mod meeting;
mod outage;
mod pieces;
mod policies;
mod refusals;

pub(crate) use asked_limit::with_asked_limit;
pub(crate) use form::with_form;
pub(crate) use held::with_held;
pub(crate) use issued::{with_issued_keys, with_keys_outage};
pub(crate) use keyed_limit::with_keyed_limit;
pub(crate) use lockout::with_lockouts;
pub(crate) use meeting::with_meeting;
pub(crate) use outage::with_outage;
pub(crate) use pieces::with_pieces;
pub(crate) use policies::{native_policies, with_policies};
pub(crate) use refusals::with_refusals;
