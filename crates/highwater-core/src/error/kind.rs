//! What kind of failure an error is: the constructors, and the questions for it.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use super::{Error, Inner};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Other,
    Io,
    PrematureClose,
    WriteAfterEnd,
    Aborted,
    Limit,
    Corrupt,
    Truncated,
    Timeout,
    Panic,
    Overflow,
    Committed,
}

impl Kind {
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
    pub(super) fn of(kind: Kind, message: Option<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message,
            cause: None,
            stage: None,
            pipeline: None,
            offset: None,
            line: None,
            chunk: None,
            suppressed: Vec::new(),
        }))
    }

    /// An error that only says something.
    #[cold]
    pub fn msg(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Other, Some(message.into()))
    }

    /// The other side went away without ending: dropped, panicked or closed early.
    #[cold]
    pub fn premature_close() -> Self {
        Self::of(Kind::PrematureClose, None)
    }

    /// A chunk was written to something that was told to end, or that has ended.
    #[cold]
    pub fn write_after_end() -> Self {
        Self::of(Kind::WriteAfterEnd, None)
    }

    /// The caller asked for it to stop.
    #[cold]
    pub fn aborted() -> Self {
        Self::of(Kind::Aborted, None)
    }

    /// Something was larger than a limit; the message names the limit and its unit.
    #[cold]
    pub fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Limit, Some(message.into()))
    }

    /// The input is not what its format says.
    #[cold]
    pub fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Corrupt, Some(message.into()))
    }

    /// The input ended inside a unit (a frame, a member, a file known to be longer).
    #[cold]
    pub fn truncated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Truncated, Some(message.into()))
    }

    /// Something took longer than it was given.
    #[cold]
    pub fn timeout(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Timeout, Some(message.into()))
    }

    /// A buffer at its hard mark refused a chunk.
    #[cold]
    pub fn overflow() -> Self {
        Self::of(Kind::Overflow, None)
    }

    /// A destination was told to undo what it has committed already: the answer of
    /// [`Destination::abort`](crate::Destination::abort) when it comes too late.
    #[cold]
    pub fn committed() -> Self {
        Self::of(Kind::Committed, None)
    }

    /// User code panicked; `payload` is what [`std::panic::catch_unwind`] gave. A text in it becomes the message.
    #[cold]
    pub fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::of(Kind::Panic, text.map(|text| Cow::Owned(format!("panicked: {text}"))))
    }
}

/// Asking what kind it is.
impl Error {
    /// The operating system, or an `AsyncRead`/`AsyncWrite`, said so; `downcast_ref::<io::Error>()` has the details.
    pub fn is_io(&self) -> bool {
        self.0.kind == Kind::Io
    }

    /// The other side went away without ending.
    pub fn is_premature_close(&self) -> bool {
        self.0.kind == Kind::PrematureClose
    }

    /// A chunk was written after the end.
    pub fn is_write_after_end(&self) -> bool {
        self.0.kind == Kind::WriteAfterEnd
    }

    /// It was told to stop.
    pub fn is_aborted(&self) -> bool {
        self.0.kind == Kind::Aborted
    }

    /// A limit was exceeded.
    pub fn is_limit(&self) -> bool {
        self.0.kind == Kind::Limit
    }

    /// The input is not what its format says.
    pub fn is_corrupt(&self) -> bool {
        self.0.kind == Kind::Corrupt
    }

    /// The input ended inside a unit.
    pub fn is_truncated(&self) -> bool {
        self.0.kind == Kind::Truncated
    }

    /// It took too long.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// User code panicked.
    pub fn is_panic(&self) -> bool {
        self.0.kind == Kind::Panic
    }

    /// The destination had committed before this went wrong: all of its chunks are in place, although something failed.
    pub fn is_committed(&self) -> bool {
        self.0.kind == Kind::Committed || self.suppressed().iter().any(Self::is_committed)
    }

    /// The destination had committed, and nothing failed.
    pub(crate) fn is_all_committed(&self) -> bool {
        self.0.kind == Kind::Committed
    }

    /// A full buffer refused a chunk.
    pub fn is_overflow(&self) -> bool {
        self.0.kind == Kind::Overflow
    }
}
