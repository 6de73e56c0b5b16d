//! What a child writes, until its exit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::{Error, Result, Source};
use tokio::io::AsyncRead;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{Sleep, sleep};

use super::exit::Exit;
use super::failed::{Failed, Tail};
use crate::io::AsyncSource;

/// The output of a program, and its exit at the end. Dropping it kills the program.
pub struct Output {
    pipe: Pipe<ChildStdout>,
    name: Arc<str>,
    tail: Option<Tail>,
    over: bool,
}

impl Output {
    pub(super) fn new(pipe: Pipe<ChildStdout>, name: Arc<str>, tail: Option<Tail>) -> Self {
        Self { pipe, name, tail, over: false }
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let status = ready!(self.pipe.poll_exit(cx))?;
        if let (Some(tail), false) = (&mut self.tail, status.success()) {
            // What it said before it ended is in the pipe; who else holds the pipe open is not waited for.
            tail.read_on(cx);
        }
        Poll::Ready(if status.success() { Ok(()) } else { Err(self.failed(status)) })
    }

    fn failed(&self, status: ExitStatus) -> Error {
        let said = self.tail.as_ref().map(Tail::text).unwrap_or_default();
        Error::from(Failed::new(status, said))
            .context(format!("{} failed", self.name))
            .in_stage("process::spawn")
    }
}

impl Stream for Output {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(tail) = &mut self.tail {
            tail.read_on(cx);
        }
        if let Some(chunk) = ready!(self.pipe.poll_chunk(cx)) {
            self.over = chunk.is_err();
            return Poll::Ready(Some(chunk));
        }
        let exit = ready!(self.poll_exit(cx));
        self.over = true;
        Poll::Ready(exit.err().map(Err))
    }
}

impl Source for Output {
    type Chunk = Bytes;
}

impl Drop for Output {
    fn drop(&mut self) {
        self.pipe.exit.shared().kill();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("program", &self.name).finish_non_exhaustive()
    }
}

/// The standard error of a program. Like its [`Output`] it ends with the exit, and the grace period.
pub struct Errors(Pipe<ChildStderr>);

impl Errors {
    pub(super) fn new(pipe: Pipe<ChildStderr>) -> Self {
        Self(pipe)
    }
}

impl Stream for Errors {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_chunk(cx)
    }
}

impl Source for Errors {
    type Chunk = Bytes;
}

highwater_core::debug_fields!(Errors);

/// Output that was not waited for: other processes had inherited the pipes of a program and still held them when its grace
/// period ended. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct CutOff(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    is_cut: AtomicBool,
    bytes: AtomicU64,
}

impl CutOff {
    /// Whether a pipe was closed while another process held it.
    pub fn is_cut_off(&self) -> bool {
        self.0.is_cut.load(Relaxed)
    }

    /// Bytes that had arrived by then and were dropped.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.is_cut.store(true, Relaxed);
        self.0.bytes.fetch_add(bytes as u64, Relaxed);
    }
}

/// A pipe from a child. It ends when everybody has closed it or, after the child's exit, with the grace period.
pub(super) struct Pipe<R> {
    /// Until it has ended.
    source: Option<AsyncSource<R>>,
    exit: Exit,
    exited: Option<Exited>,
    cut_off: CutOff,
}

/// The state of a pipe after the exit.
struct Exited {
    /// Bytes that the child itself may still have in the pipe: it is read that far however long the consumer takes.
    own: usize,
    /// Runs once the pipe was empty, or has given as much as the child can have left in it.
    grace: Option<Pin<Box<Sleep>>>,
}

impl Exited {
    fn start_grace(&mut self, grace: Duration) {
        // A timer that fires has let the runtime look at all pipes since the exit: one that is then pending is empty.
        self.grace.get_or_insert_with(|| Box::pin(sleep(grace.max(TURN))));
    }

