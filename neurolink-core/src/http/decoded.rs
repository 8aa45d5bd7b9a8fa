//! A body out of its content coding, inflated a slice at a time and no further than somebody asks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::{DecodeV2, GzipDecoder, ZlibDecoder};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::fault::{BodyFault, Fault};
use super::{Body, ContentCoding};
use crate::BoxError;

/// The most bytes that are inflated, and that are taken off the wire, at one time.
const SLICE: usize = 16 * 1024;
/// After so many bytes, in and out, other tasks have a turn.
const TURN: usize = 4 * SLICE;

const NOT_CODED: &str = "The request body is not what its Content-Encoding says";
const TRUNCATED: &str = "The request body ends before its Content-Encoding does";
const TRAILING: &str =
    "The request body goes on behind the end of its Content-Encoding; send one coding, in one member";

struct Decoded {
    wire: Body,
    coding: ContentCoding,
    /// Made with the first byte: a body of none is no body in every coding.
    decoder: Option<Box<dyn DecodeV2 + Send>>,
    /// What has come and is not taken yet.
    input: Bytes,
    /// There may be more to give without anything coming.
    full: bool,
    /// The coding has ended.
    done: bool,
    /// There is nothing more to give.
    over: bool,
    /// Bytes since the task's last turn.
    turn: usize,
    fault: Fault,
}

impl Body {
    /// The body out of its coding; what is wrong with it is noted, too.
    pub(crate) fn decoded(self, coding: ContentCoding, fault: &Fault) -> Self {
        Self::new(Decoded {
            wire: self,
            coding,
            decoder: None,
            input: Bytes::new(),
            full: false,
            done: false,
            over: false,
            turn: 0,
            fault: fault.clone(),
        })
    }
}

impl Decoded {
    fn fail(&mut self, why: &'static str) -> BoxError {
        self.over = true;
        self.fault.note(BodyFault::Malformed(why)).into()
    }

    /// Inflates a slice; it may be empty.
    fn slice(&mut self) -> Result<Bytes, BoxError> {
        let coding = self.coding;
        let decoder = self.decoder.get_or_insert_with(|| match coding {
            ContentCoding::Gzip => Box::new(GzipDecoder::new()),
            ContentCoding::Deflate => Box::new(ZlibDecoder::new()),
        });
        let mut space = vec![0; SLICE];
        let mut output = WriteBuffer::new_initialized(&mut space);
        let mut input = PartialBuffer::new(&self.input[..self.input.len().min(SLICE)]);
        let result = if self.input.is_empty() {
            // It only gives what it still has.
            decoder.flush(&mut output).map(|_| self.done)
        } else {
            decoder.decode(&mut input, &mut output)
        };
        let (taken, given) = (input.written_len(), output.written_len());
        self.input.advance(taken);
        self.turn += taken + given;
        match result {
            Ok(done) => self.done = done,
            Err(_) => return Err(self.fail(NOT_CODED)),
        }
        self.full = given == SLICE && !self.done;
        space.truncate(given);
        // A small piece does not keep the whole slice.
        space.shrink_to_fit();
        Ok(space.into())
    }

    /// Whether the coding is at its end, now that the wire is.
    fn is_whole(&mut self) -> bool {
        let mut nothing = WriteBuffer::new_initialized(&mut []);
        self.done || self.decoder.as_mut().is_none_or(|decoder| decoder.finish(&mut nothing).unwrap_or(false))
    }
}

