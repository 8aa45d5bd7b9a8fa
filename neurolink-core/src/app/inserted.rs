#[cfg(feature = "rate-limit")]
use std::any::Any;

#[cfg(feature = "rate-limit")]
use crate::middleware::RateLimitState;

/// What middleware added to a request, by type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inserted {
    /// Nearly every request has it: it needs no map.
    #[cfg(feature = "rate-limit")]
    limit: Option<RateLimitState>,
    others: http::Extensions,
}

impl Inserted {
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        #[cfg(feature = "rate-limit")]
        if let Some(limit) = (&self.limit as &dyn Any).downcast_ref::<Option<T>>() {
            return limit.as_ref();
        }
        self.others.get()
    }

    pub(crate) fn insert<T: Clone + Send + Sync + 'static>(&mut self, fact: T) {
        #[cfg(feature = "rate-limit")]
        if let Some(limit) = (&mut self.limit as &mut dyn Any).downcast_mut::<Option<T>>() {
            *limit = Some(fact);
            return;
        }
        self.others.insert(fact);
    }
}
