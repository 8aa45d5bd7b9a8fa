//! HTTP/2 by prior knowledge: a well-formed client, and frames written by hand for one that is not.

mod client;
mod frames;
mod preface;

pub(crate) use client::{Answer, Ask, Client};
pub(crate) use frames::*;
pub(crate) use preface::{PREFACE, is_offered, is_refused};
