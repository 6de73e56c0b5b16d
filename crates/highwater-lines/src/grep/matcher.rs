//! Finds the next line that matches in a block of whole lines.

use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

use crate::newlines::line_around;

#[cfg(feature = "regex")]
use super::expression::Expression;

/// How lines are found.
///
/// A text is searched for in the block as it is: no newline is in it, so that where it is found it is in one line.
#[derive(Clone)]
pub(super) enum Matcher {
    Nothing,
    Everything,
    Text(Box<Finder<'static>>),
    Texts(AhoCorasick),
    #[cfg(feature = "regex")]
    Expression(Expression),
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

    /// The next matching line, or matching lines, with newlines. `block` ends with a newline; at `from` a line starts.
    #[inline]
    pub(super) fn find(&mut self, block: &[u8], from: usize) -> Option<Range<usize>> {
        let at = match self {
            Self::Nothing => return None,
            Self::Everything => return Some(from..block.len()),
            Self::Text(finder) => finder.find(&block[from..])?,
            Self::Texts(finder) => finder.find(&block[from..])?.start(),
            #[cfg(feature = "regex")]
            Self::Expression(expression) => return expression.find(block, from),
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
            Self::Texts(finder) => f.debug_tuple("Texts").field(&finder.patterns_len()).finish(),
            #[cfg(feature = "regex")]
            Self::Expression(expression) => expression.fmt(f),
        }
    }
}

/// One search for many texts.
fn any_of(texts: &[Vec<u8>]) -> AhoCorasick {
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostFirst);
    builder.build(texts).expect("the texts in memory are fewer than an automaton can have")
}
