//! What the log of a server in this process says of requests.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};

use super::requests::SOON;

/// The lines of the access log of every server of this process, while somebody listens.
static LINES: Mutex<Heard> = Mutex::new(Heard { listeners: 0, lines: Vec::new() });

struct Heard {
    listeners: usize,
    lines: Vec<String>,
}

/// Each request is one line, with no query, no body and nothing that a client could forge a line with.
pub(super) fn one_line_each(ctx: &Ctx) -> Result<(), Failure> {
    // Another server's requests are not this one's.
    let mark = format!("logged-{}", ctx.addr().port());
    let _listening = Listening::begin();
    expect_status(&ctx.get(&format!("/api/test/params/{mark}?token=hunter2"), Some("user"))?, 200)?;
    expect_status(&ctx.get(&format!("/api/test/params/{mark}%0Aforged"), None)?, 400)?;
    let mut connection = ctx.connect()?;
    let head = format!(r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {mark}\x09status=200\xe9");
    let body = r#"{"password":"hunter2"}"#;
    let length = body.len();
    ctx.send(
        &mut connection,
        &format!(r"{head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"),
    );
    expect_status(&ctx.answer(&mut connection, "POST")?, 200)?;
    wait_until(SOON, "a line for each request", || lines_with(&mark).len() >= 3)?;
    let lines = lines_with(&mark);
    ensure(lines.len() == 3, || format!("3 requests are these lines: {lines:?}"))?;
    let is_plain = |line: &String| line.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let are_right = lines.iter().all(|line| is_plain(line) && !line.contains("hunter2"));
    ensure(are_right, || format!("a line tells too much, or could be read as two: {lines:?}"))
}

pub(super) fn lines_with(mark: &str) -> Vec<String> {
    heard().lines.iter().filter(|line| line.contains(mark)).cloned().collect()
}

fn heard() -> MutexGuard<'static, Heard> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the lines that come until it is dropped, and everybody else who listens has stopped too.
pub(super) struct Listening;

impl Listening {
    pub(super) fn begin() -> Self {
        static INSTALLED: Once = Once::new();
        // Where somebody else has the log of this process, no line comes, and the case says so.
        INSTALLED.call_once(|| drop(tracing::subscriber::set_global_default(Log)));
        heard().listeners += 1;
        Self
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut heard = heard();
        heard.listeners -= 1;
        if heard.listeners == 0 {
            heard.lines.clear();
        }
    }
}

struct Log;

impl Log {
    fn wants(metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "neurolink::access"
    }
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::wants(metadata) && heard().listeners > 0
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut heard = heard();
        if heard.listeners > 0 {
            heard.lines.push(line.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}
