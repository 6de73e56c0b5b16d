//! Locks, flags and tasks: those of the standard library and of Tokio, or those of the model checker that runs them. For
//! the crates of this workspace only.

use tokio_util::task::TaskTracker;

#[cfg(not(any(hw_loom, hw_shuttle)))]
pub use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_loom)]
pub use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_shuttle)]
pub use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_shuttle)]
pub(crate) use shuttle::future::{JoinError, JoinHandle};
#[cfg(not(hw_shuttle))]
pub(crate) use tokio::task::{JoinError, JoinHandle};

/// Runs `work` on a thread of its own, tracked in `jobs`.
#[cfg(not(hw_shuttle))]
#[track_caller]
pub(crate) fn run_blocking(jobs: &TaskTracker, work: impl FnOnce() + Send + 'static) {
    drop(jobs.spawn_blocking(work));
}

#[cfg(hw_shuttle)]
pub(crate) fn run_blocking(jobs: &TaskTracker, work: impl FnOnce() + Send + 'static) {
    let token = jobs.token();
    drop(shuttle::thread::spawn(move || {
        work();
        drop(token);
    }));
}
