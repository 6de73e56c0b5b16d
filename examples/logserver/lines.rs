//! Lines as they are stored.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use highwater::{Result, Transform};

use crate::intake::Received;
use crate::peer::Peer;
use crate::record::{Level, Record};
use crate::text::{Escaped, Utc};

/// Lines of one connection, ready to be stored.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) peer: Arc<Peer>,
    pub(crate) text: Bytes,
    /// As many as were taken from the connection.
    pub(crate) lines: u64,
    pub(crate) counts: Counts,
    /// What the last line with an error says, as it may be shown.
    pub(crate) error: Option<String>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines, by the index of their level.
    pub(crate) levels: [u64; Level::ALL.len()],
    /// Bytes of these lines as they came, without their endings.
    pub(crate) bytes: u64,
}

impl Counts {
    pub(crate) fn lines(&self) -> u64 {
        self.levels.iter().sum()
    }

    pub(crate) fn of(&self, level: Level) -> u64 {
        self.levels[level.index()]
    }

    pub(crate) fn add(&mut self, more: &Self) {
        for (sum, more) in self.levels.iter_mut().zip(more.levels) {
            *sum += more;
        }
        self.bytes += more.bytes;
    }
}

impl Batch {
    /// Reads the lines, and puts time, source and level before each, with tabs between them. The line is as it came.
    pub(crate) fn of(received: Received, now: SystemTime) -> Self {
        let Received { peer, blocks, lines: taken } = received;
        let head = format!("{}\t{}\t", Utc(now), peer.address);
        let mut text = Vec::with_capacity(2 * blocks.iter().map(Bytes::len).sum::<usize>());
        let (mut counts, mut error) = (Counts::default(), None);
        for line in blocks.iter().flat_map(|block| lines(block)) {
            let record = Record::parse(line);
            counts.levels[record.level.index()] += 1;
            counts.bytes += line.len() as u64;
            let parts = [head.as_bytes(), record.level.name().as_bytes(), b"\t", line, b"\n"];
            parts.iter().for_each(|part| text.extend_from_slice(part));
            if record.level == Level::Error {
                error = Some(record.message);
            }
        }
        let error = error.map(|message| Escaped(&message).to_string());
        Self { peer, text: Bytes::from(text), lines: taken, counts, error }
    }
}

/// Makes batches of what comes.
pub(crate) struct Parse;

impl Transform for Parse {
    type Input = Received;
    type Output = Batch;

    fn write(&mut self, received: Received) -> Result<Option<Batch>> {
        Ok(Some(Batch::of(received, SystemTime::now())))
    }

    fn name(&self) -> &'static str {
        "parse"
    }
}

/// The lines of a block, without their endings.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(blocks: &[&'static [u8]]) -> Batch {
        let peer = Peer::new(([10, 0, 0, 1], 5140).into());
        let blocks = blocks.iter().map(|block| Bytes::from_static(block)).collect();
        Batch::of(Received { peer, blocks, lines: 4 }, SystemTime::UNIX_EPOCH)
    }

    /// F84: the line behind the third tab is the line that came, whatever was in it.
    #[test]
    fn lines_are_stored_as_they_came() {
        let batch = batch(&[b"[1] ERROR: a\x1b[31m\tb\r\n\n{\xff\n", b"no newline"]);
        let expected = b"1970-01-01T00:00:00.000Z\t10.0.0.1:5140\tERROR\t[1] ERROR: a\x1b[31m\tb\n\
            1970-01-01T00:00:00.000Z\t10.0.0.1:5140\tUNPARSED\t\n\
            1970-01-01T00:00:00.000Z\t10.0.0.1:5140\tUNPARSED\t{\xff\n\
            1970-01-01T00:00:00.000Z\t10.0.0.1:5140\tUNPARSED\tno newline\n";
        assert_eq!(batch.text, &expected[..]);
        assert_eq!(batch.counts.levels, [0, 0, 0, 0, 1, 3]);
        assert_eq!((batch.counts.lines(), batch.counts.bytes), (4, 31));
        assert_eq!(batch.error.as_deref(), Some(r"a\u{1b}[31m\u{9}b"));
    }
}
