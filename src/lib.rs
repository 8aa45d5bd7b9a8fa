#![doc = include_str!("../README.md")]

mod create_server;
mod framework;
mod serving;
mod with_framework;

pub use create_server::{CreateServer, create_server};
pub use framework::{Framework, UnknownFramework};
pub use neurolink_config as config;
pub use neurolink_core::server::{Server, ServerError, State as ServerState};
pub use neurolink_core::*;
#[cfg(feature = "jwks")]
pub use neurolink_jwks as jwks;
pub use neurolink_routes as routes;
pub use neurolink_serve as serve;
pub use serving::serve_config;
pub use with_framework::WithFramework;

#[cfg(feature = "actix")]
pub use neurolink_actix as actix;
#[cfg(feature = "axum")]
pub use neurolink_axum as axum;
#[cfg(feature = "poem")]
pub use neurolink_poem as poem;
#[cfg(feature = "redis")]
pub use neurolink_redis as redis;
#[cfg(feature = "warp")]
pub use neurolink_warp as warp;

/// The code of the documentation pages is compiled.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/authentication.md")]
    mod authentication {}
    #[doc = include_str!("../docs/authorisation.md")]
    mod authorisation {}
    #[doc = include_str!("../docs/limits.md")]
    mod limits {}
    #[doc = include_str!("../docs/login.md")]
    mod login {}
    #[doc = include_str!("../docs/middleware.md")]
    mod middleware {}
    #[doc = include_str!("../docs/native.md")]
    mod native {}
    #[doc = include_str!("../docs/passwords.md")]
    mod passwords {}
    #[cfg(feature = "redis")]
    #[doc = include_str!("../docs/redis.md")]
    mod redis {}
    #[doc = include_str!("../docs/requests.md")]
    mod requests {}
    #[doc = include_str!("../docs/security-events.md")]
    mod security_events {}
    #[doc = include_str!("../docs/write-an-adapter.md")]
    mod write_an_adapter {}
}
