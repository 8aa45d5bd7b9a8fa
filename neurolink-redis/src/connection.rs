//! A connection to one Redis, or to a cluster of them.

use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _, RedisResult};

use crate::scripts::Scripts;

/// The longest that making a connection may take. No request waits for all of it.
const CONNECT: Duration = Duration::from_secs(1);

/// A text that is no address of a Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no URL of a Redis; write `redis://user:password@host:port/database` or `redis+unix:///path`")]
#[non_exhaustive]
pub struct InvalidUrl;

fn info(url: &str) -> Result<ConnectionInfo, InvalidUrl> {
    let info = url.into_connection_info().map_err(|_| InvalidUrl)?;
    // It says nothing about itself, so that its user need not be allowed to.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

/// Where to connect to.
#[derive(Clone)]
pub(crate) enum Place {
    One(Client),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Place {
    /// One Redis at a URL; no connection is made yet.
    pub(crate) fn one(url: &str) -> Result<Self, InvalidUrl> {
        Client::open(info(url)?).map(Self::One).map_err(|_| InvalidUrl)
    }

    /// A cluster, some of whose nodes are at these URLs.
    ///
    /// A node that has moved a key or is gone is found again at the next call or two.
    pub(crate) fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidUrl> {
        let nodes = urls.into_iter().map(info).collect::<Result<Vec<_>, _>>()?;
        let builder = ClusterClient::builder(nodes).connection_timeout(CONNECT).response_timeout(CONNECT);
        let client = builder.retries(3).min_retry_wait(1).max_retry_wait(100).build();
        client.map(|client| Self::Cluster(Box::new(client))).map_err(|_| InvalidUrl)
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(crate) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::One(client) => {
                let config =
                    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::One)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }
}

impl Connection {
    /// Sends commands at once, to one Redis in one pipeline, to a cluster each to the node of its key.
    pub(crate) async fn send<'a, T: FromRedisValue>(
        self,
        commands: impl Iterator<Item = &'a Cmd>,
    ) -> RedisResult<Vec<RedisResult<T>>> {
        match self {
            Self::One(mut connection) => {
                let mut pipeline = redis::pipe();
                pipeline.ignore_errors();
                commands.for_each(|command| _ = pipeline.add_command(command.clone()));
                pipeline.query_async(&mut connection).await
            }
            Self::Cluster(connection) => {
                let send = |command: &'a Cmd| {
                    let mut connection = connection.clone();
                    async move { command.query_async(&mut connection).await }
                };
                Ok(join_all(commands.map(send)).await)
            }
        }
    }

    /// Loads the scripts, on every node.
    pub(crate) async fn load(self, scripts: &Scripts) -> RedisResult<()> {
        match self {
            Self::One(mut connection) => scripts.load().query_async::<Vec<String>>(&mut connection).await.map(drop),
            Self::Cluster(mut connection) => {
                for command in scripts.load().cmd_iter() {
                    command.query_async::<String>(&mut connection).await?;
                }
                Ok(())
            }
        }
    }
}
