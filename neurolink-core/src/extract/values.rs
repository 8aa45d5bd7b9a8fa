use std::any::type_name;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::{FromContext, Needs, text};
use crate::http::last_of_each;
use crate::{Code, Context, Error};

/// The path parameters of the route: one value, a tuple, or a struct; each is decoded once.
///
/// ```
/// use neurolink_core::{Path, Route};
///
/// let route = Route::get("/api/users/{user}/posts/{post}", async |Path((user, post)): Path<(String, u64)>| {
///     format!("{user} {post}")
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// The path parameters by name.
#[derive(Clone, Debug, Default)]
pub struct Params(pub Vec<(String, String)>);

/// The query as a struct; of a repeated name the last value wins.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// A value that the application registered with [`AppBuilder::state`](crate::AppBuilder::state).
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Path<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        text::from_params(ctx.params()?).map(Self).map_err(|problem| invalid("path parameters", &problem))
    }

    fn needs(needs: &mut Needs) {
        needs.params();
    }
}

impl FromContext for Params {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.params().map(Self)
    }
}

impl<T: DeserializeOwned + Send> FromContext for Query<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        text::from_pairs(last_of_each(ctx.query_pairs()))
            .map(Self)
            .map_err(|problem| invalid("query parameters", &problem))
    }
}

impl<T: Clone + Send + Sync + 'static> FromContext for State<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.state::<T>().cloned().map(Self).ok_or_else(|| {
            Error::internal(format!("no state of type {} is registered; add `.state(..)`", type_name::<T>()))
        })
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }
}

pub(super) fn invalid(what: &str, problem: &str) -> Error {
    Error::new(Code::ValidationError)
        .with_message(format!("Invalid {what}"))
        .with_details(json!([{ "path": "", "message": problem, "code": "invalid_type" }]))
}
