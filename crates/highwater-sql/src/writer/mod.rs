//! Writing rows.

mod bad_row;
mod counts;
mod plan;
mod session;

use std::fmt;
use std::time::Duration;

use highwater_core::record::OnFailure;
use highwater_core::{Destination, Error, Result};

pub(crate) use bad_row::{Judge, Verdict};
pub(crate) use counts::Tally;
pub use counts::WriteCounts;
pub(crate) use plan::{DeadLetters, Mark, Plan};
pub(crate) use session::{Done, Session, Work};

use crate::cells::ToRow;
use crate::checkpoint::Checkpoint;
use crate::database::Database;
use crate::position::Position;
use crate::table::Table;

/// Writes batches of rows into a table.
///
/// SQLite gets prepared inserts of many rows each, PostgreSQL a `COPY`; where the table is to be
/// [`upsert`](Table::upsert)ed, PostgreSQL copies into a temporary table first. Each batch is one transaction, unless
/// [`one_transaction`](TableWriter::one_transaction) makes the whole pipeline one. Batches of some hundred rows are fast;
/// `.chunks(512)` makes them of single rows.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::{Readable, Result};
/// use highwater_sql::{Database, Table, rows, table_writer};
///
/// #[derive(serde::Serialize)]
/// struct User {
///     id: i64,
///     email: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let database = Database::sqlite(folder.path().join("users.db"));
/// database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL)").await?;
/// let users = Table::new("users", ["id", "email"])?.upsert(["id"])?;
///
/// let report = Readable::from_iter(0..1000)
///     .map(|id| User { id, email: format!("user{id}@example.com") })
///     .chunks(512)
///     .pipe_to(table_writer(&database, users))
///     .await?;
/// assert_eq!((report.chunks_out(), report.weight_out()), (2, 1000));
/// assert_eq!(rows::<i64>(&database, "SELECT count(*) FROM users").to_vec().await?, [1000]);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
pub fn table_writer<T: ToRow + Send + 'static>(
    database: &Database,
    table: Table,
) -> TableWriter<T> {
    TableWriter {
        database: database.clone(),
        plan: Plan::new(table),
        state: State::New,
        queue: None,
        counts: WriteCounts::default(),
        batches: 0,
        rows: 0,
        finishing: false,
    }
}

/// The destination made by [`table_writer`].
///
/// It spawns: a batch is written by a job on the blocking pool (SQLite) or by a task (PostgreSQL), while the pipeline
/// makes the next one. A task ends with the writer; a job on the pool ends its batch.
///
/// # Backpressure
///
/// A batch is taken when the one before it was written. An error is therefore told at the next call; it names the batch
/// (as its chunk) in which it happened.
///
/// # Cancel safety
///
/// A batch that `write` has accepted is kept here, not in its future: if a `write` is dropped, the batch is written all the
/// same, once, by what is called next.
///
/// # What a failure leaves behind
///
/// A transaction that is not committed leaves nothing. With one transaction per batch, the batches before the failure are
/// in the table, each as a whole, and a [`Checkpoint`] knows the last of them. With one for the whole pipeline there is
/// nothing: it is committed by `finish`, and rolled back by `abort`, by a drop, and by the end of the process.
///
/// An abort during `finish` waits up to 10 seconds for a commit that has begun. If everything is committed, the pipeline has
/// succeeded. If the database does not answer, the error is a [timeout](Error::is_timeout) which says that the outcome is
/// not known.
///
/// # Errors
///
/// From `open`: the database cannot be opened; the table or one of its columns is not there; there is no unique key for an
/// upsert. From the others: a row that the table does not take (unless [`on_failure`](Self::on_failure) or
/// [`dead_letters`](Self::dead_letters) say otherwise), a full disk, a lock of somebody else, a lost connection; a checkpoint that somebody else has moved.
pub struct TableWriter<T> {
    database: Database,
    plan: Plan<T>,
    state: State<T>,
    /// Accepted, and not under way yet.
    queue: Option<Vec<T>>,
    counts: WriteCounts,
    batches: u64,
    rows: u64,
    /// Whether all batches have been accepted.
    finishing: bool,
}

