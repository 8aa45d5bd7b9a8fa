//! The engine: its answer is a function of the whole request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use neurolink_core::engine::{Call, Embedder, EventStream, Generate, Generation, StreamEvent, Tools};
use neurolink_core::{Clock, Code, Engine, Error, SystemClock};

use super::answer::Answer;
use super::embed::OfflineEmbedder;
use super::model::Model;
use super::tools::OfflineTools;

/// The engine's and its only provider's name.
pub(super) const NAME: &str = "offline";

/// The pause before each chunk of the slow model.
const PAUSE: Duration = Duration::from_millis(100);

/// An engine without a model: its answer says so, repeats what was said, and needs no network and no key.
///
/// Equal requests get equal answers; another system prompt, history or text gets another one.
/// A token is a word: `maxTokens` counts words, a stream sends one chunk a word.
///
/// Models:
///
/// | name | answer |
/// |---|---|
/// | `offline-echo` | the default |
/// | `offline/chunks-50` | exactly 50 chunks, at once |
/// | `offline/slow-100ms` | as the default, a chunk every 100 ms |
///
/// A text that begins with `what time is it`, `calculate <expression>` or `echo <text>` makes it call the tool `time`, `calculate` or `echo`, unless the request's `tools` leave that out.
/// Only the answer to a question for the time depends on more than the request.
///
/// Its vectors (model `offline-embed`, 256 numbers of length 1) tell equal texts from different ones and mean nothing else.
///
/// ```
/// use neurolink_core::Engine as _;
/// use neurolink_core::engine::{Call, Generate};
/// use neurolink_routes::OfflineEngine;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), neurolink_core::Error> {
/// let answer = OfflineEngine::new().generate(Generate::text("calculate 6 * 7"), &Call::default()).await?;
/// assert!(answer.content.starts_with("[offline engine, no model] The tool calculate answered: 42."));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct OfflineEngine {
    tools: OfflineTools,
    embedder: OfflineEmbedder,
}

impl OfflineEngine {
    /// An engine with the clock of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self { tools: OfflineTools { clock: Arc::new(SystemClock) }, embedder: OfflineEmbedder }
    }

    /// Sets the clock that the tool `time` reads.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.tools.clock = clock;
        self
    }

    fn answer(&self, request: &Generate) -> Result<(Answer, Model), Error> {
        let model = Model::of(request)?;
        Ok((Answer::new(request, model, &self.tools), model))
    }
}

impl Default for OfflineEngine {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Engine for OfflineEngine {
    fn name(&self) -> &str {
        NAME
    }

    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error> {
        let (answer, model) = self.answer(&request)?;
        if model == Model::Slow {
            let pieces = u32::try_from(answer.pieces()).unwrap_or(u32::MAX);
            tokio::select! {
                () = tokio::time::sleep(PAUSE.saturating_mul(pieces)) => {}
                () = call.cancellation.cancelled() => return Err(Error::new(Code::Timeout)),
            }
        }
        Ok(answer.into_generation(NAME))
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        let (answer, model) = self.answer(&request)?;
        let events = stream::iter(answer.into_events());
        if model != Model::Slow {
            return Ok(Box::pin(events.map(Ok)));
        }
        let slowly = events.then(async |event| {
            if matches!(event, StreamEvent::Text { .. }) {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(event)
        });
        Ok(Box::pin(slowly.take_until(call.cancellation.clone().cancelled_owned())))
    }

    fn embedder(&self) -> Option<&dyn Embedder> {
        Some(&self.embedder)
    }

    fn tools(&self) -> Option<&dyn Tools> {
        Some(&self.tools)
    }
}
