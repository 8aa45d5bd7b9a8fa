//! neurolink on axum
