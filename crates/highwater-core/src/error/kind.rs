//! What kind of failure an error is: the constructors, and the questions for it.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use super::{Error, Inner};

/// The kinds of an [`Error`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Any other error: of user code, or of a library.
    #[default]
    Other,
    /// The operating system, an `AsyncRead` or an `AsyncWrite` failed.
    Io,
    /// The other side went away without an end.
    PrematureClose,
    /// A chunk was written after the end.
    WriteAfterEnd,
    /// The caller asked for an abort.
    Aborted,
    /// A limit was exceeded.
    Limit,
    /// The input does not follow its format.
    Corrupt,
    /// The input ended inside a unit: a frame, a member, a file that is known to be longer.
    Truncated,
    /// A time limit was exceeded.
    Timeout,
    /// User code panicked.
    Panic,
    /// A buffer at its hard mark refused a chunk.
    Overflow,
    /// The destination had committed before the failure.
    Committed,
}

impl ErrorKind {
    /// What an error with neither message nor cause says.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Other => "failed",
            Self::Io => "i/o error",
            Self::PrematureClose => "closed before its end",
            Self::WriteAfterEnd => "write after end",
            Self::Aborted => "aborted",
            Self::Limit => "limit exceeded",
            Self::Corrupt => "corrupt input",
            Self::Truncated => "input ended too early",
            Self::Timeout => "timed out",
            Self::Panic => "panicked",
            Self::Overflow => "buffer is full",
            Self::Committed => "already committed",
        }
    }
}

/// Constructors.
impl Error {
    #[cold]
    pub(super) fn of(kind: ErrorKind, message: Option<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner { kind, message, ..Inner::default() }))
    }

    /// An error that only says something.
    #[cold]
    pub fn msg(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ErrorKind::Other, Some(message.into()))
    }

    /// The other side went away without ending: dropped, panicked or closed early.
    #[cold]
    pub fn premature_close() -> Self {
        Self::of(ErrorKind::PrematureClose, None)
    }

    /// A chunk was written to something that was told to end, or that has ended.
    #[cold]
    pub fn write_after_end() -> Self {
        Self::of(ErrorKind::WriteAfterEnd, None)
    }

    /// The caller asked for it to stop.
    #[cold]
    pub fn aborted() -> Self {
        Self::of(ErrorKind::Aborted, None)
    }

    /// Something was larger than a limit; the message names the limit and its unit.
    #[cold]
    pub fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ErrorKind::Limit, Some(message.into()))
    }

    /// The input is not what its format says.
    #[cold]
    pub fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ErrorKind::Corrupt, Some(message.into()))
    }

    /// The input ended inside a unit (a frame, a member, a file known to be longer).
    #[cold]
    pub fn truncated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ErrorKind::Truncated, Some(message.into()))
    }

    /// Something took longer than it was given.
    #[cold]
    pub fn timeout(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ErrorKind::Timeout, Some(message.into()))
    }

    /// A buffer at its hard mark refused a chunk.
    #[cold]
    pub fn overflow() -> Self {
        Self::of(ErrorKind::Overflow, None)
    }

    /// A destination was told to undo what it has committed already: the answer of
    /// [`Destination::abort`](crate::Destination::abort) when it comes too late.
    #[cold]
    pub fn committed() -> Self {
        Self::of(ErrorKind::Committed, None)
    }

    /// User code panicked; `payload` is what [`std::panic::catch_unwind`] gave. A text in it becomes the message.
    #[cold]
    pub fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::of(ErrorKind::Panic, text.map(|text| Cow::Owned(format!("panicked: {text}"))))
    }
}

/// Asking what kind it is.
impl Error {
    /// The kind of the error. An error of the destination that came after its commit has its own kind here, and is told by
    /// [`is_committed`](Self::is_committed).
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operating system, or an `AsyncRead`/`AsyncWrite`, said so; `downcast_ref::<io::Error>()` has the details.
    pub fn is_io(&self) -> bool {
        self.0.kind == ErrorKind::Io
    }

    /// The other side went away without ending.
    pub fn is_premature_close(&self) -> bool {
        self.0.kind == ErrorKind::PrematureClose
    }

    /// A chunk was written after the end.
    pub fn is_write_after_end(&self) -> bool {
        self.0.kind == ErrorKind::WriteAfterEnd
    }

    /// It was told to stop.
    pub fn is_aborted(&self) -> bool {
        self.0.kind == ErrorKind::Aborted
    }

    /// A limit was exceeded.
    pub fn is_limit(&self) -> bool {
        self.0.kind == ErrorKind::Limit
    }

    /// The input is not what its format says.
    pub fn is_corrupt(&self) -> bool {
        self.0.kind == ErrorKind::Corrupt
    }

    /// The input ended inside a unit.
    pub fn is_truncated(&self) -> bool {
        self.0.kind == ErrorKind::Truncated
    }

    /// It took too long.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// User code panicked.
    pub fn is_panic(&self) -> bool {
        self.0.kind == ErrorKind::Panic
    }

    /// The destination had committed before this went wrong: all of its chunks are in place, although something failed.
    pub fn is_committed(&self) -> bool {
        self.0.kind == ErrorKind::Committed || self.suppressed().iter().any(Self::is_committed)
    }

    /// The destination had committed, and nothing failed.
    pub(crate) fn is_all_committed(&self) -> bool {
        self.0.kind == ErrorKind::Committed
    }

    /// A full buffer refused a chunk.
    pub fn is_overflow(&self) -> bool {
        self.0.kind == ErrorKind::Overflow
    }
}
