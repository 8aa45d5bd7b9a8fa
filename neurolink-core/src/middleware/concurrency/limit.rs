use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallvec::{SmallVec, smallvec};

use super::gate::{Gate, Place};
use super::gates::Gates;
use crate::middleware::Key;
use crate::stack::{BodyAccess, Kind};
use crate::{Code, Context, Error, Middleware, Next, Response};

/// When a refused caller may come again; nobody knows when a place becomes free.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Refuses a request while as many as may are at work.
#[derive(Clone)]
pub struct ConcurrencyLimit {
    most: u32,
    queue: u32,
    wait: Duration,
    gates: Arc<Counted>,
}

/// Whose requests share a gate.
enum Counted {
    All(Arc<Gate>),
    ByKey(Key, Arc<Gates>),
}

impl ConcurrencyLimit {
    /// At most `most` requests at one time, whoever sent them: the server sheds load. More are 503.
    ///
    /// Health probes are spared, so that a busy server does not look like an ill one.
    #[must_use]
    pub fn all(most: u32) -> Self {
        Self::new(None, most, 0, Duration::ZERO)
    }

    /// At most `most` requests of one caller at one time. More are 429.
    #[must_use]
    pub fn by(key: Key, most: u32) -> Self {
        Self::new(Some(key), most, 0, Duration::ZERO)
    }

    /// Lets so many more wait for a place, in the order in which they came and for `wait` at most; none unless told.
    #[must_use]
    pub fn queue(self, waiting: u32, wait: Duration) -> Self {
        let key = match &*self.gates {
            Counted::All(_) => None,
            Counted::ByKey(key, _) => Some(key.clone()),
        };
        Self::new(key, self.most, waiting, wait)
    }

    fn new(key: Option<Key>, most: u32, queue: u32, wait: Duration) -> Self {
        let gates = match key {
            None => Counted::All(Arc::new(Gate::new(most, queue))),
            Some(key) => Counted::ByKey(key, Arc::new(Gates::new(most, queue))),
        };
        Self { most, queue, wait, gates: Arc::new(gates) }
    }

    fn key(&self) -> Option<&Key> {
        match &*self.gates {
            Counted::All(_) => None,
            Counted::ByKey(key, _) => Some(key),
        }
    }

    /// A place at each gate that the request passes, or the refusal.
    async fn enter(&self, ctx: &Context) -> Result<SmallVec<[Place; 2]>, Error> {
        match &*self.gates {
            Counted::All(gate) => match gate.enter(self.wait).await {
                Some(place) => Ok(smallvec![place]),
                None => Err(Error::new(Code::Unavailable).with_retry_after(RETRY_AFTER)),
            },
            Counted::ByKey(key, gates) => {
                let mut places = SmallVec::new();
                for (key, share) in key.of(ctx).map_err(Error::internal)? {
                    let place = gates.enter(&key, share, self.wait).await;
                    places.push(place.ok_or_else(|| {
                        Error::new(Code::RateLimitExceeded)
                            .with_message("Too many requests at the same time, please try again later")
                            .with_retry_after(RETRY_AFTER)
                    })?);
                }
                Ok(places)
            }
        }
    }
}

#[async_trait]
impl Middleware for ConcurrencyLimit {
    fn name(&self) -> &str {
        match self.key() {
            None => "load-shedding",
            Some(_) => "concurrency",
        }
    }

    fn order(&self) -> i16 {
        Key::order(Middleware::kind(self))
    }

    /// The end of a response's body gives the place back.
    fn body(&self) -> BodyAccess {
        BodyAccess::Response
    }

    fn kind(&self) -> Kind {
        self.key().map(Key::kind).unwrap_or_default()
    }

    fn summary(&self) -> String {
        let by = self.key().map(|key| format!(" by {}", key.name())).unwrap_or_default();
        let queue = match self.queue {
            0 => String::new(),
            queue => format!(", {queue} wait {:?}", self.wait),
        };
        format!("{} at a time{by}{queue}", self.most)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.most == 0 {
            problems.push("0 at a time refuses everybody; give at least 1, or leave the limit out".into());
        }
        if self.queue > 0 && self.wait.is_zero() {
            problems.push("who waits for no time has no use for a queue; give for example 1s".into());
        }
        problems
    }

    fn spares_probes(&self) -> bool {
        true
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let places = self.enter(ctx).await?;
        let response = next.run(ctx).await;
        Ok(response.map(|body| body.until_end(places)))
    }
}

impl fmt::Debug for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConcurrencyLimit({})", self.summary())
    }
}
