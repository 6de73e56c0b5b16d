//! Finds the next line that matches in a block of whole lines.

use std::fmt::{self, Write};
use std::ops::Range;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use crate::work::searched;

/// How lines are found.
///
/// A text is searched for in the block as it is: no newline is in it, so that where it is found it is in one line.
///
/// An expression is searched for in the block as well, although a match may span lines there. No line that matches is
/// missed: within a block, a line stands between newlines, and for all that an expression may ask of its surroundings
/// (`^`, `$`, `\b`; the others are [tried by line](Matcher::by_line)) a newline is the same as the end of the text. So
/// what matches on a line alone matches in the block at the same place, and the leftmost match in the block starts in
/// that line or in one before it. The line in which the leftmost match starts is thus the first that can match; it does
/// if the match ends in it, or if the expression matches the line alone; else the search goes on behind it.
#[derive(Clone)]
pub(super) enum Matcher {
    Nothing,
    Everything,
    Text(Box<Finder<'static>>),
    Texts(Regex),
    ByBlock { regex: Regex, window: usize },
    ByLine(Regex),
}

impl Matcher {
    /// For texts without newlines.
    pub(super) fn literals(mut texts: Vec<Vec<u8>>) -> Self {
        if texts.iter().any(Vec::is_empty) {
            return Self::Everything;
        }
        texts.sort_unstable();
        texts.dedup();
        match texts.as_slice() {
            [] => Self::Nothing,
            [text] => Self::Text(Box::new(Finder::new(text).into_owned())),
            texts => Self::Texts(any_of(texts)),
        }
    }

    /// For an expression that sees lines alike in a block and alone.
    pub(super) fn by_block(regex: Regex) -> Self {
        Self::ByBlock { regex, window: FIRST_WINDOW }
    }

    /// For every other expression.
    pub(super) fn by_line(regex: Regex) -> Self {
        Self::ByLine(regex)
    }

    /// The next matching line, or matching lines, with newlines. `block` ends with a newline; at `from` a line starts.
    #[inline]
    pub(super) fn find(&mut self, block: &[u8], from: usize) -> Option<Range<usize>> {
        let at = match self {
            Self::Nothing => return None,
            Self::Everything => return Some(from..block.len()),
            Self::Text(finder) => finder.find(&block[from..])?,
            Self::Texts(regex) => regex.find(&block[from..])?.start(),
            Self::ByBlock { regex, window } => return find_by_block(regex, window, block, from),
            Self::ByLine(regex) => return find_by_line(regex, block, from),
        };
        Some(line_around(block, from, from + at))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Everything => f.write_str("Everything"),
            Self::Text(finder) => {
                f.debug_tuple("Text").field(&String::from_utf8_lossy(finder.needle())).finish()
            }
            Self::Texts(regex) => f.debug_tuple("Texts").field(&regex.as_str()).finish(),
            Self::ByBlock { regex, .. } => f.debug_tuple("ByBlock").field(&regex.as_str()).finish(),
            Self::ByLine(regex) => f.debug_tuple("ByLine").field(&regex.as_str()).finish(),
        }
    }
}

/// Searches a window of whole lines at a time.
///
/// A search may look far past the match that it finds (`a[^x]*` does). So that the cost stays in proportion to the
/// bytes, it sees only a few times as many as the search before it got past: the window grows while nothing is found,
/// and shrinks to the distance of what is found.
fn find_by_block(
    regex: &Regex,
    window: &mut usize,
    block: &[u8],
    mut from: usize,
) -> Option<Range<usize>> {
    while from < block.len() {
        let end = window_end(block, from, *window);
        searched(end - from);
        // Without the last newline every place in the text is in a line, the end of the text as well.
        let Some(hit) = regex.find(&block[from..end - 1]) else {
            *window = (end - from).saturating_mul(GROWTH);
            from = end;
            continue;
        };
        let line = line_around(block, from, from + hit.start());
        *window = (line.end - from).saturating_mul(GROWTH);
        if from + hit.end() < line.end || regex.is_match(&block[line.start..line.end - 1]) {
            return Some(line);
        }
        from = line.end;
    }
    None
}

/// The end of as many whole lines as fit into `window` bytes, but of one at the least.
fn window_end(block: &[u8], from: usize, window: usize) -> usize {
    let limit = from.saturating_add(window);
    if limit >= block.len() {
        return block.len();
    }
    match memrchr(b'\n', &block[from..limit]) {
        Some(newline) => from + newline + 1,
        None => line_end(block, limit),
    }
}

fn find_by_line(regex: &Regex, block: &[u8], mut from: usize) -> Option<Range<usize>> {
    while from < block.len() {
        let end = line_end(block, from);
        if regex.is_match(&block[from..end - 1]) {
            return Some(from..end);
        }
        from = end;
    }
    None
}

/// The line that has the byte `at` in it, its newline counted in.
#[inline]
fn line_around(block: &[u8], from: usize, at: usize) -> Range<usize> {
    let start = memrchr(b'\n', &block[from..at]).map_or(from, |newline| from + newline + 1);
    start..line_end(block, at)
}

/// Behind the next newline.
#[inline]
fn line_end(block: &[u8], at: usize) -> usize {
    memchr(b'\n', &block[at..]).map_or(block.len(), |newline| at + newline + 1)
}

/// One expression for many texts; the crate `regex` searches for all of them at once.
fn any_of(texts: &[Vec<u8>]) -> Regex {
    let mut pattern = String::new();
    for text in texts {
        if !pattern.is_empty() {
            pattern.push('|');
        }
        for &byte in text {
            if byte.is_ascii_alphanumeric() {
                pattern.push(char::from(byte));
            } else if write!(pattern, r"\x{byte:02X}").is_err() {
                unreachable!("a string takes every text");
            }
        }
    }
    RegexBuilder::new(&pattern)
        .unicode(false)
        .size_limit(usize::MAX)
        .build()
        .expect("bytes in hexadecimal are a valid expression")
}

/// How large the first window is, in bytes.
const FIRST_WINDOW: usize = 4096;

/// How many times as large as the way of the last search a window is.
const GROWTH: usize = 4;
