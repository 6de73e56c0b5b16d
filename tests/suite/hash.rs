//! Digests of real files beside coreutils and zlib, and files that are not replaced by damaged ones (I59, F49, F50).

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use highwater::hash::{Algorithm, Digest, Hash};
use highwater::prelude::*;
use highwater::{CancellationToken, Error, Readable, fs};
use tempfile::TempDir;

use crate::support::names;

/// A folder with a file of so many bytes, which do not repeat themselves.
fn file(length: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes(length)).unwrap();
    (folder, path)
}

fn bytes(length: usize) -> Vec<u8> {
    // Xorshift (Marsaglia, 2003).
    let mut x = 2_463_534_242_u32;
    let next = std::iter::repeat_with(move || {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        x.to_le_bytes()[1]
    });
    next.take(length).collect()
}

/// What a program of coreutils prints first.
fn coreutils(program: &str, path: &Path) -> String {
    let output = Command::new(program).arg(path).output().expect("GNU coreutils");
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The CRC-32 that gzip writes behind what it has compressed: four bytes, the least significant first (RFC 1952, 2.3.1).
fn crc_of_gzip(path: &Path) -> String {
    let output = Command::new("gzip").arg("-1c").arg(path).output().expect("gzip");
    let trailer = &output.stdout[output.stdout.len() - 8..];
    trailer[..4].iter().rev().map(|byte| format!("{byte:02x}")).collect()
}

/// I59, F50: the edges of a block of 64 and of 128 bytes, of a chunk of a file, and several chunks; in one pass for all
/// algorithms, while the file is copied.
#[tokio::test]
async fn digests_are_those_of_coreutils_and_zlib() {
    const CHUNK: usize = 256 * 1024;
    let lengths = [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129];
    for length in lengths.into_iter().chain([CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK / 2]) {
        let (folder, path) = file(length);
        let copy = folder.path().join("copy");
        let mut hash = Hash::new();
        let mut handle = |algorithm| hash.digest(algorithm);
        let (md5, sha1) = (handle(Algorithm::Md5), handle(Algorithm::Sha1));
        let (sha256, sha512) = (handle(Algorithm::Sha256), handle(Algorithm::Sha512));
        let crc32 = handle(Algorithm::Crc32);
        fs::read(&path).hash(hash).pipe_to(fs::write(&copy)).await.unwrap();

        assert_eq!(std::fs::read(&copy).unwrap(), bytes(length));
        for (program, digest) in
            [("md5sum", md5), ("sha1sum", sha1), ("sha256sum", sha256), ("sha512sum", sha512)]
        {
            assert_eq!(digest.await.unwrap().to_hex(), coreutils(program, &path), "{length}");
        }
        assert_eq!(crc32.await.unwrap().to_hex(), crc_of_gzip(&path), "{length}");
    }
}

/// I59, F49: the destination is not finished, the old file stays, and there is no temporary file.
#[tokio::test]
async fn a_damaged_file_replaces_nothing() {
    let (folder, path) = file(700_000);
    let target = folder.path().join("target");
    std::fs::write(&target, "old").unwrap();
    let expected = fs::read(&path).digest(Algorithm::Sha256).await.unwrap();
    for at in [0, 350_000, 699_999] {
        let mut damaged = bytes(700_000);
        damaged[at] ^= 0x20;
        std::fs::write(&path, damaged).unwrap();
        let found = coreutils("sha256sum", &path);
        let pipeline = fs::read(&path).verify(expected).pipe_to(fs::replace(&target));
        let error = pipeline.await.unwrap_err();
        assert!(error.is_corrupt() && error.stage() == Some("verify"), "{error}");
        let text = error.to_string();
        assert!(text.contains(&found) && text.contains(&expected.to_hex()), "{text}");
        assert!(error.suppressed().is_empty());
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["file", "target"]);
    }
    std::fs::write(&path, bytes(700_000)).unwrap();
    fs::read(&path).verify(expected).pipe_to(fs::replace(&target)).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), bytes(700_000));
    assert_eq!(names(folder.path()), ["file", "target"]);
}

/// I59: one bit too many and one too few are damage as well; where nothing was, nothing is.
#[tokio::test]
async fn a_file_of_another_length_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let expected = Algorithm::Blake3.digest(b"abc");
    for damaged in ["", "ab", "abcd"] {
        let source = Readable::from_iter(damaged.bytes()).map(|byte| Bytes::from(vec![byte]));
        let error = source.verify(expected).pipe_to(fs::replace(&target)).await.unwrap_err();
        assert!(error.is_corrupt());
        assert!(names(folder.path()).is_empty());
    }
}

/// What fails before its end has no digest, is not verified, and replaces nothing.
#[tokio::test]
async fn a_failure_midway_gives_no_digest() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let tapped = |source| {
        let mut hash = Hash::new();
        let digest = hash.digest(Algorithm::Sha256);
        (Readable::from_results(futures::stream::iter(source)).hash(hash), digest)
    };

    let (source, digest) = tapped(vec![Ok(Bytes::from("abc")), Err(Error::msg("unplugged"))]);
    let verified = source.verify(Algorithm::Sha256.digest(b"abc"));
    let error = verified.pipe_to(fs::replace(&target)).await.unwrap_err();
    assert_eq!(error.to_string(), "unplugged (in from_results)");
    assert!(digest.await.unwrap_err().is_premature_close());

    let (source, digest) = tapped(vec![Ok::<_, Error>(Bytes::from("abc"))]);
    let panics = source.map(|_| -> Bytes { panic!("in the stage") });
    assert!(panics.pipe_to(fs::replace(&target)).await.unwrap_err().is_panic());
    assert!(digest.await.unwrap_err().is_premature_close());

    let (source, digest) = tapped(vec![Ok::<_, Error>(Bytes::from("abc"))]);
    let token = CancellationToken::new();
    token.cancel();
    let error = source.pipe_to(fs::replace(&target)).abort_on(token).await.unwrap_err();
    assert!(error.is_aborted());
    assert!(digest.await.unwrap_err().is_premature_close());
    assert!(names(folder.path()).is_empty());
}

/// Behind a buffer and a task of its own a digest is what it is without.
#[tokio::test]
async fn a_digest_behind_a_buffer() {
    let (_folder, path) = file(1_000_000);
    let mark = HighWaterMark::bytes(64 * 1024);
    let digest = fs::read(&path).buffer(mark).digest(Algorithm::Sha256).await.unwrap();
    let expected = coreutils("sha256sum", &path);
    assert_eq!(digest, Digest::from_hex(Algorithm::Sha256, &expected).unwrap());
}

/// The work that has a thread of its own, and the handle that stays here.
#[tokio::test]
async fn a_digest_that_is_made_elsewhere() {
    let (_folder, path) = file(1_000_000);
    let mut hash = Hash::new();
    let digest = hash.digest(Algorithm::Sha512);
    let mark = HighWaterMark::bytes(1024 * 1024);
    fs::read(&path).offload(hash, mark).count().await.unwrap();
    assert_eq!(digest.await.unwrap().to_hex(), coreutils("sha512sum", &path));
}
