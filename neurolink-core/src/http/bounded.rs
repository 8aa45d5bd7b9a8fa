//! A body with the bounds of its reading, for what reads it in pieces.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::fault::Fault;
use super::read::{BodySource, Reservation, Whole, unreadable};
use super::{Body, ContentCoding};
use crate::Error;

impl BodySource {
    /// The body as it comes: what is on the wire comes in time and within the limit, and so does what it becomes.
    pub(crate) fn into_body(self, coding: Option<ContentCoding>, fault: &Fault) -> Body {
        let limit = self.limit;
        let wire = self.paced().limited(limit, fault);
        match coding {
            Some(coding) => wire.decoded(coding, fault).limited(limit, fault),
            None => wire,
        }
    }

    /// The body, of which each piece has to come in time; only the time counts in which somebody waits for it.
    fn paced(self) -> Body {
        Body::from_stream(stream::try_unfold(self, async |mut source| {
            let piece = source.next().await?;
            Ok::<_, Error>(piece.map(|piece| (piece, source)))
        }))
    }

    /// Reads all of a body out of its coding; the limit holds for what is on the wire and for what it becomes.
    pub(crate) async fn read_decoded(self, coding: ContentCoding) -> Result<(Bytes, Reservation), Error> {
        self.declared()?;
        let (weight, mut reservation) = (self.weight, self.budget.reserve());
        let mut body = self.into_body(Some(coding), &Fault::default());
        let mut whole = Whole::Nothing;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(unreadable)?;
            reservation.grow(piece.len().saturating_mul(weight))?;
            whole = whole.and(piece, 0);
        }
        Ok((whole.into_bytes(), reservation))
    }
}
