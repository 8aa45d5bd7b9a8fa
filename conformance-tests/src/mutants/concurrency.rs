//! How many are at work at one time.

use std::time::Duration;

use super::mutant::Mutant;

const AREAS: &[&str] = &["concurrency"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("concurrency-is-off", AREAS, "any number is at work at one time").config(|config| {
        config.concurrency.per_caller = None;
        config.concurrency.all = None;
    }),
    Mutant::new("callers-have-one-more-place", AREAS, "three of an address are at work")
        .config(|config| config.concurrency.per_caller = config.concurrency.per_caller.map(|most| most + 1)),
    Mutant::new("callers-share-their-places", AREAS, "all addresses together have two places").config(|config| {
        if config.concurrency.per_caller.take().is_some() {
            config.concurrency.all = Some(2);
        }
    }),
    Mutant::new("nobody-waits", AREAS, "load is shed without a queue").config(|config| config.concurrency.queue = 0),
    Mutant::new("the-queue-is-long", AREAS, "any number waits").config(|config| config.concurrency.queue = 1000),
    Mutant::new("who-waits-waits-for-long", AREAS, "nobody is shed in time")
        .config(|config| config.concurrency.queue_timeout = Duration::from_secs(20)),
    Mutant::new("callers-have-one-place-less", AREAS, "one of an address is at work")
        .config(|config| config.concurrency.per_caller = config.concurrency.per_caller.map(|most| most - 1)),
];
