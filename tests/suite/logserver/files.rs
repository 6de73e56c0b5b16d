//! What is stored, and in which files: F84.

use std::fs;

use super::server::{Server, files, stored};

/// By size, between lines: none is cut and none is lost.
#[test]
fn full_files_get_a_number() {
    let server = Server::start(&["--rotate", "20000", "--keep", "1000"]);
    let mut client = server.connect();
    let lines: Vec<String> = (0..5000).map(|n| format!("[{n}] INFO: line {n}")).collect();
    for (at, lines) in lines.chunks(100).enumerate() {
        client.send(lines.join("\n") + "\n");
        client.acknowledged(100 * (at as u64 + 1));
    }
    drop(client);
    let folder = server.folder.path().to_owned();
    let rotations = server.metric("rotations_total");
    server.wait_for("connections", 0.0);
    server.signal("TERM");
    let mut server = server;
    assert!(server.ended().success());
    let files = files(&folder);
    assert_eq!(files.len() as f64, rotations + 1.0);
    assert!(files.len() > 10, "{files:?}");
    for full in &files[..files.len() - 1] {
        let size = fs::metadata(full).unwrap().len();
        assert!((20_000..40_000).contains(&size), "{}: {size}", full.display());
    }
    assert!(stored(&folder).iter().eq(lines.iter().map(|line| line.as_bytes())));
}

/// The oldest go first, and numbers go on where they were after a restart. A line that a kill has cut is ended.
#[test]
fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.7"), "old\n").unwrap();
    fs::write(folder.path().join("log.8"), "less old\n").unwrap();
    fs::write(folder.path().join("log"), "cut in the mid").unwrap();
    let arguments = ["--rotate", "10", "--keep", "2"];
    let server = Server::start_in(folder, None, &arguments);
    let mut client = server.connect();
    client.send("[1] WARN: one\n");
    client.acknowledged(1);
    drop(client);
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.ends_with("\tWARN\t[1] WARN: one\n"), "{log}");
    let names: Vec<_> = files(server.folder.path())
        .into_iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["log.8", "log.9", "log"]);
    let before = fs::read_to_string(server.folder.path().join("log.9")).unwrap();
    assert_eq!(before, "cut in the mid\n");
    server.signal("INT");
    let mut server = server;
    assert!(server.ended().success(), "{}", server.said());
}

/// What another program does to the file is noticed before a line is acknowledged.
#[test]
fn lines_after_the_log_was_moved_or_removed_are_in_a_new_one() {
    let server = Server::start(&[]);
    let log = server.log();
    let mut client = server.connect();
    let mut send = |n: u64| {
        client.send(format!("line {n}\n"));
        client.acknowledged(n);
        let text = fs::read_to_string(&log).unwrap();
        assert!(text.ends_with(&format!("\tline {n}\n")), "{text:?}");
    };
    send(1);
    fs::rename(server.log(), server.folder.path().join("moved")).unwrap();
    send(2);
    fs::remove_file(server.log()).unwrap();
    send(3);
    let moved = fs::read_to_string(server.folder.path().join("moved")).unwrap();
    assert!(moved.ends_with("\tline 1\n"), "{moved:?}");
    drop(client);
    assert_eq!(server.stop(), [b"line 3"]);
}

/// As `logrotate` does it. The next line comes later, if it comes.
#[test]
fn hangup_makes_a_new_log() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("one\n");
    client.acknowledged(1);
    fs::rename(server.log(), server.folder.path().join("log.1")).unwrap();
    server.signal("HUP");
    super::until(|| server.log().exists(), || server.said());
    client.send("two\n");
    client.acknowledged(2);
    drop(client);
    assert_eq!(server.stop(), [b"one", b"two"]);
}

/// F84: the file has what came, bit by bit; the terminal has nothing that it would act on.
#[test]
fn control_bytes_are_stored_as_they_are_and_shown_escaped() {
    let server = Server::start(&["--window", "1", "--alert-errors", "1"]);
    let evil = b"[1] ERROR: \x1b[2J\x1b]0;owned\x07 \xff\x00\x9b \r mid\tend";
    let mut client = server.connect();
    client.send([&evil[..], b"\r\n"].concat());
    client.acknowledged(1);
    super::until(|| server.said().contains("recovered"), || server.said());
    let said = server.said();
    let shown = r"\u{1b}[2J\u{1b}]0;owned\u{7} \xff\u{0}\x9b \u{d} mid\u{9}end";
    assert!(said.contains("alert: 1 errors, the limit is 1") && said.contains(shown), "{said}");
    assert!(said.chars().all(|letter| letter == '\n' || !letter.is_control()), "{said:?}");
    let metrics = super::get(server.page, "/metrics");
    assert!(metrics.contains("logserver_lines_total{level=\"error\"} 1"), "{metrics}");
    drop(client);
    assert_eq!(server.stop(), [evil]);
}
