//! What the crates for formats made of records have in common: bad records, counts, and records put together.

mod counts;
mod gather;

use std::fmt;

use bytes::Bytes;

pub use counts::RecordCounts;
pub use gather::ChunkWriter;

use crate::{Error, Result};

/// What becomes of a record that cannot be read: it is not what its format says, does not fit the type, or is longer
/// than the maximum.
///
/// Where a format cannot tell where the next record begins, the stream fails whatever is said here; and so it does when
/// the input ends inside a record, for then nobody knows what is missing.
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, pass_through};
/// use highwater_core::record::{BadRecord, OnBadRecord};
///
/// // Up to a thousand of them wait for whoever reads `dead`. With one more the stream fails: nothing is lost in silence.
/// let (letters, dead) = pass_through::<BadRecord>(HighWaterMark::items(1000));
/// let policy = OnBadRecord::dead_letter(move |bad| Ok(letters.try_write(bad)?));
/// # drop((policy, dead));
/// ```
#[derive(Default)]
#[non_exhaustive]
pub enum OnBadRecord {
    /// The stream fails with the error of the record. The records before it are given first.
    #[default]
    Fail,
    /// It is left out, and counted in [`RecordCounts::skipped`].
    Skip,
    /// It is left out and counted, and handed to this function. If that fails, the stream fails with its error.
    ///
    /// The function runs inside the machine, so it must not block: it puts the record into a buffer or a channel that
    /// another task empties. One that is full should be an error.
    DeadLetter(Box<dyn FnMut(BadRecord) -> Result<()> + Send>),
}

impl OnBadRecord {
    /// Hands bad records to a function: [`DeadLetter`](Self::DeadLetter).
    pub fn dead_letter(handler: impl FnMut(BadRecord) -> Result<()> + Send + 'static) -> Self {
        Self::DeadLetter(Box::new(handler))
    }
}

impl fmt::Debug for OnBadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Skip => "Skip",
            Self::DeadLetter(_) => "DeadLetter",
        })
    }
}

/// A record that could not be read, and why.
#[derive(Debug, Clone)]
pub struct BadRecord {
    bytes: Bytes,
    cut: bool,
    offset: u64,
    index: u64,
    error: Error,
}

impl BadRecord {
    /// A record that begins at this offset. `bytes` may be a slice of a chunk; whoever keeps the record gets a copy.
    pub fn new(bytes: Bytes, offset: u64, error: Error) -> Self {
        Self { bytes, cut: false, offset, index: 0, error }
    }

    /// Says that the bytes are only the first ones of the record.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// The record as it stood in the input, without its ending. Of one that was longer than the maximum these are its
    /// first bytes, as many as the maximum.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, to be written elsewhere.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// True when there was more of it than [`bytes`](Self::bytes) has.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where it begins in the input, in bytes from 0.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its place among the records of the input, good and bad, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What is wrong with it, and where: with the offset, in bytes from the start of the input, and the line.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// What a machine that reads records keeps about them: the policy for bad ones and the counts.
///
/// It is for those who write such a machine; [`WRITING_A_TRANSFORM.md`] has how machines are written.
///
/// [`WRITING_A_TRANSFORM.md`]: https://docs.rs/highwater/latest/highwater/guide/transforms
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Error, Result, Transform};
/// use highwater_core::record::{BadRecord, OnBadRecord, RecordPolicy};
///
/// /// Every chunk is a number of its own.
/// struct Numbers(RecordPolicy);
///
/// impl Transform for Numbers {
///     type Input = Bytes;
///     type Output = u32;
///
///     fn write(&mut self, chunk: Bytes) -> Result<Option<u32>> {
///         let number = std::str::from_utf8(&chunk).ok().and_then(|text| text.parse().ok());
///         match number {
///             Some(_) => self.0.good(),
///             None => self.0.bad(BadRecord::new(chunk, 0, Error::corrupt("not a number")))?,
///         }
///         Ok(number)
///     }
/// }
///
/// let mut numbers = Numbers(RecordPolicy::new("numbers"));
/// numbers.0.set_policy(OnBadRecord::Skip);
/// let counts = numbers.0.counts();
/// assert_eq!(numbers.write(Bytes::from("7"))?, Some(7));
/// assert_eq!(numbers.write(Bytes::from("seven"))?, None);
/// assert_eq!((counts.read(), counts.skipped()), (1, 1));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct RecordPolicy {
    stage: &'static str,
    policy: OnBadRecord,
    counts: RecordCounts,
}