/// ```text
///  New --open--> Idle <--> Busy(a batch)
///                  |         |
///                  |         +--an error---------------------------> Closed
///                  +--finish, abort--> Busy(Finish or Abort) --> Committed or Closed
/// ```
enum State<T> {
    New,
    Idle(Session<T>),
    /// A job or task has the connection.
    Busy(Work<T>, Job),
    /// All that was accepted is in the table, and nobody has been told yet.
    Committed,
    Closed,
}

/// What is done with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Batch(u64),
    Finish,
    Abort,
}

impl<T: ToRow + Send + 'static> TableWriter<T> {
    /// Makes everything one transaction: all of it is in the table in the end, or nothing.
    #[must_use]
    pub fn one_transaction(mut self) -> Self {
        self.plan.one_transaction = true;
        self
    }

    /// Moves a checkpoint in the transaction of each batch, to `position` of its last row: whoever starts again behind the
    /// checkpoint has each row in the table exactly once. The rows must come in the order of the key that the query is
    /// [read by](crate::Query::by_key).
    ///
    /// If somebody else has moved it since it was loaded, the batch is an error, and not written a second time.
    #[must_use]
    pub fn checkpoint<P: Into<Position>>(
        mut self,
        checkpoint: Checkpoint,
        position: impl Fn(&T) -> P + Send + Sync + 'static,
    ) -> Self {
        self.plan.mark = Some(Mark::new(checkpoint, move |row| position(row).into()));
        self
    }

    /// Sets the policy for rows that the table does not take: a constraint, a type, or a value that it cannot hold. It
    /// gets the row as JSON, in the order of the columns, and its index among all rows given to the writer.
    ///
    /// By default the batch fails, and the row is in the error: `error.downcast_ref::<Failed<String>>()`. A handler is
    /// called before the batch is committed, so it may have been given rows of a batch that is rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// use highwater_core::{Readable, Result};
    /// use highwater_core::record::Failed;
    /// use highwater_sql::{Database, Table, table_writer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let database = Database::sqlite(folder.path().join("n.db"));
    /// database.execute("CREATE TABLE t (n INTEGER CHECK (n < 3))").await?;
    /// let writer = table_writer::<(i64,)>(&database, Table::new("t", ["n"])?);
    /// let numbers = Readable::from_iter(0..5).map(|n| (n,)).chunks(2);
    /// let error = numbers.pipe_to(writer).await.unwrap_err();
    /// let bad = error.downcast_ref::<Failed<String>>().expect("a bad row");
    /// assert_eq!((bad.index(), bad.item().as_str()), (Some(3), r#"{"n":3}"#));
    /// assert_eq!((error.stage(), error.chunk()), (Some("table_writer"), Some(1)));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<String>) -> Self {
        self.plan.judge = Judge::policy(policy);
        self
    }

    /// Writes rows that the table does not take into another one, in the same transaction: the name of the table, the
    /// index of the row among all that were written, the row as JSON, and the error.
    ///
    /// The table is made if it is not there, with the columns `table_name`, `row_index`, `row_json` and `error`.
    ///
    /// # Errors
    ///
    /// The name has other letters in it than those allowed ([`Table`]).
    pub fn dead_letters(mut self, table: &str) -> Result<Self> {
        self.plan.judge = Judge::Keep(DeadLetters::new(table)?);
        Ok(self)
    }

    /// What has been written, readable while it runs and afterwards.
    pub fn counts(&self) -> WriteCounts {
        self.counts.clone()
    }

    /// Hands what is accepted to a job, as soon as the one before it is done.
    async fn send(&mut self) -> Result<()> {
        self.settle().await?;
        let Some(batch) = self.queue.take() else { return Ok(()) };
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(session) => {
                let first = self.rows;
                self.rows += batch.len() as u64;
                self.state = State::Busy(session.write(batch, first), Job::Batch(self.batches));
                self.batches += 1;
                Ok(())
            }
            State::New => {
                self.state = State::New;
                Err(Error::msg("write before open").in_stage(NAME))
            }
            State::Closed | State::Committed | State::Busy(..) => {
                Err(Error::write_after_end().in_stage(NAME))
            }
        }
    }

    /// Waits until no job has the connection.
    async fn settle(&mut self) -> Result<()> {
        let State::Busy(work, job) = &mut self.state else { return Ok(()) };
        let job = *job;
        // It stays in its place while it is waited for: this future may be dropped.
        let Done { session, result } = work.await;
        self.state = match (session, job) {
            (Some(session), _) => State::Idle(session),
            (None, Job::Finish) if result.is_ok() => State::Committed,
            (None, _) => State::Closed,
        };
        let place = |error: Error| match job {
            Job::Batch(batch) => error.in_stage(NAME).at_chunk(batch),
            Job::Finish | Job::Abort => error.in_stage(NAME),
        };
        self.counts.add(result.map_err(place)?);
        Ok(())
    }

    /// Ends what is under way, one way or the other, in bounded time.
    async fn close(&mut self, job: Job) -> Result<()> {
        self.settle().await?;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(session) => {
                let finish = job == Job::Finish;
                let work = if finish { session.finish() } else { session.abort() };
                self.state = State::Busy(work, job);
                self.settle().await
            }
            before => {
                self.state = before;
                Ok(())
            }
        }
    }

    /// Takes back what is not committed. The end of a commit that is under way is waited for.
    async fn undo(&mut self) -> Result<()> {
        // Where each batch is a transaction, nothing is left to be taken back once the last is written.
        let whole = self.queue.take().is_none() && self.finishing && !self.plan.one_transaction;
        self.close(if whole { Job::Finish } else { Job::Abort }).await?;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Committed => Err(Error::committed().in_stage(NAME)),
            _ => Ok(()),
        }
    }
}

