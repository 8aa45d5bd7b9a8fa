//! Forms in parts (`multipart/form-data`, RFC 7578), part by part as they come.

mod disposition;
mod form;
mod gate;
mod part;

pub use form::Multipart;
pub use part::Part;
