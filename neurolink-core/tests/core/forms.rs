//! Forms where a route asks for them.

use http::header;
use neurolink_core::{App, Body, Form, Route};

use crate::support::{Answer, app, send, to};

#[derive(serde::Deserialize)]
struct Login {
    user: String,
    #[serde(default)]
    tries: u32,
}

const FORM: &str = "application/x-www-form-urlencoded";

fn login() -> App {
    let login = async |Form(login): Form<Login>| format!("{} {}", login.user, login.tries);
    app().route(Route::post("/api/login", login)).build().expect("valid")
}

async fn post(kind: &str, body: impl Into<Body>) -> Answer {
    send(&login(), to("/api/login").method("POST").header(header::CONTENT_TYPE, kind), body).await
}

// Shows S1-13.
#[tokio::test]
async fn fields_are_decoded_and_the_last_of_a_name_wins() {
    for (kind, body, data) in [
        (FORM, "user=ada&tries=2", "ada 2"),
        ("Application/X-WWW-Form-URLEncoded; charset=utf-8", "user=a+b%2Bc&other=1", "a b+c 0"),
        (FORM, "user=x&&user=%C3%A4", "ä 0"),
    ] {
        let answer = post(kind, body).await;
        assert_eq!((answer.status, answer.json()["data"].as_str()), (200, Some(data)), "{body}: {}", answer.body);
    }
}

// Shows S1-13.
#[tokio::test]
async fn what_is_no_form_or_not_the_one_is_refused_without_its_values() {
    let many = "a=1&".repeat(1_000);
    for (kind, body, status, code) in [
        ("application/json", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data; boundary=x", "--x--", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (FORM, "", 400, "VALIDATION_ERROR"),
        (FORM, "user=ada&tries=secret", 400, "VALIDATION_ERROR"),
        (FORM, "tries=1", 400, "VALIDATION_ERROR"),
        (FORM, many.as_str(), 400, "BAD_REQUEST"),
        (FORM, "user=secret%FF", 400, "BAD_REQUEST"),
    ] {
        let answer = post(kind, body.to_owned()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{kind}: {}", answer.body);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
    assert_eq!(post(FORM, Body::from(vec![b'u', 0xff])).await.status, 400);
    let large = post(FORM, format!("user={}", "x".repeat(1024 * 1024))).await;
    assert_eq!((large.status, large.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
}
