//! Inserts lines into a table of SQLite, a transaction per batch.
//!
//! ```text
//! batch-insert [INPUT] [-d DATABASE] [-t TABLE] [-b ROWS] [--age MILLISECONDS] [--no-progress]
//! ```
//!
//! However it ends, it says on standard error how many rows are in: with 0, with 2 after an error, whose batch is rolled
//! back, and with 130 after Ctrl-C, which commits the batch that is open.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use highwater::lines::Line;
use highwater::prelude::*;
use highwater::{BoxReadable, Destination, Error, Readable, Result, fs, io};
use highwater_examples::{OneLine, arguments, interrupt};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use rusqlite::{Connection, params};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

/// Inserts lines into a table of SQLite, a transaction per batch.
#[derive(Debug, Parser)]
#[command(name = "batch-insert", version)]
struct Args {
    /// A file of lines in UTF-8; `-` is standard input. Without it, sample lines are made and inserted.
    input: Option<PathBuf>,
    /// The database, made if it is not there. Without it, one in memory, which is gone afterwards.
    #[arg(short, long, value_name = "DATABASE")]
    database: Option<PathBuf>,
    /// The table, made if it is not there: the columns are `line`, the number in the input, and `text`.
    #[arg(short, long, value_name = "TABLE", default_value = "lines")]
    table: String,
    /// Rows of a transaction.
    #[arg(short, long, value_name = "ROWS", default_value_t = 500, value_parser = at_least_one)]
    batch: usize,
    /// How long a line waits for others before it is inserted, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    age: u64,
    /// Show no progress.
    #[arg(long)]
    no_progress: bool,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args)));
    match result {
        Ok(Ending::Whole) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(2)
        }
    }
}

enum Ending {
    Whole,
    Interrupted,
}

/// Inserts, and says how many rows are in whatever happens.
async fn run(args: &Args) -> Result<Ending> {
    let (start, interrupted) = (Instant::now(), interrupt());
    let mut table = Table::new(args);
    let result = source(args.input.as_deref())
        .lines()
        // Before they are gathered, so that the lines before a bad one are inserted.
        .try_map(|line: Line| {
            line.as_str()?;
            Ok(line)
        })
        // The end of the input, so that what was taken of it is inserted. Half a line is not: this is behind `lines`.
        .take_until(interrupted.clone().cancelled_owned())
        .batch(args.batch, Duration::from_millis(args.age))
        .pipe_to(&mut table)
        .run()
        .await;
    table.progress.finish_and_clear();
    let interrupted = interrupted.is_cancelled();
    let how = if interrupted { "interrupted: " } else { "" };
    say(format_args!("{how}{}", table.summary(start.elapsed())));
    result?;
    Ok(if interrupted { Ending::Interrupted } else { Ending::Whole })
}

fn source(input: Option<&Path>) -> BoxReadable<Bytes> {
    match input {
        Some(path) if path == Path::new("-") => io::stdin().boxed(),
        Some(path) => fs::read(path).boxed(),
        None => {
            say(format_args!("no INPUT: inserting {SAMPLE_LINES} sample lines (--help says more)"));
            let lines = (1..=SAMPLE_LINES).map(|n| format!("sample {n}, squared {}\n", n * n));
            Readable::from_iter(lines.map(Bytes::from)).boxed()
        }
    }
}

/// A table, as the destination of batches of lines: each is inserted as a whole or not at all.
///
/// The connection is on the pool for blocking calls while it works, and here in between. A job is part of the table and
/// not of the call that sent it off: whatever becomes of the call, the job is waited for, and its rows are counted.
struct Table {
    path: Option<PathBuf>,
    name: String,
    connection: Option<Connection>,
    job: Option<JoinHandle<(Connection, Result<usize>)>>,
    rows: u64,
    transactions: u64,
    progress: ProgressBar,
}

impl Table {
    fn new(args: &Args) -> Self {
        let progress = match std::io::stderr().is_terminal() && !args.no_progress {
            true => ProgressBar::new_spinner().with_style(style()),
            false => ProgressBar::hidden(),
        };
        let (path, name) = (args.database.clone(), args.table.clone());
        Self { path, name, connection: None, job: None, rows: 0, transactions: 0, progress }
    }

    /// Waits for the job that is under way, if there is one.
    async fn settle(&mut self) -> Result<()> {
        let Some(job) = &mut self.job else { return Ok(()) };
        let result = job.await;
        self.job = None;
        let (connection, inserted) = result?;
        self.connection = Some(connection);
        self.rows += inserted? as u64;
        self.transactions += 1;
        self.progress.set_position(self.rows);
        Ok(())
    }

    fn summary(&self, elapsed: Duration) -> String {
        let of =
            self.path.as_ref().map_or_else(String::new, |path| format!(" of {}", path.display()));
        format!(
            "rows inserted into `{}`{of}: {} (transactions: {}, seconds: {:.2})",
            self.name,
            HumanCount(self.rows),
            HumanCount(self.transactions),
            elapsed.as_secs_f64()
        )
    }
}

impl Destination for Table {
    type Chunk = Vec<Line>;

    async fn open(&mut self) -> Result<()> {
        let (path, name) = (self.path.clone(), self.name.clone());
        let opened = spawn_blocking(move || open(path.as_deref(), &name)).await?;
        self.connection = Some(opened.map_err(|error| {
            let shown = self.path.as_deref().unwrap_or(Path::new(":memory:")).display();
            Error::from(error).context(format!("cannot open the table `{}` of {shown}", self.name))
        })?);
        Ok(())
    }

    async fn write(&mut self, lines: Vec<Line>) -> Result<()> {
        self.settle().await?;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
        let numbers = (first.number(), last.number());
        let mut connection = self.connection.take().ok_or_else(Error::write_after_end)?;
        let sql = format!("INSERT INTO {} (line, text) VALUES (?1, ?2)", quoted(&self.name));
        self.job = Some(spawn_blocking(move || {
            let inserted = insert(&mut connection, &sql, &lines);
            (connection, inserted)
        }));
        self.settle().await.map_err(|error| {
            error.context(format!("cannot insert lines {} to {}", numbers.0, numbers.1))
        })
    }

    async fn finish(&mut self) -> Result<()> {
        self.settle().await?;
        let Some(connection) = self.connection.take() else { return Ok(()) };
        spawn_blocking(|| connection.close().map_err(|(_, error)| Error::from(error))).await?
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.finish().await
    }

    fn weight(&self, lines: &Vec<Line>) -> usize {
        lines.len()
    }

    fn name(&self) -> &'static str {
        "table"
    }
}

/// Opens a database and makes the table, if it is not there.
fn open(path: Option<&Path>, table: &str) -> rusqlite::Result<Connection> {
    let connection = path.map_or_else(Connection::open_in_memory, Connection::open)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let table = quoted(table);
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE IF NOT EXISTS {table} (line INTEGER NOT NULL, text TEXT NOT NULL);"
    ))?;
    Ok(connection)
}

/// One transaction, which is rolled back unless all lines are in.
fn insert(connection: &mut Connection, sql: &str, lines: &[Line]) -> Result<usize> {
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare_cached(sql)?;
    for line in lines {
        statement.execute(params![i64::try_from(line.number())?, line.as_str()?])?;
    }
    drop(statement);
    transaction.commit()?;
    Ok(lines.len())
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}");
    style.unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a batch has at least one row".to_owned()),
        Ok(rows) => Ok(rows),
        Err(error) => Err(error.to_string()),
    }
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("batch-insert", what);
}

/// Lines that are inserted when no input is named.
const SAMPLE_LINES: u64 = 100_000;
