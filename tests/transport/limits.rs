//! Times of connections on every framework.
