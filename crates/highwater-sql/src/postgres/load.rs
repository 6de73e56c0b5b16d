//! Rows on their way into a table of PostgreSQL: one `COPY` after the other.

use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::future::try_join;
use highwater_core::{Error, Result};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CopyInSink, Statement};

use super::copy::CopyText;
use super::lease::Lease;
use super::staging;
use crate::cells::ToRow;
use crate::value::Value;
use crate::writer::{Plan, Tally, Verdict};

/// Copies rows, each copy behind a savepoint of its own. Its rows are kept until the server has taken them all: where one
/// is bad, they are tried by halves, until it stands alone.
pub(super) struct Load<T> {
    copy: Statement,
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    text: CopyText,
    /// The rows of the copy that is under way, and the index of the first of them.
    rows: Vec<T>,
    first: u64,
    /// Bytes that were sent for them.
    sent: usize,
    /// Whether there is a savepoint, and whether something behind it has not come to its end.
    saved: bool,
    open: bool,
    /// Whether the temporary table has rows that were merged.
    staged: bool,
    /// Rows that were taken or refused.
    done: Tally,
}

/// Why rows were not taken.
enum Trouble {
    /// The rows themselves: others can be.
    Rows(Error),
    Fatal(Error),
}

impl<T: ToRow + Send> Load<T> {
    pub(super) fn new(copy: Statement) -> Self {
        Self {
            copy,
            sink: None,
            text: CopyText::default(),
            rows: Vec::new(),
            first: 0,
            sent: 0,
            saved: false,
            open: false,
            staged: false,
            done: Tally::default(),
        }
    }

    /// Sends rows, of which the first has this index. The copy goes on afterwards, unless it is large already.
    pub(super) async fn push(
        &mut self,
        lease: &Lease,
        plan: &Plan<T>,
        batch: Vec<T>,
        first: u64,
    ) -> Result<()> {
        let start = self.rows.len();
        if start == 0 {
            self.first = first;
            self.rows = batch;
        } else {
            self.rows.extend(batch);
        }
        let sent = self.send(lease, plan, start..self.rows.len()).await;
        self.settle(lease, plan, sent).await?;
        if self.sent >= LARGE { self.end(lease, plan).await } else { Ok(()) }
    }

    /// Ends the copy that is under way.
    pub(super) async fn end(&mut self, lease: &Lease, plan: &Plan<T>) -> Result<()> {
        let ended = self.end_copy(lease, plan).await;
        let rows = self.rows.len();
        if self.settle(lease, plan, ended).await? {
            self.done.written += rows as u64;
        }
        self.rows.clear();
        self.sent = 0;
        Ok(())
    }

    /// The transaction was committed: savepoint and temporary rows are gone. Says what was taken and refused in it.
    pub(super) fn committed(&mut self) -> Tally {
        (self.saved, self.staged) = (false, false);
        std::mem::take(&mut self.done)
    }

    /// Ends the copy that is under way without its rows.
    pub(super) fn stop(&mut self) {
        self.sink = None;
    }

    /// False if rows were bad; then they have been sorted out, and nothing is under way any more.
    async fn settle(
        &mut self,
        lease: &Lease,
        plan: &Plan<T>,
        result: Result<(), Trouble>,
    ) -> Result<bool> {
        match result {
            Ok(()) => Ok(true),
            Err(Trouble::Fatal(error)) => Err(error),
            Err(Trouble::Rows(error)) => {
                self.sort_out(lease, plan, error).await?;
                Ok(false)
            }
        }
    }

    /// Finds the bad ones among the rows, and takes the others.
    async fn sort_out(&mut self, lease: &Lease, plan: &Plan<T>, error: Error) -> Result<()> {
        let mut left: Vec<Range<usize>> = Vec::new();
        let mut bad = Some((0..self.rows.len(), error));
        loop {
            match bad.take() {
                None => {}
                Some((range, error)) if range.len() == 1 => {
                    self.back(lease).await?;
                    self.refuse(lease, plan, range.start, error).await?;
                }
                Some((range, _)) => {
                    self.back(lease).await?;
                    let middle = range.start + range.len() / 2;
                    left.extend([middle..range.end, range.start..middle]);
                }
            }
            let Some(range) = left.pop() else { break };
            let sent = self.send(lease, plan, range.clone()).await;
            let ended = match sent {
                Ok(()) => self.end_copy(lease, plan).await,
                failed => failed,
            };
            match ended {
                Ok(()) => self.done.written += range.len() as u64,
                Err(Trouble::Rows(error)) => bad = Some((range, error)),
                Err(Trouble::Fatal(error)) => return Err(error),
            }
        }
        self.rows.clear();
        self.sent = 0;
        Ok(())
    }

