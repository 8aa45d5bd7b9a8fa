//! The one head that actix-http cannot refuse by itself.

use std::io;
use std::time::{Duration, SystemTime};

use actix_web::http::header::HttpDate;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::shared::Shared;

/// How long a client may take a refusal.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Answers the panic of actix-http at a header name of 64 KiB or more with 431.
///
/// Once there was a request the panic may be a handler's, and an answer may be half sent: then it does nothing.
pub(crate) async fn refuse(mut connection: Shared) {
    if !connection.was_used() && matches!(timeout(LAST_WORDS, answer(&mut connection)).await, Ok(Ok(()))) {
        let _ = connection.close().await;
    }
}

async fn answer(connection: &mut Shared) -> io::Result<()> {
    let head = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0";
    let refusal = format!("{head}\r\ndate: {}\r\n\r\n", HttpDate::from(SystemTime::now()));
    connection.write_all(refusal.as_bytes()).await?;
    connection.flush().await
}
