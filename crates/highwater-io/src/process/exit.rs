//! The exit of a child, which several handles wait for.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use highwater_core::Result;
use tokio::process::Child;

/// A child, its grace period, and who waits for its exit.
pub(super) struct Shared {
    child: Mutex<Child>,
    grace: Mutex<Duration>,
    waiting: Arc<Waiting>,
    handles: AtomicU64,
}

impl Shared {
    pub(super) fn new(child: Child, grace: Duration) -> Arc<Self> {
        Arc::new(Self {
            child: Mutex::new(child),
            grace: Mutex::new(grace),
            waiting: Arc::default(),
            handles: AtomicU64::new(0),
        })
    }

    pub(super) fn exit(self: &Arc<Self>) -> Exit {
        Exit { id: self.handles.fetch_add(1, Relaxed), shared: Arc::clone(self) }
    }

    pub(super) fn grace(&self) -> Duration {
        *lock(&self.grace)
    }

    pub(super) fn set_grace(&self, grace: Duration) {
        *lock(&self.grace) = grace;
    }

    pub(super) fn kill(&self) {
        // A child that cannot be killed has exited.
        drop(lock(&self.child).start_kill());
    }
}

/// The exit of a program, whether or not its output has ended: Node's `'exit'` beside `'close'`. Made by
/// [`Process::exit`](super::Process::exit); a future that can be cloned.
///
/// It gives the status, also one other than 0. It neither keeps the program running nor reads its output: a program whose
/// output nobody reads waits once its pipe is full, and does not exit.
///
/// # Cancel safety
///
/// Is cancel safe: the exit is kept for the other handles, and for the next one.
///
/// # Errors
///
/// The system does not tell the status.
pub struct Exit {
    /// Its key among those that wait.
    id: u64,
    shared: Arc<Shared>,
}

impl Exit {
    /// The waker of tokio's child is shared by all handles, as the child has room for one.
    pub(super) fn poll_exit(&self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let waiting = &self.shared.waiting;
        lock(&waiting.wakers).insert(self.id, cx.waker().clone());
        let waker = Waker::from(Arc::clone(waiting));
        let mut child = lock(&self.shared.child);
        // What the child needs to wake is in the child, not in this future.
        pin!(child.wait()).poll(&mut Context::from_waker(&waker))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Future for Exit {
    type Output = Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_exit(cx)
            .map_err(|error| highwater_core::Error::from(error).in_stage("process::exit"))
    }
}

impl Clone for Exit {
    fn clone(&self) -> Self {
        self.shared.exit()
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        lock(&self.shared.waiting.wakers).remove(&self.id);
    }
}

highwater_core::debug_fields!(Exit);

/// Passes one wake-up on to all that wait.
#[derive(Default)]
struct Waiting {
    wakers: Mutex<HashMap<u64, Waker>>,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *lock(&self.wakers));
        wakers.into_values().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
