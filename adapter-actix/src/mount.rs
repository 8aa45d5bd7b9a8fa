use actix_web::dev::{ServiceRequest, ServiceResponse, fn_service};
use actix_web::web::{self, ServiceConfig};
use neurolink_core::App;
use neurolink_core::http::Pump;

use crate::convert;

/// Registers the app's base path and everything below it, for `actix_web::App::configure`.
///
/// What is not below the base path stays yours, your 404 included; an app without a base path takes every path
/// that is not yours. Build the app outside of the factory and clone it in, so that all workers share it.
pub fn configure(app: App) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config| {
        if app.base_path().is_empty() {
            return everything(app, config);
        }
        let scope = web::scope(app.base_path());
        let service = fn_service(move |request| answer(app.clone(), request));
        config.service(scope.default_service(service));
    }
}

/// Gives the app every path that nobody else has.
pub(crate) fn everything(app: App, config: &mut ServiceConfig) {
    config.default_service(fn_service(move |request| answer(app.clone(), request)));
}

async fn answer(app: App, request: ServiceRequest) -> Result<ServiceResponse, actix_web::Error> {
    let (request, payload) = request.into_parts();
    let (head, mut pump) = convert::request(&request, Some(payload))?;
    // On the heap, for it is large: what actix moves about and puts into a box stays small.
    let mut handle = Box::pin(app.handle(head, convert::connection(&request)));
    let response = std::future::poll_fn(|cx| Pump::poll_with(&mut pump, cx, |cx| handle.as_mut().poll(cx))).await;
    let response = convert::response(response, convert::asked(&request), pump)?;
    Ok(ServiceResponse::new(request, response))
}
