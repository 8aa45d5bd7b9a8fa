use futures_util::future::{Either, FutureExt as _};
use http::{Method, Uri, Version, header};
use neurolink_core::{App, ConnInfo, Request};
use warp::filters::BoxedFilter;
use warp::host::Authority;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::convert;

/// What no filter of warp's gives; our own server leaves it in the request's extensions.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) uri: Uri,
    pub(crate) version: Version,
}

/// What a request asks for.
enum Target {
    Known(Head),
    /// What warp tells of it.
    Parts(FullPath, Option<String>, Option<Authority>),
}

/// A filter of the app's base path and everything below it, to combine with your own by `or`.
///
/// What is not below the base path is rejected as not found, so that your routes and your 404 stay yours; an app
/// without a base path takes every path, so put it last.
/// warp does not give filters the HTTP version, unless [`Warp`](crate::Warp) serves.
pub fn filter(app: App) -> BoxedFilter<(Response,)> {
    let mut segments = app.base_path().split('/').filter(|segment| !segment.is_empty()).peekable();
    let any = if segments.peek().is_some() { warp::any().boxed() } else { with_a_path().boxed() };
    let base = segments.fold(any, |base, segment| base.and(warp::path(segment.to_owned())).boxed());
    below(base, app)
}

/// A filter of every path, whatever the app's base path is.
pub(crate) fn everything(app: App) -> BoxedFilter<(Response,)> {
    below(warp::any().boxed(), app)
}

fn below(base: BoxedFilter<()>, app: App) -> BoxedFilter<(Response,)> {
    base.and(warp::method())
        .and(target())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<ConnInfo>())
        .and(warp::addr::remote())
        .and(warp::body::stream())
        .and_then(move |method, target, headers, conn: Option<_>, peer, stream| {
            let mut request = Request::new(convert::body(&headers, stream));
            *request.method_mut() = method;
            *request.headers_mut() = headers;
            let known = restore(&mut request, target);
            let conn = conn.unwrap_or_else(|| ConnInfo::new(peer));
            match known {
                Ok(()) => Either::Left(app.handle(request, conn).map(|response| Ok(convert::reply(response)))),
                Err(_) => Either::Right(std::future::ready(Err(warp::reject::not_found()))),
            }
        })
        .boxed()
}

/// Every request that has a path for sure: CONNECT may have none, at which warp's filters panic unless the head is known.
fn with_a_path() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    let judge = |method: Method, head: Option<Head>| async move {
        if method == Method::CONNECT && head.is_none() { Err(warp::reject::not_found()) } else { Ok(()) }
    };
    warp::method().and(warp::ext::optional()).and_then(judge).untuple_one()
}

/// Where the head is known, the core judges the host; warp has an answer of its own.
fn target() -> impl Filter<Extract = (Target,), Error = Rejection> + Clone {
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    let parts = warp::path::full().and(query).and(warp::host::optional()).map(Target::Parts);
    warp::ext::get().map(Target::Known).or(parts).unify()
}

/// Sets the target and the version as they were; warp's parts of a target make one.
fn restore(request: &mut Request, target: Target) -> Result<(), http::Error> {
    let (path, query, host) = match target {
        Target::Parts(path, query, host) => (path, query, host),
        Target::Known(head) => {
            *request.version_mut() = head.version;
            *request.uri_mut() = head.uri;
            return Ok(());
        }
    };
    *request.uri_mut() = match query {
        Some(query) => format!("{}?{query}", path.as_str()).parse()?,
        None => path.as_str().parse()?,
    };
    // HTTP/2 names the host in the target, which warp keeps to itself.
    if let (Some(host), false) = (host, request.headers().contains_key(header::HOST)) {
        request.headers_mut().insert(header::HOST, host.as_str().parse()?);
    }
    Ok(())
}
