//! PostgreSQL: a pool of connections.

mod bind;
mod copy;
mod cursor;
mod lease;
mod load;
mod read;
mod staging;
mod write;

use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use highwater_core::Result;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use lease::Lease;
pub(crate) use read::PostgresRead;
pub(crate) use write::PostgresSession;

use crate::checkpoint;

/// Where connections come from.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    pub(crate) patience: Duration,
}

impl Postgres {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, patience: PATIENCE }
    }

    pub(crate) fn open(url: &str) -> Result<Self> {
        let mut config: Config = url.parse()?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(CONNECTIONS).build()?;
        Ok(Self::new(pool))
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        let lease = Lease::of(self).await?;
        lease.batch_execute(sql).await?;
        lease.release();
        Ok(())
    }

    /// Makes the row of a checkpoint if it is not there, and reads it. Whoever is about to move it is waited for.
    pub(crate) async fn load_checkpoint(&self, name: &str) -> Result<Option<String>> {
        let lease = Lease::of(self).await?;
        create(&lease, checkpoint::CREATE).await?;
        lease.execute(&checkpoint::insert('$'), &[&name]).await?;
        let select = format!("{} FOR UPDATE", checkpoint::select('$'));
        let row = lease.query_opt(&select, &[&name]).await?;
        let position = row.map(|row| row.try_get(0)).transpose()?;
        lease.release();
        Ok(position.flatten())
    }
}

/// Makes a table if it is not there. Two that do so at once can get into each other's way: then it is there.
async fn create(lease: &Lease, sql: &str) -> Result<()> {
    let made = lease.batch_execute(sql).await;
    let twice = [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE];
    match made {
        Err(error) if error.code().is_some_and(|code| twice.contains(code)) => {
            Ok(lease.batch_execute(sql).await?)
        }
        made => Ok(made?),
    }
}

/// Connections of a pool that is made of a URL.
const CONNECTIONS: usize = 8;
/// How long a connection may take to be made, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is waited for, unless said otherwise: for one of a pool that is too small, it would be for ever.
const PATIENCE: Duration = Duration::from_secs(30);
