//! Where a middleware stands in the onion: a lower number is further outside.
//!
//! Those of one number stand in the order of their registration.

/// Request id, timing, log.
pub const TRACE: i16 = 0;
/// Response headers.
pub const HEADERS: i16 = 2;
/// Cross-origin rules, where a preflight ends, and behind them the cross-site check.
pub const CORS: i16 = 4;
/// Limits by address.
pub const LIMITS: i16 = 5;
/// Authentication; whatever finds out who is calling stands in front of [`ROLES`].
pub const AUTH: i16 = 10;
/// Authorisation.
pub const ROLES: i16 = 11;
/// What needs to know the user: limits by user.
pub const AFTER_AUTH: i16 = 12;
/// Policies: behind limits by user, which bound how often they are asked, and before bodies are read.
pub const POLICY: i16 = 13;
/// Validation of the request.
pub const VALIDATION: i16 = 15;
/// Caches.
pub const CACHE: i16 = 20;
/// Compression.
pub const COMPRESSION: i16 = 30;
/// The application's own middleware.
pub const APP: i16 = 100;
