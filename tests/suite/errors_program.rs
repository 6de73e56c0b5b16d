//! The program `errors`, run as its users run it, beside GNU grep.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::program;

fn errors() -> Command {
    program("errors")
}

/// Lines of all kinds, of which some match; the last has no newline.
fn log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut text = Vec::new();
    for n in 0..30_000 {
        let line = match n % 50 {
            0 => format!("{n} ERROR something broke\n"),
            1 => format!("{n} ERROR with a carriage return\r\n"),
            2 => "\n".to_owned(),
            3 => format!("{n} two ERROR and ERROR in one, {}\n", "long ".repeat(n % 700)),
            4 => format!("{n} \u{e4}\u{f6}\u{fc} warning\n"),
            _ => format!("{n} INFO all is well\n"),
        };
        text.extend_from_slice(line.as_bytes());
    }
    text.extend_from_slice(b"ERROR at the very end");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn grep(args: &[&str], path: &Path) -> Vec<u8> {
    let output = Command::new("grep").env("LC_ALL", "C").args(args).arg(path).output();
    output.expect("GNU grep").stdout
}

#[test]
fn it_prints_what_grep_prints() {
    let (_folder, path) = log();
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["-aF", "ERROR"]),
        (&["-v"], &["-aFv", "ERROR"]),
        (&["-n"], &["-aFn", "ERROR"]),
        (&["-n", "-v"], &["-aFnv", "ERROR"]),
        (&["-c"], &["-aFc", "ERROR"]),
        (&["-c", "-v"], &["-aFcv", "ERROR"]),
        (&["-p", "warning", "-p", "broke"], &["-aF", "-e", "warning", "-e", "broke"]),
        (&["-e", "^[0-9]*5. INFO"], &["-aE", "^[0-9]*5. INFO"]),
        (&["-p", "not there"], &["-aF", "not there"]),
    ];
    for (ours, theirs) in cases {
        let output = errors().args(*ours).arg(&path).output().unwrap();
        let expected = grep(theirs, &path);
        assert!(output.stdout == expected, "{ours:?}");
        let none = expected.is_empty() || expected == b"0\n";
        assert_eq!(output.status.code(), Some(i32::from(none)), "{ours:?}");
    }
}

