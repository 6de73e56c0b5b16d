//! Regular expressions, by the feature `regex`.

use std::ops::Range;

use highwater_core::{Error, Result};
use memchr::memrchr;
use regex::bytes::{Regex, RegexBuilder};

use crate::newlines::{line_around, line_end};
use crate::work::searched;

/// A regular expression, and how lines that match it are found.
///
/// An expression is searched for in the block, although a match may span lines there. No line that matches is
/// missed: within a block, a line stands between newlines, and for all that an expression may ask of its surroundings
/// (`^`, `$`, `\b`; the others are [tried by line](Self::ByLine)) a newline is the same as the end of the text. So
/// what matches on a line alone matches in the block at the same place, and the leftmost match in the block starts in
/// that line or in one before it. The line in which the leftmost match starts is thus the first that can match; it does
/// if the match ends in it, or if the expression matches the line alone; else the search goes on behind it.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// For an expression that sees lines alike in a block and alone.
    ByBlock { regex: Regex, window: usize },
    /// For every other expression.
    ByLine(Regex),
}

impl Expression {
    pub(super) fn new(pattern: &str) -> Result<Self> {
        let regex = RegexBuilder::new(pattern).multi_line(true).build().map_err(Error::from)?;
        Ok(if needs_single_lines(pattern) {
            Self::ByLine(regex)
        } else {
            Self::ByBlock { regex, window: FIRST_WINDOW }
        })
    }

    /// The next matching line: see [`Matcher::find`](super::matcher::Matcher::find).
    pub(super) fn find(&mut self, block: &[u8], from: usize) -> Option<Range<usize>> {
        match self {
            Self::ByBlock { regex, window } => find_by_block(regex, window, block, from),
            Self::ByLine(regex) => find_by_line(regex, block, from),
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

/// The end of the whole lines that fit into `window` bytes; at least one line.
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

/// True when the expression may match a line alone and not within a block, or the other way round; see
/// [`Expression`]. It may say so of a harmless one.
///
/// `\A` and `\z` are the borders of what is searched, and `m` off makes `^` and `$` such, too. With `R`, a `\r` at the
/// end of a line is or is not before a newline. `\B` and the half borders of `\b{..}` look at bytes before the line if
/// it starts inside a code point.
fn needs_single_lines(pattern: &str) -> bool {
    let escapes = [r"\A", r"\z", r"\B", r"\b{"];
    escapes.iter().any(|escape| pattern.contains(escape))
        || pattern.split("(?").skip(1).any(|group| {
            let flags = group.split(|c: char| !c.is_ascii_alphabetic() && c != '-').next();
            flags.is_some_and(|flags| flags.contains(['m', 'R']))
        })
}

/// Size of the first window, in bytes.
const FIRST_WINDOW: usize = 4096;

/// Ratio of a window to the distance that the last search covered.
const GROWTH: usize = 4;
