//! What is expected, by plain functions over the whole input.

use crate::{Ending, LongLine};

/// The lines of an input and what is wrong with it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expected {
    pub(super) lines: Vec<ExpectedLine>,
    /// Line and offset of the error.
    pub(super) error: Option<(u64, u64)>,
    pub(super) total: u64,
    pub(super) skipped: u64,
    pub(super) truncated: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExpectedLine {
    pub(super) text: Vec<u8>,
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) ending: Ending,
    pub(super) truncated: bool,
}

impl ExpectedLine {
    /// The line as it stands in the input, as far as it is kept.
    pub(super) fn whole(&self) -> Vec<u8> {
        [&self.text, self.ending.as_bytes()].concat()
    }
}

pub(super) fn split(input: &[u8], max: usize, policy: LongLine) -> Expected {
    let mut expected = Expected::default();
    let mut offset = 0;
    for whole in input.split_inclusive(|&byte| byte == b'\n') {
        let (text, ending) = match whole {
            [text @ .., b'\r', b'\n'] => (text, Ending::CrLf),
            [text @ .., b'\n'] => (text, Ending::Lf),
            text => (text, Ending::None),
        };
        let (number, start) = (expected.total + 1, offset);
        offset += whole.len() as u64;
        let truncated = text.len() > max;
        if truncated && policy == LongLine::Fail {
            expected.error = Some((number, start));
            return expected;
        }
        expected.total += 1;
        if truncated && policy == LongLine::Skip {
            expected.skipped += 1;
            continue;
        }
        expected.truncated += u64::from(truncated);
        let text = text[..text.len().min(max)].to_vec();
        expected.lines.push(ExpectedLine { text, number, offset: start, ending, truncated });
    }
    expected
}

/// All policies.
pub(super) const POLICIES: [LongLine; 3] = [LongLine::Fail, LongLine::Truncate, LongLine::Skip];
