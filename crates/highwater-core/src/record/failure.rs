//! The policy for items that fail, and what is known about one.

use std::error::Error as StdError;
use std::fmt;

use super::ItemCounts;
use crate::{Error, Result};

/// The policy for an item that fails: a record that cannot be read, a row that a table does not take, an item whose
/// function returns an error.
///
/// Every stage that works item by item takes it as `.on_failure(policy)`. Each documents which failures always end the
/// stream, because nothing behind them can be trusted.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{HighWaterMark, pass_through};
/// use highwater_core::record::{Failed, OnFailure};
///
/// // At most a thousand of them wait for the reader of `dead`. One more is an error: nothing is lost in silence.
/// let (letters, dead) = pass_through::<Failed<Bytes>>(HighWaterMark::items(1000));
/// let policy = OnFailure::handle(move |failed| Ok(letters.try_write(failed)?));
/// # drop((policy, dead));
/// ```
#[derive(Default)]
#[non_exhaustive]
pub enum OnFailure<T> {
    /// The stream ends with the error, after the items before it.
    #[default]
    Fail,
    /// The item is left out, and counted in [`ItemCounts::failed`].
    Skip,
    /// The item is left out, counted, and given to this function. If the function fails, the stream ends with its error.
    ///
    /// The function runs inside the stage, so it must not block: it puts the item into a buffer or a channel that
    /// another task empties. A full one should be an error.
    Handle(Box<dyn FnMut(Failed<T>) -> Result<()> + Send>),
}

impl<T> OnFailure<T> {
    /// Gives failed items to a function: [`Handle`](Self::Handle).
    pub fn handle(handler: impl FnMut(Failed<T>) -> Result<()> + Send + 'static) -> Self {
        Self::Handle(Box::new(handler))
    }

    /// Applies the policy to an item, which is only made if it is needed. `fail` makes the error that ends the stream.
    ///
    /// It is for those who write a stage.
    ///
    /// # Errors
    ///
    /// That of `fail` for [`Fail`](Self::Fail), or that of the function of [`Handle`](Self::Handle).
    pub fn apply(
        &mut self,
        failed: impl FnOnce() -> Failed<T>,
        fail: impl FnOnce(Failed<T>) -> Error,
    ) -> Result<()> {
        match self {
            Self::Fail => Err(fail(failed())),
            Self::Skip => Ok(()),
            Self::Handle(handler) => handler(failed()),
        }
    }
}

impl<T> fmt::Debug for OnFailure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Skip => "Skip",
            Self::Handle(_) => "Handle",
        })
    }
}

/// An item that failed, with the error, the place and the attempt.
///
/// As an [`Error`] it displays what could not be done, and the cause is in its source. `Debug` leaves the item out, which
/// does not belong into a log.
#[derive(Clone)]
pub struct Failed<T> {
    item: T,
    error: Error,
    message: Option<Box<str>>,
    index: Option<u64>,
    offset: Option<u64>,
    attempt: u32,
    is_cut: bool,
}

impl<T> Failed<T> {
    /// An item that failed at the first attempt, at an unknown place.
    pub fn new(item: T, error: Error) -> Self {
        Self { item, error, message: None, index: None, offset: None, attempt: 1, is_cut: false }
    }

    /// Sets the index of the item among those of the input.
    #[must_use]
    pub fn with_index(mut self, index: u64) -> Self {
        self.index = Some(index);
        self
    }

    /// Sets the byte of the input at which the item begins.
    #[must_use]
    pub fn with_offset(mut self, bytes: u64) -> Self {
        self.offset = Some(bytes);
        self
    }

    /// Sets the attempt that failed, from 1.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the message of this as an error.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Box<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Marks the item as only the first part of the one in the input.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }

    /// The item. Of a record it is the text as in the input, without its ending.
    pub fn item(&self) -> &T {
        &self.item
    }

    /// The error, which says the line and the offset at which it was found, where that is known.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The item, to be put elsewhere, and the error.
    pub fn into_parts(self) -> (T, Error) {
        (self.item, self.error)
    }

