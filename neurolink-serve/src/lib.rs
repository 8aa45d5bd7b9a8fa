//! The accept loop under neurolink's axum, warp and poem servers