impl RecordPolicy {
    /// For a machine of this name; a bad record is an error.
    pub fn new(stage: &'static str) -> Self {
        Self { stage, policy: OnBadRecord::default(), counts: RecordCounts::default() }
    }

    /// Says what becomes of bad records.
    pub fn set_policy(&mut self, policy: OnBadRecord) {
        self.policy = policy;
    }

    /// A good record was given.
    #[inline]
    pub fn good(&mut self) {
        self.counts.add_read();
    }

    /// Does with a bad record what the policy says.
    ///
    /// # Errors
    ///
    /// That of the record when a bad record is an error, or that of the function for dead letters.
    #[cold]
    pub fn bad(&mut self, mut record: BadRecord) -> Result<()> {
        if self.fails() {
            return Err(record.error);
        }
        record.index = self.seen();
        self.counts.add_skipped();
        if let OnBadRecord::DeadLetter(handler) = &mut self.policy {
            // A slice would keep its whole chunk in memory for as long as the letter is kept.
            record.bytes = Bytes::copy_from_slice(&record.bytes);
            record.error = record.error.in_stage(self.stage);
            handler(record)?;
        }
        Ok(())
    }

    /// True when a bad record is an error, so that a record that is too long need not be read to its end.
    pub fn fails(&self) -> bool {
        matches!(self.policy, OnBadRecord::Fail)
    }

    /// How many records there were, good and bad: the index of the next one.
    pub fn seen(&self) -> u64 {
        self.counts.read() + self.counts.skipped()
    }

    /// The counts, readable while the machine runs.
    pub fn counts(&self) -> RecordCounts {
        self.counts.clone()
    }
}

/// The default maximum of a record, in bytes: 1 MiB.
pub const MAX_RECORD: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(text: &'static str) -> BadRecord {
        BadRecord::new(Bytes::from_static(text.as_bytes()), 7, Error::corrupt("wrong"))
    }

    #[test]
    fn a_bad_record_is_an_error_unless_said_otherwise() {
        let mut records = RecordPolicy::new("test");
        records.good();
        let error = records.bad(bad("x")).unwrap_err();
        // Whoever drives the machine says its name and the chunk.
        assert_eq!(error.to_string(), "wrong");
        let counts = records.counts();
        assert_eq!((counts.read(), counts.skipped()), (1, 0));
    }

    #[test]
    fn a_dead_letter_has_its_own_memory_its_place_and_the_name_of_the_machine() {
        let (letters, dead) = std::sync::mpsc::channel();
        let mut records = RecordPolicy::new("test");
        records.set_policy(OnBadRecord::dead_letter(move |bad| Ok(letters.send(bad)?)));
        records.good();
        let chunk = Bytes::from(b"some chunk".to_vec());
        let record = BadRecord::new(chunk.slice(..4), 7, Error::corrupt("wrong")).cut();
        records.bad(record).unwrap();
        assert!(chunk.is_unique(), "the letter does not keep the chunk");
        let letter = dead.recv().unwrap();
        assert_eq!((&letter.bytes()[..], letter.offset(), letter.index()), (&b"some"[..], 7, 1));
        assert!(letter.is_cut());
        assert_eq!(letter.error().to_string(), "wrong (in test)");
        assert_eq!(records.seen(), 2);
    }

    #[test]
    fn a_letter_that_nobody_takes_is_an_error() {
        let mut records = RecordPolicy::new("test");
        records.set_policy(OnBadRecord::dead_letter(|_| Err(Error::overflow())));
        assert!(records.bad(bad("x")).unwrap_err().is_overflow());
        assert_eq!(records.counts().skipped(), 1);
    }
}
