//! Writing a table of PostgreSQL.

use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join;
use highwater_core::{Error, Result, task};
use tokio_postgres::Statement;

use super::lease::Lease;
use super::load::Load;
use super::{Postgres, create, staging};
use crate::cells::ToRow;
use crate::checkpoint::{self, Checkpoint};
use crate::position::Position;
use crate::writer::{Done, Plan, Session, Tally, Work};

/// An open connection, and where it is.
pub(crate) struct PostgresSession<T> {
    lease: Lease,
    plan: Plan<T>,
    load: Load<T>,
    marker: Option<Marker>,
    /// Whether a transaction is open.
    began: bool,
    batches: u64,
}

impl<T: ToRow + Send + 'static> PostgresSession<T> {
    pub(crate) async fn open(postgres: &Postgres, plan: Plan<T>) -> Result<Self> {
        let lease = Lease::of(postgres).await?;
        if let Some(letters) = plan.judge.dead_letters() {
            create(&lease, &letters.create()).await?;
        }
        // The table is not there, or a column, or the key: better now than when rows have been read.
        lease.prepare(&plan.table.select()).await?;
        if plan.table.is_upsert() {
            lease.batch_execute(&staging::create(&plan.table)).await?;
            lease.batch_execute(&format!("EXPLAIN {}", staging::merge(&plan.table))).await?;
        }
        let load = Load::new(lease.prepare(&staging::copy(&plan.table)).await?);
        let marker = match &plan.mark {
            Some(mark) => Some(Marker::new(&mark.checkpoint, &lease).await?),
            None => None,
        };
        Ok(Self { lease, plan, load, marker, began: false, batches: 0 })
    }

    /// Writes a batch, whose first row has this index, and says what was committed.
    pub(crate) fn write(mut self: Box<Self>, batch: Vec<T>, first: u64) -> Work<T> {
        spawned(async move {
            match self.write_batch(batch, first).await {
                Ok(tally) => Done { session: Some(Session::Postgres(self)), result: Ok(tally) },
                Err(error) => {
                    // That it failed is known; how the end of it went is no news.
                    drop(self.end("ROLLBACK").await);
                    Done { session: None, result: Err(error) }
                }
            }
        })
    }

    /// Commits or takes back what is not committed, and gives the connection back.
    pub(crate) fn close(mut self: Box<Self>, commit: bool) -> Work<T> {
        spawned(async move {
            let committed = if commit { self.commit().await } else { Ok(Tally::default()) };
            let end = if self.began { "ROLLBACK" } else { "" };
            let ended = self.end(end).await.map(|()| Tally::default());
            // What is committed is, whatever becomes of the connection.
            Done { session: None, result: if commit { committed } else { ended } }
        })
    }

    /// Ends what is open, in bounded time, and gives the connection back.
    async fn end(mut self: Box<Self>, how: &str) -> Result<()> {
        self.load.stop();
        let drop = if self.plan.table.is_upsert() { staging::DROP } else { "" };
        let sql = [how, drop].join("; ");
        let ended = tokio::time::timeout(PATIENCE, self.lease.batch_execute(&sql)).await;
        let late = || Error::timeout(format!("no answer within {} s", PATIENCE.as_secs()));
        ended.map_err(|_| late())??;
        self.lease.release();
        Ok(())
    }

    async fn write_batch(&mut self, batch: Vec<T>, first: u64) -> Result<Tally> {
        if let (Some(marker), Some(mark)) = (&mut self.marker, &self.plan.mark) {
            marker.next = batch.last().map(|last| mark.of(last));
        }
        if !self.began {
            // Both are sent before the first is answered.
            let begin = async { Ok(self.lease.batch_execute("BEGIN").await?) };
            try_join(begin, Marker::step(self.marker.as_mut(), &self.lease)).await?;
            self.began = true;
        }
        self.load.push(&self.lease, &self.plan, batch, first).await?;
        self.batches += 1;
        if self.plan.one_transaction { Ok(Tally::default()) } else { self.commit().await }
    }

    async fn commit(&mut self) -> Result<Tally> {
        if !self.began {
            return Ok(Tally::default());
        }
        self.load.end(&self.lease, &self.plan).await?;
        let moves = self.marker.as_mut().filter(|marker| marker.next != marker.kept);
        Marker::step(moves, &self.lease).await?;
        self.lease.batch_execute("COMMIT").await?;
        self.began = false;
        let batches = std::mem::take(&mut self.batches);
        Ok(Tally { batches, ..self.load.committed() })
    }
}

/// Moves a checkpoint: at the begin of a transaction, so that whoever loads it waits for the rows, and at its end.
struct Marker {
    name: String,
    update: Statement,
    /// Where we left it.
    kept: Option<String>,
    /// Where it is to be.
    next: Option<String>,
}

impl Marker {
    async fn new(checkpoint: &Checkpoint, lease: &Lease) -> Result<Self> {
        let update = lease.prepare(&checkpoint::update('$')).await?;
        let kept = checkpoint.position().map(Position::to_text);
        Ok(Self { name: checkpoint.name().to_owned(), update, next: kept.clone(), kept })
    }

    /// Moves it to where it is to be, if it is still where we left it.
    async fn step(marker: Option<&mut Self>, lease: &Lease) -> Result<()> {
        let Some(Self { name, update, kept, next }) = marker else { return Ok(()) };
        if lease.execute(&*update, &[&*name, &*next, &*kept]).await? != 1 {
            return Err(checkpoint::moved(name));
        }
        kept.clone_from(next);
        Ok(())
    }
}

/// Runs it on a task, which ends with what is given back.
fn spawned<T: Send + 'static>(work: impl Future<Output = Done<T>> + Send + 'static) -> Work<T> {
    let task = task::spawn(work);
    Box::pin(async {
        task.await.unwrap_or_else(|error| Done { session: None, result: Err(error.into()) })
    })
}

/// How long an end waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);
