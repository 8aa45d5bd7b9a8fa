//! neurolink on warp
