//! Records in object storage: out and in as JSON Lines, copied, and migrated between two stores.
//!
//! ```text
//! objects [export [-o OUTPUT]]
//! objects import INPUT [--id-field NAME]
//! objects ids
//! objects copy KEY [--to URL] [--as KEY]
//! objects migrate [--to URL] [--to-resource NAME] [--rename OLD=NEW]…
//!
//! for all of them: [--store URL] [--resource NAME] [--concurrency N] [--keep-going] [--no-progress]
//! ```
//!
//! Without a store it makes a sample of 10 000 records in a temporary folder. It ends with 0 when all is done, 1 if records
//! were left out (`--keep-going`), 2 after an error, and 130 after Ctrl-C, which leaves nothing half-written.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use clap::{Parser, Subcommand};
use highwater::json::Ndjson;
use highwater::object::{Raw, ReaderOptions, Record, RecordWrite, Resource, Store, StoreOptions};
use highwater::record::OnFailure;
use highwater::{BoxReadable, Error, Readable, Report, Result, fs, io};
use highwater_examples::{OneLine, arguments, interrupt, is_closed_output};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::value::RawValue;
use tempfile::TempDir;

/// Records in object storage: out and in as JSON Lines, copied, and migrated between two stores.
#[derive(Debug, Parser)]
#[command(name = "objects", version)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or a folder. Credentials, region and endpoint come
    /// from the environment (AWS_…, GOOGLE_…, AZURE_…). Without it, a sample is made in a temporary folder.
    #[arg(long, value_name = "URL", global = true)]
    store: Option<String>,
    /// The prefix of the records in the store.
    #[arg(long, value_name = "NAME", global = true, default_value = "records")]
    resource: String,
    /// Records that are fetched, and written, at once.
    #[arg(long, value_name = "N", global = true, default_value = "16")]
    concurrency: NonZero<usize>,
    /// Leave out records that cannot be read or written, and say which.
    #[arg(long, global = true)]
    keep_going: bool,
    /// Show no progress.
    #[arg(long, global = true)]
    no_progress: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print all records, one per line.
    Export {
        /// Write to this file instead of standard output: all of them, or nothing after an error.
        #[arg(short, long, value_name = "OUTPUT")]
        output: Option<PathBuf>,
    },
    /// Write records, one per line of the input.
    Import {
        /// The input; `-` is standard input.
        input: PathBuf,
        /// The field of a record that is its id.
        #[arg(long, value_name = "NAME", default_value = "id")]
        id_field: String,
    },
    /// Print the ids of all records as JSON strings, one per line.
    Ids,
    /// Copy one object of any size.
    Copy {
        /// Its key.
        key: String,
        /// The store to copy it to, if it is another one.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// The key that the copy gets, if it is another one.
        #[arg(long = "as", value_name = "KEY")]
        name: Option<String>,
    },
    /// Copy all records, with other names of fields.
    Migrate {
        /// The store to copy them to, if it is another one.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Their prefix there, if it is another one.
        #[arg(long, value_name = "NAME")]
        to_resource: Option<String>,
        /// A field that gets another name; may be given several times.
        #[arg(long, value_name = "OLD=NEW", value_parser = renaming)]
        rename: Vec<(String, String)>,
    },
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let left_out = Arc::new(AtomicU64::new(0));
    let result = runtime.map_err(Error::from);
    match result.and_then(|runtime| runtime.block_on(run(args, &left_out))) {
        // The reader of the output may have all it wants: `objects export | head`.
        Err(error) if !is_closed_output(&error) => failed(&error),
        _ => ExitCode::from(u8::from(left_out.load(Relaxed) > 0)),
    }
}

fn failed(error: &Error) -> ExitCode {
    if error.is_aborted() {
        return ExitCode::from(130);
    }
    say(OneLine(error));
    ExitCode::from(2)
}

/// Does what was asked for, and counts the records that are left out.
async fn run(args: Args, left_out: &Arc<AtomicU64>) -> Result<()> {
    let (store, sample) = open(args.store.as_deref()).await?;
    let job = Job {
        resource: store.raw_resource(&args.resource)?,
        store,
        concurrency: args.concurrency,
        keep_going: args.keep_going,
        left_out: Arc::clone(left_out),
        bar: progress_bar(args.no_progress),
    };
    let (what, report) = match args.command.unwrap_or(Command::Export { output: None }) {
        Command::Export { output } => ("records", job.export(output.as_deref()).await),
        Command::Import { input, id_field } => ("records", job.import(&input, id_field).await),
        Command::Ids => ("ids", job.ids().await),
        Command::Copy { key, to, name } => ("bytes", job.copy(&key, to, name).await),
        Command::Migrate { to, to_resource, rename } => {
            let sample = sample.as_ref().map(|_| "migrated".to_owned());
            let name = to_resource.or(sample).unwrap_or_else(|| args.resource.clone());
            if name == args.resource && (to.is_none() || to == args.store) {
                return Err(Error::msg(
                    "migrate needs --to or --to-resource: the records would be their own copies",
                ));
            }
            let target = job.other_store(to.as_deref())?.raw_resource(&name)?;
            ("records", job.migrate(&target, rename).await)
        }
    };
    let done = job.bar.position();
    job.bar.finish_and_clear();
    let report = report?;
    say(summary(done, what, &report));
    Ok(())
}

