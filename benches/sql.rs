//! Tables moved by highwater and by the plain way to do it: `cargo bench -p highwater-benches --bench sql`.
//!
//! The contestants of a subject run in turn, one round to warm up and then those that count; after each, what it wrote is
//! compared with the source. The figures are medians of wall time, with the lowest and the highest beside them, and the
//! ratio is that of the medians: 1.10x means that highwater is faster by a tenth.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use highwater::sql::{Database, Table, TableWriter, row_batches, rows, table_writer};
use rusqlite::{Connection, Statement};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// Tables moved by highwater and by the plain way to do it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the table.
    #[arg(long, default_value_t = 200_000)]
    rows: u32,
    /// Rounds that count.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Few rows, one round: only whether all works.
    #[arg(long)]
    quick: bool,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row of a log: numbers, short texts, and one that is missing in a fifth of them.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: i64,
    ts: i64,
    service: String,
    latency: f64,
    message: Option<String>,
}

const COLUMNS: [&str; 5] = ["id", "ts", "service", "latency", "message"];

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rows, arguments.rounds) = (5000, 1);
    }
    let bench = Bench::new(&arguments)?;
    let sqlite: Around<'_> = (&|| bench.prepare(), &|| bench.check());
    bench.compare(
        "SQLite to SQLite, one transaction",
        sqlite,
        &[
            ("highwater, row_batches", &|| bench.ours(true)),
            ("highwater, rows and chunks(512)", &|| bench.ours_by_row()),
            ("rusqlite loop, batches of 512, 16 rows per insert", &|| bench.plain(16, true)),
            ("rusqlite loop, batches of 512, 1 row per insert", &|| bench.plain(1, true)),
        ],
    )?;
    bench.compare(
        "SQLite to SQLite, a transaction per 512 rows",
        sqlite,
        &[
            ("highwater, row_batches", &|| bench.ours(false)),
            ("rusqlite loop, batches of 512, 16 rows per insert", &|| bench.plain(16, false)),
        ],
    )?;
    match bench.postgres()? {
        None => say("skipped: no PostgreSQL"),
        Some(to) => bench.compare(
            "a load of PostgreSQL",
            (&|| to.empty(), &|| to.check()),
            &[
                ("highwater from SQLite, one transaction", &|| to.load(true, false)),
                ("psql \\copy from CSV", &|| to.copy()),
                ("highwater from SQLite, a transaction per 512 rows", &|| to.load(false, false)),
                ("highwater from SQLite, one transaction, upsert", &|| to.load(true, true)),
            ],
        )?,
    }
    Ok(())
}

/// One way to do it.
type Contestant<'a> = (&'a str, &'a dyn Fn() -> Result<()>);
/// What comes before it and behind it, and is not timed: the table is emptied, and compared.
type Around<'a> = (&'a dyn Fn() -> Result<()>, &'a dyn Fn() -> Result<()>);

struct Bench {
    folder: tempfile::TempDir,
    runtime: Runtime,
    rounds: usize,
    sums: Sums,
}

/// What tells whether two tables are equal.
type Sums = (i64, i64, i64, f64, i64);

/// Both databases add up integers as integers of their own kind.
const SUMS: &str = "SELECT count(*), CAST(sum(id) AS bigint), CAST(sum(ts + length(service)) AS bigint), sum(latency), \
     CAST(count(message) + sum(length(message)) AS bigint) FROM";
/// What many machines that build and test have.
const LOOPBACK: &str = "postgres://root@127.0.0.1:5432/test";

