//! The one error of the workspace.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in which stage, and where in its input.
///
/// One word wide and cheap to clone, so that everyone who waits for a stream gets the same error.
///
/// It does **not** implement [`std::error::Error`] itself; that is what lets `?` turn every standard error into it.
/// It derefs to `dyn std::error::Error + Send + Sync`, and converts into `Box<dyn std::error::Error>`,
/// [`io::Error`] and, with the feature `anyhow`, `anyhow::Error`.
///
/// `Display` prints this level only: the message, the stage and the position. The cause is in
/// [`source`](StdError::source); a foreign error that came in by `?` is shown in place, and its own cause follows.
///
/// # Examples
///
/// ```
/// use highwater_core::{Error, Readable};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let numbers = Readable::from_iter(["1", "2", "x"]).try_map(|text| Ok(text.parse::<u32>()?));
/// let error: Error = numbers.to_vec().await.unwrap_err();
/// assert_eq!(error.stage(), Some("try_map"));
/// assert_eq!(error.chunk(), Some(2));
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: Option<Cow<'static, str>>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
    stage: Option<&'static str>,
    pipeline: Option<Arc<str>>,
    offset: Option<u64>,
    line: Option<u64>,
    chunk: Option<u64>,
    suppressed: Vec<Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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
}

/// What an error with neither message nor cause says.
impl Kind {
    fn describe(self) -> &'static str {
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
        }
    }
}

/// Constructors.
impl Error {
    #[cold]
    fn of(kind: Kind, message: Option<Cow<'static, str>>) -> Self {
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

    /// User code panicked; `payload` is what [`std::panic::catch_unwind`] gave. A text in it becomes the message.
    #[cold]
    pub fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::of(Kind::Panic, text.map(|text| Cow::Owned(format!("panicked: {text}"))))
    }

    /// Takes in a boxed error, which `?` cannot: a box of an error is not itself a standard error.
    #[cold]
    pub fn from_boxed(cause: Box<dyn StdError + Send + Sync>) -> Self {
        let mut error = Self::of(Kind::Other, None);
        error.inner().cause = Some(Arc::from(cause));
        error
    }
}

/// Saying more about an error on its way.
impl Error {
    /// Copies what is shared with other holders, then gives it to be changed.
    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Puts a message in front of what is there; what was said before becomes the cause.
    #[cold]
    #[must_use]
    pub fn context(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        if self.0.message.is_some() {
            let mut inner = (*self.0).clone();
            let before = Plain { message: inner.message.take(), cause: inner.cause.take() };
            inner.cause = Some(Arc::new(before));
            self = Self(Arc::new(inner));
        }
        self.inner().message = Some(message.into());
        self
    }

    /// Names the stage that failed. The first name stays: the stage nearest to the failure knows best.
    #[cold]
    #[must_use]
    pub fn in_stage(mut self, name: &'static str) -> Self {
        if self.0.stage.is_none() {
            self.inner().stage = Some(name);
        }
        self
    }

    /// Says at which byte of the failing stage's input, from 0. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_offset(mut self, bytes: u64) -> Self {
        if self.0.offset.is_none() {
            self.inner().offset = Some(bytes);
        }
        self
    }

    /// Says at which line of the failing stage's input, from 1. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_line(mut self, number: u64) -> Self {
        if self.0.line.is_none() {
            self.inner().line = Some(number);
        }
        self
    }

    /// Says at which chunk of the failing stage's input, from 0. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_chunk(mut self, index: u64) -> Self {
        if self.0.chunk.is_none() {
            self.inner().chunk = Some(index);
        }
        self
    }

    /// Names the pipeline it happened in. The first name stays.
    #[cold]
    pub(crate) fn in_pipeline(mut self, name: &Arc<str>) -> Self {
        if self.0.pipeline.is_none() {
            self.inner().pipeline = Some(Arc::clone(name));
        }
        self
    }

    /// Attributes to a stage and a chunk unless a stage nearer to the failure already did.
    #[cold]
    pub(crate) fn attribute(self, stage: &'static str, chunk: Option<u64>) -> Self {
        match (self.0.stage, chunk) {
            (Some(_), _) => self,
            (None, Some(chunk)) => self.in_stage(stage).at_chunk(chunk),
            (None, None) => self.in_stage(stage),
        }
    }

    /// Keeps a later error beside this one.
    #[cold]
    #[must_use]
    pub fn suppress(mut self, later: Self) -> Self {
        self.inner().suppressed.push(later);
        self
    }

    /// Of two errors of one pipeline, in the order in which they came, makes the one to report: the first real error
    /// wins and keeps the other as [`suppressed`](Self::suppressed); an abort or a premature close never hides a real
    /// error, as in Node's `pipeline()`.
    #[cold]
    #[must_use]
    pub fn or_later(self, later: Self) -> Self {
        let echo = |error: &Self| error.is_premature_close() || error.is_aborted();
        if echo(&self) && !echo(&later) { later.suppress(self) } else { self.suppress(later) }
    }
}

