//! Calls that block, away from the runtime's threads.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};

use highwater_core::{Error, Result};
use tokio::sync::oneshot;

/// The result of a blocking call. If its job vanished, because the runtime shuts down, it is a premature close.
#[derive(Debug)]
pub(super) struct Job<T>(oneshot::Receiver<T>);

impl<T> Future for Job<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| Error::premature_close())
    }
}

/// A call for the thread of a target.
type Call = Box<dyn FnOnce() + Send>;

/// Where the calls on a target run.
#[derive(Debug, Clone)]
pub(super) enum Executor {
    /// On the blocking pool: the file is regular, and every call ends.
    Pool,
    /// On a thread of its own, which ends with its last handle: a call may wait for another process for ever, and nothing
    /// waits for this thread, neither an abort nor the end of the runtime or of the program.
    Thread(mpsc::Sender<Call>),
}

impl Executor {
    /// Starts a thread.
    pub(super) fn thread(name: &str) -> io::Result<Self> {
        let (sender, calls) = mpsc::channel::<Call>();
        let run = move || calls.into_iter().for_each(|call| call());
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self::Thread(sender))
    }

    /// Runs `call`. If nobody waits for its result any more, `unwanted` takes it, on the same thread.
    pub(super) fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
        unwanted: impl FnOnce(T) + Send + 'static,
    ) -> Job<T> {
        let (sender, result) = oneshot::channel();
        let call = move || sender.send(call()).unwrap_or_else(unwanted);
        match self {
            Self::Pool => drop(tokio::task::spawn_blocking(call)),
            // A thread that is gone drops the call, and the job says so.
            Self::Thread(thread) => drop(thread.send(Box::new(call))),
        }
        Job(result)
    }

    pub(super) fn may_wait_for_ever(&self) -> bool {
        matches!(self, Self::Thread(_))
    }
}
