use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::values::invalid;
use super::{FromContext, Needs, text};
use crate::http::{Media, form_pairs};
use crate::{Code, Context, Error};

/// The fields of a form (`application/x-www-form-urlencoded`), as a struct; of a repeated name the last value wins.
///
/// Another content type is 415, more than 1,000 fields or bytes that are no UTF-8 are 400, and what the struct does not
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

impl<T: DeserializeOwned + Send> FromContext for Form<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.require_media(Media::Form)?;
        let body = ctx.read_body().await?;
        let body = std::str::from_utf8(&body).map_err(|_| bad("The request body is not valid UTF-8"))?;
        if body.split('&').count() > MOST_FIELDS {
            return Err(bad("The form has too many fields"));
        }
        // Collecting keeps the last value of a repeated name.
        let last: HashMap<String, String> = form_pairs(body).collect();
        let last = last.into_iter().collect();
        text::from_pairs(last).map(Self).map_err(|problem| invalid("form", &problem))
    }

    fn needs(needs: &mut Needs) {
        needs.form_body();
    }
}

fn bad(message: &'static str) -> Error {
    Error::new(Code::BadRequest).with_message(message)
}
