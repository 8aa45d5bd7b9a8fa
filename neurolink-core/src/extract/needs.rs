//! What a route must offer for the arguments of its handler.

use std::any::TypeId;

use super::FromContext;
use crate::http::Media;

/// What the arguments of a handler need from its route and its app.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Needs {
    pub(crate) bodies: usize,
    /// An argument follows the one that takes the body.
    pub(crate) after_body: bool,
    pub(crate) params: bool,
    pub(crate) media: Option<Media>,
    /// Takes the context itself: it may read the body, and nobody can tell.
    pub(crate) context: bool,
    pub(crate) user: bool,
    pub(crate) states: Vec<(TypeId, &'static str)>,
}

impl Needs {
    /// The value takes the body; only the last argument may.
    pub const fn body(&mut self) {
        self.bodies += 1;
    }

    /// The value takes a JSON body: another content type is refused with 415 before the first byte is read.
    pub const fn json_body(&mut self) {
        self.body();
        self.media = Some(Media::Json);
    }

    /// The value takes a form: another content type is refused with 415 before the first byte is read.
    pub const fn form_body(&mut self) {
        self.body();
        self.media = Some(Media::Form);
    }

    /// The value takes a form in parts: another content type is refused with 415 before the first byte is read.
    #[cfg(feature = "multipart")]
    pub const fn multipart_body(&mut self) {
        self.body();
        self.media = Some(Media::Multipart);
    }

    /// The value is made of the path's parameters.
    pub const fn params(&mut self) {
        self.params = true;
    }

    /// Adds what the next argument of a handler needs.
    pub(crate) fn argument<T: FromContext>(&mut self) {
        self.after_body |= self.bodies > 0;
        T::needs(self);
    }

    /// The value exists only for authenticated callers.
    pub const fn user(&mut self) {
        self.user = true;
    }

    /// The value is a registered state.
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), std::any::type_name::<T>()));
    }
}
