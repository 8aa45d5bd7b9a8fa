//! A client that reads slowly slows the engine.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure};
use crate::wire::ConnectionOptions;

use super::requests::{agent, at_work};

const KIB: u64 = 1024;
/// What buffers of the kernel and the server may take in the first two seconds.
const MOST_AHEAD: u64 = 6 * 1024 * KIB;
/// What the engine may produce later, beyond what was read.
const SLACK: u64 = 256 * KIB;

/// A client with a buffer of 4 KiB reads 1 KB/s for ten seconds.
pub(super) fn slow_reader(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let options = ConnectionOptions { timeout: Duration::from_secs(15), receive_buffer: Some(4096) };
    let mut connection = ctx.connect_with(options)?;
    ctx.send(&mut connection, &agent("stream", "test/endless", "x"));
    at_work(control, 1)?;
    let begun = Instant::now();
    let mut read = 0;
    let mut settled = None;
    while begun.elapsed() < Duration::from_secs(10) {
        read += u64::try_from(connection.sip(100)).unwrap_or(0);
        let produced = control.engine().bytes();
        ensure(produced <= read + MOST_AHEAD, || format!("{produced} bytes were produced when {read} were read"))?;
        if begun.elapsed() >= Duration::from_secs(2) {
            let (then_read, then_produced) = *settled.get_or_insert((read, produced));
            let (more, taken) = (produced - then_produced, read - then_read);
            ensure(more <= taken + SLACK, || {
                format!("from second 2 to {:?} {taken} bytes were read and {more} produced", begun.elapsed())
            })?;
        }
        sleep(Duration::from_millis(100));
    }
    ensure(read > 5 * KIB, || format!("only {read} bytes came in ten seconds"))?;
    drop(connection);
    at_work(control, 0).map(|_| ())
}
