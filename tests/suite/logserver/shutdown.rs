//! The end, at any time: F85.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use highwater_test::Seed;

use super::server::{Server, files, signal, stored, with_files};
use super::{setting, until};
use crate::support::program;
use crate::support::services::free_port;

/// F85: SIGTERM at random times under load. Every line that was acknowledged is stored, in order and once, and the server
/// ends well.
#[test]
fn no_acknowledged_line_is_lost_by_an_end_under_load() {
    end_again_and_again("TERM", setting("HIGHWATER_SIGTERMS", 10));
}

/// What is acknowledged is out of the hands of the program: it may be killed.
/// Shows F85.
#[test]
fn no_acknowledged_line_is_lost_by_a_kill() {
    end_again_and_again("KILL", setting("HIGHWATER_SIGTERMS", 10).div_ceil(2));
}

fn end_again_and_again(signal: &str, times: usize) {
    let mut seed = Seed::fresh();
    tell(format_args!("{times} times SIG{signal} under load: seed {seed}"));
    let (mut some, mut lines) = (0, 0);
    for _ in 0..times {
        // From the first connection on to some 100,000 lines.
        let (acknowledged, all) = end_under_load(signal, seed.below(8 << 20) as u64);
        lines += acknowledged;
        some += usize::from(acknowledged > 0 && acknowledged < all);
    }
    tell(format_args!(
        "{lines} acknowledged lines were stored; {some} times there were some, and not all"
    ));
    assert!(some * 2 > times, "only {some} of {times} were ended in the midst");
}

/// One line on standard error. There is nobody to tell if that fails.
fn tell(what: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr(), "{what}"));
}

/// Ends the server when it has stored so many bytes. Gives how many lines were acknowledged and how many there were.
fn end_under_load(name: &str, bytes: u64) -> (u64, u64) {
    const CLIENTS: u64 = 8;
    const LINES: u64 = 50_000;
    // No full file is removed: how much is stored depends on how busy the machine is.
    let mut server = Server::start(&["--rotate", "1000000", "--keep", "1000"]);
    let list = server.folder.path().join("acknowledged");
    let mut load = with_files("logload", None);
    load.arg(server.lines.to_string()).arg("--acknowledged").arg(&list);
    load.args(["-c", &CLIENTS.to_string(), "-l", &LINES.to_string(), "--malformed", "0.05"]);
    let mut load = load.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let so_far = || {
        let files = files(server.folder.path()).into_iter();
        files.map(|file| fs::metadata(file).map_or(0, |about| about.len())).sum::<u64>()
    };
    until(|| so_far() >= bytes, || format!("{} of {bytes} bytes are stored", so_far()));
    server.signal(name);
    let ended = server.ended().code();
    assert_eq!(ended, (name == "TERM").then_some(0), "{}", server.said());
    load.wait().unwrap();
    if name == "KILL" {
        drop_half_a_line(&server.log());
    }

    let mut found: HashMap<u64, u64> = HashMap::new();
    for line in stored(server.folder.path()) {
        let (client, n) = numbers(&line);
        let next = found.entry(client).or_default();
        assert_eq!(n, *next, "client {client}: a line is missing, or there twice");
        *next += 1;
    }
    let mut all = 0;
    for line in fs::read_to_string(&list).unwrap().lines() {
        let (client, acknowledged) = line.split_once(' ').unwrap();
        let acknowledged = acknowledged.parse().unwrap();
        let stored = found.get(&client.parse().unwrap()).copied().unwrap_or_default();
        assert!(
            stored >= acknowledged,
            "client {client}: {stored} stored, {acknowledged} acknowledged"
        );
        all += acknowledged;
    }
    (all, CLIENTS * LINES)
}

/// A kill may cut the last line, which was not acknowledged then.
fn drop_half_a_line(log: &Path) {
    // Between two files there is none.
    let text = fs::read(log).unwrap_or_default();
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    fs::write(log, &text[..whole]).unwrap();
}

/// The numbers of the connection and of the line, which stand in each line of `logload`.
fn numbers(line: &[u8]) -> (u64, u64) {
    let text = std::str::from_utf8(line).unwrap();
    let mut words = text.split(' ');
    let client = words.find_map(|word| word.strip_prefix('c')?.parse().ok()).unwrap();
    (client, words.next().unwrap()[1..].parse().unwrap())
}

/// What was read whole is stored and acknowledged, what was not is not, and the client sees an end.
/// Shows F85.
#[test]
fn the_last_lines_are_acknowledged() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    client.send("one\ntwo\nthr");
    client.acknowledged(2);
    server.signal("TERM");
    assert!(server.ended().success(), "{}", server.said());
    assert_eq!(client.rest().unwrap(), "");
    assert_eq!(stored(server.folder.path()), [b"one", b"two"]);
}

/// Without a file it shows itself, and leaves nothing behind.
#[test]
fn without_a_file_it_shows_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program("logserver");
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.env("TMPDIR", folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let size = || {
        let made = fs::read_dir(folder.path()).unwrap().next()?.ok()?.path().join("log");
        Some(fs::metadata(made).ok()?.len())
    };
    until(|| size().is_some_and(|size| size > 1000), || format!("{:?} bytes", size()));
    signal(&child, "INT");
    assert!(child.wait().unwrap().success());
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(said.contains("sends lines to itself") && said.contains("lines stored"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Mistakes are told before anything begins.
#[test]
fn mistakes_are_told() {
    for (arguments, what) in [
        (&["--idle", "0"][..], "not between"),
        (&["--window", "0"], "not in 1..=3600"),
        (&["--out", "/nowhere/log"], "/nowhere/log"),
        (&["--out", "/tmp"], "/tmp"),
    ] {
        let output = program("logserver").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(what), "{said}");
    }
    let nobody = free_port();
    let output = program("logload").arg(format!("127.0.0.1:{nobody}")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&nobody.to_string()));
}
