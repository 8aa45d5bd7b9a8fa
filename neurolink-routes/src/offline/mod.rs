//! An engine without a model, for tests, demonstrations and benchmarks.

mod answer;
mod calculate;
mod digest;
mod embed;
mod engine;
mod model;
mod refusal;
#[cfg(test)]
mod tests;
mod tokens;
mod tools;

pub use engine::OfflineEngine;
