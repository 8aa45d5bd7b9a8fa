use crate::{Context, Error, FromContext};

/// Says that a handler opens a stream: the caller's place for it is taken before the handler begins.
///
/// A caller who has as many streams open as one may ([`Settings::stream`](crate::Settings::stream)) gets 429, and the
/// engine no work.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StreamPlace;

impl FromContext for StreamPlace {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.reserve_stream().map(|()| Self)
    }
}
