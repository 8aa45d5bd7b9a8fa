//! Reading on after the last answer.

use std::future::Future as _;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long, and how many bytes: more than any head that a client sends by mistake.
const LONGEST: Duration = Duration::from_secs(1);
const MOST: usize = 2 * 1024 * 1024;

/// What has been read on so far.
#[derive(Debug)]
pub(crate) struct Linger {
    timer: Pin<Box<Sleep>>,
    skipped: usize,
}

impl Default for Linger {
    fn default() -> Self {
        Self { timer: Box::pin(sleep(LONGEST)), skipped: 0 }
    }
}

impl Linger {
    /// Reads on until the peer has ended, too.
    pub(crate) fn poll(&mut self, io: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [MaybeUninit::uninit(); 4096];
        while self.skipped <= MOST && self.timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.skipped += buffer.filled().len();
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_reads_on_until_the_peer_has_ended() {
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        let sends = async {
            theirs.write_all(&[0; 100_000]).await.expect("it is read");
            drop(theirs);
        };
        let mut linger = Linger::default();
        tokio::join!(sends, poll_fn(|cx| linger.poll(&mut ours, cx)));
        assert_eq!(linger.skipped, 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_a_second_for_a_peer_that_is_silent() {
        let (mut ours, _theirs) = tokio::io::duplex(64);
        let (begun, mut linger) = (tokio::time::Instant::now(), Linger::default());
        poll_fn(|cx| linger.poll(&mut ours, cx)).await;
        assert_eq!(begun.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_a_peer_that_does_not_end() {
        let mut endless = tokio::io::repeat(b'a');
        let mut linger = Linger::default();
        poll_fn(|cx| linger.poll(&mut endless, cx)).await;
        assert!((MOST..MOST + 8192).contains(&linger.skipped), "{}", linger.skipped);
    }
}
