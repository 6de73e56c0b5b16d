//! Two streams of bytes, tied together in both directions.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use highwater_core::stage::Pace;
use highwater_core::task::after;
use highwater_core::{Error, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use crate::pool::{Buffer, Pool};

/// Copies what `a` gives to `b`, and what `b` gives to `a`, until both have ended: a proxy between two sockets.
///
/// The end of one direction is passed on as a shutdown, and the other goes on. What was read before an error, in either
/// direction, is written and flushed before the error is given, unless that takes nothing for as long as
/// [`with_linger`](CopyDuplex::with_linger) allows. A direction that has nothing to read flushes, and holds no buffer; one that is
/// busy takes up to 256 KiB.
///
/// # Examples
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let ((mut client, a), (b, mut server)) = (duplex(64), duplex(64));
/// let mut proxy = highwater_io::io::copy_duplex(a, b);
/// let talk = async {
///     client.write_all(b"ping").await?;
///     client.shutdown().await?;
///     let mut request = String::new();
///     server.read_to_string(&mut request).await?;
///     server.write_all(b"pong!").await?;
///     drop(server);
///     Ok(request)
/// };
/// let (copied, request) = tokio::try_join!(proxy.run(), talk)?;
/// assert_eq!((copied.a_to_b, copied.b_to_a, request.as_str()), (4, 5, "ping"));
/// # Ok(()) }
/// ```
pub fn copy_duplex<A, B>(a: A, b: B) -> CopyDuplex<A, B> {
    CopyDuplex {
        a,
        b,
        a_to_b: Direction::default(),
        b_to_a: Direction::default(),
        back_first: true,
        idle: None,
        linger: LINGER,
        timer: None,
        failure: None,
    }
}

/// The copy made by [`copy_duplex`].
#[must_use = "nothing is copied before `run`"]
pub struct CopyDuplex<A, B> {
    a: A,
    b: B,
    a_to_b: Direction,
    b_to_a: Direction,
    /// Which direction was polled first the last time.
    back_first: bool,
    idle: Option<Duration>,
    linger: Duration,
    /// With the bytes that had been moved when it was set.
    timer: Option<(Pin<Box<Sleep>>, u64)>,
    /// Why a direction stopped: it never turns into an end.
    failure: Option<Error>,
}

/// Bytes that have been written in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Copied {
    /// From the first stream to the second.
    pub a_to_b: u64,
    /// From the second stream to the first.
    pub b_to_a: u64,
}

impl<A, B> CopyDuplex<A, B> {
    /// Fails when nothing has moved in either direction for so long. Not limited unless set.
    pub fn with_idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = Some(limit);
        self
    }

    /// How long the other direction may be silent after one has ended or failed: a peer that is gone often shows only as
    /// an end.
    /// 30 s unless set; a direction in which something moves is never cut.
    pub fn with_linger(mut self, limit: Duration) -> Self {
        self.linger = limit;
        self
    }

    /// What has been written so far; also while it runs, after an error, and after a `run` that was dropped.
    pub fn copied(&self) -> Copied {
        Copied { a_to_b: self.a_to_b.written, b_to_a: self.b_to_a.written }
    }

    /// The two streams. What was read and not written is lost.
    pub fn into_inner(self) -> (A, B) {
        (self.a, self.b)
    }
}

