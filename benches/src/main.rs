//! `bench-server FRAMEWORK bare|ours PORT`: one worker, three routes, until it is killed.
//!
//! *bare* is what the framework does by itself: a handler that parses the same JSON and sends the same number of events.
//! *ours* is the app mounted on it with bearer auth, request id, security headers, CORS and a limit that is never reached.

mod bare;
mod ours;

use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [framework, kind, port] = arguments.as_slice() else {
        eprintln!("usage: bench-server axum|actix|warp|poem bare|ours PORT");
        return ExitCode::from(2);
    };
    let listener = match TcpListener::bind(format!("127.0.0.1:{port}")) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on port {port}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = match kind.as_str() {
        "bare" => bare::serve(framework, listener),
        "ours" => ours::serve(framework, listener),
        other => Err(format!("`{other}` is neither bare nor ours").into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// An error of any kind.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One thread, so that one core is measured.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
