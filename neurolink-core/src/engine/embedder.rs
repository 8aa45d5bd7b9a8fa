//! Vectors of texts.

use async_trait::async_trait;

use super::Call;
use crate::Error;

/// Turns text into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The model used when none is asked for.
    fn default_model(&self) -> &str;

    /// One vector for each text, in order.
    ///
    /// # Errors
    /// What went wrong.
    async fn embed(&self, texts: &[String], model: Option<&str>, call: &Call) -> Result<Vec<Vec<f32>>, Error>;
}
