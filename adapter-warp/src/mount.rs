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

/// What is known beside warp's parts of a request.
enum Origin {
    Head(Head),
    Host(Option<Authority>),
}

/// A filter of the app's base path and everything below it, to combine with your own by `or`.
///
/// What is not below the base path is rejected as not found, so that your routes and your 404 stay yours; an app
/// without a base path takes every path, so put it last.
/// warp does not give filters the HTTP version; where that matters, use [`service`](crate::service).
pub fn filter(app: App) -> BoxedFilter<(Response,)> {
    let segments = app.base_path().split('/').filter(|segment| !segment.is_empty());
    let base = segments.fold(warp::any().boxed(), |base, segment| base.and(warp::path(segment.to_owned())).boxed());
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    // Where the head is known, the core judges the host; warp has an answer of its own.
    let origin = warp::ext::get().map(Origin::Head);
    let origin = origin.or(warp::host::optional().map(Origin::Host)).unify();
    base.and(method())
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(origin)
        .and(warp::ext::optional::<ConnInfo>())
        .and(warp::addr::remote())
        .and(warp::body::stream())
        .and_then(move |method, path, query, headers, origin, conn: Option<_>, peer, stream| {
            let mut request = Request::new(convert::body(&headers, stream));
            *request.method_mut() = method;
            *request.headers_mut() = headers;
            let known = restore(&mut request, &path, query, origin);
            let conn = conn.unwrap_or_else(|| ConnInfo::new(peer));
            let app = app.clone();
            async move {
                known.map_err(|_| warp::reject::not_found())?;
                Ok::<_, Rejection>(convert::reply(app.handle(request, conn).await))
            }
        })
        .boxed()
}

/// Every method but CONNECT without a path, at which warp's filters panic.
fn method() -> impl Filter<Extract = (Method,), Error = Rejection> + Copy {
    warp::method().and_then(|method: Method| async move {
        if method == Method::CONNECT { Err(warp::reject::not_found()) } else { Ok(method) }
    })
}

/// Sets the target and the version as they were; warp's parts of a target make one.
fn restore(request: &mut Request, path: &FullPath, query: Option<String>, origin: Origin) -> Result<(), http::Error> {
    let host = match origin {
        Origin::Host(host) => host,
        Origin::Head(head) => {
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
