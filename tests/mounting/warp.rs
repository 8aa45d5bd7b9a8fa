use std::convert::Infallible;

use futures_util::TryStreamExt as _;
use neurolink::{App, Body};
use tower::ServiceExt as _;
use warp::http::StatusCode;
use warp::reply::{Reply, Response, with_status};
use warp::{Filter as _, Rejection};

use crate::{Answer, Host, NOT_FOUND, STATE};

pub(crate) struct Warp;

async fn not_found(_: Rejection) -> Result<impl Reply, Infallible> {
    Ok(with_status(NOT_FOUND, StatusCode::NOT_FOUND))
}

impl Host for Warp {
    async fn get(&self, apps: Vec<App>, path: &str) -> Answer {
        let state = warp::any().map(|| STATE);
        let mine = warp::path!("mine").and(warp::get()).and(state).map(|state: &str| state.to_owned().into_response());
        let mut host = mine.boxed();
        for app in apps {
            let beside = host.or(neurolink::warp::filter(app)).unify();
            host = beside.map(|response: Response| response).boxed();
        }
        let host = host.recover(not_found).with(warp::reply::with::header("x-host", "1"));
        let request = http::Request::get(path).header("host", "localhost").body(Body::empty()).expect("a request");
        let (parts, body) = warp::service(host).oneshot(request).await.expect("an answer").into_parts();
        let body = Body::new(body)
            .try_fold(Vec::new(), async |mut whole, chunk| {
                whole.extend_from_slice(&chunk);
                Ok(whole)
            })
            .await
            .expect("a body");
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }
}
