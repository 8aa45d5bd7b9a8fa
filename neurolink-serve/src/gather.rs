//! Small pieces of a body that are there at once, sent as one: a piece costs its frame, its chunk and its place in a queue.
//!
//! Nothing is held back: what has to be waited for ends a piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// The longest piece that is put together with others, in bytes.
const SMALL: usize = 1024;
/// No piece is added to as many bytes.
const ENOUGH: usize = 16 * 1024;
/// The most pieces that are put together.
const PIECES: usize = 64;

/// Puts pieces together; `T` is what the body gives: a piece or its end, a frame of another kind, an error.
#[derive(Debug)]
pub struct Gather<T> {
    /// What came behind the last pieces, and is none of them.
    next: Option<T>,
}

impl<T> Default for Gather<T> {
    fn default() -> Self {
        Self { next: None }
    }
}

impl<T> Gather<T> {
    /// What comes next, by what polls the body, what takes the bytes out of a piece, and what makes a piece of bytes.
    fn poll(
        &mut self,
        mut poll: impl FnMut() -> Poll<T>,
        open: impl Fn(T) -> Result<Bytes, T>,
        close: impl Fn(Bytes) -> T,
    ) -> Poll<T> {
        let small = |piece: T| match open(piece) {
            Ok(bytes) if bytes.len() <= SMALL => Ok(bytes),
            Ok(bytes) => Err(close(bytes)),
            Err(other) => Err(other),
        };
        let first = match self.next.take() {
            Some(next) => next,
            None => ready!(poll()),
        };
        let first = match small(first) {
            Ok(first) => first,
            Err(other) => return Poll::Ready(other),
        };
        let mut whole: Option<BytesMut> = None;
        for _ in 1..PIECES {
            let Poll::Ready(next) = poll() else { break };
            match small(next) {
                Ok(bytes) => {
                    let whole = whole.get_or_insert_with(|| {
                        let mut whole = BytesMut::with_capacity(4 * SMALL);
                        whole.extend_from_slice(&first);
                        whole
                    });
                    whole.extend_from_slice(&bytes);
                    if whole.len() >= ENOUGH {
                        break;
                    }
                }
                Err(other) => {
                    self.next = Some(other);
                    break;
                }
            }
        }
        Poll::Ready(close(whole.map_or(first, BytesMut::freeze)))
    }

    /// What came behind the last pieces.
    const fn next(&self) -> Option<&T> {
        self.next.as_ref()
    }
}

impl<E> Gather<Option<Result<Bytes, E>>> {
    /// What comes next of a body that is a stream of bytes.
    pub fn poll_bytes(
        &mut self,
        poll: impl FnMut() -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Option<Result<Bytes, E>>> {
        let open = |piece| match piece {
            Some(Ok(bytes)) => Ok(bytes),
            other => Err(other),
        };
        self.poll(poll, open, |bytes| Some(Ok(bytes)))
    }
}

pin_project! {
    /// A body whose small pieces are put together.
    pub(crate) struct Gathered<B: Body> {
        #[pin]
        body: B,
        gather: Gather<Framed<B::Error>>,
    }
}

type Framed<E> = Option<Result<Frame<Bytes>, E>>;

impl<B: Body> Gathered<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body, gather: Gather::default() }
    }
}

impl<B: Body<Data = Bytes>> Body for Gathered<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Framed<B::Error>> {
        let mut this = self.project();
        let open = |framed: Framed<B::Error>| match framed {
            Some(Ok(frame)) => frame.into_data().map_err(|frame| Some(Ok(frame))),
            other => Err(other),
        };
        this.gather.poll(|| this.body.as_mut().poll_frame(cx), open, |bytes| Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self.gather.next() {
            Some(next) => next.is_none(),
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if let Some(Some(Ok(frame))) = self.gather.next()
            && let Some(data) = frame.data_ref()
        {
            let waiting = data.len() as u64;
            if let Some(upper) = hint.upper() {
                hint.set_upper(upper + waiting);
            }
            hint.set_lower(hint.lower() + waiting);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::*;

    /// What a body gives: bytes, a wait, an error.
    enum Step {
        Data(usize),
        Wait,
        Torn,
        Trailers,
    }

    struct Script(VecDeque<Step>);

    impl Body for Script {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Framed<&'static str>> {
            Poll::Ready(match self.0.pop_front() {
                Some(Step::Data(length)) => Some(Ok(Frame::data(vec![b'x'; length].into()))),
                Some(Step::Wait) => return Poll::Pending,
                Some(Step::Torn) => Some(Err("torn")),
                Some(Step::Trailers) => Some(Ok(Frame::trailers(http::HeaderMap::new()))),
                None => None,
            })
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(
                self.0.iter().map(|step| if let Step::Data(length) = step { *length as u64 } else { 0 }).sum(),
            )
        }
    }

    /// The frames of a body, as text: the bytes of a piece, `-` for a wait.
    fn gathered(steps: impl IntoIterator<Item = Step>) -> Vec<String> {
        let mut body = Gathered::new(Script(steps.into_iter().collect()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut seen = Vec::new();
        loop {
            let before = body.size_hint().exact().expect("known");
            let polled = Pin::new(&mut body).poll_frame(&mut cx);
            let left = body.size_hint().exact().expect("known");
            seen.push(match polled {
                Poll::Pending => "-".into(),
                Poll::Ready(None) => return seen,
                Poll::Ready(Some(Err(error))) => error.to_string(),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        assert_eq!(before - left, data.len() as u64, "no byte is lost or doubled");
                        data.len().to_string()
                    }
                    Err(_) => "trailers".into(),
                },
            });
        }
    }

    #[test]
    fn what_is_there_at_once_is_one_piece_and_nothing_is_held_back() {
        use Step::{Data, Wait};
        assert_eq!(gathered([Data(3), Data(4), Wait, Data(5), Wait, Wait, Data(1), Data(2)]), ["7", "5", "-", "3"]);
        assert_eq!(gathered([]), [""; 0]);
    }

    #[test]
    fn large_pieces_errors_and_trailers_come_as_they_are_and_in_order() {
        use Step::{Data, Torn, Trailers};
        assert_eq!(gathered([Data(1), Data(SMALL + 1), Data(2), Data(3)]), ["1", "1025", "5"]);
        assert_eq!(gathered([Data(1), Data(2), Torn]), ["3", "torn"]);
        assert_eq!(gathered([Data(1), Trailers]), ["1", "trailers"]);
    }

    #[test]
    fn a_piece_is_bounded_however_much_is_there() {
        let longest = |length, count| {
            let pieces = gathered((0..count).map(|_| Step::Data(length)));
            pieces.iter().map(|piece| piece.parse::<usize>().expect("a length")).max()
        };
        assert_eq!(longest(SMALL, 100), Some(ENOUGH));
        assert_eq!(longest(1, 1000), Some(PIECES));
        assert_eq!(longest(0, 1000), Some(0));
    }
}
