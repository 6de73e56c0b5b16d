//! Programs of the examples, and the folders they work in.

use std::path::Path;
use std::process::Command;

/// A program of the examples, built with the tests by `cargo test --workspace`.
pub(crate) fn program(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(name);
    assert!(program.exists(), "run `cargo build --examples` first: no {}", program.display());
    Command::new(program)
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
