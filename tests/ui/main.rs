//! What the compiler says to typical mistakes, and that what looks like one compiles.
//!
//! Each file in `cases` begins with what its first error must say (`//! says: ..`, once or more) and how many errors there
//! are (`//! errors: ..`). Their texts are those of any compiler, so the rest of a message is not compared.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What nobody can do anything with.
const FORBIDDEN: [&str; 4] =
    ["remove the `.await`", "__Origin", "__pin_project", "highwater_core::pipe::Pipe"];

/// The project in which they are compiled, with the lock of the workspace.
fn project(examples: &str) -> io::Result<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ui-{examples}"));
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    fs::create_dir_all(project.join("src"))?;
    fs::create_dir_all(project.join("examples"))?;
    fs::write(project.join("src/lib.rs"), "")?;
    fs::copy(tests.join("../Cargo.lock"), project.join("Cargo.lock"))?;
    let facade = tests.join("../crates/highwater").canonicalize()?;
    let features = r#"["batch", "gzip", "io", "lines"]"#;
    let manifest = format!(
        r#"
[package]
name = "ui"
version = "0.0.0"
edition = "2024"

[dependencies]
bytes = "1"
futures-util = "0.3"
highwater = {{ path = {facade:?}, default-features = false, features = {features} }}
tokio = {{ version = "1", features = ["macros", "rt"] }}

[workspace]
"#
    );
    fs::write(project.join("Cargo.toml"), manifest)?;
    for file in fs::read_dir(tests.join("ui").join(examples))? {
        let file = file?;
        fs::copy(file.path(), project.join("examples").join(file.file_name()))?;
    }
    Ok(project)
}

/// The errors of each example.
fn errors(project: &Path) -> io::Result<BTreeMap<String, Vec<String>>> {
    let check = Command::new(env!("CARGO"))
        .args(["check", "--examples", "--keep-going", "--message-format=json"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui-target"))
        .env_remove("RUSTFLAGS")
        .output()?;
    let mut errors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut messages = 0;
    for line in String::from_utf8_lossy(&check.stdout).lines() {
        let message: Value = serde_json::from_str(line)?;
        messages += 1;
        let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
        if message["message"]["level"] == "error" && !rendered.starts_with("error: aborting") {
            let target = message["target"]["name"].as_str().unwrap_or_default();
            errors.entry(target.to_owned()).or_default().push(rendered.to_owned());
        }
    }
    assert!(messages > 1, "{}", String::from_utf8_lossy(&check.stderr));
    Ok(errors)
}

/// What is wrong with the errors of a case, by what its text expects.
fn complaints(text: &str, found: &[String]) -> Vec<String> {
    let stated = |key| text.lines().filter_map(move |line| line.strip_prefix(key));
    let says: Vec<&str> = stated("//! says: ").collect();
    let number: Vec<&str> = stated("//! errors: ").collect();
    let (first, all) = (found.first().map_or("", String::as_str), found.join("\n"));
    let missing = says.iter().filter(|says| !first.contains(**says));
    let mut complaints: Vec<String> =
        missing.map(|says| format!("the first error does not say {says:?}")).collect();
    let useless = FORBIDDEN.iter().filter(|word| all.contains(**word));
    complaints.extend(useless.map(|word| format!("an error says {word:?}")));
    if says.is_empty() || number != [found.len().to_string()] {
        complaints.push(format!("{says:?} and {number:?} errors are expected, of {}", found.len()));
    }
    complaints
}

#[test]
fn the_first_error_says_what_to_do() -> io::Result<()> {
    let project = project("cases")?;
    let errors = errors(&project)?;
    let mut cases = 0;
    for file in fs::read_dir(project.join("examples"))? {
        let path = file?.path();
        let name = path.file_stem().map_or_else(Default::default, |name| name.to_string_lossy());
        let found = errors.get(&*name).map_or(&[][..], Vec::as_slice);
        let complaints = complaints(&fs::read_to_string(&path)?, found);
        assert!(complaints.is_empty(), "{name}: {complaints:#?}\n{}", found.join("\n"));
        cases += 1;
    }
    assert!(cases >= 20, "{cases} cases");
    Ok(())
}

#[test]
fn what_looks_like_a_mistake_compiles() -> io::Result<()> {
    let errors = errors(&project("pass")?)?;
    assert!(errors.is_empty(), "{errors:#?}");
    Ok(())
}