    /// Back to before the copy that failed, if one was begun: rows that could not be sent have not got that far.
    async fn back(&mut self, lease: &Lease) -> Result<()> {
        self.sink = None;
        if std::mem::take(&mut self.open) {
            lease.batch_execute("ROLLBACK TO SAVEPOINT highwater").await?;
            self.staged = false;
        }
        Ok(())
    }

    async fn refuse(
        &mut self,
        lease: &Lease,
        plan: &Plan<T>,
        index: usize,
        error: Error,
    ) -> Result<()> {
        let row = self.rows.get(index).expect("the range is of these rows");
        let index = self.first + index as u64;
        let verdict = plan.judge.judge(row, &plan.table, index, error)?;
        if let Verdict::Keep(letters, values) = verdict {
            lease.execute_raw(&letters.insert('$'), &values.map(Value::from)).await?;
        }
        self.done.skipped += 1;
        Ok(())
    }

    /// Sends some of the rows.
    async fn send(
        &mut self,
        lease: &Lease,
        plan: &Plan<T>,
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let rows = self.rows.get(range).unwrap_or_default();
        let mut text = self.text.encode(rows, &plan.table).map_err(Trouble::Rows)?;
        self.sent += text.len();
        if self.sink.is_none() {
            self.begin_copy(lease).await.map_err(classify)?;
        }
        let sink = self.sink.as_mut().expect("it was made above");
        while !text.is_empty() {
            if sink.feed(text.split_to(text.len().min(MESSAGE))).await.is_err() {
                // The server has said why.
                return self.end_copy(lease, plan).await;
            }
        }
        Ok(())
    }

    async fn begin_copy(&mut self, lease: &Lease) -> Result<(), tokio_postgres::Error> {
        let release = if self.saved { "RELEASE SAVEPOINT highwater; " } else { "" };
        let clear = if self.staged { staging::CLEAR } else { "" };
        let save = format!("{release}{clear}SAVEPOINT highwater");
        (self.saved, self.open, self.staged) = (true, true, false);
        // Both are sent before the first is answered.
        let copy = lease.copy_in::<_, Bytes>(&self.copy);
        let ((), sink) = try_join(lease.batch_execute(&save), copy).await?;
        self.sink = Some(Box::pin(sink));
        Ok(())
    }

    async fn end_copy(&mut self, lease: &Lease, plan: &Plan<T>) -> Result<(), Trouble> {
        let Some(mut sink) = self.sink.take() else { return Ok(()) };
        sink.as_mut().finish().await.map_err(classify)?;
        if plan.table.is_upsert() {
            lease.batch_execute(&staging::merge(&plan.table)).await.map_err(classify)?;
            self.staged = true;
        }
        self.open = false;
        Ok(())
    }
}

/// Other rows may fare better if it is a value that does not fit its column (class 22), a constraint (23), a limit of the
/// server (54), a key that is there twice in one upsert, or an exception of a trigger.
fn classify(error: tokio_postgres::Error) -> Trouble {
    let alone = [SqlState::CARDINALITY_VIOLATION, SqlState::RAISE_EXCEPTION];
    let of_rows = error.code().is_some_and(|code| {
        let class = code.code().get(..2).unwrap_or_default();
        ["22", "23", "54"].contains(&class) || alone.contains(code)
    });
    if of_rows { Trouble::Rows(error.into()) } else { Trouble::Fatal(error.into()) }
}

/// Bytes per message of a copy: its length has 32 bits, and a batch may be larger than that.
const MESSAGE: usize = 64 * 1024;
/// Bytes after which a copy is ended: its rows are in memory until then.
const LARGE: usize = 1024 * 1024;
