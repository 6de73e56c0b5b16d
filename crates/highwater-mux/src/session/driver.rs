//! The task of a session.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join};
use highwater_core::{Error, Result, Writable};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use yamux::{Config, Connection, ConnectionError, Mode};

use super::discard::Discards;
use super::stream::{FramedStream, Unread, open};
use super::wire::{Fate, Wire, leaving};

/// What the handles ask for.
#[derive(Debug)]
pub(super) enum Request {
    Open(oneshot::Sender<Result<FramedStream>>),
    Leave,
}

/// What the task is started with.
pub(super) struct Driver<C> {
    pub(super) connection: C,
    pub(super) config: Config,
    pub(super) mode: Mode,
    pub(super) max_streams: usize,
    pub(super) arrivals: Writable<FramedStream>,
    pub(super) asked: mpsc::Receiver<Request>,
    pub(super) fate: Fate,
    pub(super) refused: Arc<AtomicU64>,
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> Driver<C> {
    /// Carries streams until one of the sides goes away, or the connection fails.
    pub(super) async fn run(self) -> Result<()> {
        let Self { connection, config, mode, max_streams, arrivals, asked, fate, refused } = self;
        let wire = Wire::new(connection, Arc::clone(&fate));
        let unread = Arc::<Unread>::default();
        let mut at_work = AtWork {
            connection: Connection::new(wire.clone(), config, mode),
            phase: Phase::Serving,
            opening: None,
            seats: TaskTracker::new(),
            discards: Discards::new(Arc::clone(&unread)),
            unread,
            max_streams,
            arrivals,
            asked,
            fate,
            refused,
        };
        let result = match poll_fn(|cx| at_work.poll(cx)).await {
            Ok(()) => at_work.close(&wire).await,
            Err(error) => Err(error),
        };
        at_work.tell(&result);
        result
    }
}

struct AtWork<C> {
    connection: Connection<Wire<C>>,
    phase: Phase,
    /// One who waits for a stream.
    opening: Option<oneshot::Sender<Result<FramedStream>>>,
    /// One for each stream.
    seats: TaskTracker,
    /// Given to each stream, for the day its readable is dropped.
    unread: Arc<Unread>,
    discards: Discards,
    max_streams: usize,
    arrivals: Writable<FramedStream>,
    asked: mpsc::Receiver<Request>,
    fate: Fate,
    refused: Arc<AtomicU64>,
}

/// ```text
///   Serving --asked to leave--> Leaving --all streams are through--> (closing)
/// ```
enum Phase {
    Serving,
    /// Until all streams are through.
    Leaving(BoxFuture<'static, ()>),
}

impl<C: AsyncRead + AsyncWrite + Unpin> AtWork<C> {
    /// Ready when it is time to close.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            match self.connection.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => {
                    self.admit(stream, cx);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.failed(error))),
                // It is gone, and has said so unless the wire knows better.
                Poll::Ready(None) => {
                    return Poll::Ready(self.fate.get().cloned().map_or(Ok(()), Err));
                }
                Poll::Pending => {}
            }
            self.discards.poll(cx);
            if self.poll_asked(cx).is_ready() {
                continue;
            }
            return match &mut self.phase {
                Phase::Leaving(through) => through.poll_unpin(cx).map(Ok),
                Phase::Serving => Poll::Pending,
            };
        }
    }

    /// Gives a stream of the peer to whoever waits for one, or resets it by dropping it.
    fn admit(&mut self, stream: yamux::Stream, cx: &mut Context<'_>) {
        if self.seats.len() < self.max_streams && matches!(self.phase, Phase::Serving) {
            let stream = self.open(stream, cx);
            if self.arrivals.try_write(stream).is_ok() {
                return;
            }
        }
        self.refused.fetch_add(1, Relaxed);
    }

    /// Ready when something was done that was asked for.
    fn poll_asked(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.opening.is_none() {
            match ready!(self.asked.poll_recv(cx)) {
                Some(Request::Open(reply)) => self.opening = Some(reply),
                Some(Request::Leave) => self.leave(),
                // The handles are gone, and the task with them.
                None => return Poll::Pending,
            }
        }
        let Some(reply) = &mut self.opening else { return Poll::Ready(()) };
        if reply.poll_closed(cx).is_pending() {
            let opened = ready!(self.poll_open(cx));
            // Without a receiver the stream is dropped, and so reset.
            if let Some(reply) = self.opening.take() {
                drop(reply.send(opened));
            }
        }
        self.opening = None;
        Poll::Ready(())
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<FramedStream>> {
        if matches!(self.phase, Phase::Leaving(_)) {
            return Poll::Ready(Err(leaving()));
        }
        if self.seats.len() >= self.max_streams {
            let most = self.max_streams;
            let full = Error::limit(format!("the session has its {most} streams already"));
            return Poll::Ready(Err(full.in_stage("session")));
        }
        let opened = ready!(self.connection.poll_new_outbound(cx));
        Poll::Ready(match opened {
            Ok(stream) => Ok(self.open(stream, cx)),
            Err(error) => Err(self.failed(error)),
        })
    }

    fn open(&self, stream: yamux::Stream, cx: &mut Context<'_>) -> FramedStream {
        open(stream, Arc::clone(&self.fate), self.seats.token(), Arc::clone(&self.unread), cx)
    }

    /// Nothing is opened any more.
    fn leave(&mut self) {
        self.asked.close();
        self.seats.close();
        let seats = self.seats.clone();
        self.phase = Phase::Leaving(async move { seats.wait().await }.boxed());
    }

    /// Sends what is left, says farewell, and waits until the peer has closed, too.
    ///
    /// What comes meanwhile is read, and is nobody's: a peer that cannot write may not read, and what is closed with
    /// something unread may take back what is on its way.
    async fn close(&mut self, wire: &Wire<C>) -> Result<()> {
        let farewell = async {
            poll_fn(|cx| self.connection.poll_close(cx)).await?;
            // The peer may be gone by now; all that matters was sent.
            drop(poll_fn(|cx| wire.poll_shutdown(cx)).await);
            Ok(())
        };
        let rest = async {
            drop(poll_fn(|cx| wire.poll_discard(cx)).await);
            Ok(())
        };
        match timeout(CLOSING, try_join(farewell, rest)).await {
            Ok(closed) => closed.map(drop).map_err(|error| self.failed(error)),
            Err(_) => {
                let late = format!("the peer has not closed within {CLOSING:?}");
                Err(Error::timeout(late).in_stage("session"))
            }
        }
    }

    /// Tells the reason to the handles and the streams.
    fn tell(&self, result: &Result<()>) {
        let gone = || Error::premature_close().context("the session is over").in_stage("session");
        drop(self.fate.set(result.clone().err().unwrap_or_else(gone)));
        match result {
            Ok(()) => self.arrivals.end(),
            Err(error) => self.arrivals.fail(error.clone()),
        }
    }

    /// What the wire says is nearer to the truth than what yamux makes of it.
    #[cold]
    fn failed(&self, error: ConnectionError) -> Error {
        if let Some(error) = self.fate.get() {
            return error.clone();
        }
        let error = match error {
            ConnectionError::Io(error) => Error::from(error),
            ConnectionError::Closed => Error::premature_close(),
            ConnectionError::NoMoreStreamIds => Error::limit("no number for a stream is left"),
            error => Error::corrupt(format!("the peer does not keep to the protocol: {error}")),
        };
        error.in_stage("session")
    }
}

/// How long the end of a session may take once all streams are through.
const CLOSING: Duration = Duration::from_secs(10);
