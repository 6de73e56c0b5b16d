//! The program `orders`, run as its users run it: F74, P15.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, built with the tests by `cargo test --workspace`.
fn orders() -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/orders");
    assert!(program.exists(), "run `cargo build --examples` first: no {}", program.display());
    Command::new(program)
}

/// What it says, when it ends well.
fn said(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

const CSV: &str = "customer,id,cents,note,more\r\n\
    \"Doe, Jane\",1,995,,x\r\n\
    Mallory,-2,1,,\r\n\
    too,few\r\n\
    \"Ünï\r\n\"\"code\"\"\",3,0,a note,\r\n";

const NDJSON: &str = "{\"id\":1,\"customer\":\"Doe, Jane\",\"cents\":995,\"note\":null}\n\
    {\"id\":3,\"customer\":\"Ünï\\r\\n\\\"code\\\"\",\"cents\":0,\"note\":\"a note\"}\n";

#[test]
fn csv_becomes_ndjson_and_the_bad_rows_are_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.csv"), CSV).unwrap();
    let run = |from: PathBuf, to: &Path, bad: &Path| {
        said(&orders().arg(from).arg("-o").arg(to).arg("-b").arg(bad).output().unwrap())
    };
    let text = run(path("in.csv"), &path("out.ndjson"), &path("bad"));
    assert!(text.contains("2 orders, 2 bad ones left out"), "{text}");
    assert_eq!(std::fs::read_to_string(path("out.ndjson")).unwrap(), NDJSON);
    let bad = std::fs::read_to_string(path("bad")).unwrap();
    assert_eq!(bad, "Mallory,-2,1,,\ntoo,few\n", "as they stood in the input");

    let text = run(path("out.ndjson"), &path("again.csv"), &path("none"));
    assert!(text.contains("2 orders, 0 bad ones left out"), "{text}");
    let again =
        "id,customer,cents,note\n1,\"Doe, Jane\",995,\n3,\"Ünï\r\n\"\"code\"\"\",0,a note\n";
    assert_eq!(std::fs::read_to_string(path("again.csv")).unwrap(), again);
    assert_eq!(std::fs::read(path("none")).unwrap(), b"");
}

#[test]
fn a_file_that_is_cut_short_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.ndjson"), &NDJSON[..NDJSON.len() - 4]).unwrap();
    let mut command = orders();
    command.arg(path("in.ndjson")).arg("-o").arg(path("out")).arg("-b").arg(path("bad"));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("the input ends inside a record (in ndjson, line 2, byte "), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn without_input_it_makes_orders_and_says_so() {
    let output = orders().output().unwrap();
    let text = said(&output);
    assert!(text.contains("sample orders") && text.contains("9990 orders, 10 bad ones"), "{text}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 9990);
}

/// The peak memory it says it took, in KiB.
fn peak(input: &Path, output: &Path) -> u64 {
    let said = said(&orders().arg(input).arg("-o").arg(output).output().unwrap());
    let kib = said.split("peak memory ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    kib.parse().unwrap()
}

/// P15: a file of 32 MiB with a line of the largest size that is allowed, beside one with a single order. What the
/// program takes by itself is not looked at: that depends on how it was built.
#[test]
fn the_memory_does_not_grow_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let line = |id: usize, length: usize| {
        let note = "x".repeat(length);
        format!("{{\"id\":{id},\"customer\":\"a\",\"cents\":1,\"note\":\"{note}\"}}\n")
    };
    std::fs::write(path("small.ndjson"), line(1, 1)).unwrap();
    let mut text = line(1, (1 << 20) - 43);
    while text.len() < 32 << 20 {
        // Long texts: a build without optimizations takes its time for every record.
        text += &line(text.len(), if text.len() < 8 << 20 { 1000 } else { 60_000 });
    }
    std::fs::write(path("large.ndjson"), &text).unwrap();
    let small = peak(&path("small.ndjson"), &path("small.csv"));
    let large = peak(&path("large.ndjson"), &path("large.csv"));
    assert!(0 < small && large < small + 8 * 1024, "{large} KiB beside {small} KiB");
    let written = path("large.csv").metadata().unwrap().len();
    assert!(written > 31 << 20, "all of it was converted: {written}");
}

/// The file of bad orders would be missing: that is no success.
#[test]
fn a_closed_output_is_an_error_when_bad_orders_are_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    for (aside, code) in [(false, 0), (true, 2)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = orders();
        if aside {
            command.arg(sample(folder.path())).arg("-b").arg(&bad);
        }
        let output = command.stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
    }
    assert!(!bad.exists());
}

fn sample(folder: &Path) -> PathBuf {
    let path = folder.join("in.csv");
    std::fs::write(&path, CSV).unwrap();
    path
}

/// An input that never ends, so the program runs when the signal comes.
#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing_behind() {
    use std::io::Write;
    for signal in ["-INT", "-TERM", "-HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = Command::new("mkfifo").arg(path("in.csv")).status().unwrap();
        assert!(made.success());
        let mut command = orders();
        command.arg(path("in.csv")).arg("-o").arg(path("out")).arg("-b").arg(path("bad"));
        let mut child = command.spawn().unwrap();
        let mut input = std::fs::File::options().write(true).open(path("in.csv")).unwrap();
        // More than a pipe holds: when this returns, the program reads, so it is set up and listens.
        let rows = "1,Jane,995,\nbad\n".repeat(20_000);
        input.write_all(format!("id,customer,cents,note\n{rows}").as_bytes()).unwrap();
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{signal}");
    }
}

#[test]
fn one_file_for_orders_and_bad_ones_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("there"), "kept").unwrap();
    for (output, bad) in [("new", "new"), ("there", "in/../there")] {
        let mut command = orders();
        let output = command.current_dir(folder.path()).args(["-o", output, "-b", bad]).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("same file"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("there")).unwrap(), "kept");
    assert!(!folder.path().join("new").exists());
}
