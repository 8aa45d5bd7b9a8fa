//! What is generated: a request that a handler answers, and a few changes that make trouble.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

use super::exchange::{Chunks, Framing, GeneratedExchange, Request};
use super::routes::STARTS;
use super::values as v;
use crate::placeholders::named;

/// How much of `STARTS` shows best what a request has become.
const TELLING: usize = 12;

/// Exchanges of one to three requests.
pub(super) fn exchange() -> BoxedStrategy<GeneratedExchange> {
    let requests = prop_oneof![6 => vec(request(), 1), 1 => vec(request(), 2..=3)];
    let splits = prop_oneof![2 => Just(Vec::new()), 1 => vec(0_u16..1000, 1..4)];
    (requests, any::<bool>(), splits)
        .prop_map(|(requests, pipelined, splits)| GeneratedExchange { requests, pipelined, splits })
        .boxed()
}

fn request() -> impl Strategy<Value = Request> {
    let start = prop_oneof![1 => select(&STARTS[..TELLING]), 1 => select(STARTS)];
    let changes = prop_oneof![1 => vec(change(), 0..2), 2 => vec(change(), 1..4), 1 => vec(change(), 3..8)];
    (start, changes).prop_map(|(start, changes)| {
        let mut request = start.request();
        for change in changes {
            change.apply(&mut request);
        }
        request
    })
}

