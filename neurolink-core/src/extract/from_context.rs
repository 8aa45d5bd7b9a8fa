//! What a value must say of itself so that handlers may take it.

use super::Needs;
use crate::{Context, Error};

/// A value that a handler takes as an argument.
///
/// ```
/// use neurolink_core::{Context, Error, FromContext};
///
/// struct Language(String);
///
/// impl FromContext for Language {
///     async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
///         let language = ctx.headers().get("accept-language").and_then(|value| value.to_str().ok());
///         Ok(Self(language.unwrap_or("en").to_owned()))
///     }
/// }
/// ```
pub trait FromContext: Sized + Send {
    /// Takes the value out of the request.
    fn from_context(ctx: &mut Context) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Says what the route must offer for this value; wrong routes are build errors.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}
