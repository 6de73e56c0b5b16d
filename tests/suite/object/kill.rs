//! The program `objects`, killed at random points: every object and every file is whole, or not there.
//!
//! `HIGHWATER_KILL_POINTS` says how often: 20 times if it is not set, half of them in an import and half in an export.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use highwater_test::Seed;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::program;

const RECORDS: usize = 2000;

#[test]
fn killed_anywhere_there_are_whole_objects_and_whole_files() {
    let points =
        std::env::var("HIGHWATER_KILL_POINTS").map_or(20, |points| points.parse().unwrap());
    let mut seed = Seed::fresh();
    tell(format_args!("objects is killed {points} times: seed {seed}"));
    let case = Case::new();
    let length = case.time(&["import", "in"]);
    let mut inside = 0;
    for _ in 0..points / 2 {
        case.kill(&["import", "in"], length, &mut seed);
        let there = case.whole_records();
        inside += usize::from(there > 0 && there < RECORDS);
        case.clear();
    }
    tell(format_args!("{inside} of {} imports were killed with some records written", points / 2));
    assert!(inside * 4 >= points / 2, "only {inside}");

    // What is left of a kill is in the way of nobody.
    case.kill(&["import", "in"], length, &mut seed);
    let length = case.time(&["import", "in"]).max(case.time(&["export", "-o", "out"]));
    assert_eq!(case.whole_records(), RECORDS);
    for n in 0..points.div_ceil(2) {
        let before = if n % 2 == 0 { None } else { Some("what was there before\n") };
        case.put_output(before);
        case.kill(&["export", "-o", "out"], length, &mut seed);
        let found = std::fs::read_to_string(case.path("out")).ok();
        // A folder gives its files in any order.
        let whole = found.as_ref().is_some_and(|text| sorted(text) == sorted(&lines()));
        assert!(found.as_deref() == before || whole, "{:?} bytes", found.map(|text| text.len()));
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines
}

/// A folder with an input and a store.
struct Case(TempDir);

impl Case {
    fn new() -> Self {
        // In memory where there is such a folder: every object is synced, which takes its time on a disk.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let case = Self(folder.unwrap());
        std::fs::write(case.path("in"), lines()).unwrap();
        std::fs::create_dir(case.path("store")).unwrap();
        case
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command: Command = program("objects");
        command.current_dir(self.0.path()).args(["--store", "store"]).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// How long it takes from the start to the end.
    fn time(&self, arguments: &[&str]) -> Duration {
        let begin = Instant::now();
        assert!(self.start(arguments).wait().unwrap().success());
        begin.elapsed()
    }

    fn kill(&self, arguments: &[&str], length: Duration, seed: &mut Seed) {
        let mut child = self.start(arguments);
        std::thread::sleep(length * u32::try_from(seed.below(1000)).unwrap() / 1000);
        // It may be over.
        drop(child.kill());
        child.wait().unwrap();
    }

    /// How many records are there; each of them is whole.
    fn whole_records(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(self.path("store/records")) else { return 0 };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let ids = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
        let whole = ids.map(|id| {
            let text = std::fs::read_to_string(self.path(&format!("store/records/{id}.json")));
            let n = id.strip_prefix("r-").unwrap().parse().unwrap();
            assert_eq!(text.unwrap() + "\n", line(n), "{id}");
        });
        whole.count()
    }

    fn clear(&self) {
        // There is nothing if it was killed before the first record.
        drop(std::fs::remove_dir_all(self.path("store/records")));
    }

    fn put_output(&self, text: Option<&str>) {
        match text {
            Some(text) => std::fs::write(self.path("out"), text).unwrap(),
            None => drop(std::fs::remove_file(self.path("out"))),
        }
    }
}

fn line(n: usize) -> String {
    format!("{{\"id\":\"r-{n:05}\",\"text\":\"{}\"}}\n", "x".repeat(n % 5000))
}

fn lines() -> String {
    (0..RECORDS).map(line).collect()
}

fn tell(what: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr(), "{what}"));
}