impl<T: ToRow + Send + 'static> Destination for TableWriter<T> {
    type Chunk = Vec<T>;

    async fn open(&mut self) -> Result<()> {
        self.settle().await?;
        match self.state {
            State::New => {}
            State::Closed | State::Committed => {
                return Err(Error::write_after_end().in_stage(NAME));
            }
            // Kept open by the pipeline before.
            State::Idle(_) | State::Busy(..) => return Ok(()),
        }
        let opened = Session::open(&self.database, self.plan.clone()).await;
        let table = self.plan.table.name();
        let context = |error: Error| error.context(format!("cannot write to `{table}`"));
        let session = opened.map_err(|error| context(error).in_stage(NAME))?;
        self.state = State::Idle(session);
        Ok(())
    }

    async fn write(&mut self, batch: Vec<T>) -> Result<()> {
        // One that a dropped `write` left behind goes first.
        if self.queue.is_some() {
            self.send().await?;
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.queue = Some(batch);
        self.send().await
    }

    async fn flush(&mut self) -> Result<()> {
        self.send().await?;
        self.settle().await
    }

    async fn on_idle(&mut self) -> Result<()> {
        if self.queue.is_some() { self.send().await } else { Ok(()) }
    }

    async fn finish(&mut self) -> Result<()> {
        self.finishing = true;
        self.send().await?;
        self.close(Job::Finish).await?;
        self.state = State::Closed;
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        if let Ok(undone) = tokio::time::timeout(PATIENCE, self.undo()).await {
            return undone;
        }
        let mut what = format!("the database did not answer within {} s", PATIENCE.as_secs());
        if matches!(self.state, State::Busy(_, Job::Batch(_) | Job::Finish)) {
            what += "; whether it has committed the last transaction is not known";
        }
        // A task ends when it is dropped, and its connection with it.
        self.state = State::Closed;
        Err(Error::timeout(what).in_stage(NAME))
    }

    fn weight(&self, batch: &Vec<T>) -> usize {
        batch.len()
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

impl<T> fmt::Debug for TableWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter")
            .field("table", &self.plan.table)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

const NAME: &str = "table_writer";
/// How long an abort waits for the database.
const PATIENCE: Duration = Duration::from_secs(10);
