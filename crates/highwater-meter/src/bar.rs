//! Progress bars of indicatif.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::{ProgressHandle, Snapshot};

impl ProgressHandle {
    /// Draws a bar, ten times a second, until the stream is over. It is run beside the pipeline: in `tokio::join!`, or on a
    /// task of its own.
    ///
    /// The position and the length are those of the stream; the length is set as soon as the total is known. When the
    /// stream has ended, the bar finishes as it was told to ([`ProgressBar::with_finish`]); when it was cut short, the bar
    /// stays as it is.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: the bar stays as it is.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with a clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_meter::{MeterExt, Progress};
    /// use indicatif::{ProgressBar, ProgressFinish};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let progress = Progress::bytes().with_total(6);
    /// let bar = ProgressBar::hidden().with_finish(ProgressFinish::AndLeave);
    /// let drawn = progress.handle().draw(bar.clone());
    /// let source = Readable::from_iter(["abc", "def"].map(Bytes::from)).progress(progress);
    /// let (read, ()) = tokio::join!(source.count(), drawn);
    /// assert_eq!((read?, bar.position(), bar.length()), (2, 6, Some(6)));
    /// assert!(bar.is_finished());
    /// # Ok(()) }
    /// ```
    pub async fn draw(self, bar: ProgressBar) {
        let mut updates = self.updates(FRAME);
        while let Some(Ok(update)) = updates.next().await {
            show(&bar, &update);
        }
    }
}

fn show(bar: &ProgressBar, update: &Snapshot) {
    if let Some(total) = update.total() {
        bar.set_length(total);
    }
    bar.set_position(update.done());
    if update.is_complete() {
        bar.finish_using_style();
    } else if update.is_over() {
        bar.abandon();
    } else {
        // So that a speed falls and a spinner turns while nothing passes.
        bar.tick();
    }
}

/// Between two drawings.
const FRAME: Duration = Duration::from_millis(100);
