use serde::de::DeserializeOwned;

use super::values::invalid;
use super::{FromContext, Needs, text};
use crate::http::{Media, form_pairs, last_of_each};
use crate::{Code, Context, Error};

/// The fields of a form (`application/x-www-form-urlencoded`), as a struct; of a repeated name the last value wins.
///
/// Another content type is 415, more than 1,000 fields or bytes that are no UTF-8, percent-encoded ones too, are 400, and what the struct does not
/// take is 400 `VALIDATION_ERROR`. An empty body is a form without fields. A page of another origin can send a form
/// without asking first; the cross-site check refuses it, unless it is turned off.
///
/// ```
/// use neurolink_core::{Form, Route};
///
/// #[derive(serde::Deserialize)]
/// struct Login { user: String }
///
/// let route = Route::post("/api/login", async |Form(login): Form<Login>| login.user);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

/// How many fields a form may have: each is much larger in memory than on the wire.
const MOST_FIELDS: usize = 1_000;
/// What is held for each byte: the body, its decoded pairs, and what they are read into.
const WEIGHT: usize = 3;

impl<T: DeserializeOwned + Send> FromContext for Form<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.require_media(Media::Form)?;
        let body = ctx.read_weighted(WEIGHT).await?;
        let not_utf_8 = |_| bad("The form is not valid UTF-8");
        let body = std::str::from_utf8(&body).map_err(not_utf_8)?;
        if body.split('&').count() > MOST_FIELDS {
            return Err(bad("The form has too many fields"));
        }
        let pairs = form_pairs(body).map_err(not_utf_8)?;
        text::from_pairs(last_of_each(pairs)).map(Self).map_err(|problem| invalid("form", &problem))
    }

    fn needs(needs: &mut Needs) {
        needs.form_body();
    }
}

fn bad(message: &'static str) -> Error {
    Error::new(Code::BadRequest).with_message(message)
}