impl HttpBody for Decoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = &mut *self;
        loop {
            if body.over {
                return Poll::Ready(None);
            }
            if body.turn >= TURN {
                body.turn = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if body.input.is_empty() && !body.full {
                match Pin::new(&mut body.wire).poll_frame(cx) {
                    Poll::Pending => {
                        body.turn = 0;
                        return Poll::Pending;
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        body.input = frame.into_data().unwrap_or_default();
                        if body.input.is_empty() {
                            continue; // trailers
                        }
                    }
                    Poll::Ready(Some(Err(error))) => {
                        body.over = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Poll::Ready(None) if body.is_whole() => {
                        body.over = true;
                        return Poll::Ready(None);
                    }
                    Poll::Ready(None) => return Poll::Ready(Some(Err(body.fail(TRUNCATED)))),
                }
            }
            if body.done && !body.input.is_empty() {
                return Poll::Ready(Some(Err(body.fail(TRAILING))));
            }
            match body.slice() {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use proptest::prelude::*;

    use super::ContentCoding::{Deflate, Gzip};
    use super::*;
    use crate::Code;

    fn coded(coding: ContentCoding, data: &[u8]) -> Vec<u8> {
        match coding {
            Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
            }
            Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
            }
        }
    }

    fn wire(bytes: &[u8], piece: usize) -> Body {
        let pieces: Vec<_> =
            bytes.chunks(piece).map(|piece| Ok::<_, BoxError>(Bytes::copy_from_slice(piece))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    /// What a body in pieces becomes, or why it does not.
    async fn decode(coding: ContentCoding, bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let fault = Fault::default();
        let mut body = wire(bytes, piece).decoded(coding, &fault);
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => whole.extend_from_slice(&piece),
                Err(_) => {
                    assert!(body.next().await.is_none(), "nothing comes behind an error");
                    let error = fault.error().expect("it is noted");
                    assert_eq!(error.code(), Code::BadRequest);
                    return Err(error.message().to_owned());
                }
            }
        }
        assert!(fault.error().is_none());
        Ok(whole)
    }

    #[tokio::test]
    async fn a_coded_body_becomes_what_it_was() {
        for coding in ContentCoding::ALL {
            for data in [&b"{}"[..], &b"abc".repeat(100_000), &[]] {
                let bytes = coded(coding, data);
                for piece in [1, 7, bytes.len()] {
                    assert!(decode(coding, &bytes, piece).await.as_deref() == Ok(data), "{coding} by {piece}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_body_of_no_bytes_is_empty_in_every_coding() {
        for coding in ContentCoding::ALL {
            assert_eq!(decode(coding, b"", 1).await.as_deref(), Ok(&b""[..]));
        }
    }

    #[tokio::test]
    async fn what_is_cut_anywhere_is_truncated() {
        for coding in ContentCoding::ALL {
            let bytes = coded(coding, &b"some text, some text and more".repeat(3000));
            for end in 1..bytes.len() {
                assert_eq!(decode(coding, &bytes[..end], 11).await, Err(TRUNCATED.into()), "{coding} cut at {end}");
            }
        }
    }

    #[tokio::test]
    async fn a_second_member_and_other_trailing_bytes_are_refused() {
        for coding in ContentCoding::ALL {
            let one = coded(coding, b"text");
            for behind in [&one[..], b"x", &[0]] {
                for piece in [1, 5, 1000] {
                    let both = [&one, behind].concat();
                    assert_eq!(decode(coding, &both, piece).await, Err(TRAILING.into()), "{coding} by {piece}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_in_another_coding_or_in_none_is_refused() {
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(b"text").expect("in memory");
        let bare = bare.finish().expect("in memory");
        for (coding, bytes) in [
            (Gzip, b"{\"a\":1}".to_vec()),
            (Gzip, coded(Deflate, b"text")),
            (Deflate, b"{\"a\":1}".to_vec()),
            (Deflate, coded(Gzip, b"text")),
            (Deflate, bare),
        ] {
            assert_eq!(decode(coding, &bytes, 100).await, Err(NOT_CODED.into()), "{coding}");
        }
    }

    /// 10 MB of zeros come to rest at the limit: one slice more is inflated, and no more is taken off the wire.
    #[tokio::test]
    async fn a_bomb_is_inflated_to_its_limit_and_one_slice() {
        const LIMIT: usize = 100_000;
        for coding in ContentCoding::ALL {
            let bomb = coded(coding, &vec![0; 10_000_000]);
            let (inflated, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (counts_taken, counts_inflated) = (Arc::clone(&taken), Arc::clone(&inflated));
            let count = move |count: &AtomicUsize, piece: &Result<Bytes, BoxError>| {
                count.fetch_add(piece.as_ref().map_or(0, Bytes::len), Relaxed);
            };
            let fault = Fault::default();
            let wire = wire(&bomb, 100).inspect(move |piece| count(&counts_taken, piece));
            let body = Body::from_stream(wire).decoded(coding, &fault);
            let body = Body::from_stream(body.inspect(move |piece| count(&counts_inflated, piece)));
            let mut body = body.limited(LIMIT, &fault);
            while body.next().await.is_some() {}
            assert_eq!(fault.error().expect("too large").code(), Code::PayloadTooLarge);
            let (inflated, taken) = (inflated.load(Relaxed), taken.load(Relaxed));
            assert!((LIMIT..=LIMIT + SLICE).contains(&inflated), "{coding}: {inflated} bytes were inflated");
            assert!(taken < bomb.len() / 10, "{coding}: {taken} of {} bytes were taken", bomb.len());
        }
    }

    #[test]
    fn other_tasks_have_a_turn_while_a_body_is_inflated() {
        const SIZE: usize = 1_000_000;
        for (data, bytes) in [(vec![0; SIZE], SIZE), (Vec::new(), 0)] {
            // In one piece; of no data it is empty blocks, which give nothing and take as long.
            let mut bomb = coded(Deflate, &data);
            if data.is_empty() {
                let blocks = [0, 0, 0, 0xff, 0xff].repeat(SIZE / 5);
                bomb = [&bomb[..2], &blocks, &bomb[2..]].concat();
            }
            let mut body = Body::from(bomb).decoded(Deflate, &Fault::default());
            let (mut turns, mut whole) = (0, 0);
            loop {
                match body.next().now_or_never() {
                    None => turns += 1,
                    Some(Some(piece)) => whole += piece.expect("good").len(),
                    Some(None) => break,
                }
            }
            assert_eq!(whole, bytes);
            assert!((SIZE / TURN - 1..=SIZE / TURN + 2).contains(&turns), "{turns} turns");
        }
    }

    /// What a coding has given when it has not ended.
    fn begun(coding: ContentCoding, data: &[u8]) -> Vec<u8> {
        let (mut gzip, mut zlib) =
            (GzEncoder::new(Vec::new(), Compression::default()), ZlibEncoder::new(Vec::new(), Compression::default()));
        let encoder: &mut dyn std::io::Write = if coding == Gzip { &mut gzip } else { &mut zlib };
        encoder.write_all(data).and_then(|()| encoder.flush()).expect("in memory");
        if coding == Gzip { gzip.get_ref().clone() } else { zlib.get_ref().clone() }
    }

    #[tokio::test]
    async fn what_has_come_is_given_before_more_comes() {
        for coding in ContentCoding::ALL {
            let data = vec![b'x'; 10 * SLICE + 1];
            let first = stream::iter([Ok::<_, BoxError>(Bytes::from(begun(coding, &data)))]);
            let mut body = Body::from_stream(first.chain(stream::pending())).decoded(coding, &Fault::default());
            let mut come = 0;
            while come < data.len() {
                come += body.next().await.expect("a piece").expect("good").len();
            }
            assert_eq!(come, data.len());
            assert!(body.next().now_or_never().is_none());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn any_data_in_any_pieces_is_what_it_was(
            data in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..5000),
                (any::<u8>(), 0..200_000_usize).prop_map(|(byte, count)| vec![byte; count]),
            ],
            piece in 1..3000_usize,
            gzip: bool,
        ) {
            let coding = if gzip { Gzip } else { Deflate };
            let bytes = coded(coding, &data);
            let decoded = block_on(decode(coding, &bytes, piece));
            prop_assert!(decoded.as_deref() == Ok(&data[..]));
        }

        /// Of gzip: the checksum of zlib is weaker, and misses some changes of short data, as it does for every reader.
        #[test]
        fn any_change_is_refused_or_harmless(
            data in proptest::collection::vec(0..4_u8, 1..2000),
            at: prop::sample::Index,
            with in 1..=255_u8,
        ) {
            let mut bytes = coded(Gzip, &data);
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            // A changed head may mean the same (a time, a system, a level), and bits behind the last symbol mean nothing.
            if let Ok(whole) = block_on(decode(Gzip, &bytes, 100)) {
                prop_assert!(whole == data, "a change at {at} was not seen");
            }
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 1..500), gzip: bool) {
            let bytes = if gzip { [&[0x1f, 0x8b, 8][..], &bytes].concat() } else { [&[0x78, 0x9c][..], &bytes].concat() };
            let _ = block_on(decode(if gzip { Gzip } else { Deflate }, &bytes, 7));
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }
}
