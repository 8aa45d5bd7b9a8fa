use async_trait::async_trait;
use serde_json::Value;

use super::family::FamilyId;
use super::kept::Kept;
use crate::Error;
use crate::middleware::{RevocationCheck, VerifiedToken};

/// The claim that names the login of an access token.
pub(super) const SID: &str = "sid";

/// Access tokens count as long as their login does; one that names none was not made for this.
pub(super) struct Alive(pub(super) Kept);

#[async_trait]
impl RevocationCheck for Alive {
    async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error> {
        let family = token.user.metadata.get(SID).and_then(Value::as_str).and_then(FamilyId::parse);
        match family {
            Some(family) => self.0.is_there(&family).await.map(|is_there| !is_there),
            None => Ok(true),
        }
    }
}
