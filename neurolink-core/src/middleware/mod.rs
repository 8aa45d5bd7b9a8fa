//! Middleware, one file and one cargo feature each; none is on by default.
