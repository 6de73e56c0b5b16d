//! The file does not take what comes: F83, F88.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

use super::server::{Server, stored};
use super::until;

/// Bytes of a line that is sent below, with its newline.
const LINE: usize = 13;

/// F83: while the file takes nothing, clients are held up, nothing is acknowledged, memory does not grow, and nothing is
/// lost.
#[test]
fn a_stalled_file_holds_up_the_clients() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // For both: so that neither end waits for the other to be opened.
    let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let server = Server::start(&["--out", pipe.to_str().unwrap()]);
    let mut client = server.connect();
    // More than all buffers on the way take.
    let text: String = (0..4_000_000).map(|n| format!("line {n:07}\n")).collect();
    client.stream.set_nonblocking(true).unwrap();
    let (mut sent, mut stuck) = (0, 0);
    until(
        || {
            loop {
                match client.stream.write(&text.as_bytes()[sent..]) {
                    Ok(written) => (sent, stuck) = (sent + written, 0),
                    Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            stuck += 1;
            stuck == 200
        },
        || "more and more is taken".to_owned(),
    );
    let peak = server.peak();
    println!("{} KiB of lines were taken, with {} KiB of memory", sent >> 10, peak >> 10);
    assert!(sent < text.len() && peak <= server.bound);
    assert_eq!(server.metric("lines_total{level=\"unparsed\"}"), 0.0);
    assert!(client.stream.peek(&mut [0]).is_err(), "nothing is acknowledged");

    // The file takes lines again.
    client.stream.set_nonblocking(false).unwrap();
    let lines = sent.div_ceil(LINE);
    let reading = std::thread::spawn(move || {
        let read = BufReader::new(reader).lines().take(lines);
        read.map(|line| line.unwrap().rsplit('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    });
    client.send(&text[sent..lines * LINE]);
    let found = reading.join().unwrap();
    assert!(found.iter().enumerate().all(|(n, line)| *line == format!("line {n:07}")));
    server.wait_for("lines_total{level=\"unparsed\"}", lines as f64);
    drop(client);
    drop(server);
}

/// F88: a disk that stays full is said once, nothing is acknowledged, and the server ends in time, and not with 0.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_not_waited_for_for_ever() {
    let mut server = Server::start(&["--out", "/dev/full", "--drain", "0.5"]);
    let mut client = server.connect();
    client.send("lost?\n");
    server.wait_for("storing_fails", 1.0);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(1));
    assert!(client.rest().is_err() || client.rest().unwrap().is_empty());
    let said = server.said();
    assert_eq!(said.matches("trying again").count(), 1, "{said}");
    assert!(said.contains("cannot write `/dev/full`"), "{said}");
    assert!(said.contains("could not be stored within 500ms") && said.contains("0 lines stored"));
}

/// A file system of 256 KiB, unmounted on drop. Needs root.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder);
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0).status().unwrap().success());
    }
}

/// F88: when there is room again, all is stored, each line once and whole.
#[test]
fn a_disk_with_room_again_takes_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let Some(tiny) = Tiny::mount(&disk) else {
        println!("skipped: mounting a tmpfs needs root");
        return;
    };
    fs::write(disk.join("ballast"), vec![0; 200 * 1024]).unwrap();
    let log = disk.join("log");
    let mut server = Server::start(&["--out", log.to_str().unwrap()]);
    let mut client = server.connect();
    let lines: Vec<String> = (0..1500).map(|n| format!("line {n}")).collect();
    client.send(lines.join("\n") + "\n");
    server.wait_for("storing_fails", 1.0);
    fs::remove_file(disk.join("ballast")).unwrap();
    client.acknowledged(1500);
    server.wait_for("storing_fails", 0.0);
    drop(client);
    server.signal("TERM");
    assert!(server.ended().success());
    let found = stored(&disk);
    assert!(found.iter().eq(lines.iter().map(|line| line.as_bytes())), "{} lines", found.len());
    drop(tiny);
}
