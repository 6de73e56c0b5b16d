//! Killed at random points and resumed: F109, I70.
//!
//! `HIGHWATER_KILL_POINTS` says how often: 20 times if it is not set. `HIGHWATER_TEST_SEED` repeats the times of a run, as
//! far as processes can be repeated.

use highwater_test::Seed;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use tokio::time::Instant;

use super::{Folder, all, etl, loaded, said};
use crate::support::services::{aside, postgres};

const USERS: u32 = 4000;

/// Shows F109.
#[test]
fn killed_anywhere_and_resumed_sqlite_has_each_row_once() {
    let folder = Folder::new();
    folder.users("from.db", USERS);
    let reset = || folder.remove("to.db");
    kill_and_resume(&folder, &folder.url("to.db"), reset);
}

/// Shows F109.
#[test]
fn killed_anywhere_and_resumed_postgres_has_each_row_once() {
    let Some(server) = postgres() else { return };
    let folder = Folder::new();
    folder.users("from.db", USERS);
    let tables = "DROP TABLE IF EXISTS users, users_rejected, highwater_checkpoints";
    let reset = || aside(async { server.session().await.run(tables).await });
    kill_and_resume(&folder, &server.url(), reset);
}

fn kill_and_resume(folder: &Folder, to: &str, reset: impl Fn()) {
    let points: u32 =
        std::env::var("HIGHWATER_KILL_POINTS").map_or(20, |points| points.parse().unwrap());
    let seed = Seed::fresh();
    tell(format_args!("etl is killed into {}: seed {seed}", scheme(to)));
    let whole = folder.url("whole.db");
    said(&etl().args(["--from", &folder.url("from.db"), "--to", &whole]).output().unwrap());
    let expected = loaded(&whole);

    // How long one takes from the start to the end.
    let begin = Instant::now();
    assert!(start(folder, to).wait().unwrap().success());
    let length = begin.elapsed();
    assert!(loaded(to) == expected);

    let (mut killed, mut inside, mut drawn) = (0, 0, 0);
    while killed < points {
        let mut child = start(folder, to);
        std::thread::sleep(length.mul_f64(random(seed, &mut drawn)));
        let finished = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        if finished {
            assert!(loaded(to) == expected);
            reset();
            continue;
        }
        killed += 1;
        inside += u32::from(check_beginning(to, &expected));
    }
    assert!(start(folder, to).wait().unwrap().success());
    assert!(loaded(to) == expected, "a row is missing, or there is one too many");
    assert!(rejected(to).is_empty(), "{:?}", rejected(to));
    assert!(inside * 2 >= points, "only {inside} of {points} were killed with some rows loaded");
    tell(format_args!("killed {killed} times, {inside} of them with some rows loaded"));
}

fn tell(what: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr(), "{what}"));
}

/// The next of a sequence of numbers between 0 and 1.
fn random(seed: Seed, drawn: &mut u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed.0);
    hasher.write_u64(*drawn);
    *drawn += 1;
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap()) / f64::from(u32::MAX)
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

/// After a kill there is the beginning of the result, in whole batches. Whether it is neither nothing nor all.
fn check_beginning(to: &str, expected: &[String]) -> bool {
    let tables = if to.starts_with("sqlite") {
        "SELECT name FROM sqlite_schema WHERE name = 'users'"
    } else {
        "SELECT relname FROM pg_class WHERE oid = to_regclass('users')"
    };
    // It may not have come so far as to make the file, or the table.
    let file_is_there = to.strip_prefix("sqlite:").is_none_or(|path| Path::new(path).exists());
    if !file_is_there || all(to, tables).is_empty() {
        return false;
    }
    let there = loaded(to);
    assert!(expected.starts_with(&there), "{} rows are not the beginning", there.len());
    assert!(
        there.len().is_multiple_of(BATCH) || there.len() == expected.len(),
        "{} rows",
        there.len()
    );
    !there.is_empty() && there.len() < expected.len()
}

fn rejected(to: &str) -> Vec<String> {
    all(to, "SELECT row_json FROM users_rejected")
}

fn start(folder: &Folder, to: &str) -> Child {
    let mut command = etl();
    command.args(["--from", &folder.url("from.db"), "--to", to, "--resume"]);
    command.args(["--batch", &BATCH.to_string()]).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Rows per transaction: few, so that there are many places between them.
const BATCH: usize = 20;
