//! docs/RELIABILITY.md names tests that exist, for every invariant and for the faults that it lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all test functions, of every folder that has some.
fn tests_of(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            tests_of(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate() {
                let name = line.trim_start_matches("async ").strip_prefix("fn ");
                let is_test = lines[at.saturating_sub(3)..at]
                    .iter()
                    .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
                if let (Some(name), true) = (name.and_then(|name| name.split('(').next()), is_test)
                {
                    names.insert(name.to_owned());
                }
            }
        }
    }
}

/// The names of all tests of the workspace.
pub(crate) fn all_tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names = BTreeSet::new();
    tests_of(&root.join("tests"), &mut names);
    tests_of(&root.join("crates"), &mut names);
    tests_of(&root.join("examples"), &mut names);
    names
}

/// What shows something, as a cell of a table says it: tests that exist, or the reason why there is none.
fn assert_shown(id: &str, by: &str, names: &BTreeSet<String>) {
    let tests: Vec<&str> = by.split('`').skip(1).step_by(2).collect();
    assert!(!tests.is_empty() || by.starts_with("does not apply: "), "{id} is shown by nothing");
    for test in tests {
        assert!(names.contains(test), "{id}: there is no test {test}");
    }
}

/// The text of a file of `docs`.
pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let names = all_tests();
    let text = document("RELIABILITY.md");
    let mut shown = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| I")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, by] = cells[..] else { panic!("{row}") };
        assert_shown(id, by, &names);
        shown.insert(id.to_owned());
    }
    let all = (1..=56).chain(64..=67).map(|n| format!("I{n}"));
    let missing: Vec<String> = all.filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[test]
fn every_fault_names_a_test_that_exists() {
    let names = all_tests();
    let text = document("RELIABILITY.md");
    let mut shown = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| F")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, _, by] = cells[..] else { panic!("{row}") };
        assert_shown(id, by, &names);
        assert!(shown.insert(id.to_owned()), "{id} has two rows");
    }
    let missing: Vec<_> =
        (78..=110).map(|n| format!("F{n}")).filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}
