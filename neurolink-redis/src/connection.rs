//! A connection to one Redis, or to a cluster of them.

use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult};

use crate::scripts::{Numbers, Scripts};

/// The longest that making a connection may take. No request waits for all of it.
const CONNECT: Duration = Duration::from_secs(1);

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
    pub(crate) async fn send<'a>(
        self,
        commands: impl Iterator<Item = &'a Cmd>,
    ) -> RedisResult<Vec<RedisResult<Numbers>>> {
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

/// A cluster's client: a node that has moved a key or is gone is found again at the next call or two.
///
/// # Errors
/// The nodes differ in user or password, or have Unix sockets.
pub(crate) fn cluster(nodes: Vec<redis::ConnectionInfo>) -> RedisResult<Place> {
    let builder = ClusterClient::builder(nodes).connection_timeout(CONNECT).response_timeout(CONNECT);
    let client = builder.retries(3).min_retry_wait(1).max_retry_wait(100).build()?;
    Ok(Place::Cluster(Box::new(client)))
}
