//! `bench-server KIND FRAMEWORK PORT`: one thread, three routes, until it is killed.
//!
//! | kind | what it is |
//! |---|---|
//! | `bare` | the framework by itself, as its documentation shows it |
//! | `looped` | the same routes behind this project's accept loop |
//! | `usual` | the five jobs by the framework's usual crates |
//! | `mounted` | our app, with the five jobs |
//! | `remembered` | the same, with verified tokens remembered, which is the default |
//! | `native` | the framework's routes with our stack around them, with the five jobs, behind our loop |
//! | `raw` | hyper alone; the framework is `hyper` |
//!
//! The five jobs: a request id, security headers, CORS, a limit that is never reached, and an HS256 token verified.
//! Every handler does the same work: see `work`.

mod actix;
mod axum;
mod hyper;
mod jobs;
mod ours;
mod poem;
mod warp;
mod work;

use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let served = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["token"] => {
            println!("{}", jobs::token());
            return ExitCode::SUCCESS;
        }
        [kind, framework, port] => TcpListener::bind(format!("127.0.0.1:{port}"))
            .map_err(|error| format!("cannot listen on port {port}: {error}").into())
            .and_then(|listener| serve(kind, framework, listener)),
        _ => Err("usage: bench-server bare|looped|usual|mounted|remembered|native axum|actix|warp|poem PORT, \
                  bench-server raw hyper PORT, or bench-server token"
            .into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(kind: &str, framework: &str, listener: TcpListener) -> Result<(), Failure> {
    listener.set_nonblocking(true)?;
    match (kind, framework) {
        ("raw", "hyper") => hyper::raw(listener),
        ("mounted", framework) => ours::mounted(framework, false, listener),
        ("remembered", framework) => ours::mounted(framework, true, listener),
        ("bare", "axum") => axum::bare(listener),
        ("looped", "axum") => axum::looped(listener),
        ("usual", "axum") => axum::usual(listener),
        ("native", "axum") => axum::native(listener),
        ("bare", "actix") => actix::bare(listener),
        ("usual", "actix") => actix::usual(listener),
        ("native", "actix") => actix::native(listener),
        ("bare", "warp") => warp::bare(listener),
        ("looped", "warp") => warp::looped(listener),
        ("usual", "warp") => warp::usual(listener),
        ("native", "warp") => warp::native(listener),
        ("bare", "poem") => poem::bare(listener),
        ("looped", "poem") => poem::looped(listener),
        ("usual", "poem") => poem::usual(listener),
        ("native", "poem") => poem::native(listener),
        _ => Err(format!("there is no {kind} server of {framework}").into()),
    }
}

/// An error of any kind.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One thread, so that one core is measured.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
