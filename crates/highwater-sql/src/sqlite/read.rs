//! Reading SQLite off the runtime, in batches.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::task::{BlockingRead, Read, ReadAhead};
use highwater_core::{Error, Result, Source};
use rusqlite::{Connection, Rows, Statement};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Sqlite;
use crate::gather::{Keyed, RowBatch, null_key};
use crate::query::Query;
use crate::raw::{Columns, FromRow, RawRow};
use crate::value::{Value, ValueRef};

/// The batches of a query.
///
/// A query that is read as it is has a thread of its own, which waits for the reader: a cursor of SQLite stays on the
/// thread that began it. One that is read by key is read in bursts on the blocking pool, and holds no thread in between.
pub(crate) struct SqliteRead<T>(ReadAhead<Vec<T>, Pages<T>>);

impl Sqlite {
    /// The batches of a query, and what they say about themselves.
    pub(crate) fn read<T: FromRow + Send + 'static>(
        &self,
        info: StageInfo,
        query: Query,
        growing: bool,
    ) -> (StageInfo, SqliteRead<T>) {
        let by_key = !query.key.is_empty();
        let runs = if by_key { RunsOn::BlockingPool } else { RunsOn::Thread };
        let jobs = TaskTracker::new();
        let info = info.with_runs_on(runs).with_jobs(jobs.clone());
        // It waits for a disk, not for somebody else.
        info.meter().steady();
        let (sqlite, tracker) = (self.clone(), jobs.clone());
        let read = ReadAhead::new(query.ahead.get(), jobs, move |sender| {
            let outlet = Outlet { sender: sender.clone() };
            if by_key {
                return Ok(Some(Pages::new(sqlite, query, outlet)));
            }
            on_a_thread(sqlite, query, growing, outlet, tracker.token()).map(|()| None)
        });
        (info, SqliteRead(read))
    }
}

impl<T: FromRow + Send + 'static> Stream for SqliteRead<T> {
    type Item = Result<Vec<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next(cx)
    }
}

impl<T: FromRow + Send + 'static> Source for SqliteRead<T> {
    type Chunk = Vec<T>;
}

highwater_core::debug_fields!(SqliteRead<T>);

/// Where batches go.
struct Outlet<T> {
    sender: mpsc::Sender<Read<Vec<T>>>,
}

impl<T: Send + 'static> Outlet<T> {
    /// Makes the statements of this connection end with the reader. An interrupt from outside would be lost between two
    /// statements, or before the first.
    fn tie(&self, connection: &mut Connection) -> Result<()> {
        let sender = self.sender.clone();
        Ok(connection.progress_handler(STEPS, Some(move || sender.is_closed()))?)
    }
}

/// Instructions of SQLite's machine between two looks at whether the reader is still there: some microseconds.
const STEPS: c_int = 1000;

/// Reads a query as it is, on a thread that waits for the reader.
fn on_a_thread<T: FromRow + Send + 'static>(
    sqlite: Sqlite,
    query: Query,
    growing: bool,
    outlet: Outlet<T>,
    token: TaskTrackerToken,
) -> Result<()> {
    let work = move || {
        let end = read_cursor(&sqlite, &query, growing, &outlet);
        // A reader that is gone does not want it.
        drop(outlet.sender.blocking_send(end.map(|()| None)));
        drop(token);
    };
    match std::thread::Builder::new().name("sql::rows".to_owned()).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::from(error).context("cannot start a thread")),
    }
}

fn read_cursor<T: FromRow + Send + 'static>(
    sqlite: &Sqlite,
    query: &Query,
    growing: bool,
    outlet: &Outlet<T>,
) -> Result<()> {
    query.check()?;
    let mut connection = sqlite.connect_to_read()?;
    outlet.tie(&mut connection)?;
    let mut statement = connection.prepare(&query.sql)?;
    bind(&mut statement, &query.binds)?;
    let columns = names(&statement);
    let mut rows = statement.raw_query();
    let mut gather = if growing { RowBatch::growing(query) } else { RowBatch::new(query) };
    loop {
        let end = catch(|| fill(&mut rows, &columns, &mut gather));
        if gather.take().is_some_and(|batch| outlet.sender.blocking_send(Ok(Some(batch))).is_err())
        {
            return Ok(());
        }
        if let Some(end) = end.transpose() {
            return end;
        }
    }
}