/// What all commands work with.
struct Job {
    store: Store,
    resource: Resource<Raw>,
    concurrency: NonZero<usize>,
    keep_going: bool,
    left_out: Arc<AtomicU64>,
    /// Counts what was done, whether it is shown or not.
    bar: ProgressBar,
}

impl Job {
    async fn export(&self, output: Option<&Path>) -> Result<Report> {
        let bar = self.bar.clone();
        let policy = self.policy();
        let line = move |record: Record<Bytes>| unless_left_out(line_of(&record), &policy);
        let lines =
            self.reader().try_map(line).filter_map(|some| some).inspect(move |_| bar.inc(1));
        lines.pipe_to(highwater_examples::output(output)).abort_on(interrupt()).await
    }

    async fn import(&self, input: &Path, id_field: String) -> Result<Report> {
        let source =
            if input == Path::new("-") { io::stdin().boxed() } else { fs::read(input).boxed() };
        let bar = self.bar.clone();
        let records = self.records_of(source, id_field).inspect(move |_| bar.inc(1));
        records.pipe_to(self.writer(&self.resource)).abort_on(interrupt()).await
    }

    async fn ids(&self) -> Result<Report> {
        let bar = self.bar.clone();
        let count = move |batch: &Vec<String>| bar.inc(batch.len() as u64);
        let lines = self.resource.ids().inspect(count).try_map(|batch| {
            let mut lines = Vec::new();
            for id in batch {
                serde_json::to_writer(&mut lines, &id)?;
                lines.push(b'\n');
            }
            Ok(Bytes::from(lines))
        });
        lines.pipe_to(io::stdout()).abort_on(interrupt()).await
    }

    async fn copy(&self, key: &str, to: Option<String>, name: Option<String>) -> Result<Report> {
        if to.is_none() && name.as_deref().is_none_or(|name| name == key) {
            return Err(Error::msg("copy needs --to or --as: an object is not copied to itself"));
        }
        if let Some(info) = self.store.info(key).await? {
            self.bar.set_length(info.size);
            self.bar.set_style(style("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
        }
        let bar = self.bar.clone();
        let bytes = self.store.get(key)?.inspect(move |chunk| bar.inc(chunk.len() as u64));
        let target = self.other_store(to.as_deref())?.put(name.as_deref().unwrap_or(key))?;
        bytes.pipe_to(target).abort_on(interrupt()).await
    }

    async fn migrate(
        &self,
        target: &Resource<Raw>,
        names: Vec<(String, String)>,
    ) -> Result<Report> {
        let bar = self.bar.clone();
        let policy = self.policy();
        let renamed = move |record| unless_left_out(rename(record, &names), &policy);
        let renamed = self.reader().try_map(renamed).filter_map(|some| some);
        let counted = renamed.inspect(move |_| bar.inc(1));
        counted.pipe_to(self.writer(target)).abort_on(interrupt()).await
    }

    fn other_store(&self, url: Option<&str>) -> Result<Store> {
        url.map_or_else(|| Ok(self.store.clone()), Store::open)
    }

    /// What becomes of a record that fails: the end, or a line on standard error.
    fn policy(&self) -> impl Fn(Error) -> Result<()> + Send + 'static {
        let left_out = self.keep_going.then(|| Arc::clone(&self.left_out));
        move |error| {
            let Some(left_out) = &left_out else { return Err(error) };
            left_out.fetch_add(1, Relaxed);
            say(format_args!("left out: {}", OneLine(&error)));
            Ok(())
        }
    }

    /// Records of JSON Lines, each with its id in a field.
    fn records_of(&self, input: BoxReadable<Bytes>, field: String) -> BoxReadable<Record<Bytes>> {
        let (bad, nameless) = (self.policy(), self.policy());
        let bad = OnFailure::handle(move |record| bad(record.error().clone()));
        let record = move |json: Box<RawValue>| {
            let id = unless_left_out(id_of(&json, &field), &nameless)?;
            let bytes = Bytes::from(Box::<str>::from(json).into_string());
            Ok(id.map(|id| Record::new(id, bytes)))
        };
        input.pipe(Ndjson::new().on_failure(bad)).try_map(record).filter_map(|some| some).boxed()
    }

    /// All records.
    fn reader(&self) -> BoxReadable<Record<Bytes>> {
        let policy = self.policy();
        let options = ReaderOptions::new().with_concurrency(self.concurrency);
        let options = options.on_failure(OnFailure::handle(move |failed| policy(failed.into())));
        self.resource.reader_with(options).boxed()
    }

    /// Writes what was counted before it.
    fn writer(&self, resource: &Resource<Raw>) -> RecordWrite<Raw> {
        let (policy, bar) = (self.policy(), self.bar.clone());
        let writer = resource.writer().with_concurrency(self.concurrency);
        writer.on_failure(OnFailure::handle(move |failed| {
            bar.dec(1);
            policy(failed.into())
        }))
    }
}

/// What a record becomes, or nothing if the policy lets it be left out.
fn unless_left_out<T>(
    result: Result<T>,
    policy: &impl Fn(Error) -> Result<()>,
) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => policy(error).map(|()| None),
    }
}

