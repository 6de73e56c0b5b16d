//! `gz` beside GNU gzip: which files are taken, which are left, and the exit codes.

use super::*;

/// Beside `gzip`, with the same files: which are left, and the exit code.
#[cfg(unix)]
#[test]
fn it_takes_and_leaves_the_files_that_gzip_takes_and_leaves() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let text = "some text";
    let cases: [(&[&str], &[&str]); 30] = [
        (&["a", "b"], &["a", "b"]),
        (&["a", "missing", "b"], &["a", "missing", "b"]),
        (&["a", "hard"], &["a"]),
        (&["a", "hard", "b"], &["b", "a", "missing"]),
        (&["a", "hard"], &["-f", "a"]),
        (&["a", "hard"], &["-k", "hard"]),
        (&["a", "a.gz", "b"], &["a", "b"]),
        (
            &["x.tgz", "y.taz", "z-gz", "u.z", "v-z", "w_z", "S.GZ"],
            &["-d", "x.tgz", "y.taz", "z-gz", "u.z", "v-z", "w_z", "S.GZ"],
        ),
        (&["a", "x.gz"], &["-d", "a", "x.gz"]),
        (&["a", "x.tgz"], &["a", "x.tgz"]),
        (&["folder", "a"], &["folder", "a"]),
        (&[".gz"], &["-d", ".gz"]),
        (&["folder"], &["-t", "folder"]),
        (&["folder", "a"], &["-c", "folder", "a"]),
        (&["a"], &["a", "a"]),
        (&["a", "link"], &["link"]),
        (&["a", "link"], &["-k", "link"]),
        (&["a", "link"], &["-f", "link"]),
        (&["link"], &["-f", "link"]),
        (&["setuid"], &["setuid"]),
        (&["setuid"], &["-f", "setuid"]),
        (&["setgid"], &["-f", "setgid"]),
        (&["sticky"], &["sticky"]),
        (&["sticky"], &["-f", "sticky"]),
        (&["x.gz"], &["-d", "x"]),
        (&["x.gz"], &["-t", "x"]),
        (&["x-z", "x.z"], &["-d", "x"]),
        (&["x.gz"], &["x"]),
        (&["x.z.gz"], &["-d", "x.z"]),
        (&[], &["-d", "x"]),
    ];
    for (files, args) in cases {
        let ran = [gz(), Command::new("gzip")].map(|mut command| {
            let folder = tempfile::tempdir().unwrap();
            for name in files {
                let path = folder.path().join(name);
                match *name {
                    "hard" => fs::hard_link(folder.path().join("a"), path).unwrap(),
                    "folder" => fs::create_dir(path).unwrap(),
                    "link" => symlink("a", path).unwrap(),
                    "setuid" | "setgid" | "sticky" => {
                        fs::write(&path, text).unwrap();
                        let bit = [("setuid", 0o4000), ("setgid", 0o2000), ("sticky", 0o1000)]
                            .into_iter()
                            .find_map(|(bit, mode)| (bit == *name).then_some(mode));
                        let mode = fs::Permissions::from_mode(0o755 | bit.unwrap());
                        fs::set_permissions(path, mode).unwrap();
                    }
                    _ if name.len() > 2 => {
                        let mut packing = Command::new("gzip");
                        packing.stdout(File::create(path).unwrap()).stdin(Stdio::piped());
                        let mut packing = packing.spawn().unwrap();
                        packing.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
                        assert!(packing.wait().unwrap().success());
                    }
                    _ => fs::write(path, text).unwrap(),
                }
            }
            command.current_dir(folder.path()).args(args).stdin(Stdio::null());
            (command.output().unwrap().status.code(), names(&folder))
        });
        assert_eq!(ran[0], ran[1], "{files:?} {args:?}");
    }
}

#[test]
fn several_files_are_joined_on_standard_output() {
    let (folder, path, text) = log();
    let output = gz().arg("-c").args([&path, &path]).output().unwrap();
    quiet(&output);
    let packed = folder.path().join("packed");
    fs::write(&packed, output.stdout).unwrap();
    assert!(gunzip(&packed) == [&text[..], &text].concat());
    let output = gz().args([&path, &path]).arg("-o").arg(&packed).output().unwrap();
    fails(&output, &["several files"]);
}

/// `gz -cdf` prints files whether they are compressed or not.
#[test]
fn by_force_what_is_not_compressed_is_copied() {
    let (_folder, path, text) = log();
    quiet(&gz().arg("-k").arg(&path).output().unwrap());
    let output = gz().arg("-cdf").arg(path.with_extension("log.gz")).arg(&path).output().unwrap();
    quiet(&output);
    assert!(output.stdout == [&text[..], &text].concat());
}
