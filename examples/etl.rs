//! Copies users from one database into another: checked, enriched and resumable.
//!
//! ```text
//! etl [--from URL] [--to URL] [--table users] [--batch 500] [--parallel 8] [--resume] [--rows 200000] [--no-progress]
//! ```
//!
//! Each user is extracted, their e-mail address normalised, their town looked up by its zip code, their full name and age
//! group derived, and the result loaded. A user without a usable address is skipped; a row that the target does not take is
//! kept in the table `users_rejected`. Each batch is one transaction, in which a checkpoint is moved as well: after a crash,
//! `--resume` goes on exactly where it stopped. After Ctrl-C and SIGTERM the batch under way is committed or taken back. Of
//! two that load the same table at once, one ends with an error, and nothing is loaded twice.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use highwater::prelude::*;
use highwater::sql::{Checkpoint, Database, Query, Table, WriteCounts, rows, table_writer};
use highwater::{Error, Readable, Report, Result};
use highwater_examples::{OneLine, arguments, interrupt, peak_memory};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

/// Copies users from one database into another: checked, enriched and resumable.
///
/// The source has a table of users (id, first_name, last_name, email, age, zip) and one of towns: zips (zip, city).
#[derive(Debug, Parser)]
#[command(name = "etl", version)]
struct Args {
    /// The source: sqlite:PATH or postgres://… Without it, a sample is made in a temporary SQLite file.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The target, which is made if it is not there. Without it, another temporary SQLite file.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// The table, in the source and in the target.
    #[arg(long, default_value = "users")]
    table: String,
    /// Rows per transaction.
    #[arg(long, default_value = "500", value_name = "ROWS")]
    batch: NonZeroUsize,
    /// Lookups at a time.
    #[arg(long, default_value = "8", value_name = "LOOKUPS")]
    parallel: NonZeroUsize,
    /// Go on where it stopped the last time.
    #[arg(long)]
    resume: bool,
    /// Users of the sample.
    #[arg(long, default_value = "200000", conflicts_with = "from")]
    rows: u32,
    /// Show no progress bar.
    #[arg(long)]
    no_progress: bool,
}

/// What is extracted.
#[derive(Debug, Serialize, Deserialize)]
struct User {
    id: i64,
    first_name: String,
    last_name: String,
    email: Option<String>,
    age: Option<u8>,
    zip: Option<String>,
}

const USER: [&str; 6] = ["id", "first_name", "last_name", "email", "age", "zip"];

/// What is loaded.
#[derive(Debug, Serialize)]
struct Person {
    id: i64,
    full_name: String,
    email: String,
    city: Option<String>,
    age_group: &'static str,
}

const PERSON: [&str; 5] = ["id", "full_name", "email", "city", "age_group"];

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(if error.is_aborted() { 130 } else { 2 })
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    // The name is checked before anything is made.
    Table::new(&args.table, USER)?;
    let folder = tempfile::tempdir()?;
    let temporary = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let from = match &args.from {
        Some(url) => Database::open(url)?,
        None => sample(&temporary("from.db"), args).await?,
    };
    let to = Database::open(args.to.as_ref().unwrap_or(&temporary("to.db")))?;
    if args.to.is_none() {
        to.execute(LOG).await?;
    }
    let (counts, bar) = (Arc::new(Counts::default()), progress_bar(args, &from).await?);
    let (report, written) = load(args, &from, &to, &counts, &bar).await?;
    bar.finish_and_clear();
    say(format_args!("{}", summary(&report, &counts, &written)));
    Ok(())
}

