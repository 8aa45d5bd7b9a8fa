//! Whether a request's body is decompressed, and what its head says then.

use http::header;
use http_body::Body as _;

use super::Context;
use crate::Error;
use crate::http::ContentCoding;

impl Context {
    /// Settles what the body is decoded from, before it is read; what is further inside sees the head of a plain body.
    ///
    /// # Errors
    /// 415 for a coding that is not allowed, and for several.
    pub(crate) fn settle_coding(&mut self) -> Result<(), Error> {
        let allowed = &self.shared.settings.decompress;
        // A host's own bodies stay as they are.
        if allowed.is_empty() || self.native {
            return Ok(());
        }
        if let Some(coding) = ContentCoding::of(&self.parts.headers, allowed)? {
            self.parts.headers.remove(header::CONTENT_ENCODING);
            self.parts.headers.remove(header::CONTENT_LENGTH);
            self.coding = Some(coding);
        }
        Ok(())
    }

    /// What the body has to be decoded from, if anything.
    ///
    /// # Errors
    /// As of [`settle_coding`](Self::settle_coding); an empty body is no body in every coding.
    pub(super) fn take_coding(&mut self) -> Result<Option<ContentCoding>, Error> {
        if !self.body.is_end_stream() {
            self.settle_coding()?;
        }
        Ok(self.coding.take())
    }
}
