//! The program `gz`, run as its users run it, beside GNU gzip.

mod like_gzip;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use crate::support::{Tool, program};

fn gz() -> Command {
    program("gz")
}

/// A file with some text in it, and its text.
fn log() -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let text: String =
        (0..60_000).map(|n| format!("{n} request took {} ms\n", n * 7919 % 997)).collect();
    fs::write(&path, &text).unwrap();
    (folder, path, text.into_bytes())
}

/// The names in a folder.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

fn gunzip(packed: &Path) -> Vec<u8> {
    let output = Command::new("gzip").arg("-dc").stdin(File::open(packed).unwrap()).output();
    let output = output.expect("GNU gzip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// It went well, and silently.
#[track_caller]
fn quiet(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
}

/// One clear line, exit code 1.
#[track_caller]
fn fails(output: &Output, parts: &[&str]) {
    says(output, 1, parts);
}

/// One clear line, and this exit code.
#[track_caller]
fn says(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn it_takes_the_place_of_gzip_between_pipes() {
    let (folder, path, text) = log();
    let stdin = |path: &Path| File::open(path).unwrap();
    let packed = folder.path().join("packed");
    for args in [&[][..], &["-"], &["-c"], &["-9"], &["-1", "-p", "1"], &["-p", "3"]] {
        let output = gz().args(args).stdin(stdin(&path)).output().unwrap();
        quiet(&output);
        fs::write(&packed, output.stdout).unwrap();
        assert!(gunzip(&packed) == text, "{args:?}");
    }
    let theirs = Command::new("gzip").arg("-c").arg(&path).output().unwrap().stdout;
    fs::write(&packed, theirs).unwrap();
    let output = gz().arg("-d").stdin(stdin(&packed)).output().unwrap();
    quiet(&output);
    assert!(output.stdout == text);
    assert_eq!(names(&folder), ["a.log", "packed"], "the input is kept");
}

#[test]
fn it_takes_the_place_of_gzip_on_files() {
    let (folder, path, text) = log();
    let packed = folder.path().join("a.log.gz");
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let is_kept = |path: &Path| {
        let about = path.metadata().unwrap();
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::MetadataExt::mode(&about) & 0o777,
            0o600,
            "{}",
            path.display()
        );
        assert_eq!(about.modified().unwrap(), time, "{}", path.display());
    };

    quiet(&gz().arg(&path).output().unwrap());
    assert_eq!(names(&folder), ["a.log.gz"]);
    assert!(gunzip(&packed) == text);
    is_kept(&packed);
    let listed = Command::new("gzip").arg("-lvN").stdin(File::open(&packed).unwrap()).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("a.log") && listed.contains("Sep"), "{listed}");

    quiet(&gz().arg("-dk").arg(&packed).output().unwrap());
    assert_eq!(names(&folder), ["a.log", "a.log.gz"]);
    assert!(fs::read(&path).unwrap() == text);
    is_kept(&path);

    quiet(&gz().arg("-df").arg(&packed).output().unwrap());
    assert_eq!(names(&folder), ["a.log"]);
    fs::rename(&path, folder.path().join("a.tgz")).unwrap();
    let archive = folder.path().join("b.tar");
    fs::write(&archive, &text).unwrap();
    quiet(&gz().args(["-o"]).arg(folder.path().join("b.tgz")).arg(&archive).output().unwrap());
    fs::remove_file(&archive).unwrap();
    quiet(&gz().arg("-d").arg(folder.path().join("b.tgz")).output().unwrap());
    assert_eq!(names(&folder), ["a.tgz", "b.tar"]);
}

#[test]
fn levels_threads_and_an_output_can_be_chosen() {
    let (folder, path, text) = log();
    let mut sizes = Vec::new();
    for args in [&["-1"][..], &["--fast"], &["-6"], &["-9"], &["-1", "-9"], &["--best", "-p", "1"]]
    {
        let packed = folder.path().join("out.gz");
        quiet(&gz().args(args).arg(&path).arg("-o").arg(&packed).output().unwrap());
        assert!(gunzip(&packed) == text && path.exists());
        sizes.push(fs::metadata(&packed).unwrap().len());
    }
    assert!(sizes[0] > sizes[2] && sizes[2] > sizes[3], "{sizes:?}");
    assert_eq!((sizes[0], sizes[3]), (sizes[1], sizes[4]), "the last level counts");
    let said = gz().arg("-vkf").arg(&path).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    for part in ["became", "%", "held back by"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn it_says_whether_a_file_is_whole() {
    let (folder, path, _) = log();
    let packed = folder.path().join("packed");
    quiet(&gz().arg(&path).arg("-o").arg(&packed).output().unwrap());
    quiet(&gz().arg("-t").arg(&packed).output().unwrap());
    let mut bytes = fs::read(&packed).unwrap();
    let (end, middle) = (bytes.len(), bytes.len() / 2);
    fs::write(&packed, &bytes[..end - 3]).unwrap();
    let place = format!("byte {}", end - 3);
    fails(&gz().arg("-t").arg(&packed).output().unwrap(), &["packed", &place, "ended inside"]);
    bytes[middle] ^= 0x10;
    fs::write(&packed, &bytes).unwrap();
    fails(&gz().arg("-t").arg(&packed).output().unwrap(), &["packed", "byte", "damaged"]);
    fails(&gz().arg("-t").arg(&path).output().unwrap(), &["a.log", "byte 0", "not gzip"]);
    assert_eq!(names(&folder), ["a.log", "packed"]);
}

/// D.3: GNU gzip warns and ends with 2; here that has to be asked for.
#[test]
fn garbage_behind_the_data_is_an_error_or_a_warning() {
    let (folder, path, text) = log();
    let packed = folder.path().join("b.gz");
    quiet(&gz().arg(&path).arg("-o").arg(&packed).output().unwrap());
    let end = fs::metadata(&packed).unwrap().len();
    File::options().append(true).open(&packed).unwrap().write_all(b"garbage").unwrap();
    let strict = gz().arg("-dc").arg(&packed).output().unwrap();
    fails(&strict, &["b.gz", &format!("byte {end}"), "follows"]);
    assert!(strict.stdout == text, "the data comes first");
    fails(&gz().arg("-d").arg(&packed).output().unwrap(), &["follows"]);
    assert_eq!(names(&folder), ["a.log", "b.gz"], "nothing is half written");

    let output = gz().args(["-dc", "--trailing", "ignore"]).arg(&packed).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("7 bytes of garbage") && said.lines().count() == 1, "{said}");
    assert!(output.stdout == text);
    let theirs = Command::new("gzip").arg("-dc").arg(&packed).output().unwrap();
    assert_eq!(theirs.status.code(), Some(2));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line_and_leaves_nothing() {
    let (folder, path, text) = log();
    let at = |name: &str| folder.path().join(name);
    fails(&gz().arg(at("missing")).output().unwrap(), &["cannot open", "missing", "No such file"]);
    says(&gz().arg(folder.path()).output().unwrap(), 2, &["is a directory"]);
    says(&gz().arg("-d").arg(&path).output().unwrap(), 2, &["a.log", "does not end with .gz"]);
    fails(
        &gz().arg(&path).arg("-o").arg(at("no/where")).output().unwrap(),
        &["cannot open", "no/where"],
    );
    let output = gz().args(["-o", "x", "-c"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a mistake in the arguments, too");
    fs::write(at("a.log.gz"), "precious").unwrap();
    says(&gz().arg(&path).output().unwrap(), 2, &["a.log.gz", "exists"]);
    says(&gz().arg(at("a.log.gz")).output().unwrap(), 0, &["compressed already"]);
    fails(&gz().arg("-dc").arg(at("a.log.gz")).output().unwrap(), &["a.log.gz", "not gzip"]);
    assert_eq!(fs::read(at("a.log.gz")).unwrap(), b"precious");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, at("link")).unwrap();
        fails(&gz().arg(at("link")).output().unwrap(), &["link", "is a symbolic link"]);
        fs::remove_file(at("link")).unwrap();
    }
    #[cfg(target_os = "linux")]
    fails(&gz().arg(&path).args(["-o", "/dev/full"]).output().unwrap(), &["/dev/full", "No space"]);
    assert_eq!(names(&folder), ["a.log", "a.log.gz"]);
    assert!(fs::read(&path).unwrap() == text);
}

/// `gz -dc log.gz | head`
#[test]
fn a_closed_output_ends_it_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros");
    fs::write(&path, vec![0; 20_000_000]).unwrap();
    quiet(&gz().arg(&path).output().unwrap());
    let mut child = gz()
        .arg("-dc")
        .arg(folder.path().join("zeros.gz"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 12]).unwrap();
    drop(output);
    quiet(&child.wait_with_output().unwrap());
}

/// The file has the mode of the input, whatever the umask says.
#[cfg(unix)]
#[test]
fn the_mode_is_kept_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path, _) = log();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$0\" \"$1\""]).arg(gz().get_program()).arg(&path);
    quiet(&shell.output().unwrap());
    let about = folder.path().join("a.log.gz").metadata().unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o664);
}

