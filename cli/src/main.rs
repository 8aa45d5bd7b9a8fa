//! The `neurolink` binary.
fn main() {}