#[test]
fn standard_input_and_an_output_file() {
    let (folder, path) = log();
    let found = folder.path().join("found");
    let output = errors()
        .args(["-", "-o"])
        .arg(&found)
        .stdin(std::fs::File::open(&path).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(std::fs::read(&found).unwrap() == grep(&["-aF", "ERROR"], &path));

    let mut child = errors().arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nERROR b\nc").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"ERROR b\n");
}

#[test]
fn without_input_it_searches_a_sample_and_says_so() {
    let output = errors().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success());
    assert!(said.contains("sample log") && said.contains("100,000 lines"), "{said}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1000);
}

#[test]
fn the_summary_says_what_was_done() {
    let (_folder, path) = log();
    let said = String::from_utf8(errors().arg(&path).output().unwrap().stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in ["30,001 lines", "GB/s", "peak memory", "held back by"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// One clear line, exit code 2.
fn fails(output: &Output, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let (folder, path) = log();
    let missing = folder.path().join("missing");
    fails(&errors().arg(&missing).output().unwrap(), &["cannot open", "missing", "No such file"]);
    fails(&errors().arg(folder.path()).output().unwrap(), &["cannot open", "is a directory"]);
    fails(&errors().args(["-e", "("]).arg(&path).output().unwrap(), &["regex"]);
    let unwritable = folder.path().join("no/folder");
    let output = errors().arg(&path).arg("-o").arg(&unwritable).output().unwrap();
    fails(&output, &["cannot open", "no/folder", "for writing"]);
    let output = errors().arg(&path).arg("-o").arg(folder.path()).output().unwrap();
    fails(&output, &["cannot open", "regular file"]);
    #[cfg(target_os = "linux")]
    fails(
        &errors().arg(&path).args(["-o", "/dev/full"]).output().unwrap(),
        &["/dev/full", "No space"],
    );
    let compressed = folder.path().join("log.gz");
    std::fs::write(&compressed, [0x1f, 0x8b, 8, 0]).unwrap();
    fails(&errors().arg(&compressed).output().unwrap(), &["gzip"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

/// The bytes as GNU gzip compresses them.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    std::fs::write(&path, bytes).unwrap();
    Command::new("gzip").arg("-nc").arg(path).output().expect("GNU gzip").stdout
}

/// Its first bytes tell that a log is compressed, not its name; it may have several members.
#[test]
fn a_compressed_log_is_searched() {
    let (folder, path) = log();
    let text = std::fs::read(&path).unwrap();
    let (first, second) = text.split_at(text.len() / 3);
    let members = [gzip(first), gzip(b""), gzip(second)].concat();
    let compressed = folder.path().join("log.txt");
    std::fs::write(&compressed, &members).unwrap();
    let expected = grep(&["-aFn", "ERROR"], &path);
    let output = errors().arg("-n").arg(&compressed).output().unwrap();
    assert!(output.status.success() && output.stdout == expected);

    let mut child =
        errors().args(["-n", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // The first two bytes come one by one.
        input.write_all(&members[..1]).unwrap();
        input.write_all(&members[1..]).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stdout == expected);

    let cut = folder.path().join("cut.gz");
    std::fs::write(&cut, &gzip(b"no line matches\n")[..20]).unwrap();
    fails(&errors().arg(&cut).output().unwrap(), &["the input ended"]);
}

/// The bytes of a file named `.gz` and of a short input are text if they do not begin as gzip does.
#[test]
fn what_does_not_begin_as_gzip_is_text() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "\x1f", "\x1fERROR", "ERROR\n"] {
        let path = folder.path().join("log.gz");
        std::fs::write(&path, text).unwrap();
        assert_eq!(errors().arg(&path).output().unwrap().stdout, grep(&["-aF", "ERROR"], &path));
    }
}

/// The memory of a run without a line is that of the program itself.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_stays_small_however_much_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, path) = (folder.path().join("empty"), folder.path().join("log"));
    let line = |n| if n % 3 == 0 { "ERROR here and there\n" } else { "INFO almost every line\n" };
    let text: String = (0..400_000).map(line).collect();
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&path, &text).unwrap();
    let compressed = folder.path().join("log.gz");
    std::fs::write(&compressed, gzip(text.as_bytes())).unwrap();
    let peak = |options: &[&str], input: &Path| {
        let mut command = errors();
        command.args(options).arg("-o").arg(folder.path().join("found")).arg(input);
        let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
        let (_, peak) = said.split_once("peak memory ").unwrap();
        peak.split_once(" MiB").unwrap().0.parse::<f64>().unwrap()
    };
    let own = peak(&[], &empty);
    for input in [&path, &compressed] {
        for options in [&["-v"][..], &["-v", "-n"], &["-n"]] {
            let more = peak(options, input) - own;
            assert!(more < 2.6, "{options:?} of {}: {more:.1} MiB", input.display());
        }
    }
}

/// A line of 3 MiB between two short ones.
#[test]
fn a_long_line_is_printed_as_grep_does_unless_the_options_cut_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let long = format!("ERROR {}", "x".repeat(3 << 20));
    std::fs::write(&path, format!("ERROR 1\n{long}\nERROR 3\n")).unwrap();
    let output = errors().arg("-n").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == grep(&["-aFn", "ERROR"], &path));

    let cases = [
        ("truncate", "1:ERROR 1\n2:ERROR xx\n3:ERROR 3\n", "1 too long and truncated"),
        ("skip", "1:ERROR 1\n3:ERROR 3\n", "1 too long and skipped"),
    ];
    for (policy, lines, summary) in cases {
        let options = ["-n", "--max-line", "8", "--long-lines", policy];
        let output = errors().args(options).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), lines);
        assert!(said.contains(summary), "{said}");
    }
    let output = errors().args(["--max-line", "8"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b"ERROR 1\n"[..]));
    assert!(said.contains("longer than 8 bytes") && said.contains("line 2"), "{said}");
}

/// `errors log -o /dev/stdout >> found`: the shell has said that the file keeps what it has.
#[cfg(unix)]
#[test]
fn an_open_descriptor_as_output_keeps_what_its_file_has() {
    let (folder, path) = log();
    let found = folder.path().join("found");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
    for (name, is_stdout) in [
        (link.to_str().unwrap(), true),
        ("/dev/../dev/stdout", true),
        ("/proc/thread-self/fd/1", cfg!(target_os = "linux")),
        ("/dev/stdout", true),
        ("/dev/fd/1", true),
        ("/proc/self/fd/1", cfg!(target_os = "linux")),
        ("/dev/stderr", false),
    ] {
        if !Path::new(name).exists() {
            continue;
        }
        std::fs::write(&found, "before\n").unwrap();
        let file = std::fs::File::options().append(true).open(&found).unwrap();
        let mut command = errors();
        command.args(["-c", "-o", name]).arg(&path).stderr(Stdio::null());
        let command = if is_stdout { command.stdout(file) } else { command.stderr(file) };
        assert!(command.status().unwrap().success(), "{name}");
        let text = std::fs::read_to_string(&found).unwrap();
        let count = String::from_utf8(grep(&["-aFc", "ERROR"], &path)).unwrap();
        assert!(text.starts_with(&format!("before\n{count}")), "{name}: {text}");
    }
}

/// `errors log | head`
#[test]
fn a_closed_output_ends_it_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "ERROR again\n".repeat(1_000_000)).unwrap();
    let mut child =
        errors().arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 12]).unwrap();
    drop(output);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found");
    let mut child = errors()
        .args(["-", "-o"])
        .arg(&found)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: when this returns, the program reads, so it is set up and listens.
    input.write_all("ERROR to be kept?\n".repeat(100_000).as_bytes()).unwrap();
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
