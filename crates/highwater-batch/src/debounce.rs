//! The last of a burst.

use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform};

use crate::held::Held;

/// Gives the last item of a burst, once it has been quiet for a while: [`Debounce::new`].
///
/// Each item takes the place of the one before it, and has to wait in turn. What still waits at the end of the input, or
/// before an upstream error, is given at once. It holds one item.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_batch::BatchExt;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// // What somebody types: a pause before "wo".
/// let typed = Readable::from_iter(["h", "he", "hel", "wo", "wor"]).then(|text| async move {
///     let pause = if text == "wo" { 500 } else { 50 };
///     tokio::time::sleep(Duration::from_millis(pause)).await;
///     Ok(text)
/// });
/// assert_eq!(typed.debounce(Duration::from_millis(100)).to_vec().await?, ["hel", "wor"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Debounce<T> {
    quiet: Duration,
    max_wait: Duration,
    held: Held<T>,
    /// When the burst that is held ends, however little quiet there is.
    latest: Option<Instant>,
}

impl<T> Debounce<T> {
    /// Gives an item when no other has come for this long.
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, max_wait: Duration::MAX, held: Held::new(), latest: None }
    }

    /// Gives the last item also where it is never quiet: this long after the first of the burst. Without it a burst may
    /// last for ever.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }
}

impl<T> TimedTransform for Debounce<T> {
    type Input = T;
    type Output = T;

    fn write(&mut self, item: T, now: Instant) -> Result<Option<T>> {
        if self.held.is_empty() {
            self.latest = now.checked_add(self.max_wait);
        }
        let quiet = now.checked_add(self.quiet);
        self.held.replace(item, [quiet, self.latest].into_iter().flatten().min());
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<T>> {
        Ok(self.held.read(now))
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.release(now)
    }

    fn release(&mut self, _: Instant) -> Result<()> {
        self.held.release();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "debounce"
    }
}
