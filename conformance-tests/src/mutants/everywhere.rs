//! What breaks every area: for cases that no mutant of their own area reaches.

use http::StatusCode;

use super::mutant::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("every-success-is-a-202", &[], "2xx is told as 202").response(|_, response| {
        if response.status().is_success() {
            *response.status_mut() = StatusCode::ACCEPTED;
        }
    }),
    Mutant::new("every-refusal-is-a-200", &[], "what is refused, also by hyper, is told as 200").down(|_, bytes| {
        match bytes.get(..10) {
            Some(b"HTTP/1.1 4" | b"HTTP/1.0 4") => [b"HTTP/1.1 200 OK", &bytes[12..]].concat(),
            _ => bytes,
        }
    }),
    Mutant::new("every-error-is-a-418", &[], "4xx and 5xx are told as 418").response(|_, response| {
        if response.status().is_client_error() || response.status().is_server_error() {
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
        }
    }),
];
