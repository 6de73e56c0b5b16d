//! Whether a contestant did what it was asked to: a wrong result is no result, however fast.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flate2::bufread::GzDecoder;

use crate::input::Log;

/// How the result of a subject on the log is known to be right.
#[derive(Debug)]
pub(crate) enum Proof {
    /// The contestant's answer is this.
    Answer(fn(&Log) -> String),
    /// The output file is this file, byte for byte.
    Output(fn(&Log) -> &Path),
    /// The contestant's answer begins with this digest of the log, and its output file, if it makes one, is the log.
    Digest(fn(&Log) -> Result<String>),
}

/// Compares two files.
///
/// # Errors
///
/// They differ, or one cannot be read.
pub(crate) fn same(output: &Path, expected: &Path) -> Result<()> {
    same_bytes(&mut open(output)?, &mut open(expected)?)
}

/// Whether the output is one gzip member, and decompresses to what is expected.
///
/// # Errors
///
/// It is not.
pub(crate) fn unpacks(output: &Path, expected: &Path) -> Result<()> {
    let mut member = BufReader::new(GzDecoder::new(open(output)?));
    same_bytes(&mut member, &mut open(expected)?)?;
    ensure!(member.into_inner().into_inner().fill_buf()?.is_empty(), "a member, and more");
    Ok(())
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    Ok(BufReader::with_capacity(64 * 1024, file))
}

fn same_bytes(output: &mut impl BufRead, expected: &mut impl BufRead) -> Result<()> {
    let mut offset = 0;
    loop {
        let (a, b) = (output.fill_buf()?, expected.fill_buf()?);
        if a.is_empty() && b.is_empty() {
            return Ok(());
        }
        let n = a.len().min(b.len());
        ensure!(n > 0, "the output is {offset} bytes up to the end of one of the two");
        ensure!(a[..n] == b[..n], "the output differs within {n} bytes from byte {offset} on");
        output.consume(n);
        expected.consume(n);
        offset += n;
    }
}
