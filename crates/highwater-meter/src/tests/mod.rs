//! Machines without a runtime, speeds with the time passed in, and sources under paused time: nothing here waits.

#[cfg(feature = "indicatif")]
mod bar;
mod conformance;
mod lag;
mod limit;
mod progress;
mod speed;
mod throughput;

use std::time::Duration;

use highwater_core::{BoxReadable, Error, Readable};
use tokio::time::sleep;

/// Milliseconds.
const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The same chunk so many times, one each `every`.
fn steady(chunk: &'static str, times: usize, every: Duration) -> BoxReadable<&'static str> {
    let chunks = Readable::from_iter(std::iter::repeat_n(chunk, times));
    let slow = chunks.then(move |chunk| async move {
        sleep(every).await;
        Ok(chunk)
    });
    slow.boxed()
}

/// Two chunks of four bytes and a failure.
fn failing() -> BoxReadable<&'static str> {
    let items = [Ok("abcd"), Ok("efgh"), Err(Error::msg("unplugged"))];
    Readable::from_results(futures::stream::iter(items)).boxed()
}