    /// The index of the item among those of the input, good and bad, from 0, where it is known.
    pub fn index(&self) -> Option<u64> {
        self.index
    }

    /// The byte of the input at which the item begins, from 0, where it is known.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// The attempt that failed, from 1: the last one.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// True when the item is only the first part of one that is longer than the maximum: as many bytes as the maximum.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Changes the error and keeps all else.
    pub(super) fn map_error(mut self, change: impl FnOnce(Error) -> Error) -> Self {
        self.error = change(self.error);
        self
    }
}

impl<T> fmt::Display for Failed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, self.index) {
            (Some(message), _) => f.write_str(message),
            (None, Some(index)) => write!(f, "item {index} failed"),
            (None, None) => f.write_str("an item failed"),
        }
    }
}

debug_fields!(Failed<T>, index, offset, attempt, error);

impl<T> StdError for Failed<T> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}

/// The policy of a stage for items that fail, and its counts.
///
/// It is for those who write a stage; [`WRITING_A_TRANSFORM.md`] has how machines are written.
///
/// [`WRITING_A_TRANSFORM.md`]: https://docs.rs/highwater/latest/highwater/guide/transforms
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Error, Result, Transform};
/// use highwater_core::record::{Failed, FailurePolicy, OnFailure};
///
/// /// Every chunk is a number of its own.
/// struct Numbers(FailurePolicy<Bytes>);
///
/// impl Transform for Numbers {
///     type Input = Bytes;
///     type Output = u32;
///
///     fn write(&mut self, chunk: Bytes) -> Result<Option<u32>> {
///         let number = std::str::from_utf8(&chunk).ok().and_then(|text| text.parse().ok());
///         match number {
///             Some(_) => self.0.good(),
///             None => self.0.bad(Failed::new(chunk, Error::corrupt("not a number")), "numbers")?,
///         }
///         Ok(number)
///     }
/// }
///
/// let mut numbers = Numbers(FailurePolicy::default());
/// numbers.0.set(OnFailure::Skip);
/// let counts = numbers.0.counts();
/// assert_eq!(numbers.write(Bytes::from("7"))?, Some(7));
/// assert_eq!(numbers.write(Bytes::from("seven"))?, None);
/// assert_eq!((counts.succeeded(), counts.failed()), (1, 1));
/// # Ok::<(), Error>(())
/// ```
pub struct FailurePolicy<T> {
    policy: OnFailure<T>,
    counts: ItemCounts,
}

debug_fields!(FailurePolicy<T>, policy, counts);

impl<T> FailurePolicy<T> {
    /// Sets the policy. The default is [`OnFailure::Fail`].
    pub fn set(&mut self, policy: OnFailure<T>) {
        self.policy = policy;
    }

    /// Counts an item that succeeded.
    #[inline]
    pub fn good(&mut self) {
        self.counts.add_succeeded();
    }

    /// Counts an item that failed and [applies](OnFailure::apply) the policy to it.
    ///
    /// # Errors
    ///
    /// Those of [`OnFailure::apply`].
    #[cold]
    pub fn failed(
        &mut self,
        failed: impl FnOnce() -> Failed<T>,
        fail: impl FnOnce(Failed<T>) -> Error,
    ) -> Result<()> {
        self.counts.add_failed();
        self.policy.apply(failed, fail)
    }

    /// Counts an item whose error ends the stream whatever the policy, and gives the error back.
    #[cold]
    pub fn end(&mut self, error: Error) -> Error {
        self.counts.add_failed();
        error
    }

    /// True when an item that fails ends the stream, so that one that is too long need not be read to its end.
    pub fn fails(&self) -> bool {
        matches!(self.policy, OnFailure::Fail)
    }

    /// The items so far, good and bad: the index of the next one.
    pub fn seen(&self) -> u64 {
        self.counts.succeeded() + self.counts.failed()
    }

    /// The counts, readable while the stage runs.
    pub fn counts(&self) -> ItemCounts {
        self.counts.clone()
    }
}