impl<A, B> CopyDuplex<A, B>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    /// Copies until both directions have ended.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: everything is kept in the copy, and the next `run` goes on with the next byte.
    ///
    /// # Errors
    ///
    /// That of a stream, with the direction and the offset, and the same from every later `run`;
    /// [`is_timeout`](Error::is_timeout) when nothing moves. [`copied`](Self::copied) has both counts.
    pub async fn run(&mut self) -> Result<Copied> {
        poll_fn(|cx| self.poll_run(cx)).await?;
        Ok(self.copied())
    }

    /// Ready when both directions have ended: with the error of one that failed, once the other has written what it had
    /// read or its peer does not take it.
    fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let polled = self.poll_directions(cx);
            let ended = polled.iter().filter(|direction| direction.is_ready()).count();
            let mut failed = false;
            for error in polled.into_iter().filter_map(error_of) {
                self.fail(error);
                failed = true;
            }
            if ended == 2 {
                return Poll::Ready(self.failure.clone().map_or(Ok(()), Err));
            }
            // After a failure the other direction has something else to do.
            if !failed {
                let silence = ready!(self.poll_silence(ended == 1, cx));
                self.fail(silence);
            }
        }
    }

    fn poll_directions(&mut self, cx: &mut Context<'_>) -> [Poll<Result<()>>; 2] {
        // The first one may use up the time of this poll.
        self.back_first = !self.back_first;
        if self.back_first {
            let back = self.poll_back(cx);
            return [self.poll_there(cx), back];
        }
        [self.poll_there(cx), self.poll_back(cx)]
    }

    fn poll_there(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { a, b, a_to_b, .. } = self;
        let polled = a_to_b.poll_copy(a, b, cx);
        a_to_b.pace.note(polled).map_err(|error| a_to_b.failed(error, "from a to b"))
    }

    fn poll_back(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { a, b, b_to_a, .. } = self;
        let polled = b_to_a.poll_copy(b, a, cx);
        b_to_a.pace.note(polled).map_err(|error| b_to_a.failed(error, "from b to a"))
    }

    /// Nothing more is read. The first error stays.
    fn fail(&mut self, error: Error) {
        self.a_to_b.stop_reading();
        self.b_to_a.stop_reading();
        self.failure = Some(match self.failure.take() {
            Some(first) => first.suppress(error),
            None => error,
        });
    }

    /// Ready, with an error, when nothing has moved for too long. Then nothing more is written either.
    fn poll_silence(&mut self, half_closed: bool, cx: &mut Context<'_>) -> Poll<Error> {
        let limit = match self.idle {
            Some(idle) if half_closed => idle.min(self.linger),
            None if half_closed => self.linger,
            Some(idle) => idle,
            None => return Poll::Pending,
        };
        // A change of the limit counts as a move: the time starts anew.
        let moved = self.a_to_b.moved + self.b_to_a.moved + u64::from(half_closed);
        let (timer, at) = self.timer.get_or_insert_with(|| (sleep(limit), moved));
        if *at != moved {
            *at = moved;
            timer.as_mut().reset(after(limit));
        }
        ready!(timer.as_mut().poll(cx));
        self.a_to_b.stop();
        self.b_to_a.stop();
        let what = if half_closed { "silent after the other direction ended" } else { "silent" };
        Poll::Ready(Error::timeout(format!("{what} for {limit:?}")).in_stage("io::copy_duplex"))
    }
}

fn error_of(polled: Poll<Result<()>>) -> Option<Error> {
    match polled {
        Poll::Ready(Err(error)) => Some(error),
        _ => None,
    }
}

impl<A, B> fmt::Debug for CopyDuplex<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyDuplex").field("copied", &self.copied()).finish_non_exhaustive()
    }
}

/// One of the two directions.
///
/// ```text
///   Reading --end of the reader--> Draining --all is written--> Closing --shut down--> Done
///      └---an error on any side--> CutOff ----all is written---------------------------┘
/// ```
#[derive(Default)]
struct Direction {
    phase: Phase,
    waiting: Option<Waiting>,
    /// Why the reader failed, until what came before is written.
    failure: Option<io::Error>,
    unflushed: bool,
    /// The last read filled its buffer.
    busy: bool,
    written: u64,
    /// Bytes read and written: shows that something moves.
    moved: u64,
    pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Reading,
    Draining,
    /// What was read before an error is written, but the writer is not shut down: what was cut off must not look whole.
    CutOff,
    Closing,
    Done,
}

/// Bytes that were read and not written.
struct Waiting {
    buffer: Buffer,
    start: usize,
    end: usize,
}

