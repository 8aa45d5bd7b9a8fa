//! The id of a request behind a trusted proxy, and the one that logs carry beside it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use neurolink_core::engine::ToolError;
use neurolink_core::{App, Error, Route};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::support::{Quiet, ask};

/// Keeps the fields of events as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("memory");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("neurolink::")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn app() -> App {
    let builder = App::builder(Quiet)
        .configure(|settings| settings.trusted_proxies = vec!["10.0.0.0/8".into()])
        .route(Route::get("/api/boom", async || -> Result<(), Error> { Err(Error::internal("boom")) }));
    #[cfg(feature = "access-log")]
    let builder = builder.middleware(neurolink_core::middleware::AccessLog::new());
    builder.build().expect("valid")
}

#[tokio::test]
async fn only_a_trusted_proxy_chooses_the_id() {
    let app = app();
    let of = async |peer: &str, id: &str| {
        let answer = ask(&app, "GET", "/api/nope", peer, &[("x-request-id", id)]).await;
        assert!(answer.body.contains(&format!("\"requestId\":\"{}\"", answer.header("x-request-id"))));
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(of("10.1.2.3:4", "from-the-proxy:1").await, "from-the-proxy:1");
    assert_ne!(of("192.0.2.1:4", "from-a-stranger").await, "from-a-stranger");
    for bad in ["a b", "<x>", &"x".repeat(129)] {
        assert_ne!(of("10.1.2.3:4", bad).await, bad);
    }
}

#[tokio::test]
async fn logs_carry_our_own_id_beside_one_that_was_taken_over() {
    let app = app();
    let lines = Lines::default();
    let _logging = tracing::subscriber::set_default(lines.clone());
    let logged = async |peer: &str| {
        ask(&app, "GET", "/api/boom", peer, &[("x-request-id", "shared")]).await;
        std::mem::take(&mut *lines.0.lock().expect("no panic"))
    };
    let own = |line: &str| line.split(' ').find_map(|field| field.strip_prefix("own_id=").map(str::to_owned));
    let targets = if cfg!(feature = "access-log") {
        vec!["neurolink::access", "neurolink::error"]
    } else {
        vec!["neurolink::error"]
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let lines = logged("10.1.2.3:4").await;
        assert_eq!(lines.len(), targets.len(), "{lines:?}");
        for (line, target) in lines.iter().zip(&targets) {
            assert!(line.starts_with(target) && line.contains("request_id=shared"), "{line}");
        }
        let id = own(&lines[0]).expect("an own id");
        assert!(lines.iter().all(|line| own(line).as_deref() == Some(&*id)), "{lines:?}");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let lines = logged("192.0.2.1:4").await;
    assert!(lines.iter().all(|line| own(line).is_none() && !line.contains("shared")), "{lines:?}");
}

/// What Keryx writes of a request, from a trusted proxy with an id and from a stranger who wants to write more.
///
// Shows S2-46.
#[cfg(feature = "access-log")]
#[tokio::test]
async fn the_line_of_keryx_has_the_parts_that_it_seems_to_have() {
    let app = App::builder(Quiet)
        .configure(|settings| settings.trusted_proxies = vec!["10.0.0.0/8".into()])
        .middleware(neurolink_core::middleware::AccessLog::keryx())
        .route(Route::get("/api/a/{id}", async || "a"))
        .build()
        .expect("valid");
    let lines = Lines::default();
    let _logging = tracing::subscriber::set_default(lines.clone());
    let logged = async |path: &str, peer: &str, headers: &[(&str, &str)]| {
        ask(&app, "GET", path, peer, headers).await;
        let line = std::mem::take(&mut *lines.0.lock().expect("no panic")).remove(0);
        let line = line.strip_prefix("neurolink::access message=").expect("one field").to_owned();
        let (begin, rest) = line.split_once(" (").expect("milliseconds");
        let (milliseconds, end) = rest.split_once("ms) ").expect("milliseconds");
        assert!(milliseconds.parse::<u64>().is_ok(), "{line}");
        format!("{begin} (0ms) {end}")
    };
    assert_eq!(
        logged("/api/a/1?token=hunter2", "10.1.2.3:4", &[("x-request-id", "a1b2")]).await,
        "[ACTION:WEB:OK] /api/a/{id} (0ms) [GET] 10.1.2.3(http://localhost/api/a/1) [cor:a1b2] {}"
    );
    let forged = "/api/a/x)%20%5Bcor:mine%5D%20%7B%7D%20[ACTION:WEB:OK]%20status";
    let line = logged(forged, "192.0.2.1:4", &[("x-request-id", "a1b2"), ("user-agent", "[cor:a1b2]")]).await;
    assert_eq!(line.split(' ').count(), 7, "{line}");
    assert_eq!((line.matches("[cor:").count(), line.matches('[').count()), (1, 3), "{line}");
    assert!(!line.contains("a1b2") && line.contains("192.0.2.1(http://localhost/api/a/x%29%20"), "{line}");
    let line = logged("/nope", "192.0.2.1:4", &[]).await;
    assert!(line.starts_with("[ACTION:WEB:ERROR] - (0ms) [GET] 192.0.2.1(http://localhost/nope) [cor:"), "{line}");
    assert!(line.ends_with("] 404 {}"), "{line}");
}

#[test]
fn why_a_tool_failed_inside_is_logged_with_its_causes_and_the_request() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the key")]
    struct Unreadable(#[source] std::io::Error);

    let lines = Lines::default();
    let _logging = tracing::subscriber::set_default(lines.clone());
    let inside = ToolError::internal(Unreadable(std::io::Error::other("/srv/key is gone")));
    inside.log("files", "r-1");
    ToolError::new("the file is empty").log("files", "r-2");
    let lines = lines.0.lock().expect("no panic");
    assert!(
        matches!(&lines[..], [one] if one.contains("r-1") && one.contains("files")
            && one.contains("cannot read the key: /srv/key is gone")),
        "{lines:?}"
    );
}
