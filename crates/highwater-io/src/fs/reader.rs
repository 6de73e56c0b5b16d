//! The open file, on whatever thread has it.

use std::time::Duration;

use bytes::Bytes;
use highwater_core::{Error, Result};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::input::Input;
use super::read::{Origin, ReadOptions};

/// Sends an error. A consumer that is gone does not want it.
pub(super) fn report(sender: &mpsc::Sender<Read>, error: Error) {
    drop(sender.blocking_send(Err(error)));
}

/// What one read gave: a chunk, the end, or an error.
pub(super) type Read = Result<Option<Bytes>>;

/// An open file and where its chunks go.
pub(super) struct Reader {
    input: Input,
    sender: mpsc::Sender<Read>,
}

impl Reader {
    pub(super) fn open_or_report(
        origin: &Origin,
        options: &ReadOptions,
        sender: mpsc::Sender<Read>,
    ) -> Option<Box<Self>> {
        match Input::open(origin, options) {
            Ok(input) => Some(Box::new(Self { input, sender })),
            Err(error) => {
                let what = format!("cannot open {}", origin.describe());
                report(&sender, error.context(what).in_stage(origin.name()));
                None
            }
        }
    }

    /// Reads until the read-ahead is full, and gives itself back then; nothing when all was read.
    pub(super) fn burst(mut self: Box<Self>, token: TaskTrackerToken) -> Option<Box<Self>> {
        while !self.sender.is_closed() {
            let free = self.sender.capacity();
            if free == 0 {
                drop(token);
                return Some(self);
            }
            // Half of the read-ahead at a time: waking the consumer for each chunk costs more than reading it.
            let reads = self.read_some(free.min(self.sender.max_capacity().div_ceil(2)));
            let last = !matches!(reads.last(), Some(Ok(Some(_))));
            let Ok(permits) = self.sender.try_reserve_many(reads.len()) else { return None };
            permits.zip(reads).for_each(|(permit, read)| permit.send(read));
            if last {
                return None;
            }
        }
        None
    }

    /// Reads up to so many chunks, as long as they come quickly.
    fn read_some(&mut self, most: usize) -> Vec<Read> {
        let start = Instant::now();
        let mut reads = Vec::with_capacity(most);
        loop {
            reads.push(self.input.read());
            let more = matches!(reads.last(), Some(Ok(Some(_)))) && reads.len() < most;
            if !more || start.elapsed() > QUICK {
                return reads;
            }
        }
    }

    /// Reads to the end, waiting for the consumer.
    pub(super) fn pump(mut self) {
        loop {
            let read = self.input.read();
            let last = !matches!(read, Ok(Some(_)));
            if self.sender.blocking_send(read).is_err() || last {
                return;
            }
        }
    }
}

/// A chunk that took longer to read is not held back for the next one.
const QUICK: Duration = Duration::from_micros(200);
