//! `core-cost SCENARIO COUNT`: answers one request so many times, on one thread, and ends.
//!
//! `core-cost --list` names the scenarios. `benches/core.py` runs each twice under valgrind, with different counts:
//! the difference is what one request costs, exactly and on any machine.

mod discard;
mod scenario;

use std::process::ExitCode;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use neurolink_core::ConnInfo;
use scenario::{SCENARIOS, Scenario};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--list"] => SCENARIOS.iter().for_each(|scenario| println!("{}", scenario.name)),
        [name, count] => {
            let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == *name) else {
                eprintln!("`{name}` is no scenario; see core-cost --list");
                return ExitCode::from(2);
            };
            let Ok(count) = count.parse() else {
                eprintln!("`{count}` is no count");
                return ExitCode::from(2);
            };
            repeat(scenario, count);
        }
        _ => {
            eprintln!("usage: core-cost SCENARIO COUNT, or core-cost --list");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Panics when an answer is not the expected one: then the figure would be of something else.
fn repeat(scenario: &Scenario, count: u32) {
    if scenario.name == "get-access-log" {
        tracing::subscriber::set_global_default(discard::Discard).expect("the first one");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let app = (scenario.app)();
    let conn = ConnInfo::new(Some(([127, 0, 0, 1], 40_000).into())).with_local(Some(([127, 0, 0, 1], 80).into()));
    let mut spare = HeaderMap::new();
    runtime.block_on(async {
        for _ in 0..count {
            let mut request = (scenario.request)();
            // A connection of hyper's keeps the map of an answer for its next request.
            spare.extend(request.headers_mut().drain());
            *request.headers_mut() = std::mem::take(&mut spare);
            let Some(app) = &app else {
                spare = std::mem::take(std::hint::black_box(request).headers_mut());
                spare.clear();
                continue;
            };
            let response = app.handle(request, conn).await;
            assert_eq!(response.status(), scenario.status, "{}", scenario.name);
            let (mut head, mut body) = response.into_parts();
            head.headers.clear();
            spare = head.headers;
            while let Some(frame) = body.frame().await {
                std::hint::black_box(frame.expect("a whole body"));
            }
        }
    });
}