/// The pipeline.
async fn load(
    args: &Args,
    from: &Database,
    to: &Database,
    counts: &Arc<Counts>,
    bar: &ProgressBar,
) -> Result<(Report, WriteCounts)> {
    let target = prepare(args, to).await?;
    let checkpoint = Checkpoint::load(to, &format!("etl {}", args.table)).await?;
    let start = checkpoint.position().filter(|_| args.resume).cloned();
    let users = Query::from(&Table::new(&args.table, USER)?).by_key(["id"])?.after(start);
    let writer = table_writer(to, target)
        .dead_letters(&format!("{}_rejected", args.table))?
        .checkpoint(checkpoint, |person: &Person| person.id);
    let written = writer.counts();

    let (seen, towns, moving) = (Arc::clone(counts), Towns::new(from), bar.clone());
    let report = rows::<User>(from, users)
        .filter_map(move |user| seen.check(user))
        .parallel_map(args.parallel.get(), move |user| towns.clone().locate(user))
        .map(|(user, city)| derive(user, city))
        .chunks(args.batch.get())
        .inspect(move |batch: &Vec<Person>| moving.inc(batch.len() as u64))
        .pipe_to(writer)
        .with_name("etl")
        .abort_on(interrupt())
        .await?;
    Ok((report, written))
}

/// Makes the target if it is not there.
async fn prepare(args: &Args, to: &Database) -> Result<Table> {
    let target = Table::new(&args.table, PERSON)?;
    to.execute(&format!(
        "CREATE TABLE IF NOT EXISTS {} (id BIGINT PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL, \
         city TEXT, age_group TEXT NOT NULL)",
        target.quoted()
    ))
    .await?;
    let first = rows::<i64>(to, format!("SELECT id FROM {} LIMIT 1", target.quoted())).next().await;
    if first.transpose()?.is_some() && !args.resume {
        let what = format!("the target has rows in `{}` already: --resume goes on", args.table);
        return Err(Error::msg(what));
    }
    Ok(target)
}

/// What was seen on the way.
#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    transformed: AtomicU64,
    skipped: AtomicU64,
}

impl Counts {
    /// Users with a usable address, normalised.
    fn check(&self, mut user: User) -> Option<User> {
        self.read.fetch_add(1, Relaxed);
        user.email = user.email.as_deref().and_then(normalise);
        let counter = if user.email.is_some() { &self.transformed } else { &self.skipped };
        counter.fetch_add(1, Relaxed);
        user.email.is_some().then_some(user)
    }
}

/// An address in lower case and without blanks around it, if it can be one.
fn normalise(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, domain) = email.split_once('@')?;
    let usable = !name.is_empty()
        && !email.contains(char::is_whitespace)
        && !domain.contains('@')
        && domain.split('.').all(|part| !part.is_empty())
        && domain.contains('.');
    usable.then_some(email)
}

fn derive(user: User, city: Option<String>) -> Person {
    let full_name = format!("{} {}", user.first_name.trim(), user.last_name.trim());
    let age_group = match user.age {
        None => "unknown",
        Some(0..=17) => "0-17",
        Some(18..=39) => "18-39",
        Some(40..=64) => "40-64",
        Some(_) => "65+",
    };
    let email = user.email.unwrap_or_default();
    Person { id: user.id, full_name: full_name.trim().to_owned(), email, city, age_group }
}

/// The towns of the source, looked up by zip code.
#[derive(Debug, Clone)]
struct Towns {
    source: Database,
    cache: Arc<Mutex<Cache>>,
}

/// Two generations: what was not asked for since the younger one began is forgotten when that is full.
#[derive(Debug, Default)]
struct Cache {
    young: HashMap<String, Option<String>>,
    old: HashMap<String, Option<String>>,
}

impl Towns {
    fn new(source: &Database) -> Self {
        Self { source: source.clone(), cache: Arc::default() }
    }

    async fn locate(self, user: User) -> Result<(User, Option<String>)> {
        let Some(zip) = &user.zip else { return Ok((user, None)) };
        if let Some(known) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(zip) {
            return Ok((user, known));
        }
        let query = Query::new("SELECT city FROM zips WHERE zip = $1").bind(zip.as_str());
        let found: Option<String> = rows(&self.source, query).next().await.transpose()?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(zip.clone(), found.clone());
        drop(cache);
        Ok((user, found))
    }
}

