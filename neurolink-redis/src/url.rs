use redis::{Client, IntoConnectionInfo as _};

/// A text that is no address of a Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no URL of a Redis; write `redis://user:password@host:port/database` or `redis+unix:///path`")]
#[non_exhaustive]
pub struct InvalidUrl;

/// A client of the Redis at `redis://user:password@host:port/database`; no connection is made yet.
///
/// # Errors
/// It is no such URL. The URL may hold a password, so it is not shown.
pub(crate) fn client(url: &str) -> Result<Client, InvalidUrl> {
    let info = url.into_connection_info().map_err(|_| InvalidUrl)?;
    // It says nothing about itself, so that its user need not be allowed to.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp)).map_err(|_| InvalidUrl)
}
