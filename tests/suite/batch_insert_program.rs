//! The program `batch-insert`, run as its users run it; its tables are looked into with SQLite itself.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};

use crate::support::program;

fn batch_insert(args: &[&str], database: &Path) -> Command {
    let mut command = program("batch-insert");
    command.args(args).arg("-d").arg(database).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it does with this on its standard input.
fn fed(args: &[&str], database: &Path, input: &[u8]) -> Output {
    let mut child = batch_insert(args, database).arg("-").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// The rows of a table in the order in which they were inserted.
fn rows(database: &Path, table: &str) -> Vec<(i64, String)> {
    try_rows(database, table).unwrap()
}

fn try_rows(database: &Path, table: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sql = format!("SELECT line, text FROM \"{table}\" ORDER BY rowid");
    let mut statement = connection.prepare(&sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Lines with their numbers from 1.
fn numbered(lines: impl IntoIterator<Item = String>) -> Vec<(i64, String)> {
    (1..).zip(lines).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_line_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (input, database) = (folder.path().join("input"), folder.path().join("database"));
    let lines: Vec<_> = (0..1234)
        .map(|n| match n % 4 {
            0 => String::new(),
            1 => format!("'{n}'; DROP TABLE lines; --"),
            2 => format!("{n} \u{e4}\u{1f600}\0 tab\t"),
            _ => "long ".repeat(n),
        })
        .collect();
    std::fs::write(&input, lines.join("\n")).unwrap();
    let output = batch_insert(&[], &database).arg(&input).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(": 1,234 (transactions: 3, "), "{}", said(&output));
    assert_eq!(rows(&database, "lines"), numbered(lines.clone()));

    // A second run adds to the table; another table is another table, whatever it is called.
    let output = batch_insert(&["-b", "1000"], &database).arg(&input).output().unwrap();
    assert!(said(&output).contains(": 1,234 (transactions: 2, "), "{}", said(&output));
    assert_eq!(rows(&database, "lines").len(), 2 * 1234);
    let output = fed(&["-t", "a \"table\""], &database, b"one\r\ntwo");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let two = numbered(["one", "two"].map(str::to_owned));
    assert_eq!(rows(&database, "a \"\"table\"\""), two);
}

#[test]
fn without_input_sample_lines_are_inserted() {
    let output = program("batch-insert").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = said(&output);
    assert!(said.contains("no INPUT: inserting 100000 sample lines"), "{said}");
    assert!(said.contains("rows inserted into `lines`: 100,000 (transactions: 200, "), "{said}");
}

/// F58: what came before a line that is not text is inserted, part of a batch as well; the message says where it is.
#[test]
fn a_line_that_is_not_text_is_an_error_with_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("database");
    let mut input: Vec<u8> = (0..776).flat_map(|n| format!("{n}\n").into_bytes()).collect();
    let offset = input.len() + 4;
    input.extend_from_slice(b"bad \xff\nnever read\n");
    let output = fed(&[], &database, &input);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains(&format!("line 777, byte {offset}")), "{said}");
    assert!(said.contains(": 776 (transactions: 2, "), "{said}");
    assert_eq!(rows(&database, "lines"), numbered((0..776).map(|n| n.to_string())));
}

/// A batch is in as a whole or not at all.
#[test]
fn a_row_that_is_refused_rolls_its_batch_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("database");
    let setup = "CREATE TABLE lines (line INTEGER NOT NULL, text TEXT NOT NULL UNIQUE)";
    Connection::open(&database).unwrap().execute_batch(setup).unwrap();
    let mut lines: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    lines[730] = "3".to_owned();
    let output = fed(&["-b", "200"], &database, lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    for part in ["cannot insert lines 601 to 800", "UNIQUE constraint failed", "lines.text"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains(": 600 (transactions: 3, "), "{said}");
    assert_eq!(rows(&database, "lines"), numbered(lines[..600].to_vec()));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("database");
    let missing = folder.path().join("missing");
    let no_folder = folder.path().join("no/folder");
    let no_database = folder.path().join("no database");
    std::fs::write(&no_database, "text ".repeat(1000)).unwrap();
    let cases: [(Output, &[&str]); 3] = [
        (batch_insert(&[], &database).arg(&missing).output().unwrap(), &["cannot open", "missing"]),
        (fed(&[], &no_folder, b"a"), &["cannot open the table `lines`", "no/folder"]),
        (fed(&[], &no_database, b"a"), &["cannot open the table `lines`", "not a database"]),
    ];
    for (output, parts) in cases {
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 2, "the rows, and the error: {said}");
        for part in parts {
            assert!(said.lines().nth(1).unwrap().contains(part), "{part}: {said}");
        }
    }
    let output = fed(&["-b", "0"], &database, b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("at least one row"));
}

/// After Ctrl-C the table has the first lines, as many as were said, and no half one; the program ends though its input
/// does not.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_lines_and_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("database");
    let args = ["-b", "100", "--age", "86400000"];
    let mut child = batch_insert(&args, &database).arg("-").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<_> = (0..250).map(|n| n.to_string()).collect();
    input.write_all(format!("{}\nhalf", lines.join("\n")).as_bytes()).unwrap();
    // The table is made, and gets its rows, by another process: its tests have to look again and again.
    while try_rows(&database, "lines").map_or(0, |rows| rows.len()) < 200 {
        assert!(child.try_wait().unwrap().is_none(), "it ends before it has inserted anything");
        std::thread::yield_now();
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert_eq!(output.status.code(), Some(130));
    let rows = rows(&database, "lines");
    assert!((200..=250).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows, numbered(lines)[..rows.len()]);
    let said = said(&output);
    assert!(said.contains("interrupted: rows inserted"), "{said}");
    assert!(said.contains(&format!(": {} (transactions: ", rows.len())), "{said}");
    // It has closed its database: nothing is left of the log of its transactions.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
