//! The models of the offline engine.

use neurolink_core::Error;
use neurolink_core::engine::Generate;

use super::engine::NAME;
use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Echo,
    Chunks,
    Slow,
}

impl Model {
    const ALL: [Self; 3] = [Self::Echo, Self::Chunks, Self::Slow];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "offline-echo",
            Self::Chunks => "offline/chunks-50",
            Self::Slow => "offline/slow-100ms",
        }
    }

    /// The model that a request asks for.
    pub(super) fn of(request: &Generate) -> Result<Self, Error> {
        let mut refusal = Refusal::default();
        refusal.check("provider", request.provider.as_deref(), &[NAME]);
        refusal.check("model", request.model.as_deref(), &Self::ALL.map(Self::name));
        refusal.finish()?;
        let asked = request.model.as_deref();
        Ok(Self::ALL.into_iter().find(|own| Some(own.name()) == asked).unwrap_or(Self::Echo))
    }
}