/// One thing that is otherwise than a usual client would have it.
#[derive(Clone, Debug)]
enum Change {
    Method(&'static str),
    Version(&'static str),
    Target(&'static str),
    Query(&'static str),
    Suffix(&'static str),
    /// Writes one character of the path as an escape.
    Escape(Index),
    /// Puts this many characters behind the path.
    LongTarget(usize),
    /// Puts another line in place of those of this name.
    Set(&'static str, &'static str),
    /// Adds a line.
    Add(&'static str, &'static str),
    Long(&'static str, usize),
    /// Adds this many lines.
    Many(usize),
    Twice(Index),
    Without(Index),
    Case(Index),
    Body(Vec<&'static str>),
    Bytes(Vec<u8>),
    Sized(usize),
    /// An array in an array and so on.
    Deep(usize),
    Framing(Framing),
}

fn change() -> BoxedStrategy<Change> {
    prop_oneof![
        8 => select(v::METHODS).prop_map(Change::Method),
        1 => select(v::VERSIONS).prop_map(Change::Version),
        2 => Just(Change::Version("HTTP/1.0")),
        10 => select(v::TARGETS).prop_map(Change::Target),
        4 => select(v::QUERIES).prop_map(Change::Query),
        4 => select(v::SUFFIXES).prop_map(Change::Suffix),
        3 => any::<Index>().prop_map(Change::Escape),
        1 => select(v::LONG).prop_map(Change::LongTarget),
        3 => select(v::HOSTS).prop_map(|host| Change::Set("Host", host)),
        1 => select(v::HOSTS).prop_map(|host| Change::Add("Host", host)),
        16 => select(v::HEADERS).prop_map(|(name, value)| Change::Add(name, value)),
        4 => select(&v::HEADERS[..35]).prop_map(|(name, value)| Change::Add(name, value)),
        3 => select(v::SHOWN).prop_map(|(name, value)| Change::Add(name, value)),
        6 => select(v::CREDENTIALS).prop_map(|(name, value)| Change::Set(name, value)),
        2 => select(v::CREDENTIALS).prop_map(|(name, value)| Change::Add(name, value)),
        5 => select(v::CONTENT_TYPES).prop_map(|value| Change::Set("Content-Type", value)),
        1 => select(v::CONTENT_TYPES).prop_map(|value| Change::Add("Content-Type", value)),
        1 => (select(&["X-Test", "Authorization", "Origin", "Accept", "Cookie"][..]), select(v::LONG))
            .prop_map(|(name, size)| Change::Long(name, size)),
        1 => select(&[10, 50, 60, 64, 70, 92][..]).prop_map(Change::Many),
        4 => any::<Index>().prop_map(Change::Twice),
        3 => any::<Index>().prop_map(Change::Without),
        2 => any::<Index>().prop_map(Change::Case),
        8 => vec(select(v::PIECES), 0..6).prop_map(Change::Body),
        1 => vec(any::<u8>(), 0..40).prop_map(Change::Bytes),
        3 => select(v::SIZES).prop_map(Change::Sized),
        1 => (1_usize..140).prop_map(Change::Deep),
        12 => framing().prop_map(Change::Framing),
    ]
    .boxed()
}

fn framing() -> impl Strategy<Value = Framing> {
    let chunks = (
        vec(any::<u8>(), 0..5),
        prop_oneof![2 => Just(""), 1 => select(v::EXTENSIONS)],
        prop_oneof![2 => Just(""), 1 => select(v::TRAILERS)],
        prop_oneof![6 => Just(None), 1 => select(v::BROKEN).prop_map(Some)],
    );
    let chunks = chunks.prop_map(|(sizes, extension, trailer, broken)| Chunks { sizes, extension, trailer, broken });
    prop_oneof![
        8 => chunks.prop_map(Framing::Chunked),
        2 => Just(Framing::Explicit),
        1 => Just(Framing::Silent),
        1 => select(v::LENGTHS).prop_map(Framing::Text),
        1 => (1_u8..20).prop_map(Framing::TooLong),
    ]
}

impl Change {
    fn apply(self, request: &mut Request) {
        match self {
            Self::Method(method) => request.method = method.into(),
            Self::Version(version) => request.version = version,
            Self::Target(target) => request.target = target.into(),
            Self::Query(query) => {
                request.target.push(if request.target.contains('?') { '&' } else { '?' });
                request.target.push_str(query);
            }
            Self::Suffix(suffix) => insert(&mut request.target, suffix),
            Self::Escape(index) => escape(&mut request.target, index),
            // Further up the frameworks have bounds of their own, which the case `parser/huge-target` asks for.
            Self::LongTarget(size) if request.target.len() + size > 60_000 => {}
            Self::LongTarget(size) => insert(&mut request.target, &"a".repeat(size)),
            Self::Set(name, value) => {
                request.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                request.headers.push((name.into(), fill(value)));
            }
            Self::Add(name, value) => request.headers.push((name.into(), fill(value))),
            Self::Long(name, size) => request.headers.push((name.into(), vec![b'a'; size])),
            Self::Many(count) => {
                request.headers.extend((0..count).map(|at| (format!("X-Many-{at}"), b"a".to_vec())));
            }
            Self::Twice(index) => {
                if !request.headers.is_empty() {
                    let line = index.get(&request.headers).clone();
                    request.headers.push(line);
                }
            }
            Self::Without(index) => {
                if !request.headers.is_empty() {
                    request.headers.remove(index.index(request.headers.len()));
                }
            }
            Self::Case(index) => {
                if !request.headers.is_empty() {
                    let at = index.index(request.headers.len());
                    request.headers[at].0 = request.headers[at].0.to_ascii_uppercase();
                }
            }
            Self::Body(pieces) => request.body = pieces.concat().into(),
            Self::Bytes(bytes) => request.body = bytes,
            Self::Sized(size) => request.body = format!("\"{}\"", "a".repeat(size.saturating_sub(2))).into(),
            Self::Deep(depth) => request.body = format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into(),
            Self::Framing(framing) => request.framing = framing,
        }
    }
}

/// Puts a text at the end of the path.
fn insert(target: &mut String, text: &str) {
    let end = target.find('?').unwrap_or(target.len());
    target.insert_str(end, text);
}

fn escape(target: &mut String, index: Index) {
    let end = target.find('?').unwrap_or(target.len());
    let places: Vec<usize> = (1..end).filter(|at| target.as_bytes()[*at].is_ascii_alphanumeric()).collect();
    if places.is_empty() {
        return;
    }
    let at = *index.get(&places);
    let escaped = format!("%{:02x}", target.as_bytes()[at]);
    target.replace_range(at..=at, &escaped);
}

/// The bytes of a value, its placeholder filled.
fn fill(value: &str) -> Vec<u8> {
    let filled = match (value.find('{'), value.find('}')) {
        (Some(open), Some(close)) if open < close => match named(&value[open + 1..close]) {
            Some(text) => format!("{}{text}{}", &value[..open], &value[close + 1..]),
            None => value.to_owned(),
        },
        _ => value.to_owned(),
    };
    filled.into_bytes()
}
