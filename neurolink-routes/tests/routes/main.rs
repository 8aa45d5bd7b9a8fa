//! The ready-made routes, driven in memory.

mod agent;
mod health;
mod support;
mod tools;