impl FailurePolicy<bytes::Bytes> {
    /// Counts a record that cannot be read, sets its index, and applies the policy to it. The item may be a slice of a
    /// chunk: a handler gets a copy. The stage is the one that reads.
    ///
    /// # Errors
    ///
    /// That of the record if it ends the stream, or that of the handler.
    #[cold]
    pub fn bad(&mut self, record: Failed<bytes::Bytes>, stage: &'static str) -> Result<()> {
        if self.fails() {
            return Err(self.end(record.error));
        }
        let index = self.seen();
        let letter = || {
            let mut letter = record.with_index(index).map_error(|error| error.in_stage(stage));
            // A slice would keep its whole chunk in memory for as long as the letter is kept.
            letter.item = bytes::Bytes::copy_from_slice(&letter.item);
            letter
        };
        self.failed(letter, |letter| letter.error)
    }
}

impl<T> Default for FailurePolicy<T> {
    fn default() -> Self {
        Self { policy: OnFailure::Fail, counts: ItemCounts::default() }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn bad(text: &'static str) -> Failed<Bytes> {
        Failed::new(Bytes::from_static(text.as_bytes()), Error::corrupt("wrong")).with_offset(7)
    }

    #[test]
    fn a_bad_record_is_an_error_unless_said_otherwise() {
        let mut records = FailurePolicy::default();
        records.good();
        let error = records.bad(bad("x"), "test").unwrap_err();
        // Whoever drives the machine says its name and the chunk.
        assert_eq!(error.to_string(), "wrong");
        let counts = records.counts();
        assert_eq!((counts.succeeded(), counts.failed()), (1, 1));
    }

    #[test]
    fn a_dead_letter_has_its_own_memory_its_place_and_the_name_of_the_machine() {
        let (letters, dead) = std::sync::mpsc::channel();
        let mut records = FailurePolicy::default();
        records.set(OnFailure::handle(move |bad| Ok(letters.send(bad)?)));
        records.good();
        let chunk = Bytes::from(b"some chunk".to_vec());
        let record = Failed::new(chunk.slice(..4), Error::corrupt("wrong")).with_offset(7).cut();
        records.bad(record, "test").unwrap();
        assert!(chunk.is_unique(), "the letter does not keep the chunk");
        let letter = dead.recv().unwrap();
        let place = (letter.offset(), letter.index(), letter.attempt());
        assert_eq!((&letter.item()[..], place), (&b"some"[..], (Some(7), Some(1), 1)));
        assert!(letter.is_cut());
        assert_eq!(letter.error().to_string(), "wrong (in test)");
        assert_eq!(records.seen(), 2);
    }

    #[test]
    fn a_letter_that_nobody_takes_is_an_error() {
        let mut records = FailurePolicy::default();
        records.set(OnFailure::handle(|_| Err(Error::overflow())));
        assert!(records.bad(bad("x"), "test").unwrap_err().is_overflow());
        assert_eq!(records.counts().failed(), 1);
    }

    /// The item itself is inside the error where a stage wants that, and its debug output shows none of it.
    #[test]
    fn a_failed_item_is_an_error_with_its_cause() {
        let failed = || Failed::new("secret", Error::corrupt("wrong")).with_index(3);
        let mut policy = OnFailure::Fail;
        let error = policy.apply(failed, Error::from).unwrap_err();
        assert_eq!(error.to_string(), "item 3 failed");
        assert_eq!(error.downcast_ref::<Failed<&str>>().unwrap().item(), &"secret");
        assert_eq!(StdError::source(&failed()).unwrap().to_string(), "wrong");
        assert!(!format!("{:?}", failed()).contains("secret"));
        assert_eq!(failed().with_message("no").to_string(), "no");
    }

    /// F74: nothing is made of an item that is left out.
    #[test]
    fn a_skipped_item_is_not_made() {
        let mut policy = OnFailure::<u8>::Skip;
        policy.apply(|| unreachable!("not made"), |_| unreachable!("no failure")).unwrap();
    }
}
