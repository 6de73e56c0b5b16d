//! The one place that looks at the clock.

use std::time::{Duration, Instant};

/// Does `work` and says how long it took.
#[expect(clippy::disallowed_methods, reason = "wall time is what is measured here")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}
