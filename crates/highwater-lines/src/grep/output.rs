//! Puts matching lines together into few chunks.

use std::collections::VecDeque;
use std::fmt::Write;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// What was found and not yet given.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Short runs, copied one behind the other.
    buffer: BytesMut,
    /// The last run of the block in work; it grows while lines follow each other.
    run: Range<usize>,
    /// Given next; at most the buffer and a run.
    ready: VecDeque<Bytes>,
}

impl Output {
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// Adds whole lines of the block in work.
    #[inline]
    pub(super) fn run(&mut self, block: &Bytes, lines: Range<usize>) {
        if self.run.end == lines.start && !self.run.is_empty() {
            self.run.end = lines.end;
        } else {
            self.settle(block);
            self.run = lines;
        }
    }

    /// Adds one line with its number in front. It is copied, so that the two stay together.
    pub(super) fn numbered(&mut self, line: &[u8], number: u64) {
        self.make_room(line.len() + LONGEST_NUMBER);
        self.print(format_args!("{number}:"));
        self.buffer.extend_from_slice(line);
    }

    /// Adds a line that has only a number.
    pub(super) fn line(&mut self, number: u64) {
        self.print(format_args!("{number}\n"));
        self.flush();
    }

    /// Closes the run: nothing follows it directly, or the block in work is over.
    pub(super) fn settle(&mut self, block: &Bytes) {
        let run = std::mem::take(&mut self.run);
        if run.len() >= SLICED {
            self.flush();
            self.ready.push_back(block.slice(run));
        } else if !run.is_empty() {
            self.make_room(run.len());
            self.buffer.extend_from_slice(&block[run]);
        }
    }

    /// Makes ready what was copied.
    pub(super) fn flush(&mut self) {
        if !self.buffer.is_empty() {
            self.ready.push_back(self.buffer.split().freeze());
        }
    }

    /// Makes room for so many bytes; what is in the buffer goes before it gets too much.
    fn make_room(&mut self, bytes: usize) {
        if self.buffer.len() + bytes > FILLED {
            self.flush();
        }
        if self.buffer.capacity() - self.buffer.len() < bytes {
            self.buffer.reserve(bytes.max(GROWTH));
        }
    }

    fn print(&mut self, text: std::fmt::Arguments<'_>) {
        if write!(self.buffer, "{text}").is_err() {
            unreachable!("a buffer that grows takes every text");
        }
    }
}

/// Runs of this length or more, in bytes, are given as slices; to copy a shorter one costs less than to hand it on.
const SLICED: usize = 4096;

/// The most that is copied into one output, in bytes.
///
/// A destination that gathers keeps chunks as they are and copies small ones: files, those below 16 KiB. It holds 2 MiB of
/// larger ones, and their unused room, but only 512 KiB of these.
pub(super) const FILLED: usize = 16 * 1024 - 1;

/// How much a number and its colon take at the most, in bytes.
const LONGEST_NUMBER: usize = 21;

/// By how much the buffer grows at the least, in bytes.
const GROWTH: usize = 16 * 1024;
