//! A token that is looked at before each chunk.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The flag that a token sets when it is cancelled: reading it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    task: AtomicWaker,
}

impl Signal {
    /// Whether the token was cancelled.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Relaxed)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raised.store(true, SeqCst);
        self.task.wake();
    }
}

/// Waits for a token with its [`Signal`] as the waker, so that a cancel is seen inside of a poll as well.
pub(crate) struct Cancelled {
    signal: Arc<Signal>,
    /// The token, until it is listened to; then the future that keeps the signal registered with it.
    token: Option<CancellationToken>,
    listening: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Cancelled {
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self { signal: Arc::default(), token: Some(token), listening: None }
    }

    pub(crate) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Whether the token was cancelled; if it was not, the task is woken when it is.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        self.signal.task.register(cx.waker());
        self.is_raised()
    }

    /// Whether the token was cancelled.
    #[inline]
    pub(crate) fn is_raised(&mut self) -> bool {
        if let Some(token) = self.token.take() {
            self.listen(token);
        }
        self.signal.is_raised()
    }

    #[cold]
    fn listen(&mut self, token: CancellationToken) {
        let mut cancelled = Box::pin(token.cancelled_owned());
        let waker = Waker::from(Arc::clone(&self.signal));
        if cancelled.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.signal.raised.store(true, SeqCst);
        }
        self.listening = Some(cancelled);
    }
}

debug_fields!(Cancelled, signal);
