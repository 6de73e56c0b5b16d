//! What panics when it is dropped does not keep a destination from its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::FutureExt;
use highwater_core::stage::dropped_for;
use highwater_core::{
    CancellationToken, Destination, Error, HighWaterMark, Readable, Result, Writable, pass_through,
};

use crate::support::poll_once;

/// A chunk whose `Drop` panics, unless the thread panics already.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

/// Holds each chunk in the future of its write, which never ends.
struct Holds {
    aborts: Arc<AtomicUsize>,
    panics_on_drop: bool,
}

impl Destination for Holds {
    type Chunk = Bomb;

    async fn write(&mut self, chunk: Bomb) -> Result<()> {
        std::future::pending::<()>().await;
        drop(chunk);
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.aborts.fetch_add(1, SeqCst);
        Ok(())
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        if self.panics_on_drop {
            panic!("the destination was dropped");
        }
    }
}

fn aborted(panics_on_drop: bool) -> (Error, usize) {
    let (token, aborts) = (CancellationToken::new(), Arc::<AtomicUsize>::default());
    let to = Holds { aborts: Arc::clone(&aborts), panics_on_drop };
    let pipeline = Readable::from_iter([Bomb]).pipe_to(to).abort_on(token.clone());
    let mut running = Box::pin(pipeline.run());
    assert!(poll_once(running.as_mut()).is_pending());
    token.cancel();
    let error = running.now_or_never().expect("it is closed").unwrap_err();
    (error, aborts.load(SeqCst))
}

/// I36, I47: a chunk that panics when an abort drops it is an error, and the destination is aborted all the same.
/// Shows F16.
#[test]
fn a_chunk_that_panics_when_dropped_does_not_hinder_the_abort() {
    let (error, aborts) = aborted(false);
    assert_eq!(aborts, 1);
    assert!(error.is_panic() && error.suppressed()[0].is_aborted(), "{error:?}");
}

/// I36: so is a destination that panics when it is dropped at last.
#[test]
fn a_destination_that_panics_when_dropped_is_an_error() {
    let (error, aborts) = aborted(true);
    assert_eq!(aborts, 1);
    assert_eq!(error.suppressed().len(), 2, "{error:?}");
}

/// I36, I45: nor does it keep the task of a writable from aborting its destination, also while that stands still.
#[tokio::test]
async fn a_chunk_that_panics_when_dropped_does_not_hinder_a_destroy() {
    let aborts = Arc::<AtomicUsize>::default();
    let to = Holds { aborts: Arc::clone(&aborts), panics_on_drop: false };
    let writable = Writable::new(to, HighWaterMark::items(4));
    assert!(writable.write(Bomb).is_ok());
    tokio::task::yield_now().await;
    assert!(writable.write(Bomb).is_ok());
    let destroy = AssertUnwindSafe(|| writable.destroy(Error::msg("enough")));
    assert!(std::panic::catch_unwind(destroy).is_err());
    tokio::task::yield_now().await;
    writable.finished().now_or_never().expect("it is closed").unwrap_err();
    assert_eq!(aborts.load(SeqCst), 1);
}

/// I36: nor the writers of another buffer, which is dropped with that of the chunk, from learning of it.
#[test]
fn a_chunk_that_panics_when_dropped_leaves_no_other_writer_waiting() {
    let ((bombs, one), (numbers, other)) =
        (pass_through(HighWaterMark::items(1)), pass_through(HighWaterMark::items(1)));
    assert!(bombs.try_write(Bomb).is_ok() && numbers.try_write(1).is_ok());
    let mut waits = Box::pin(numbers.send(2));
    assert!(poll_once(waits.as_mut()).is_pending());
    let drops = AssertUnwindSafe(|| dropped_for(&Error::msg("enough"), || drop((one, other))));
    assert!(std::panic::catch_unwind(drops).is_err());
    let refused = waits.now_or_never().expect("it is told").unwrap_err();
    assert_eq!(refused.error().to_string(), "enough");
}