/// Asking.
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

    /// A full buffer refused a chunk.
    pub fn is_overflow(&self) -> bool {
        self.0.kind == Kind::Overflow
    }

    /// The name of the stage that failed.
    pub fn stage(&self) -> Option<&'static str> {
        self.0.stage
    }

    /// The name of the pipeline it happened in, if that was [`named`](crate::Pipeline::named).
    pub fn pipeline(&self) -> Option<&str> {
        self.0.pipeline.as_deref()
    }

    /// The byte of the failing stage's input, from 0, where that stage counts bytes.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The line of the failing stage's input, from 1, where that stage counts lines.
    pub fn line(&self) -> Option<u64> {
        self.0.line
    }

    /// The chunk of the failing stage's input, from 0: the one it was working on.
    pub fn chunk(&self) -> Option<u64> {
        self.0.chunk
    }

    /// Errors that came later, or that only followed from this one.
    pub fn suppressed(&self) -> &[Self] {
        &self.0.suppressed
    }

    /// The foreign error inside, if it is an `E`: the cause, or a cause of the cause.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut next: Option<&(dyn StdError + 'static)> = self.0.cause.as_deref().map(|c| c as _);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// The kind of the [`io::Error`] inside, if there is one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.downcast_ref::<io::Error>().map(io::Error::kind)
    }
}

impl Deref for Error {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl StdError for Inner {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.cause.as_deref()?;
        // Without a message of its own the cause is what Display shows: its cause is next.
        if self.message.is_none() { cause.source() } else { Some(cause) }
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, &self.cause) {
            (Some(message), _) => f.write_str(message)?,
            (None, Some(cause)) => fmt::Display::fmt(cause, f)?,
            (None, None) => f.write_str(self.kind.describe())?,
        }
        let place = [
            self.stage.map(|name| format!("in {name}")),
            self.line.map(|number| format!("line {number}")),
            self.offset.map(|bytes| format!("byte {bytes}")),
            self.chunk.map(|index| format!("chunk {index}")),
            self.pipeline.as_ref().map(|name| format!("pipeline {name}")),
        ];
        let place: Vec<String> = place.into_iter().flatten().collect();
        if place.is_empty() { Ok(()) } else { write!(f, " ({})", place.join(", ")) }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind).field("display", &format_args!("{self}"));
        if let Some(cause) = &self.cause {
            out.field("cause", cause);
        }
        if !self.suppressed.is_empty() {
            out.field("suppressed", &self.suppressed);
        }
        out.finish()
    }
}

/// What an error said before [`Error::context`] put something in front.
#[derive(Debug)]
struct Plain {
    message: Option<Cow<'static, str>>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_default())
    }
}

impl StdError for Plain {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// `?` from every standard error. An [`io::Error`] that carries one of ours gives it back whole.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[cold]
    fn from(error: E) -> Self {
        let mut kind = Kind::Other;
        if let Some(inner) = (&error as &dyn Any).downcast_ref::<io::Error>() {
            let ours = inner.get_ref().and_then(|inner| inner.downcast_ref::<Standard>());
            if let Some(Standard(ours)) = ours {
                return ours.clone();
            }
            kind = Kind::Io;
        } else if let Some(join) = (&error as &dyn Any).downcast_ref::<tokio::task::JoinError>() {
            kind = if join.is_panic() { Kind::Panic } else { Kind::Aborted };
        } else if TypeId::of::<E>() == TypeId::of::<tokio::time::error::Elapsed>() {
            kind = Kind::Timeout;
        }
        let mut ours = Self::of(kind, None);
        ours.inner().cause = Some(Arc::new(error));
        ours
    }
}

/// An [`Error`] as a standard error, for the way out.
struct Standard(Error);

impl fmt::Debug for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Standard {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&*self.0.0)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn StdError + Send> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

