//! The security headers, on every answer.

use http::{Method, StatusCode, header};
use neurolink_config::HeaderPreset;

use super::edit::{lose, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["headers"];

/// Answers without a security header.
macro_rules! missing {
    ($name:literal, $breaks:literal, $when:expr) => {
        Mutant::new($name, AREAS, $breaks).response(|head, response| {
            let when: fn(&http::request::Parts, &neurolink_core::Response) -> bool = $when;
            if when(head, response) {
                lose(response, "x-content-type-options");
            }
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("security-headers-are-another-set", AREAS, "the set is that of helmet")
        .config(|config| config.headers.preset = HeaderPreset::Helmet),
    missing!("security-headers-are-missing-on-errors", "4xx and 5xx have none", |_, response| {
        response.status().as_u16() >= 400 && response.status() != StatusCode::TOO_MANY_REQUESTS
    }),
    missing!("security-headers-are-missing-on-429", "429 has none", |_, response| {
        response.status() == StatusCode::TOO_MANY_REQUESTS
    }),
    missing!("security-headers-are-missing-on-streams", "a stream has none", |_, response| response.body().is_stream()),
    missing!("security-headers-are-missing-on-options", "204 has none", |head, _| head.method == Method::OPTIONS),
    Mutant::new("handlers-headers-are-overwritten", AREAS, "a handler's own value is lost").response(|_, response| {
        if response.headers().contains_key("x-frame-options") {
            set(response.headers_mut(), "x-frame-options", "DENY");
        }
    }),
    Mutant::new("time-is-missing-on-errors", AREAS, "an error does not tell its time").response(|_, response| {
        if response.status().is_client_error() || response.status().is_server_error() {
            lose(response, "x-response-time");
            lose(response, "server-timing");
        }
    }),
    Mutant::new("time-is-none", AREAS, "every answer took no time").response(|_, response| {
        set(response.headers_mut(), "x-response-time", "0.00ms");
        set(response.headers_mut(), "server-timing", "total;dur=0.00");
    }),
    Mutant::new("software-is-told", AREAS, "`Server` tells what runs")
        .response(|_, response| set(response.headers_mut(), "server", "hyper")),
    Mutant::new("hsts-believes-forwarded", AREAS, "a forwarded protocol makes HTTPS").response(|head, response| {
        if text(&head.headers, "x-forwarded-proto") == "https" {
            set(response.headers_mut(), "strict-transport-security", "max-age=1");
        }
    }),
    Mutant::new("repeated-lines-are-joined", &["http"], "lines of one name become a list").response(|_, response| {
        let lines: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
        let joined = lines.iter().filter_map(|line| line.to_str().ok()).collect::<Vec<_>>().join(", ");
        if !joined.is_empty() {
            set(response.headers_mut(), "set-cookie", &joined);
        }
    }),
    Mutant::new("repeated-lines-are-dropped", &["http"], "only the last line of a name is kept").response(
        |_, response| {
            if let Some(last) = response.headers().get_all(header::SET_COOKIE).iter().next_back().cloned() {
                response.headers_mut().insert(header::SET_COOKIE, last);
            }
        },
    ),
];