/// `gz -c a -o /dev/stdout >> archive`
#[cfg(target_os = "linux")]
#[test]
fn an_open_descriptor_is_written_behind_what_it_has() {
    let (folder, path, text) = log();
    let packed = folder.path().join("packed");
    fs::write(&packed, "").unwrap();
    for name in ["/dev/stdout", "/dev/fd/1"] {
        let out = File::options().append(true).open(&packed).unwrap();
        quiet(&gz().arg(&path).args(["-o", name]).stdout(out).output().unwrap());
    }
    assert!(gunzip(&packed) == [&text[..], &text].concat());
}

/// A kill in the middle leaves no name that the next run would find.
#[cfg(target_os = "linux")]
#[test]
fn a_kill_leaves_nothing_that_blocks_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("out.gz");
    let mut child = gz().args(["-", "-o"]).arg(&packed).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe and the read-ahead hold: when this returns, the program works.
    input.write_all(&b"to be kept? ".repeat(500_000)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!packed.exists(), "{:?}", names(&folder));
    fs::write(folder.path().join("out"), "text").unwrap();
    quiet(&gz().arg(folder.path().join("out")).output().unwrap());
    assert_eq!(gunzip(&packed), b"text");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        for args in [&["-", "-o"][..], &["-p", "1", "-", "-o"]] {
            let folder = tempfile::tempdir().unwrap();
            let mut child = Command::new("env")
                .arg("--default-signal")
                .arg(gz().get_program())
                .args(args)
                .arg(folder.path().join("out.gz"))
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            // More than a pipe and the read-ahead hold: when this returns, the program works and listens.
            input.write_all(&b"to be kept? ".repeat(500_000)).unwrap();
            let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
            assert!(status.unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
            assert!(names(&folder).is_empty(), "{:?}", names(&folder));
        }
    }
}

/// On a terminal, which `script` makes up: compressed data is not written to it, and without input there is a sample.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_it_is_careful() {
    if !Tool::new("script", &["script"]).is_there() {
        return;
    }
    let (_folder, path, _) = log();
    let on_terminal = |args: &str| {
        let line = format!("{} {args}", gz().get_program().to_str().unwrap());
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null());
        script.output().unwrap()
    };
    let refused = on_terminal(&format!("-c {}", path.display()));
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("not written to a terminal"), "{said}");
    assert_eq!(refused.status.code(), Some(1));
    let forced = on_terminal(&format!("--no-progress -cf {}", path.display()));
    assert!(forced.status.success() && forced.stdout.starts_with(&[0x1f, 0x8b]));
    let sample = on_terminal("");
    let said = String::from_utf8_lossy(&sample.stdout);
    assert!(sample.status.success() && said.contains("came back the same"), "{said}");
}
