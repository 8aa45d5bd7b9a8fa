use neurolink::App;
use poem::error::NotFoundError;
use poem::http::StatusCode;
use poem::middleware::SetHeader;
use poem::web::Data;
use poem::{Body, Endpoint as _, EndpointExt as _, Request, Response, Route, get, handler};

use crate::{Answer, Host, NOT_FOUND, STATE};

pub(crate) struct Poem;

#[handler]
fn mine(Data(state): Data<&&'static str>) -> &'static str {
    state
}

impl Host for Poem {
    async fn get(&self, apps: Vec<App>, path: &str) -> Answer {
        let mut route = Route::new().at("/mine", get(mine));
        for app in apps {
            route = neurolink::poem::mount(route, app);
        }
        let not_found = async |_: NotFoundError| Response::builder().status(StatusCode::NOT_FOUND).body(NOT_FOUND);
        let host = route.data(STATE).catch_error(not_found).with(SetHeader::new().overriding("x-host", "1"));
        let uri = path.parse().expect("a path");
        let request = Request::builder().uri(uri).header("host", "localhost").body(Body::empty());
        let (parts, body) = http::Response::from(host.get_response(request).await).into_parts();
        let body = Body::from(body).into_string().await.expect("text");
        (parts.status, parts.headers, body)
    }
}
