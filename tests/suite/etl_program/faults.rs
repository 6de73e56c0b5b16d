//! What goes wrong is said in one line, and can be mended.

use std::process::{Command, Stdio};

use super::{Folder, etl, failed, loaded, said};
use crate::support::services::postgres;

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = Folder::new();
    folder.users("from.db", 10);
    let (from, to) = (folder.url("from.db"), folder.url("to.db"));
    let run = |args: &[&str]| failed(&etl().args(args).output().unwrap());
    assert!(run(&["--from", &folder.url("nope.db"), "--to", &to]).contains("cannot open"));
    assert!(run(&["--from", &from, "--to", "mysql://x"]).contains("sqlite: or postgres://"));
    assert!(
        run(&["--from", &from, "--to", &to, "--table", "users; DROP TABLE users"])
            .contains("not allowed")
    );
    assert!(run(&["--from", &from, "--to", &to, "--table", "nope"]).contains("no such table"));
    let nobody = "postgres://me:s3cr3t@127.0.0.1:1/db";
    let refused = run(&["--from", &from, "--to", nobody]);
    assert!(!refused.contains("s3cr3t"), "{refused}");
    assert_eq!(etl().args(["--batch", "0"]).output().unwrap().status.code(), Some(2));
    assert_eq!(
        folder.open("from.db").query_row("SELECT count(*) FROM users", [], |row| row.get(0)),
        Ok(10)
    );
}

/// F107: a full disk ends it; when there is room again, it goes on, and the result is the same.
#[cfg(unix)]
#[test]
fn a_full_disk_can_be_mended() {
    let folder = Folder::new();
    folder.users("from.db", 3000);
    let (from, to) = (folder.url("from.db"), folder.url("to.db"));
    said(&etl().args(["--from", &from, "--to", &folder.url("whole.db")]).output().unwrap());
    let mut failures = 0;
    // A file may have so many blocks of 512 bytes.
    for blocks in [40, 80, 160, 320, 640] {
        let program = etl();
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(limited).arg(program.get_program());
        command.args(["--from", &from, "--to", &to, "--batch", "50", "--resume"]);
        let output = command.output().unwrap();
        if !output.status.success() {
            let said = failed(&output);
            assert!(
                ["full", "disk I/O", "too large"].iter().any(|what| said.contains(what)),
                "{said}"
            );
            failures += 1;
        }
    }
    assert!(failures >= 2, "the disk was full {failures} times");
    said(&etl().args(["--from", &from, "--to", &to, "--resume"]).output().unwrap());
    assert!(loaded(&to) == loaded(&folder.url("whole.db")));
}

/// After `--resume` the number of a row is counted from there; its key says which one it is.
#[test]
fn a_row_that_cannot_be_read_is_named_by_its_key() {
    let folder = Folder::new();
    folder.users("from.db", 1000);
    folder.open("from.db").execute_batch("UPDATE users SET age = 'old' WHERE id = 1500").unwrap();
    let (from, to) = (folder.url("from.db"), folder.url("to.db"));
    for _ in 0..2 {
        let arguments = ["--from", &from, "--to", &to, "--batch", "50", "--resume"];
        let said = failed(&etl().args(arguments).output().unwrap());
        assert!(said.contains("column `age`") && said.contains("(key [1500])"), "{said}");
    }
}

/// Two that begin at once on an empty target: one loads everything, and the other loads nothing or says why it stops.
/// Shows F109.
#[test]
fn two_at_once_load_each_row_once() {
    let folder = Folder::new();
    folder.users("from.db", 1000);
    let from = folder.url("from.db");
    said(&etl().args(["--from", &from, "--to", &folder.url("whole.db")]).output().unwrap());
    let expected = loaded(&folder.url("whole.db"));
    let check = |to: &str| {
        let start = || {
            let mut command = etl();
            command.args(["--from", &from, "--to", to, "--batch", "50"]);
            command.stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
        for output in both.iter().filter(|output| !output.status.success()) {
            let said = failed(output);
            let why = ["was moved by somebody else", "has rows in `users` already"];
            assert!(why.iter().any(|why| said.contains(why)), "{said}");
        }
        assert!(both.iter().any(|output| output.status.success()), "{both:?}");
        assert!(loaded(to) == expected, "a row is missing, or there is one too many");
    };
    for round in 0..5 {
        check(&folder.url(&format!("to{round}.db")));
        if let Some(server) = postgres() {
            check(&server.url());
        }
    }
}

/// A Ctrl-C or a SIGTERM ends it in order, and it goes on afterwards.
#[cfg(unix)]
#[test]
fn an_interrupt_can_be_resumed() {
    interrupt_and_resume("INT");
    interrupt_and_resume("TERM");
}

#[cfg(unix)]
fn interrupt_and_resume(signal: &str) {
    let folder = Folder::new();
    folder.users("from.db", 20_000);
    let (from, to) = (folder.url("from.db"), folder.url("to.db"));
    let arguments = ["--from", &from, "--to", &to, "--batch", "10", "--resume"];
    let mut child = etl().args(arguments).stderr(Stdio::null()).spawn().unwrap();
    // When there are rows, it has begun to listen.
    while folder
        .open("to.db")
        .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
        .unwrap_or(0)
        == 0
    {
        std::thread::yield_now();
    }
    let interrupted = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let there = loaded(&to).len();
    assert!(there > 0 && there < 18_000, "{there}");
    said(&etl().args(arguments).output().unwrap());
    assert_eq!(loaded(&to).len(), 18_000);
}

/// More rows take more time, and no more memory.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let folder = Folder::new();
    let peak = |users: u32| -> u64 {
        let (from, to) = (format!("from{users}.db"), format!("to{users}.db"));
        folder.users(&from, users);
        let output =
            etl().args(["--from", &folder.url(&from), "--to", &folder.url(&to)]).output().unwrap();
        let said = said(&output);
        let memory = said.split("peak memory ").nth(1).and_then(|rest| rest.split(' ').next());
        memory.unwrap().parse().unwrap()
    };
    // Enough to fill the page caches of SQLite, 2 MiB per connection.
    let (some, many) = (peak(60_000), peak(240_000));
    assert!(many < some + 4096, "{some} KiB for 60,000 rows, {many} KiB for 240,000");
}
