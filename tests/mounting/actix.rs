use actix_web::middleware::DefaultHeaders;
use actix_web::{App as Application, HttpResponse, test, web};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use neurolink::App;

use crate::{Answer, Host, NOT_FOUND, STATE};

pub(crate) struct Actix;

impl Host for Actix {
    async fn get(&self, apps: Vec<App>, path: &str) -> Answer {
        let mount = |config: &mut web::ServiceConfig| {
            for app in apps {
                neurolink::actix::configure(app)(config);
            }
        };
        let application = Application::new()
            .app_data(web::Data::new(STATE))
            .route("/mine", web::get().to(async |state: web::Data<&'static str>| **state))
            .configure(mount)
            .default_service(web::to(async || HttpResponse::NotFound().body(NOT_FOUND)))
            .wrap(DefaultHeaders::new().add(("x-host", "1")));
        let service = test::init_service(application).await;
        let request = test::TestRequest::get().uri(path).insert_header(("host", "localhost"));
        let answer = test::call_service(&service, request.to_request()).await;
        let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status");
        let mut headers = HeaderMap::new();
        for (name, value) in answer.headers() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        (status, headers, String::from_utf8_lossy(&test::read_body(answer).await).into_owned())
    }
}