impl Bench {
    fn new(arguments: &Arguments) -> Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let source = empty(&folder.path().join("from.db"))?;
        let fill = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i + 1 < ?1) \
             INSERT INTO event SELECT i, 1700000000 + i, 'service' || i % 7, i / 8.0, \
             CASE WHEN i % 5 THEN 'request ' || i || ' took longer than usual' END FROM c";
        source.execute(fill, [arguments.rows])?;
        source.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let sums = sums(&source)?;
        Ok(Self { folder, runtime, rounds: arguments.rounds, sums })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets them do it in turn.
    fn compare(
        &self,
        title: &str,
        (before, after): Around<'_>,
        contestants: &[Contestant<'_>],
    ) -> Result<()> {
        let mut times = vec![Vec::new(); contestants.len()];
        for round in 0..=self.rounds {
            for ((name, run), times) in contestants.iter().zip(&mut times) {
                before()?;
                let start = Instant::now();
                run().with_context(|| format!("{name} fails"))?;
                let time = start.elapsed();
                after().with_context(|| format!("{name} is wrong"))?;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        say(&format!("\n{title}: {} rows", self.sums.0));
        let ours = median(&mut times[0]);
        for ((name, _), times) in contestants.iter().zip(&mut times) {
            let time = median(times);
            let (low, high) = (times[0], times[times.len() - 1]);
            let ratio = time.as_secs_f64() / ours.as_secs_f64();
            say(&format!("  {name:52} {time:>8.0?}  {low:.0?}..{high:.0?}  {ratio:.2}x"));
        }
        Ok(())
    }

    fn prepare(&self) -> Result<()> {
        drop(empty(&self.path("to.db"))?);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let there = sums(&Connection::open(self.path("to.db"))?)?;
        ensure!(there == self.sums, "{there:?} is not {:?}", self.sums);
        Ok(())
    }

    fn source(&self) -> Database {
        Database::sqlite(self.path("from.db"))
    }

    fn writer(&self, one: bool) -> Result<TableWriter<Event>> {
        let writer = table_writer(&Database::sqlite(self.path("to.db")), table()?);
        Ok(if one { writer.one_transaction() } else { writer })
    }

    fn ours(&self, one: bool) -> Result<()> {
        let given = row_batches::<Event>(&self.source(), &table()?);
        self.runtime.block_on(given.pipe_to(self.writer(one)?).run())?;
        Ok(())
    }

    fn ours_by_row(&self) -> Result<()> {
        let given = rows::<Event>(&self.source(), &table()?).chunks(512);
        self.runtime.block_on(given.pipe_to(self.writer(true)?).run())?;
        Ok(())
    }

    /// What one writes without a library: read a batch, write it, and so on.
    fn plain(&self, at_once: usize, one: bool) -> Result<()> {
        let (from, to) =
            (Connection::open(self.path("from.db"))?, Connection::open(self.path("to.db"))?);
        let mut select = from.prepare("SELECT id, ts, service, latency, message FROM event")?;
        let mut given = select.query([])?;
        let insert =
            format!("INSERT INTO event VALUES {}", ["(?, ?, ?, ?, ?)"].repeat(at_once).join(", "));
        if one {
            to.execute_batch("BEGIN")?;
        }
        loop {
            let mut batch = Vec::with_capacity(512);
            while batch.len() < 512 {
                let Some(row) = given.next()? else { break };
                let (id, ts, service) = (row.get(0)?, row.get(1)?, row.get(2)?);
                batch.push(Event { id, ts, service, latency: row.get(3)?, message: row.get(4)? });
            }
            if batch.is_empty() {
                break;
            }
            if !one {
                to.execute_batch("BEGIN")?;
            }
            for rows in batch.chunks(at_once) {
                let full = rows.len() == at_once;
                let one = "INSERT INTO event VALUES (?, ?, ?, ?, ?)";
                let mut insert = to.prepare_cached(if full { &insert } else { one })?;
                let groups = if full { rows.chunks(at_once) } else { rows.chunks(1) };
                for group in groups {
                    bind(&mut insert, group)?;
                    insert.raw_execute()?;
                }
            }
            if !one {
                to.execute_batch("COMMIT")?;
            }
        }
        if one {
            to.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    /// A table in the database of the environment, and its rows as CSV.
    fn postgres(&self) -> Result<Option<Postgres<'_>>> {
        let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| LOOPBACK.to_owned());
        let database = Database::open(&url)?;
        let table = format!("highwater_bench_{}", std::process::id());
        let create = format!(
            "CREATE TABLE {table} (id int8 PRIMARY KEY, ts int8, service text, latency float8, message text)"
        );
        if self.runtime.block_on(database.execute(&create)).is_err() {
            return Ok(None);
        }
        let postgres = Postgres { bench: self, url, database, table, csv: self.path("event.csv") };
        postgres.load(true, false)?;
        let to_csv = format!("\\copy {} TO '{}' CSV", postgres.table, postgres.csv.display());
        postgres.psql(&to_csv)?;
        Ok(Some(postgres))
    }
}

struct Postgres<'a> {
    bench: &'a Bench,
    url: String,
    database: Database,
    table: String,
    csv: PathBuf,
}

impl Postgres<'_> {
    fn load(&self, one: bool, upsert: bool) -> Result<()> {
        let to = Table::new(&self.table, COLUMNS)?;
        let writer = table_writer(&self.database, if upsert { to.upsert(["id"])? } else { to });
        let writer = if one { writer.one_transaction() } else { writer };
        let given = row_batches::<Event>(&self.bench.source(), &table()?);
        self.bench.runtime.block_on(given.pipe_to(writer).run())?;
        Ok(())
    }

    fn copy(&self) -> Result<()> {
        self.psql(&format!("\\copy {} FROM '{}' CSV", self.table, self.csv.display()))
    }

    fn psql(&self, command: &str) -> Result<()> {
        let status =
            Command::new("psql").args(["--quiet", "--command", command, &self.url]).status()?;
        ensure!(status.success(), "psql fails");
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        let truncate = format!("TRUNCATE {}; CHECKPOINT", self.table);
        Ok(self.bench.runtime.block_on(self.database.execute(&truncate))?)
    }

    fn check(&self) -> Result<()> {
        let given = rows::<Sums>(&self.database, format!("{SUMS} {}", self.table)).to_vec();
        let there = self.bench.runtime.block_on(given)?;
        ensure!(there == [self.bench.sums], "{there:?} is not {:?}", self.bench.sums);
        Ok(())
    }
}

impl Drop for Postgres<'_> {
    fn drop(&mut self) {
        drop(
            self.bench
                .runtime
                .block_on(self.database.execute(&format!("DROP TABLE {}", self.table))),
        );
    }
}

fn table() -> Result<Table> {
    Ok(Table::new("event", COLUMNS)?)
}

/// A new file with the table in it.
fn empty(path: &Path) -> Result<Connection> {
    for more in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{more}", path.display())));
    }
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; \
         CREATE TABLE event (id INTEGER PRIMARY KEY, ts INTEGER, service TEXT, latency REAL, message TEXT)",
    )?;
    Ok(connection)
}

fn sums(connection: &Connection) -> Result<Sums> {
    Ok(connection.query_row(&format!("{SUMS} event"), [], |row| row.try_into())?)
}

fn bind(insert: &mut Statement<'_>, rows: &[Event]) -> Result<()> {
    let mut place = 1..;
    let mut next = || place.next().unwrap_or_default();
    for event in rows {
        insert.raw_bind_parameter(next(), event.id)?;
        insert.raw_bind_parameter(next(), event.ts)?;
        insert.raw_bind_parameter(next(), &event.service)?;
        insert.raw_bind_parameter(next(), event.latency)?;
        insert.raw_bind_parameter(next(), &event.message)?;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
