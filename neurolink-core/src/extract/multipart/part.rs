use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};

use super::Multipart;
use super::disposition::Disposition;
use crate::Error;

/// One part of a [`Multipart`]; what is not read of it is passed over.
pub struct Part<'a> {
    pub(super) form: &'a mut Multipart,
    pub(super) disposition: Disposition,
    pub(super) headers: HeaderMap,
}

impl Part<'_> {
    /// The name of the field.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.disposition.name
    }

    /// The name of the file, if it is one. The client chooses it: it is no path, and may be anything.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.disposition.file_name.as_deref()
    }

    /// The content type, if the client tells one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }

    /// The header lines of the part.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next bytes, `None` at the end of the part.
    ///
    /// # Errors
    /// As of [`Multipart::next_part`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.form.chunk().await
    }

    /// All bytes that are left, counted as the whole bodies are that an app holds.
    ///
    /// # Errors
    /// As of [`Multipart::next_part`]; 503 when the app holds too many bodies.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            self.form.hold(chunk.len())?;
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// All that is left as text in UTF-8.
    ///
    /// # Errors
    /// As of [`bytes`](Self::bytes); 400 when it is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        String::from_utf8(self.bytes().await?.into())
            .map_err(|_| Error::bad_request("A part of the form is not valid UTF-8"))
    }
}

impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("disposition", &self.disposition).finish_non_exhaustive()
    }
}
