//! The destination of the lines.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::{Bytes, BytesMut};
use highwater::{Destination, Result};
use highwater_examples::OneLine;
use tokio::time::sleep;

use crate::lines::Batch;
use crate::log::SharedLog;
use crate::stats::Stats;

/// Appends batches to the log. A line is stored when the operating system has it.
///
/// While the disk takes nothing, batches wait here, nobody is told that they are stored, and no more are taken.
pub(crate) struct Store {
    log: SharedLog,
    stats: Arc<Stats>,
    /// Not stored yet.
    batches: Vec<Batch>,
    waiting: usize,
}

impl Store {
    pub(crate) fn new(log: SharedLog, stats: Arc<Stats>) -> Self {
        Self { log, stats, batches: Vec::new(), waiting: 0 }
    }

    /// Stores what waits, however long that takes, and says so.
    async fn store(&mut self) {
        let lines = self.gathered();
        let mut troubled = false;
        let attempt = || self.attempt(&lines);
        let stored = attempt.retry(BACK_OFF).sleep(sleep).notify(|error, _| {
            if !std::mem::replace(&mut troubled, true) {
                crate::text::say(format_args!("{}; trying again", OneLine(error)));
                self.stats.set_troubled(true);
            }
        });
        stored.await.expect("it is tried again until the lines are stored");
        if troubled {
            crate::text::say(format_args!("lines are stored again"));
            self.stats.set_troubled(false);
        }
        self.waiting = 0;
        for batch in self.batches.drain(..) {
            self.stats.stored(&batch);
            batch.peer.store(batch.lines);
        }
    }

    async fn attempt(&self, lines: &Bytes) -> Result<()> {
        let rotations = self.log.append(lines.clone()).await?;
        self.stats.rotated(rotations);
        Ok(())
    }

    /// The text of all batches. A single one is not copied.
    fn gathered(&self) -> Bytes {
        if let [batch] = &self.batches[..] {
            return batch.text.clone();
        }
        let mut text = BytesMut::with_capacity(self.waiting);
        self.batches.iter().for_each(|batch| text.extend_from_slice(&batch.text));
        text.freeze()
    }
}

impl Destination for Store {
    type Chunk = Batch;

    async fn write(&mut self, batch: Batch) -> Result<()> {
        self.waiting += batch.text.len();
        self.batches.push(batch);
        if self.waiting >= GATHER {
            self.store().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if !self.batches.is_empty() {
            self.store().await;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.flush().await
    }

    fn weight(&self, batch: &Batch) -> usize {
        batch.text.len()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(GATHER)
    }

    fn name(&self) -> &'static str {
        "store"
    }
}

/// Bytes that gather before they are written.
const GATHER: usize = 256 * 1024;
/// Pauses before a write that failed is tried again. Jitter makes each of them up to twice as long.
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(1))
    .without_max_times()
    .with_jitter();
