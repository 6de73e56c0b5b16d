//! Writing a table of SQLite on the blocking pool.

use highwater_core::Result;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use tokio::runtime::Handle;

use super::Sqlite;
use crate::cells::{CellSink, Cells, Scratch, ToRow};
use crate::checkpoint;
use crate::identifier::comma;
use crate::value::ValueRef;
use crate::writer::{Done, Plan, Session, Tally, Verdict, Work};

/// An open connection, and where it is.
pub(crate) struct SqliteSession<T> {
    connection: Held,
    plan: Plan<T>,
    /// Inserts [`SqliteSession::rows_at_once`] rows, and one.
    many: String,
    one: String,
    /// The checkpoint as we left it.
    marked: Option<String>,
    /// Whether a transaction is open.
    began: bool,
    /// Written, and not committed yet.
    pending: Tally,
    /// Room that is used again.
    scratch: Scratch,
}

/// Why rows were not written.
enum Trouble {
    /// The rows themselves: others can be.
    Row(highwater_core::Error),
    Fatal(highwater_core::Error),
}

impl<T: ToRow + Send + 'static> SqliteSession<T> {
    pub(crate) async fn open(sqlite: &Sqlite, plan: Plan<T>) -> Result<Self> {
        let sqlite = sqlite.clone();
        let open = move || Self::connect(&sqlite, plan);
        tokio::task::spawn_blocking(open).await?
    }

    fn connect(sqlite: &Sqlite, plan: Plan<T>) -> Result<Self> {
        let connection = sqlite.connect(OpenFlags::empty())?;
        if let Some(letters) = plan.judge.dead_letters() {
            connection.execute_batch(&letters.create())?;
        }
        let (many, one) = (insert(&plan, rows_at_once(&plan)), insert(&plan, 1));
        // The table is not there, or a column, or the key: better now than when rows have been read.
        connection.prepare_cached(&many)?;
        let mark = plan.mark.as_ref().and_then(|mark| mark.checkpoint.position());
        let marked = mark.map(crate::Position::to_text);
        Ok(Self {
            connection: Held(Some(connection)),
            plan,
            many,
            one,
            marked,
            began: false,
            pending: Tally::default(),
            scratch: Scratch::default(),
        })
    }

    /// Writes a batch, whose first row has this index, and says what was committed.
    pub(crate) fn write(mut self: Box<Self>, batch: Vec<T>, first: u64) -> Work<T> {
        let job = tokio::task::spawn_blocking(move || {
            let result = self.write_batch(&batch, first);
            if result.is_err() {
                // Here is a good place to take it back: it may take a while.
                self.connection.close();
                return Done { session: None, result };
            }
            Done { session: Some(Session::Sqlite(self)), result }
        });
        Box::pin(async {
            job.await.unwrap_or_else(|error| Done { session: None, result: Err(error.into()) })
        })
    }

    /// Commits or takes back what is not committed, and closes.
    pub(crate) fn close(mut self: Box<Self>, commit: bool) -> Work<T> {
        let job = tokio::task::spawn_blocking(move || {
            let result = if commit { self.commit() } else { Ok(Tally::default()) };
            self.connection.close();
            result
        });
        Box::pin(async {
            let result = job.await.unwrap_or_else(|error| Err(error.into()));
            Done { session: None, result }
        })
    }

    fn write_batch(&mut self, batch: &[T], first: u64) -> Result<Tally> {
        if !self.began {
            // A transaction that only becomes a writing one later could not wait for a lock.
            self.connection.get().execute_batch("BEGIN IMMEDIATE")?;
            self.began = true;
        }
        self.mark(batch)?;
        self.insert_all(batch, first)?;
        self.pending.batches += 1;
        if self.plan.one_transaction { Ok(Tally::default()) } else { self.commit() }
    }

    fn commit(&mut self) -> Result<Tally> {
        if std::mem::take(&mut self.began) {
            self.connection.get().execute_batch("COMMIT")?;
        }
        Ok(std::mem::take(&mut self.pending))
    }

    /// Moves the checkpoint behind the last row.
    fn mark(&mut self, batch: &[T]) -> Result<()> {
        let (Some(mark), Some(last)) = (&self.plan.mark, batch.last()) else { return Ok(()) };
        let (name, position) = (mark.checkpoint.name(), mark.of(last));
        let mut update = self.connection.get().prepare_cached(&checkpoint::update('?'))?;
        if update.execute(params![name, position, self.marked])? != 1 {
            return Err(checkpoint::moved(name));
        }
        drop(update);
        self.marked = Some(position);
        Ok(())
    }

    /// Many rows at a time. Where one of them is bad, SQLite takes the whole statement back, and they are tried one by one.
    fn insert_all(&mut self, batch: &[T], first: u64) -> Result<()> {
        let most = rows_at_once(&self.plan);
        for (rows, first) in batch.chunks(most).zip((first..).step_by(most)) {
            if rows.len() == most && most > 1 {
                match self.insert(true, rows) {
                    Ok(()) => {
                        self.pending.written += rows.len() as u64;
                        continue;
                    }
                    Err(Trouble::Row(_)) => {}
                    Err(Trouble::Fatal(error)) => return Err(error),
                }
            }
            for (row, index) in rows.iter().zip(first..) {
                match self.insert(false, std::slice::from_ref(row)) {
                    Ok(()) => self.pending.written += 1,
                    Err(Trouble::Row(error)) => self.refuse(row, index, error)?,
                    Err(Trouble::Fatal(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, many: bool, rows: &[T]) -> Result<(), Trouble> {
        let sql = if many { &self.many } else { &self.one };
        let connection = self.connection.get();
        let fatal = |error: rusqlite::Error| Trouble::Fatal(error.into());
        let statement = connection.prepare_cached(sql).map_err(fatal)?;
        let mut places = Places { statement, first: 1 };
        for row in rows {
            Cells::fill(row, &self.plan.table, &mut self.scratch, &mut places)
                .map_err(Trouble::Row)?;
            places.first += self.plan.table.width();
        }
        match places.statement.raw_execute() {
            Ok(_) => Ok(()),
            // Some failures end the transaction; then no row can be left out of it.
            Err(error) if is_of_a_row(&error) && !connection.is_autocommit() => {
                Err(Trouble::Row(error.into()))
            }
            Err(error) => Err(Trouble::Fatal(error.into())),
        }
    }

    fn refuse(&mut self, row: &T, index: u64, error: highwater_core::Error) -> Result<()> {
        match self.plan.judge.judge(row, &self.plan.table, index, error)? {
            Verdict::Skip => {}
            Verdict::Keep(letters, values) => {
                let mut insert = self.connection.get().prepare_cached(&letters.insert('?'))?;
                insert.execute(values)?;
            }
        }
        self.pending.skipped += 1;
        Ok(())
    }
}

/// A statement, and where the values of the row go whose turn it is.
struct Places<'c> {
    statement: rusqlite::CachedStatement<'c>,
    first: usize,
}

impl CellSink for Places<'_> {
    fn put(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()> {
        Ok(self.statement.raw_bind_parameter(self.first + index, value)?)
    }
}

/// A connection that is closed off the runtime: to take a large transaction back may take a while.
struct Held(Option<Connection>);

impl Held {
    fn get(&self) -> &Connection {
        self.0.as_ref().expect("a session that is closed is dropped")
    }

    /// Closes it here. A transaction that is open is taken back.
    fn close(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            drop(runtime.spawn_blocking(move || drop(connection)));
        }
    }
}

impl Sqlite {
    /// Makes the row of a checkpoint if it is not there, and reads it.
    pub(crate) async fn load_checkpoint(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.call(OpenFlags::empty(), move |connection| {
            connection.execute_batch(checkpoint::CREATE)?;
            connection.execute(&checkpoint::insert('?'), [&name])?;
            let read = connection.query_row(&checkpoint::select('?'), [&name], |row| row.get(0));
            Ok(read.optional()?.flatten())
        })
        .await
    }
}

/// Whether other rows may fare better.
fn is_of_a_row(error: &rusqlite::Error) -> bool {
    let bad = [ErrorCode::ConstraintViolation, ErrorCode::TypeMismatch, ErrorCode::TooBig];
    error.sqlite_error_code().is_some_and(|code| bad.contains(&code))
}

/// An insert of so many rows.
fn insert<T>(plan: &Plan<T>, rows: usize) -> String {
    let table = &plan.table;
    let row = format!("({})", comma(std::iter::repeat_n('?', table.width())));
    let rows = comma(std::iter::repeat_n(row, rows));
    format!("{}VALUES {rows}{}", table.insert(), table.on_conflict())
}

/// As many as pay, and as a statement has places for.
fn rows_at_once<T>(plan: &Plan<T>) -> usize {
    (PLACES / plan.table.width()).clamp(1, ROWS)
}

/// Rows of one insert.
const ROWS: usize = 16;
/// Values that can be bound to one statement (SQLite, "Limits": `SQLITE_MAX_VARIABLE_NUMBER`).
const PLACES: usize = 32_766;
