//! The attack table: every token comes to its verdict, and the table is what its script makes.

use std::process::Command;

use neurolink_conformance::{TokenVerdict, cases, reference, tokens};
use neurolink_core::{App, Body, ConnInfo, Response};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tokens");

fn app() -> App {
    reference::app("jwt").expect("a valid app")
}

async fn ask(app: &App, token: &str) -> Response {
    let request = http::Request::get("/api/test/whoami").header("host", "localhost");
    let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).expect("a request");
    let conn = ConnInfo::new(Some(([127, 0, 0, 1], 40_000).into()));
    app.handle(request, conn.with_local(Some(([127, 0, 0, 1], 80).into()))).await
}

async fn code(response: Response) -> String {
    let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// The token with its long part.
fn whole(token: &str) -> String {
    token.replace("{repeat:100000:A}", &"A".repeat(100_000))
}

#[tokio::test]
async fn every_token_comes_to_its_verdict_at_first_and_again() {
    let app = app();
    let mut wrong = Vec::new();
    for token in tokens() {
        // The second time, a good one is remembered.
        for time in ["first", "second"] {
            let response = ask(&app, &whole(&token.token)).await;
            let status = response.status().as_u16();
            let told = response.headers().get("www-authenticate").cloned();
            let told = told.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
            let code = code(response).await;
            let invalid = told.contains("error=\"invalid_token\"") && told.contains("error_description=");
            let right = match token.verdict {
                TokenVerdict::Valid => status == 200,
                TokenVerdict::Invalid => status == 401 && code == "AUTH_INVALID" && invalid,
                TokenVerdict::Expired => {
                    status == 401 && code == "TOKEN_EXPIRED" && invalid && told.contains("expired")
                }
                TokenVerdict::Large => status == 431,
                _ => false,
            };
            if !right {
                wrong.push(format!(
                    "{} ({}), {time}: {status} {code}, not {:?}",
                    token.name, token.about, token.verdict
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_enough_and_each_is_there_once() {
    let mut names: Vec<_> = tokens().iter().map(|token| &token.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), tokens().len());
    let of = |verdict| tokens().iter().filter(|token| token.verdict == verdict).count();
    assert!(of(TokenVerdict::Invalid) >= 60 && of(TokenVerdict::Valid) >= 20 && of(TokenVerdict::Expired) >= 3);
}

#[test]
fn cases_name_tokens_that_there_are() {
    let all = cases().expect("cases");
    assert!(all.iter().filter(|case| case.id.starts_with("jwt/")).count() > 200);
    for case in all {
        let text = format!("{case:?}");
        for name in text.split("{token:").skip(1).filter_map(|rest| rest.split('}').next()) {
            assert!(tokens().iter().any(|token| token.name == name), "{}: {name}", case.id);
        }
    }
}

#[test]
fn the_table_is_what_its_script_makes() {
    let run = Command::new("node").args(["tokens.mjs", "--check"]).current_dir(FOLDER).output().expect("node");
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_configuration_has_the_keys_of_the_script() {
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let file = std::fs::read_to_string(format!("{FOLDER}/jwks.json")).expect("a file");
    let config = reference::config("jwt").expect("valid");
    let own = config.auth.jwt.and_then(|jwt| jwt.jwks).expect("a key set");
    assert_eq!(read(&own), read(&file));
}
