//! docs/RELIABILITY.md names tests that exist and cite what they show, for every invariant and every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The ids, as `I31` or `F8`, that each test cites in its text, by the name of the test.
pub(crate) type Tests = BTreeMap<String, BTreeSet<String>>;

/// Adds the tests of a folder and of the folders in it.
fn tests_of(folder: &Path, tests: &mut Tests) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            tests_of(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                if let Some(name) = name_of_test(&lines[..at], line) {
                    let ids = ids_in(text_of(&lines, at));
                    tests.entry(name.to_owned()).or_default().extend(ids);
                }
            }
        }
    }
}

/// The name of the test that begins with this line, if one does.
fn name_of_test<'a>(before: &[&str], line: &'a str) -> Option<&'a str> {
    let name = line.trim().trim_start_matches("async ").strip_prefix("fn ")?.split('(').next();
    let above = &before[before.len().saturating_sub(3)..];
    let is_test = |line: &&str| {
        let line = line.trim();
        line.starts_with("#[test]") || line.starts_with("#[tokio::test")
    };
    name.filter(|_| above.iter().any(is_test))
}

/// The lines of the test whose `fn` is at this line: the comments above it, and its body.
fn text_of<'a>(lines: &'a [&'a str], at: usize) -> &'a [&'a str] {
    let belongs = |line: &&str| line.trim().starts_with("//") || line.trim().starts_with("#[");
    let above = lines[..at].iter().rev().take_while(|line| belongs(line)).count();
    let indent = lines[at].len() - lines[at].trim_start().len();
    let is_end = |line: &&str| line.trim() == "}" && line.len() == indent + 1;
    let body = lines[at..].iter().take_while(|line| !is_end(line)).count();
    &lines[at - above..at + body]
}

/// All words that are an id of an invariant or of a fault.
fn ids_in<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    let words = lines.iter().flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()));
    let is_id = |word: &&str| {
        let digits = word.strip_prefix(['I', 'F']).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    words.filter(is_id).map(str::to_owned)
}

/// All tests of the workspace.
pub(crate) fn all_tests() -> Tests {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = Tests::new();
    for folder in ["tests", "crates", "examples"] {
        tests_of(&root.join(folder), &mut tests);
    }
    tests
}

/// Checks the last cell of a row: it names tests that exist and cite the id, or says why there is none.
fn assert_shown(id: &str, by: &str, tests: &Tests) {
    let named: Vec<&str> = by.split('`').skip(1).step_by(2).collect();
    assert!(!named.is_empty() || by.starts_with("does not apply: "), "{id} is shown by nothing");
    for name in named {
        let cited = tests.get(name).unwrap_or_else(|| panic!("{id}: there is no test {name}"));
        assert!(cited.contains(id), "{id}: the test {name} does not cite it");
    }
}

/// The text of a file of `docs`.
pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

#[test]
fn every_invariant_names_tests_that_cite_it() {
    let tests = all_tests();
    let text = document("RELIABILITY.md");
    let mut shown = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| I")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, by] = cells[..] else { panic!("{row}") };
        assert_shown(id, by, &tests);
        shown.insert(id.to_owned());
    }
    let all = (1..=67).map(|n| format!("I{n}"));
    let missing: Vec<String> = all.filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[test]
fn every_fault_names_tests_that_cite_it() {
    let tests = all_tests();
    let text = document("RELIABILITY.md");
    let mut shown = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| F")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, _, by] = cells[..] else { panic!("{row}") };
        assert_shown(id, by, &tests);
        assert!(shown.insert(id.to_owned()), "{id} has two rows");
    }
    let missing: Vec<_> =
        (1..=110).map(|n| format!("F{n}")).filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}
