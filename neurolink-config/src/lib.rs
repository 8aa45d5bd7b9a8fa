//! Typed configuration of neurolink: layers, presets, and the stack they make
