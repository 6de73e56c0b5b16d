//! PostgreSQL: a pool of connections.

mod bind;
mod copy;
mod cursor;
mod lease;
mod load;
mod read;
mod staging;
mod write;

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use futures_util::TryStreamExt as _;
use highwater_core::Result;
use tokio_postgres::error::{ErrorPosition, SqlState};
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use lease::Lease;
pub(crate) use read::PostgresRead;
pub(crate) use write::PostgresSession;

use crate::{checkpoint, statement};

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
        let mut run = run(&lease, sql).await;
        if run.as_ref().is_err_and(|failed| failed.number == 1 && is_race(&failed.error)) {
            run = self::run(&lease, sql).await;
        }
        run.map_err(|Failed { number, error }| {
            let offset = offset(&error, sql);
            statement::failed(error.into(), number, sql, offset)
        })?;
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

/// A statement that failed, numbered from 1.
struct Failed {
    number: usize,
    error: tokio_postgres::Error,
}

async fn run(lease: &Lease, sql: &str) -> Result<(), Failed> {
    let mut number = 1;
    let answers = async {
        let mut answers = pin!(lease.simple_query_raw(sql).await?);
        while let Some(answer) = answers.try_next().await? {
            number += usize::from(matches!(answer, SimpleQueryMessage::CommandComplete(_)));
        }
        Ok(())
    };
    let result = answers.await;
    result.map_err(|error| Failed { number, error })
}

/// Whether two may have made the same table, type or index at once. `IF NOT EXISTS` does not see one that is not committed,
/// and the names of the table and of its type are looked up one after the other. The statement is worth one more attempt.
fn is_race(error: &tokio_postgres::Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match error.code() {
        &SqlState::UNIQUE_VIOLATION => error.schema() == Some("pg_catalog"),
        code => [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT].contains(code),
    }
}

/// The byte of the text that the server complains about, if it says so.
fn offset(error: &tokio_postgres::Error, sql: &str) -> Option<usize> {
    let Some(ErrorPosition::Original(letter)) = error.as_db_error()?.position() else {
        return None;
    };
    let letter = usize::try_from(*letter).ok()?.checked_sub(1)?;
    sql.char_indices().map(|(at, _)| at).chain([sql.len()]).nth(letter)
}

/// Makes a table if it is not there. Two that do so at once can get into each other's way: then it is there.
async fn create(lease: &Lease, sql: &str) -> Result<()> {
    match lease.batch_execute(sql).await {
        Err(error) if is_race(&error) => Ok(lease.batch_execute(sql).await?),
        made => Ok(made?),
    }
}

/// Connections of a pool that is made of a URL.
const CONNECTIONS: usize = 8;
/// How long a connection may take to be made, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is waited for, unless said otherwise: for one of a pool that is too small, it would be for ever.
const PATIENCE: Duration = Duration::from_secs(30);
