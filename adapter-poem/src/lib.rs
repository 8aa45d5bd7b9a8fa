//! neurolink on poem