/// Keeps the kind of an [`io::Error`] inside, so that code that matches on it still works.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.io_kind().unwrap_or(match error.0.kind {
            Kind::PrematureClose | Kind::WriteAfterEnd => io::ErrorKind::BrokenPipe,
            Kind::Corrupt | Kind::Limit => io::ErrorKind::InvalidData,
            Kind::Truncated => io::ErrorKind::UnexpectedEof,
            Kind::Timeout => io::ErrorKind::TimedOut,
            Kind::Overflow => io::ErrorKind::WouldBlock,
            Kind::Other | Kind::Io | Kind::Aborted | Kind::Panic => io::ErrorKind::Other,
        });
        Self::new(kind, Standard(error))
    }
}

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        Self::new(Standard(error))
    }
}

// One word, and a niche: results of chunks are as small as they can be.
const _: () = assert!(size_of::<Error>() == size_of::<usize>());
const _: () = assert!(size_of::<Result<Option<u64>>>() == 2 * size_of::<u64>());

#[cfg(test)]
mod tests {
    use super::*;

    fn parse() -> Result<u32> {
        Ok("x".parse::<u32>()?)
    }

    #[test]
    fn a_foreign_error_is_shown_in_place_and_only_once() {
        let error = parse().unwrap_err().in_stage("try_map").at_chunk(7);
        assert_eq!(error.to_string(), "invalid digit found in string (in try_map, chunk 7)");
        assert!(error.source().is_none());
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    }

    #[test]
    fn a_context_moves_what_was_said_into_the_cause() {
        let error =
            Error::from(io::Error::from(io::ErrorKind::NotFound)).context("cannot open `a`");
        assert_eq!(error.to_string(), "cannot open `a`");
        assert_eq!(error.source().expect("the io error").to_string(), "entity not found");
        let twice = error.context("cannot start");
        let before = twice.source().expect("the first context");
        assert_eq!(before.to_string(), "cannot open `a`");
        assert_eq!(before.source().expect("the io error").to_string(), "entity not found");
        assert_eq!(twice.io_kind(), Some(io::ErrorKind::NotFound));
        assert!(twice.is_io());
    }

    #[test]
    fn the_first_position_and_stage_stay() {
        let error = Error::corrupt("bad").in_stage("inner").at_offset(3).at_line(2);
        let error = error.in_stage("outer").at_offset(9).at_line(8).attribute("outer", Some(1));
        assert_eq!(
            (error.stage(), error.offset(), error.line(), error.chunk()),
            (Some("inner"), Some(3), Some(2), None)
        );
        assert_eq!(error.to_string(), "bad (in inner, line 2, byte 3)");
    }

    #[test]
    fn changing_a_clone_leaves_the_other_alone() {
        let error = Error::aborted();
        let other = error.clone().in_stage("a");
        assert_eq!((error.stage(), other.stage()), (None, Some("a")));
    }

    #[test]
    fn an_io_error_round_trips_whole() {
        let there = io::Error::from(Error::truncated("short").at_offset(5));
        assert_eq!(there.kind(), io::ErrorKind::UnexpectedEof);
        let back = Error::from(there);
        assert!(back.is_truncated());
        assert_eq!(back.offset(), Some(5));
    }

    #[test]
    fn a_real_error_is_never_hidden_by_a_close() {
        let real = Error::corrupt("real");
        let report = Error::premature_close().or_later(real.clone());
        assert!(report.is_corrupt() && report.suppressed()[0].is_premature_close());
        let report = real.or_later(Error::aborted());
        assert!(report.is_corrupt() && report.suppressed()[0].is_aborted());
        let report = Error::msg("first").or_later(Error::msg("second"));
        assert_eq!(report.to_string(), "first");
    }

    #[test]
    fn goes_out_into_boxes() {
        fn boxed() -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
            Err(Error::aborted().in_stage("x"))?
        }
        assert_eq!(boxed().unwrap_err().to_string(), "aborted (in x)");
        let again = Error::from_boxed(boxed().unwrap_err());
        assert_eq!(again.to_string(), "aborted (in x)");
    }

    #[test]
    fn a_panic_keeps_its_text() {
        let payload = std::panic::catch_unwind(|| panic!("no {}", "luck")).unwrap_err();
        let error = Error::panic(&*payload);
        assert!(error.is_panic());
        assert_eq!(error.to_string(), "panicked: no luck");
    }
}
