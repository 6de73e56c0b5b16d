//! From the elements of an array to values.

use std::marker::PhantomData;

use bytes::Bytes;
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, OnFailure};
use highwater_core::{Result, Transform};
use serde_core::de::DeserializeOwned;

use super::split::{Element, Split};
use crate::parse::{Problem, parse};

/// Reads a JSON array element by element: [`JsonArray::new`].
pub fn json_array<T: DeserializeOwned>() -> JsonArray<T> {
    JsonArray::new()
}

/// Reads a JSON array element by element, one value for each.
///
/// The array is all of the input, with white space around it. What stands between two of its commas is an element; it
/// is found by following brackets and strings, and read by serde_json. So with a policy that goes on after a bad
/// element, one whose brackets or quotes do not match can take its neighbours with it.
///
/// It holds one element at the most that crosses chunks, and less than twice the maximum length.
///
/// # Errors
///
/// - An element is not JSON or does not fit the type ([`is_corrupt`](highwater_core::Error::is_corrupt)); it is longer than
///   [`with_max_length`](Self::with_max_length) or too deep ([`is_limit`](highwater_core::Error::is_limit)): unless
///   [`on_failure`](Self::on_failure) says otherwise. The message says its index, from 0.
/// - Whatever is said there: the input does not begin with an array, or something stands behind it
///   ([`is_corrupt`](highwater_core::Error::is_corrupt)); it ends before the array does ([`is_truncated`](highwater_core::Error::is_truncated)).
///
/// The error says the line and the offset in the input where the parser stood when it found out.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::OnFailure;
/// use highwater_json::JsonArray;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let input = || Readable::from_iter(["[1, 2", "3,\n \"four\", 5]"].map(Bytes::from));
///
/// let mut strict = input().pipe(JsonArray::<u32>::new());
/// assert_eq!(strict.next().await.expect("an element")?, 1);
/// assert_eq!(strict.next().await.expect("an element")?, 23);
/// let error = strict.next().await.expect("an error").unwrap_err();
/// assert!(error.to_string().starts_with("element 2: invalid type: string \"four\""));
/// assert_eq!((error.line(), error.offset()), (Some(2), Some(14)));
///
/// let lenient = JsonArray::<u32>::new().on_failure(OnFailure::Skip);
/// assert_eq!(input().pipe(lenient).to_vec().await?, [1, 23, 5]);
/// # Ok(()) }
/// ```
pub struct JsonArray<T> {
    split: Split,
    records: FailurePolicy<Bytes>,
    element: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonArray<T> {
    /// With elements of at most 1 MiB (2²⁰ bytes), each of which must be good.
    pub fn new() -> Self {
        Self { split: Split::new(), records: FailurePolicy::default(), element: PhantomData }
    }

    /// The most bytes an element may have, white space before it not counted.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.split.max = bytes;
        self
    }

    /// Lets elements be of any length: one that does not end is then held in memory as far as it comes.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }

    /// What becomes of a bad element.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<Bytes>) -> Self {
        self.records.set(policy);
        self
    }

    /// How many elements it has read and left out, readable while it runs and afterwards.
    pub fn counts(&self) -> ItemCounts {
        self.records.counts()
    }

    /// The value of an element; `None` if it is bad and left out.
    #[inline]
    fn parse(&mut self, element: Element) -> Result<Option<T>> {
        if element.cut {
            let error = element.begin.too_long(&self.nth(), self.split.max);
            let record = Failed::new(element.bytes, error).with_offset(element.begin.offset);
            return self.records.bad(record.cut(), NAME).map(|()| None);
        }
        match parse(&element.bytes) {
            Ok(value) => {
                self.records.good();
                Ok(Some(value))
            }
            Err(problem) => self.wrong(element, &problem).map(|()| None),
        }
    }

    #[cold]
    fn wrong(&mut self, element: Element, problem: &Problem) -> Result<()> {
        let what = if element.bytes.is_empty() { "is missing" } else { &problem.what };
        let text = format!("{}: {what}", self.nth());
        let error = problem.at(text, element.begin);
        let record = Failed::new(element.bytes, error).with_offset(element.begin.offset);
        self.records.bad(record, NAME)
    }

    /// The element in work, in words.
    fn nth(&self) -> String {
        format!("element {}", self.records.seen())
    }

    /// The chunk is through.
    fn ask(&self) -> Result<Option<T>> {
        // Its end may be far: an element that is an error anyway is not read up to there.
        match self.split.too_long().filter(|_| self.records.fails()) {
            Some(begin) => Err(begin.too_long(&self.nth(), self.split.max)),
            None => Ok(None),
        }
    }
}

impl<T: DeserializeOwned> Default for JsonArray<T> {
    fn default() -> Self {
        Self::new()
    }
}

highwater_core::debug_fields!(JsonArray<T>, records);

impl<T: DeserializeOwned> Transform for JsonArray<T> {
    type Input = Bytes;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<T>> {
        self.split.write(chunk);
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<T>> {
        while let Some(element) = self.split.next()? {
            if let Some(value) = self.parse(element)? {
                return Ok(Some(value));
            }
        }
        self.ask()
    }

    fn end(&mut self) -> Result<()> {
        self.split.end()
    }

    fn max_bytes(&self) -> Option<usize> {
        self.split.max_bytes()
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

const NAME: &str = "json_array";
