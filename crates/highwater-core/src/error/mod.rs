//! The one error of the workspace.

mod context;
mod convert;
mod kind;
#[cfg(test)]
mod tests;
mod text;

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

pub use context::Context;
pub use convert::StandardError;
pub use kind::ErrorKind;
use text::Plain;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in which stage, and where in its input.
///
/// One word wide and cheap to clone, so that everyone who waits for a stream gets the same error.
///
/// It does **not** implement [`std::error::Error`] itself; that is what lets `?` turn every standard error into it.
/// It derefs to `dyn std::error::Error + Send + Sync`, and converts into `Box<dyn std::error::Error>`,
/// [`io::Error`] and, with the feature `anyhow`, `anyhow::Error`. [`into_std`](Self::into_std) makes a standard error of it.
///
/// `Display` prints this level only: the message, the stage and the position. The cause is in
/// [`source`](StdError::source); a foreign error that came in by `?` is shown in place, and its own cause follows.
/// `{:#}` prints the causes on the same line, `Debug` on lines of their own with the later errors.
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

#[derive(Clone, Default)]
struct Inner {
    kind: ErrorKind,
    message: Option<Cow<'static, str>>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
    stage: Option<&'static str>,
    pipeline: Option<Arc<str>>,
    offset: Option<u64>,
    line: Option<u64>,
    chunk: Option<u64>,
    suppressed: Vec<Error>,
    /// The report of the pipeline that failed.
    report: Option<Arc<dyn Any + Send + Sync>>,
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
        self.inner().stage.get_or_insert(name);
        self
    }

    /// Says at which byte of the failing stage's input, from 0. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_offset(mut self, bytes: u64) -> Self {
        self.inner().offset.get_or_insert(bytes);
        self
    }

    /// Says at which line of the failing stage's input, from 1. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_line(mut self, number: u64) -> Self {
        self.inner().line.get_or_insert(number);
        self
    }

    /// Says at which chunk of the failing stage's input, from 0. The first one stays.
    #[cold]
    #[must_use]
    pub fn at_chunk(mut self, index: u64) -> Self {
        self.inner().chunk.get_or_insert(index);
        self
    }

    /// Names the pipeline it happened in. The first name stays.
    #[cold]
    pub(crate) fn in_pipeline(mut self, name: &Arc<str>) -> Self {
        self.inner().pipeline.get_or_insert_with(|| Arc::clone(name));
        self
    }

    /// Keeps the report of the pipeline that failed.
    #[cold]
    pub(crate) fn with_report(mut self, report: Arc<dyn Any + Send + Sync>) -> Self {
        self.inner().report = Some(report);
        self
    }

    pub(crate) fn any_report(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.0.report.as_deref()
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

/// Asking where and what.
impl Error {
    /// The name of the stage that failed.
    pub fn stage(&self) -> Option<&'static str> {
        self.0.stage
    }

    /// The name of the pipeline it happened in, if that was [named](crate::Pipeline::with_name).
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

// One word, and a niche: results of chunks are as small as they can be.
const _: () = assert!(size_of::<Error>() == size_of::<usize>());
const _: () = assert!(size_of::<Result<Option<u64>>>() == 2 * size_of::<u64>());
