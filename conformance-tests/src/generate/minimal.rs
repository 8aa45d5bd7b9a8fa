//! What an exchange may do without: what its grammar cannot shrink is taken away piece by piece.

use super::exchange::{Framing, GeneratedExchange, Request};

/// One thing that is taken away; of a request by its number.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Request(usize),
    Splits,
    Pipelining,
    Body(usize),
    Framing(usize),
    Query(usize),
    Version(usize),
    Method(usize),
    /// A header line by its number.
    Header(usize, usize),
}

/// Makes an exchange as small as it can be while this still holds; what holds for one may not for another.
pub(super) fn minimal(
    mut smallest: GeneratedExchange,
    mut holds: impl FnMut(&GeneratedExchange) -> bool,
) -> GeneratedExchange {
    loop {
        let (mut at, mut is_smaller) = (0, false);
        // After a cut the next one has its number.
        while let Some(cut) = cuts(&smallest).get(at) {
            let smaller = cut.made(&smallest);
            if holds(&smaller) {
                (smallest, is_smaller) = (smaller, true);
            } else {
                at += 1;
            }
        }
        if !is_smaller {
            return smallest;
        }
    }
}

/// The exchanges that have one thing less: none of them shows what a finding does that was shrunk to the end.
// For the test that looks for what is left to take away, which is a binary of its own.
#[doc(hidden)]
#[must_use]
pub fn smaller(exchange: &GeneratedExchange) -> Vec<GeneratedExchange> {
    cuts(exchange).into_iter().map(|cut| cut.made(exchange)).collect()
}

/// Everything that can be taken away, the largest first.
fn cuts(exchange: &GeneratedExchange) -> Vec<Cut> {
    let requests = &exchange.requests;
    let mut cuts = Vec::new();
    if requests.len() > 1 {
        cuts.extend((0..requests.len()).map(Cut::Request));
    }
    cuts.extend((!exchange.splits.is_empty()).then_some(Cut::Splits));
    cuts.extend(exchange.pipelined.then_some(Cut::Pipelining));
    for (at, request) in requests.iter().enumerate() {
        let Request { method, target, version, headers, body, framing } = request;
        cuts.extend((!body.is_empty()).then_some(Cut::Body(at)));
        cuts.extend((*framing != Framing::Length).then_some(Cut::Framing(at)));
        cuts.extend(target.contains('?').then_some(Cut::Query(at)));
        cuts.extend((*version != "HTTP/1.1").then_some(Cut::Version(at)));
        cuts.extend((method != "GET").then_some(Cut::Method(at)));
        cuts.extend((0..headers.len()).map(|line| Cut::Header(at, line)));
    }
    cuts
}

impl Cut {
    fn made(self, exchange: &GeneratedExchange) -> GeneratedExchange {
        let mut smaller = exchange.clone();
        let requests = &mut smaller.requests;
        match self {
            Self::Request(at) => _ = requests.remove(at),
            Self::Splits => smaller.splits.clear(),
            Self::Pipelining => smaller.pipelined = false,
            Self::Body(at) => requests[at].body.clear(),
            Self::Framing(at) => requests[at].framing = Framing::Length,
            Self::Query(at) => requests[at].target = requests[at].target.split('?').next().unwrap_or_default().into(),
            Self::Version(at) => requests[at].version = "HTTP/1.1",
            Self::Method(at) => requests[at].method = "GET".into(),
            Self::Header(at, line) => _ = requests[at].headers.remove(line),
        }
        smaller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[&str]) -> Request {
        Request {
            method: "POST".into(),
            target: target.into(),
            version: "HTTP/1.0",
            headers: headers.iter().map(|name| ((*name).to_owned(), b"a".to_vec())).collect(),
            body: b"{}".to_vec(),
            framing: Framing::Explicit,
        }
    }

    #[test]
    fn only_what_is_needed_is_left() {
        let requests = vec![request("/a?b", &["Host"]), request("/c?d", &["Host", "X-Test", "Accept"])];
        let exchange = GeneratedExchange { requests, pipelined: true, splits: vec![1, 2] };
        let left = minimal(exchange, |it| it.requests.iter().any(|one| one.header("x-test").count() > 0));
        assert_eq!(left.requests.len(), 1);
        assert_eq!(left.requests[0].bytes(), b"GET /c HTTP/1.1\r\nX-Test: a\r\n\r\n");
        assert!(!left.pipelined && left.splits.is_empty());
    }

    #[test]
    fn what_is_needed_together_stays() {
        let all = request("/a", &["A", "B", "C"]);
        let exchange = GeneratedExchange { requests: vec![all], pipelined: false, splits: Vec::new() };
        let both = |it: &GeneratedExchange| ["a", "c"].iter().all(|name| it.requests[0].header(name).count() == 1);
        let left = minimal(exchange, |it| both(it) && !it.requests[0].body.is_empty());
        assert_eq!(left.requests[0].bytes(), b"GET /a HTTP/1.1\r\nA: a\r\nC: a\r\nContent-Length: 2\r\n\r\n{}");
    }
}