/// Gathers until the batch is full; `Some` at the end of the rows.
fn fill<T: FromRow>(
    rows: &mut Rows<'_>,
    columns: &Columns,
    gather: &mut RowBatch<T>,
) -> Result<Option<()>> {
    while let Some(row) = rows.next()? {
        if gather.push(&RawRow::new(columns, row), String::new)? {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// A query that is read by key.
struct Pages<T> {
    sqlite: Sqlite,
    query: Query,
    outlet: Outlet<T>,
    connection: Option<Connection>,
    keyed: Keyed,
    gather: RowBatch<T>,
    /// What is to be said when the rows before it were given.
    end: Option<Result<()>>,
}

impl<T: FromRow + Send + 'static> Pages<T> {
    fn new(sqlite: Sqlite, query: Query, outlet: Outlet<T>) -> Self {
        let (keyed, gather) = (Keyed::new(&query), RowBatch::new(&query));
        Self { sqlite, query, outlet, connection: None, keyed, gather, end: None }
    }

    fn next(&mut self) -> Read<Vec<T>> {
        if self.end.is_none() {
            self.end = catch(|| self.page()).transpose();
            if let Some(batch) = self.gather.take() {
                return Ok(Some(batch));
            }
        }
        self.end.take().unwrap_or(Ok(())).map(|()| None)
    }

    /// Reads one page; `Some` if it was the last.
    fn page(&mut self) -> Result<Option<()>> {
        if self.connection.is_none() {
            let connection = self.open()?;
            self.connection = Some(connection);
        }
        let connection = self.connection.as_ref().expect("it was opened above");
        let (sql, binds) = self.query.page('?', self.keyed.after());
        let mut statement = connection.prepare_cached(&sql)?;
        bind(&mut statement, &binds)?;
        let columns = names(&statement);
        let places = self.keyed.places(&columns)?;
        let (mut rows, mut full) = (statement.raw_query(), false);
        while let Some(row) = rows.next()? {
            let row = RawRow::new(&columns, row);
            if full {
                self.keyed.check_next(&row, &places)?;
                return Ok(None);
            }
            full = self.gather.push(&row, || self.keyed.name(&row, &places))?;
            if full {
                self.keyed.end_page(&row, &places)?;
            }
        }
        Ok(Some(()))
    }

    fn open(&self) -> Result<Connection> {
        self.query.check()?;
        let mut connection = self.sqlite.connect_to_read()?;
        self.outlet.tie(&mut connection)?;
        let mut statement = connection.prepare(&self.query.null_keys())?;
        bind(&mut statement, &self.query.binds)?;
        if statement.raw_query().next()?.is_some() {
            return Err(null_key(&self.query.key));
        }
        drop(statement);
        Ok(connection)
    }
}

impl<T: FromRow + Send + 'static> BlockingRead for Pages<T> {
    type Chunk = Vec<T>;

    fn read_some(&mut self, _: usize) -> Vec<Read<Vec<T>>> {
        vec![self.next()]
    }
}

/// A panic of somebody's `FromRow` is an error like any other.
fn catch<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    let result = catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|payload| Err(Error::panic(&*payload)))
}

/// Binds all values; a place without one would be null without a word.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<()> {
    let places = statement.parameter_count();
    if places != values.len() {
        let given = values.len();
        return Err(Error::msg(format!("{given} values are bound to {places} places of a query")));
    }
    let mut numbered = values.iter().map(ValueRef::from).zip(1_usize..);
    numbered.try_for_each(|(value, n)| Ok(statement.raw_bind_parameter(n, value)?))
}

fn names(statement: &Statement<'_>) -> Columns {
    statement.column_names().map(Box::from).collect()
}
