//! The handles of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use highwater_core::task::{self, Task};
use highwater_core::{Buffered, Error, HighWaterMark, Readable, Result, pass_through};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use yamux::Mode;

use super::driver::{Driver, Request};
use super::stream::{FramedStream, WINDOW};
use super::wire::{Fate, leaving};

/// The settings of a [`Session`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SessionConfig {
    max_streams: usize,
    spare_window: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionConfig {
    /// The [defaults](crate::session#limits-and-defaults).
    pub fn new() -> Self {
        Self { max_streams: MAX_STREAMS, spare_window: SPARE_WINDOW }
    }

    /// The most streams at a time, of both sides together; those that wait for [`next`](Session::next) count as well.
    ///
    /// # Panics
    ///
    /// With 0.
    #[track_caller]
    pub fn with_max_streams(mut self, most: usize) -> Self {
        assert!(most > 0, "a session of 0 streams would carry nothing");
        self.max_streams = most;
        self
    }

    /// How many bytes the windows of streams may grow, all together, beyond 256 KiB each. They do so where the peer is
    /// far away and the stream is read faster than its window lets through. With 0 they never grow.
    pub fn with_spare_window(mut self, bytes: usize) -> Self {
        self.spare_window = bytes;
        self
    }

    /// Spawns a task that carries streams over the connection, for the side that has connected.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn client<C>(self, connection: C) -> Session
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.session(connection, Mode::Client)
    }

    /// Spawns a task that carries streams over the connection, for the side that was connected to.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn server<C>(self, connection: C) -> Session
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.session(connection, Mode::Server)
    }

    fn session<C>(self, connection: C, mode: Mode) -> Session
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (fate, refused) = (Fate::default(), Arc::new(AtomicU64::new(0)));
        let (arrivals, arrived) = pass_through(HighWaterMark::items(self.max_streams));
        let (requests, asked) = mpsc::channel(REQUESTS);
        let driver = Driver {
            connection,
            config: self.config(),
            mode,
            max_streams: self.max_streams,
            arrivals,
            asked,
            fate: Arc::clone(&fate),
            refused: Arc::clone(&refused),
        };
        let opener = Opener { requests, fate };
        let running = Running { fate: Arc::clone(&opener.fate), task: task::spawn(driver.run()) };
        Session { opener, arrived, refused, running }
    }

    /// That of yamux, whose own limit of streams comes only after ours.
    fn config(&self) -> yamux::Config {
        let streams = self.max_streams.saturating_add(MAX_RESETS);
        let window = streams.saturating_mul(WINDOW).saturating_add(self.spare_window);
        let mut config = yamux::Config::default();
        // Both are checked against each other, whichever comes first.
        config.set_max_connection_receive_window(None);
        config.set_max_num_streams(streams);
        config.set_max_connection_receive_window(Some(window));
        config
    }
}

/// One end of a connection that carries many streams: made by [`SessionConfig`].
///
/// Dropping it drops the connection: its streams fail on both sides. [`finish`](Self::finish) goes away in peace.
#[derive(Debug)]
pub struct Session {
    opener: Opener,
    arrived: Readable<Buffered<FramedStream>>,
    refused: Arc<AtomicU64>,
    running: Running,
}

impl Session {
    /// The next stream that the peer opens; `None` when it has gone away in peace.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a stream is either given or still waits.
    ///
    /// # Errors
    ///
    /// The connection has failed or ended without a farewell, or the peer does not keep to the protocol.
    pub async fn next(&mut self) -> Option<Result<FramedStream>> {
        self.arrived.next().await
    }

    /// Opens a stream. The peer hears of it at once.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a stream that was opened meanwhile is reset.
    ///
    /// # Errors
    ///
    /// [`is_limit`](Error::is_limit) when there are [as many as may be](SessionConfig::with_max_streams); otherwise why the session
    /// is over.
    pub async fn open(&self) -> Result<FramedStream> {
        self.opener.open().await
    }

    /// A handle that opens streams, too, and does not keep the session.
    pub fn opener(&self) -> Opener {
        self.opener.clone()
    }

    /// How many streams of the peer were reset because they were too many.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Goes away: no stream is opened any more, by either side; when those that are open are through, and what was
    /// written has been sent, says farewell and closes the connection.
    ///
    /// A stream is through when both of its sides are finished or dropped.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the session is dropped with the future.
    ///
    /// # Errors
    ///
    /// The connection fails before that, or the peer does not take what is left within 10 s.
    pub async fn finish(self) -> Result<()> {
        let Self { opener, arrived, mut running, .. } = self;
        drop(arrived);
        // If nobody listens it is over already, and the task says how.
        drop(opener.requests.send(Request::Leave).await);
        (&mut running.task).await?
    }
}

/// The task, which ends with this.
#[derive(Debug)]
struct Running {
    fate: Fate,
    task: Task<Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Before the task ends, so that the streams know why.
        let dropped = Error::aborted().context("the session was dropped").in_stage("session");
        drop(self.fate.set(dropped));
    }
}

/// Opens streams of a [`Session`], from anywhere. When that is over, it only gives errors.
#[derive(Debug, Clone)]
pub struct Opener {
    requests: mpsc::Sender<Request>,
    fate: Fate,
}

impl Opener {
    /// As [`Session::open`].
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a stream that was opened meanwhile is reset.
    ///
    /// # Errors
    ///
    /// Those of [`Session::open`].
    pub async fn open(&self) -> Result<FramedStream> {
        let (reply, opened) = oneshot::channel();
        if self.requests.send(Request::Open(reply)).await.is_ok() {
            if let Ok(opened) = opened.await {
                return opened;
            }
        }
        Err(self.fate.get().cloned().unwrap_or_else(leaving))
    }
}

const MAX_STREAMS: usize = 256;
const SPARE_WINDOW: usize = 16 * 1024 * 1024;

/// Streams beyond the limit whose reset waits to be sent; with more, yamux tells the peer to go away.
const MAX_RESETS: usize = 1024;

/// Callers of `open` that wait in line; more wait for a place in it.
const REQUESTS: usize = 16;