/// The store, and the folder it is in if that is temporary.
async fn open(url: Option<&str>) -> Result<(Store, Option<TempDir>)> {
    if let Some(url) = url {
        return Ok((Store::open(url)?, None));
    }
    say(format_args!("no --store: working on a sample of {SAMPLE} records (--help says more)"));
    let folder = tempfile::tempdir()?;
    let store = StoreOptions::new().unsynced().folder(folder.path())?;
    let records = store.raw_resource("records")?;
    Readable::from_iter((0..SAMPLE).map(sample)).pipe_to(records.writer()).await?;
    Ok((store, Some(folder)))
}

/// The id that a record says it has: a string, or anything else as it is written.
fn id_of(json: &RawValue, field: &str) -> Result<String> {
    let nameless = || Error::corrupt(format!("the record has no field `{field}`"));
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_str(json.get()).map_err(|_| nameless())?;
    let id = fields.get(field).ok_or_else(nameless)?.get();
    if id.starts_with('"') { Ok(serde_json::from_str(id)?) } else { Ok(id.to_owned()) }
}

/// A record as one line. Its text is kept but for the white space between its parts, so that no number loses digits.
fn line_of(record: &Record<Bytes>) -> Result<Bytes> {
    serde_json::from_slice::<&RawValue>(&record.value).map_err(|error| {
        Error::corrupt(format!("record `{}` is not JSON: {error}", record.id.escape_debug()))
    })?;
    let (mut line, mut in_text, mut escaped) = (Vec::new(), false, false);
    for &byte in &record.value[..] {
        if in_text || !byte.is_ascii_whitespace() {
            line.push(byte);
        }
        (in_text, escaped) = match byte {
            b'"' if !escaped => (!in_text, false),
            b'\\' if !escaped => (in_text, true),
            _ => (in_text, false),
        };
    }
    line.push(b'\n');
    Ok(line.into())
}

/// The record with other names of fields; the values stay as they are written.
fn rename(record: Record<Bytes>, names: &[(String, String)]) -> Result<Record<Bytes>> {
    if names.is_empty() {
        return Ok(record);
    }
    let about =
        |what: String| Error::corrupt(format!("record `{}`: {what}", record.id.escape_debug()));
    let mut fields: BTreeMap<String, &RawValue> =
        serde_json::from_slice(&record.value).map_err(|error| about(error.to_string()))?;
    for (old, new) in names {
        let Some(value) = fields.remove(old) else { continue };
        if fields.insert(new.clone(), value).is_some() {
            return Err(about(format!("there is a field `{new}` already")));
        }
    }
    let value = serde_json::to_vec(&fields)?;
    Ok(Record::new(record.id, value.into()))
}

fn renaming(text: &str) -> std::result::Result<(String, String), String> {
    let names = text.split_once('=').ok_or("it has no `=`")?;
    Ok((names.0.to_owned(), names.1.to_owned()))
}

fn progress_bar(hidden: bool) -> ProgressBar {
    // It draws on standard error, and only on a terminal.
    let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.with_style(style("{spinner} {human_pos} {per_sec} {elapsed}"))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn summary(done: u64, what: &str, report: &Report) -> String {
    let seconds = report.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a speed is shown without digits")]
    let speed = done as f64 / seconds.max(1e-9);
    let held_back = report.bottleneck();
    format!(
        "{} {what} in {seconds:.3} s ({speed:.0}/s); held back by {held_back}",
        HumanCount(done)
    )
}

/// One line on standard error.
fn say(what: impl Display) {
    highwater_examples::say("objects", what);
}

fn sample(n: u32) -> Record<Bytes> {
    let id = format!("user-{n:05}");
    let text = format!(
        "{{\"id\":\"{id}\",\"name\":\"User {n}\",\"email\":\"{id}@example.org\",\"logins\":{}}}",
        n * 7919 % 1000
    );
    Record::new(id, text.into())
}

/// Records of the sample.
const SAMPLE: u32 = 10_000;
