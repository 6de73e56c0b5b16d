//! What panics when it is dropped does not keep a destination from its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::FutureExt;
use highwater_core::{CancellationToken, Destination, Error, Readable, Result};

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