impl Direction {
    fn poll_copy<R, W>(
        &mut self,
        reader: &mut R,
        writer: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            match self.phase {
                Phase::Reading => {
                    ready!(self.pace.poll_step(cx));
                    // Reading goes on while a write waits, as long as there is space.
                    let wrote = self.poll_write(writer, cx)?;
                    if self.poll_read(reader, cx).is_pending() {
                        if wrote.is_ready() {
                            self.waiting = None;
                            ready!(self.poll_flush(writer, cx))?;
                        }
                        return Poll::Pending;
                    }
                }
                Phase::Draining => {
                    ready!(self.poll_write(writer, cx))?;
                    self.waiting = None;
                    ready!(self.poll_flush(writer, cx))?;
                    self.phase = Phase::Closing;
                }
                Phase::CutOff => {
                    ready!(self.poll_write(writer, cx))?;
                    self.waiting = None;
                    ready!(self.poll_flush(writer, cx))?;
                    self.phase = Phase::Done;
                    return Poll::Ready(self.failure.take().map_or(Ok(()), Err));
                }
                Phase::Closing => {
                    match ready!(Pin::new(&mut *writer).poll_shutdown(cx)) {
                        // The peer has closed both directions already.
                        Err(error) if error.kind() == ErrorKind::NotConnected => {}
                        result => result?,
                    }
                    self.phase = Phase::Done;
                }
                Phase::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Pending while there is nothing to read, or no space.
    fn poll_read<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let pool = if self.busy { &*LARGE } else { &*SMALL };
        let waiting =
            self.waiting.get_or_insert_with(|| Waiting { buffer: pool.take(), start: 0, end: 0 });
        let mut space = ReadBuf::new(&mut waiting.buffer.space()[waiting.end..]);
        if space.capacity() == 0 {
            return Poll::Pending;
        }
        let result = ready!(Pin::new(reader).poll_read(cx, &mut space));
        let (read, full) = (space.filled().len(), space.remaining() == 0);
        self.pace.spend(u16::try_from(read / 1024).unwrap_or(u16::MAX));
        match result {
            Ok(()) if read > 0 => {
                waiting.end += read;
                self.busy = full;
                self.moved += read as u64;
            }
            Ok(()) => self.phase = Phase::Draining,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.failure = Some(error);
                self.phase = Phase::CutOff;
            }
        }
        Poll::Ready(())
    }

    /// Ready when nothing waits to be written.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        writer: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        while waiting.start < waiting.end {
            ready!(self.pace.poll_step(cx));
            let bytes = &waiting.buffer.space()[waiting.start..waiting.end];
            let offered = bytes.len();
            match ready!(Pin::new(&mut *writer).poll_write(cx, bytes)) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                // A writer that claims more than it was given cannot be trusted with the rest.
                Ok(n) if n > offered => return Poll::Ready(Err(ErrorKind::InvalidData.into())),
                Ok(n) => {
                    waiting.start += n;
                    self.written += n as u64;
                    self.moved += n as u64;
                    self.unflushed = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        // A full buffer is given back, so that the next may be larger.
        if waiting.end == waiting.buffer.space().len() {
            self.waiting = None;
        } else {
            (waiting.start, waiting.end) = (0, 0);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        writer: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(writer).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The other direction has failed. An end that came before is still passed on.
    fn stop_reading(&mut self) {
        if self.phase == Phase::Reading {
            self.phase = Phase::CutOff;
        }
    }

    fn stop(&mut self) {
        self.phase = Phase::Done;
        self.waiting = None;
    }

    fn failed(&mut self, error: io::Error, direction: &'static str) -> Error {
        self.stop();
        Error::from(error).context(direction).in_stage("io::copy_duplex").at_offset(self.written)
    }
}

fn sleep(limit: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(after(limit)))
}

/// How long a half-closed copy may be silent unless set.
const LINGER: Duration = Duration::from_secs(30);

/// Up to 4 MiB of buffers of 64 KiB wait here for the next copy of the process.
static SMALL: LazyLock<Pool> = LazyLock::new(|| Pool::new(64 * 1024, 64));

/// Up to 4 MiB of buffers of 256 KiB, for directions that are busy.
static LARGE: LazyLock<Pool> = LazyLock::new(|| Pool::new(256 * 1024, 16));
