//! No more than so much.

use bytes::Bytes;
use highwater_core::{Error, Result, Transform};

use crate::tap::{Weigh, one};

/// Lets so much pass and no more: a stream that is longer fails.
///
/// - [`bytes`](Self::bytes) lets exactly so many bytes pass: the chunk that crosses the limit is cut there, what is before
///   it passes, and then comes the error. How the bytes were cut makes no difference.
/// - [`items`](Self::items) lets exactly so many chunks pass; the next one is the error.
/// - [`weighed`](Self::weighed) cannot cut a chunk: the one that crosses the limit does not pass, not in part either.
///
/// A stream of exactly so much ends as it does without a limit. The source is dropped as soon as it has given more.
///
/// # Errors
///
/// [`is_limit`](Error::is_limit), behind what was allowed. Of bytes it has the offset, which is the limit.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_meter::{Limit, MeterExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let body = || Readable::from_iter(["hel", "lo"].map(Bytes::from));
/// assert_eq!(body().limit(5).to_bytes().await?, "hello");
///
/// let mut short = body().limit(4);
/// assert_eq!(short.next().await.expect("a chunk")?, "hel");
/// assert_eq!(short.next().await.expect("the rest")?, "l");
/// let error = short.next().await.expect("an error").unwrap_err();
/// assert!(error.is_limit());
/// assert_eq!(error.offset(), Some(4));
///
/// // Lines, say, by their length, each whole or not at all.
/// let lines = || Readable::from_iter(["one", "two", "three"]);
/// let mut few = lines().pipe(Limit::weighed(8, |line: &&str| line.len()));
/// assert_eq!(few.by_ref().take(2).to_vec().await?, ["one", "two"]);
/// assert!(few.next().await.expect("an error").unwrap_err().is_limit());
/// # Ok(()) }
/// ```
pub struct Limit<T> {
    most: u64,
    /// How much may still pass.
    left: u64,
    crossed: bool,
    weigh: Weigh<T>,
    /// Takes so much off the start of a chunk, where a chunk can be cut.
    cut: Option<fn(&mut T, usize) -> T>,
    unit: &'static str,
}

impl Limit<Bytes> {
    /// So many bytes.
    pub fn bytes(most: u64) -> Self {
        Self { cut: Some(Bytes::split_to), unit: "bytes", ..Self::weighed(most, Bytes::len) }
    }
}

impl<T> Limit<T> {
    /// So many chunks.
    pub fn items(most: u64) -> Self {
        Self { unit: "items", ..Self::weighed(most, one) }
    }

    /// So much, by what `weigh` says of each chunk.
    pub fn weighed(most: u64, weigh: Weigh<T>) -> Self {
        Self { most, left: most, crossed: false, weigh, cut: None, unit: "by weight" }
    }

    #[cold]
    fn error(&self) -> Error {
        let error = Error::limit(format!("more than {} {}", self.most, self.unit));
        // What can be cut is bytes.
        if self.cut.is_some() { error.at_offset(self.most) } else { error }
    }
}

impl<T> Transform for Limit<T> {
    type Input = T;
    type Output = T;

    #[inline]
    fn write(&mut self, mut chunk: T) -> Result<Option<T>> {
        let weight = (self.weigh)(&chunk) as u64;
        if weight <= self.left {
            self.left -= weight;
            return Ok(Some(chunk));
        }
        self.crossed = true;
        match (self.cut, usize::try_from(self.left)) {
            (Some(cut), Ok(left)) if left > 0 => Ok(Some(cut(&mut chunk, left))),
            _ => Err(self.error()),
        }
    }

    fn read(&mut self) -> Result<Option<T>> {
        if self.crossed { Err(self.error()) } else { Ok(None) }
    }

    fn is_done(&self) -> bool {
        self.crossed
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "limit"
    }
}

highwater_core::debug_fields!(Limit<T>, most, left);