impl Cache {
    fn get(&mut self, zip: &str) -> Option<Option<String>> {
        if let Some(known) = self.young.get(zip) {
            return Some(known.clone());
        }
        let (zip, known) = self.old.remove_entry(zip)?;
        self.insert(zip, known.clone());
        Some(known)
    }

    fn insert(&mut self, zip: String, city: Option<String>) {
        if self.young.len() >= CACHE / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(zip, city);
    }
}

/// Towns that are remembered.
const CACHE: usize = 1000;

/// Makes a source.
async fn sample(url: &str, args: &Args) -> Result<Database> {
    say(format_args!(
        "no --from: making a sample of {} users (--help says more)",
        HumanCount(args.rows.into())
    ));
    let database = Database::open(url)?;
    let users = Table::new(&args.table, USER)?;
    database
        .execute(&format!(
            "{LOG}; CREATE TABLE zips (zip TEXT PRIMARY KEY, city TEXT NOT NULL); \
             CREATE TABLE {} (id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT, \
             age INTEGER, zip TEXT)",
            users.quoted()
        ))
        .await?;
    let zips = (0..ZIPS).map(|n| (zip(n), format!("Town {n}")));
    let towns = table_writer(&database, Table::new("zips", ["zip", "city"])?);
    Readable::from_iter(zips).chunks(500).pipe_to(towns).await?;
    let writer = table_writer(&database, users).one_transaction();
    Readable::from_iter((1..=args.rows).map(user)).chunks(500).pipe_to(writer).await?;
    Ok(database)
}

/// Always the same user for a number. One in a hundred has no usable address, one in ten no known town.
fn user(n: u32) -> User {
    const FIRST: [&str; 7] = ["Ada", "Blaise", "Carl", "Dorothy", "Emmy", "Frances", "Grace"];
    const LAST: [&str; 5] = ["Adler", "Brandt", "Conti", "Dubois", "Egger"];
    let (first, last) = (FIRST[n as usize % FIRST.len()], LAST[n as usize % LAST.len()]);
    let email = match n % 100 {
        99 => format!("{first}.{last}"),
        98 => format!("  {first}.{last}.{n}@Example.COM "),
        _ => format!("{first}.{last}.{n}@example.com"),
    };
    let zip = if n % 10 == 9 { "unknown".to_owned() } else { zip(n.wrapping_mul(7919) % ZIPS) };
    User {
        id: n.into(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: (!n.is_multiple_of(1000)).then_some(email),
        age: (!n.is_multiple_of(13)).then_some(u8::try_from(n % 90).unwrap_or_default()),
        zip: (!n.is_multiple_of(17)).then_some(zip),
    }
}

fn zip(n: u32) -> String {
    format!("{:04}", 1000 + n)
}

/// With a write-ahead log a commit waits for the disk once.
const LOG: &str = "PRAGMA journal_mode = WAL";
/// Towns of the sample.
const ZIPS: u32 = 400;

/// Moves when somebody looks.
async fn progress_bar(args: &Args, from: &Database) -> Result<ProgressBar> {
    if args.no_progress || !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let count = format!("SELECT count(*) FROM {}", Table::new(&args.table, USER)?.quoted());
    let total = rows::<u64>(from, count).next().await.transpose()?.unwrap_or_default();
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} users {per_sec} {eta}");
    Ok(ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}

fn summary(report: &Report, counts: &Counts, written: &WriteCounts) -> String {
    let seconds = report.elapsed().as_secs_f64();
    let read = counts.read.load(Relaxed);
    let skipped = counts.skipped.load(Relaxed) + written.skipped();
    #[expect(clippy::cast_precision_loss, reason = "a speed is shown without digits")]
    let speed = read as f64 / seconds.max(1e-9);
    let memory =
        peak_memory().map_or_else(|| "unknown".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
    format!(
        "{} read, {} transformed, {} skipped, {} written in {seconds:.3} s ({speed:.0}/s); peak memory {memory}; held back by {}",
        HumanCount(read),
        HumanCount(counts.transformed.load(Relaxed)),
        HumanCount(skipped),
        HumanCount(written.written()),
        report.bottleneck()
    )
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("etl", what);
}
