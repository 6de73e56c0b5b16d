//! Readers and writers that do all that the traits allow, and some of what they do not.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a [`Reader`] or a [`Writer`] does next. After its script it goes on as a good one.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Act {
    /// Reads or takes at the most so many bytes.
    Bytes(usize),
    /// Is pending, and wakes at once.
    Pend,
    /// Fails.
    Fail(ErrorKind),
    /// A writer takes nothing, and says it went well.
    Nothing,
    /// A writer claims to have taken more than there was.
    Lie,
}

/// Reads a text as its script says.
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
///
/// use highwater_test::io::{Act, Reader};
/// use highwater_test::run_woken;
/// use tokio::io::AsyncReadExt;
///
/// let script = [Act::Bytes(1), Act::Pend, Act::Fail(ErrorKind::ConnectionReset)];
/// let mut reader = Reader::new(b"abc", 9, script);
/// let mut text = Vec::new();
/// let ran = run_woken(reader.read_to_end(&mut text)).expect("woken");
/// assert_eq!(ran.output.unwrap_err().kind(), ErrorKind::ConnectionReset);
/// assert_eq!((&text[..], ran.polls), (&b"a"[..], 2));
/// ```
#[derive(Debug)]
pub struct Reader {
    text: VecDeque<u8>,
    script: VecDeque<Act>,
    step: usize,
}

impl Reader {
    /// After the script, at the most `step` bytes at a time.
    pub fn new(text: &[u8], step: usize, script: impl IntoIterator<Item = Act>) -> Self {
        Self { text: text.iter().copied().collect(), script: script.into_iter().collect(), step }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = match self.script.pop_front() {
            Some(Act::Pend) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Act::Fail(kind)) => return Poll::Ready(Err(kind.into())),
            Some(Act::Bytes(most)) => most,
            Some(Act::Nothing | Act::Lie) | None => self.step,
        };
        let most = most.min(buf.remaining()).min(self.text.len());
        let read: Vec<u8> = self.text.drain(..most).collect();
        buf.put_slice(&read);
        Poll::Ready(Ok(()))
    }
}

/// Takes what it is given as its script says, and keeps a record.
///
/// # Panics
///
/// When something is written after the shutdown.
///
/// # Examples
///
/// ```
/// use highwater_test::io::{Act, Writer};
/// use highwater_test::run_woken;
/// use tokio::io::AsyncWriteExt;
///
/// let mut writer = Writer::new(2, false, [Act::Bytes(1), Act::Pend]);
/// run_woken(writer.write_all(b"abcd")).expect("woken").output.expect("no error");
/// assert_eq!((&writer.taken[..], writer.writes), (&b"abcd"[..], 3));
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Writer {
    /// What was written.
    pub taken: Vec<u8>,
    /// How many calls it took.
    pub writes: usize,
    /// How often it was flushed.
    pub flushes: usize,
    /// How often it was shut down.
    pub shutdowns: usize,
    /// Whether a flush fails: the disk is full.
    pub fail_flush: bool,
    script: VecDeque<Act>,
    step: usize,
    vectored: bool,
}

impl Writer {
    /// After the script, at the most `step` bytes at a time; `vectored` is what it says of itself.
    pub fn new(step: usize, vectored: bool, script: impl IntoIterator<Item = Act>) -> Self {
        Self { script: script.into_iter().collect(), step, vectored, ..Self::default() }
    }

    fn take(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        offered: usize,
    ) -> Poll<io::Result<usize>> {
        assert!(self.shutdowns == 0, "written after the shutdown");
        let most = match self.script.pop_front() {
            Some(Act::Pend) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Act::Fail(kind)) => return Poll::Ready(Err(kind.into())),
            Some(Act::Nothing) => return Poll::Ready(Ok(0)),
            Some(Act::Lie) => return Poll::Ready(Ok(offered + 1)),
            Some(Act::Bytes(most)) => most,
            None => self.step,
        };
        let most = most.min(data.len());
        self.taken.extend_from_slice(&data[..most]);
        self.writes += 1;
        Poll::Ready(Ok(most))
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(cx, buf, buf.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // No more than is taken below: the rest need not be looked at.
        let most = match self.script.front() {
            Some(Act::Bytes(most)) => *most,
            _ => self.step,
        };
        let mut all = Vec::new();
        for buf in bufs {
            let room = most - all.len();
            all.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        let len = bufs.iter().map(|buf| buf.len()).sum();
        self.take(cx, &all, len)
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(if self.fail_flush { Err(ErrorKind::StorageFull.into()) } else { Ok(()) })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shutdowns += 1;
        Poll::Ready(Ok(()))
    }
}
