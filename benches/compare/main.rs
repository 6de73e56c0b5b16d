//! highwater beside its peers and the limit, measured in one run: `cargo bench -p highwater-benches --bench compare`.
//!
//! Every contestant is a process of its own, so that the operating system says what it took: wall time, CPU time, peak
//! memory. This program is the harness and, started by itself with [`contestant::FLAG`], each of the contestants that are
//! written in Rust.

mod arguments;
mod clock;
mod contestant;
mod entries;
mod goal;
mod input;
mod pace;
mod packed;
mod peers;
mod plot;
mod process;
mod proof;
mod results;
mod runner;
mod subjects;
mod table;
mod task;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use arguments::Arguments;
use clap::Parser as _;
use results::Results;
use serde::Serialize;
use serde_json::json;

fn main() -> Result<()> {
    if let Some(contestant) = contestant::requested()? {
        return contestant.act();
    }
    let arguments = Arguments::parse();
    let subjects = arguments.subjects()?;
    let results = runner::run(&subjects, &arguments)?;
    write!(io::stdout().lock(), "{}", table::Table(&results))?;
    write_json(&results, &target_folder().join("compare.json"))?;
    if arguments.save {
        save(&results)?;
    }
    Ok(())
}

/// Writes one JSON file and one plot per subject, so that a run of one subject leaves the others as they are.
fn save(results: &Results) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("docs").join("performance");
    for subject in &results.subjects {
        let path = folder.join(subject.id.to_lowercase());
        write_json(
            &json!({ "about": results.about, "subject": subject }),
            &path.with_extension("json"),
        )?;
        write(&path.with_extension("svg"), &plot::Plot(subject).to_string())?;
    }
    Ok(())
}

fn write_json(value: &impl Serialize, path: &Path) -> Result<()> {
    write(path, &(serde_json::to_string_pretty(value)? + "\n"))
}

fn write(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))?;
    writeln!(io::stderr().lock(), "wrote {}", path.display())?;
    Ok(())
}

/// `target/compare`, wherever the target folder is: cargo gives `target/tmp` to programs that it builds as benches.
fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("compare")
}
