//! The news that an item has failed, before its result is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Raised by the first item that ends the stream, so that no item is started behind it while those before it still run.
#[derive(Clone, Default)]
pub(crate) struct Alarm(Arc<AtomicBool>);

impl Alarm {
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Raises it when dropped, also by a panic.
    pub(crate) fn arm(self) -> Armed {
        Armed(Some(self))
    }
}

/// An [`Alarm`] that is about to be raised.
pub(crate) struct Armed(Option<Alarm>);

impl Armed {
    pub(crate) fn defuse(mut self) {
        self.0 = None;
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(alarm) = &self.0 {
            alarm.0.store(true, Relaxed);
        }
    }
}