    /// Whether the grace period is over.
    fn poll_grace(&mut self, cx: &mut Context<'_>) -> bool {
        self.grace.as_mut().is_some_and(|grace| grace.as_mut().poll(cx).is_ready())
    }
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    pub(super) fn new(source: AsyncSource<R>, exit: Exit, cut_off: CutOff) -> Self {
        Self { source: Some(source), exit, exited: None, cut_off }
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Result<ExitStatus>> {
        self.exit.poll_exit(cx).map_err(Error::from)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.exited.is_none() && self.exit.poll_exit(cx).is_ready() {
            self.exited = Some(Exited { own: LARGEST_PIPE, grace: None });
        }
        let chunk = ready!(match self.exited.take() {
            None => self.poll_source(cx),
            Some(mut exited) => {
                let polled = self.poll_after_exit(&mut exited, cx);
                self.exited = Some(exited);
                polled
            }
        });
        if chunk.is_none() {
            self.source = None;
        }
        Poll::Ready(chunk)
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        match &mut self.source {
            Some(source) => Pin::new(source).poll_next(cx),
            None => Poll::Ready(None),
        }
    }

    fn poll_after_exit(
        &mut self,
        exited: &mut Exited,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes>>> {
        // In this order: what arrives between the two is not lost.
        let is_late = exited.poll_grace(cx);
        match self.poll_source(cx) {
            Poll::Ready(Some(Ok(chunk))) if is_late && exited.own == 0 => {
                self.cut(chunk.len(), cx);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(chunk))) => {
                exited.own = exited.own.saturating_sub(chunk.len());
                if exited.own == 0 {
                    exited.start_grace(self.exit.shared().grace());
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            // A pause for the sake of other tasks says nothing of the pipe.
            Poll::Pending if !tokio::task::coop::has_budget_remaining() => Poll::Pending,
            Poll::Pending if is_late => {
                self.cut(0, cx);
                Poll::Ready(None)
            }
            Poll::Pending if exited.grace.is_none() => {
                exited.start_grace(self.exit.shared().grace());
                // It is polled, so that it wakes the task.
                let _: bool = exited.poll_grace(cx);
                Poll::Pending
            }
            polled => polled,
        }
    }

    /// Counts what has arrived, as far as a pipe holds it.
    fn cut(&mut self, mut bytes: usize, cx: &mut Context<'_>) {
        while bytes < LARGEST_PIPE {
            let Poll::Ready(Some(Ok(chunk))) = self.poll_source(cx) else { break };
            bytes += chunk.len();
        }
        self.cut_off.add(bytes);
    }
}

/// The most bytes that a pipe holds on Linux, where it was not changed by root; on other systems it is less.
const LARGEST_PIPE: usize = 1024 * 1024;

/// The shortest time that takes a turn of the runtime.
const TURN: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use highwater_core::stage::StageInfo;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::io::read;
    use crate::process::exit::Shared;

    /// A pipe that seems empty after the exit may not be: the runtime may not have heard of its bytes yet. They come,
    /// although the grace period has passed before the next look.
    #[tokio::test]
    async fn what_the_program_wrote_is_not_cut_off_by_a_reader_that_is_late() {
        let child = tokio::process::Command::new("true").spawn().unwrap();
        let exit = Shared::new(child, Duration::from_millis(10)).exit();
        exit.clone().await.unwrap();
        tokio::time::pause();
        let (mut program, source) = tokio::io::duplex(64);
        let (cut_off, mut pipe) = (CutOff::default(), None);
        let wrap = |source| pipe = Some(Pipe::new(source, exit, cut_off.clone()));
        drop(read(source).stage(StageInfo::new("pipe"), wrap));
        let mut pipe = pipe.expect("the source was wrapped");
        assert!(poll_fn(|cx| Poll::Ready(pipe.poll_chunk(cx))).await.is_pending());
        program.write_all(b"own").await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        let chunk = poll_fn(|cx| pipe.poll_chunk(cx)).await;
        assert_eq!(chunk.expect("it is cut off").unwrap(), "own");
        assert!(poll_fn(|cx| pipe.poll_chunk(cx)).await.is_none());
        assert_eq!((cut_off.is_cut_off(), cut_off.bytes()), (true, 0));
    }
}
