//! Frames written and read by hand (RFC 9113, section 4), for what no library would send.

use std::time::{Duration, Instant};

use super::PREFACE;
use crate::function::{Ctx, Failure};
use crate::talk::Talk;
use crate::wire::Connection;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// The same bit on SETTINGS and PING.
pub(crate) const ACK: u8 = 1;

/// The error code of a peer that is asked to slow down.
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// A request without a body.
    pub(crate) fn get(stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(HEADERS, END_STREAM | END_HEADERS, stream, block(fields))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut out = vec![length[1], length[2], length[3], self.kind, self.flags];
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(&self.payload);
        out
    }

    fn name(&self) -> &'static str {
        const NAMES: [&str; 10] = [
            "DATA",
            "HEADERS",
            "PRIORITY",
            "RST_STREAM",
            "SETTINGS",
            "PUSH_PROMISE",
            "PING",
            "GOAWAY",
            "WINDOW_UPDATE",
            "CONTINUATION",
        ];
        NAMES.get(usize::from(self.kind)).copied().unwrap_or("a frame of an unknown kind")
    }

    /// The frame in words.
    fn words(&self) -> String {
        let error = self.error().map(|error| format!(", error {error}")).unwrap_or_default();
        let text =
            if self.kind == DATA { format!(": {}", String::from_utf8_lossy(&self.payload)) } else { String::new() };
        let Self { flags, stream, payload, .. } = self;
        format!("HTTP/2 {} on stream {stream}, flags {flags}, {} bytes{error}{text}", self.name(), payload.len())
    }

    /// The error code of a RST_STREAM or GOAWAY.
    pub(crate) fn error(&self) -> Option<u32> {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        Some(u32::from_be_bytes(self.payload.get(at..at + 4)?.try_into().ok()?))
    }

    /// Whether it begins a 2xx answer: the statuses 200, 204 and 206 are one byte of the static table (RFC 7541).
    pub(crate) fn is_success(&self) -> bool {
        self.kind == HEADERS && self.payload.first().is_some_and(|first| (0x88..=0x8a).contains(first))
    }
}

/// The head of a GET, with more fields behind it.
pub(crate) fn get<'a>(path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "localhost")];
    fields.extend_from_slice(more);
    fields
}

/// Fields as literals that no table remembers (RFC 7541, section 6.2.3).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0x10);
        for text in [name, value] {
            length(text.len(), &mut out);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// A number with a prefix of seven bits (RFC 7541, section 5.1).
fn length(mut number: usize, out: &mut Vec<u8>) {
    let low = |number: usize| u8::try_from(number & 0x7f).unwrap_or(0);
    if number < 0x7f {
        out.push(low(number));
        return;
    }
    out.push(0x7f);
    number -= 0x7f;
    while number >= 0x80 {
        out.push(low(number) | 0x80);
        number >>= 7;
    }
    out.push(low(number));
}

/// A connection on which frames are sent as they are.
pub(crate) struct Raw {
    connection: Connection,
    talk: Talk,
    ended: bool,
}

impl Raw {
    /// Opens with the preface and these settings, each a number and its value.
    pub(crate) fn open(ctx: &Ctx, settings: &[(u16, u32)]) -> Result<Self, Failure> {
        let mut raw = Self { connection: ctx.connect()?, talk: ctx.talk().clone(), ended: false };
        raw.connection.send(PREFACE);
        let mut payload = Vec::new();
        for (number, value) in settings {
            payload.extend_from_slice(&number.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        raw.send(&Frame::new(SETTINGS, 0, 0, payload));
        Ok(raw)
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        self.connection.send(&frame.bytes());
        self.say(&frame.words());
    }

    /// Many frames with one write.
    pub(crate) fn send_all(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let frames: Vec<Frame> = frames.into_iter().collect();
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        self.connection.send(&bytes);
        // Of many the first ones tell what all are like.
        const TOLD: usize = 3;
        frames.iter().take(TOLD).for_each(|frame| self.say(&frame.words()));
        if frames.len() > TOLD {
            self.say(&format!("and {} more", frames.len() - TOLD));
        }
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.connection.send(bytes);
        self.say(&String::from_utf8_lossy(bytes));
    }

    fn say(&self, words: &str) {
        self.talk.sent(self.connection.number(), format!("{words}\n").as_bytes());
    }

    /// The next frame; nothing when the connection ended or none came in time.
    pub(crate) fn next(&mut self, wait: Duration) -> Option<Frame> {
        let head = self.connection.take(9, wait);
        let &[l2, l1, l0, kind, flags, s3, s2, s1, s0] = head.as_slice() else {
            self.ended = self.connection.end() != crate::wire::End::Open;
            self.talk.ended(self.connection.number(), self.connection.end(), None);
            return None;
        };
        let count = usize::try_from(u32::from_be_bytes([0, l2, l1, l0])).unwrap_or(0);
        let payload = self.connection.take(count, wait);
        let frame = Frame { kind, flags, stream: u32::from_be_bytes([s3, s2, s1, s0]), payload };
        self.talk.came(self.connection.number(), frame.words());
        Some(frame)
    }

    /// The first frame for which `wanted` holds.
    pub(crate) fn find(&mut self, wait: Duration, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        let until = Instant::now() + wait;
        loop {
            let frame = self.next(until.saturating_duration_since(Instant::now()))?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    /// Everything that comes until the connection ends.
    ///
    /// # Errors
    /// It does not end in time.
    pub(crate) fn until_closed(&mut self, wait: Duration) -> Result<Vec<Frame>, Failure> {
        let until = Instant::now() + wait;
        let mut frames = Vec::new();
        while let Some(frame) = self.next(until.saturating_duration_since(Instant::now())) {
            frames.push(frame);
        }
        if self.ended {
            return Ok(frames);
        }
        let kinds: Vec<u8> = frames.iter().map(|frame| frame.kind).collect();
        Err(Failure::new(format!("the connection is open after {wait:?}; frames of these kinds came: {kinds:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_nine_bytes_before_its_payload() {
        let frame = Frame::new(RST_STREAM, 0, 5, 8_u32.to_be_bytes());
        assert_eq!(frame.bytes(), [0, 0, 4, 3, 0, 0, 0, 0, 5, 0, 0, 0, 8]);
        assert_eq!(frame.error(), Some(8));
    }

    #[test]
    fn lengths_are_those_of_the_rfc() {
        let of = |number| {
            let mut out = Vec::new();
            length(number, &mut out);
            out
        };
        assert_eq!(of(10), [10]);
        assert_eq!(of(127), [0x7f, 0]);
        assert_eq!(of(127 + 300), [0x7f, 0xac, 0x02]);
    }
}
