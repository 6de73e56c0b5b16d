//! What goes into a machine and what must come of it.

use std::convert::Infallible;
use std::fmt::{self, Debug, Write};
use std::time::Duration;

use bytes::Bytes;
use highwater_core::{Error, debug_fields};

/// What goes into a machine, and what must come of it.
///
/// A case without [`gives`](Self::gives) gives nothing; one without [`fails`](Self::fails) ends well; one without
/// [`releases`](Self::releases) releases nothing when its input fails; one without [`takes`](Self::takes) takes its
/// whole input.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use highwater_core::operators::Chunks;
/// use highwater_test::{Case, conformance};
///
/// let pairs = || Chunks::new(NonZeroUsize::MIN.saturating_add(1));
/// let whole = |taken: usize, given: &[Vec<u32>]| given.concat().len() == taken;
/// conformance(pairs, [
///     Case::new([]),
///     Case::new([1, 2, 3]).gives([vec![1, 2], vec![3]]).releases([[3]]),
///     Case::new([1, 2, 3, 4]).gives([[1, 2], [3, 4]]).releases_where(whole),
/// ]);
/// ```
pub struct Case<I, O> {
    pub(crate) name: Option<String>,
    pub(crate) input: Vec<I>,
    pub(crate) gives: Check<O>,
    pub(crate) fails: Option<Predicate>,
    pub(crate) releases: Releases<O>,
    pub(crate) takes: Option<usize>,
    pub(crate) bound: Option<Bound>,
    pub(crate) ends_at: Duration,
    pub(crate) waits: Option<usize>,
    pub(crate) bytes: Option<u64>,
}

/// How much a machine may hold, and what measures it.
pub(crate) struct Bound {
    most: usize,
    pub(crate) gauge: Box<dyn Fn() -> usize>,
}

impl Bound {
    /// How much more there is than there was before.
    pub(crate) fn held(&self, before: usize) -> usize {
        (self.gauge)().saturating_sub(before)
    }

    /// Panics when it is more than is allowed.
    pub(crate) fn measure(&self, before: usize) {
        let (held, most) = (self.held(before), self.most);
        assert!(held <= most, "it holds {held}, and may hold {most}");
    }
}

/// Says what is wrong with the outputs.
pub(crate) type Check<O> = Box<dyn Fn(&[O]) -> Result<(), String>>;
/// Says whether it is the right error.
pub(crate) type Predicate = Box<dyn Fn(&Error) -> bool>;

/// Says whether the outputs are right for so much input.
pub(crate) type RightFor<O> = Box<dyn Fn(usize, &[O]) -> bool>;

/// What comes before an error of the input.
pub(crate) enum Releases<O> {
    /// Nothing, wherever it fails.
    Nothing,
    /// This, when it fails behind the whole input.
    Last(Check<O>),
    /// All that was given is right for so much input, wherever it fails.
    Where(RightFor<O>),
}

impl<I, O: 'static> Case<I, O> {
    /// With these chunks as input.
    pub fn new(chunks: impl IntoIterator<Item = I>) -> Self {
        Self {
            name: None,
            input: chunks.into_iter().collect(),
            gives: Box::new(gives_nothing),
            fails: None,
            releases: Releases::Nothing,
            takes: None,
            bound: None,
            ends_at: Duration::ZERO,
            waits: None,
            bytes: None,
        }
    }

    /// What to call it in failures; without a name it is counted.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives exactly these outputs; before its error if it [`fails`](Self::fails).
    #[must_use]
    pub fn gives<E>(mut self, outputs: impl IntoIterator<Item = E>) -> Self
    where
        O: PartialEq<E> + Debug,
        E: Debug + 'static,
    {
        self.gives = exactly(outputs);
        self
    }

    /// Gives outputs which put together are these bytes, however they are cut.
    #[must_use]
    pub fn gives_joined(mut self, bytes: impl AsRef<[u8]>) -> Self
    where
        O: AsRef<[u8]>,
    {
        let expected = Bytes::copy_from_slice(bytes.as_ref());
        self.gives = Box::new(move |given| {
            let mut joined = Vec::new();
            given.iter().for_each(|output| joined.extend_from_slice(output.as_ref()));
            if joined == expected {
                return Ok(());
            }
            let at = joined.iter().zip(&expected).take_while(|(one, two)| one == two).count();
            let joined = Bytes::from(joined);
            Err(format!(
                "its outputs put together differ from byte {at} on:\n    given    {}\n    expected {}",
                shorten(&joined.slice(at..)),
                shorten(&expected.slice(at..))
            ))
        });
        self
    }

    /// Gives outputs of which this is true: where the outputs are not always the same, or are best looked at by a
    /// decoder. It may as well assert. The type of its argument has to be written: `|given: &[Bytes]| …`.
    #[must_use]
    pub fn gives_where(mut self, right: impl Fn(&[O]) -> bool + 'static) -> Self
    where
        O: Debug,
    {
        self.gives = Box::new(move |given| {
            if right(given) {
                Ok(())
            } else {
                Err(format!("these outputs are wrong: {}", shorten(given)))
            }
        });
        self
    }

    /// Fails with an error of which this is true, such as `Error::is_truncated`.
    #[must_use]
    pub fn fails(mut self, right: impl Fn(&Error) -> bool + 'static) -> Self {
        self.fails = Some(Box::new(right));
        self
    }

    /// When the input fails behind all of this input, these are released before its error. Those given before that are
    /// not meant.
    #[must_use]
    pub fn releases<E>(mut self, outputs: impl IntoIterator<Item = E>) -> Self
    where
        O: PartialEq<E> + Debug,
        E: Debug + 'static,
    {
        self.releases = Releases::Last(exactly(outputs));
        self
    }

    /// Wherever the input fails, all that was given until then, released or before, is right for so many chunks, or for
    /// so many bytes of a [`Case::bytes`].
    #[must_use]
    pub fn releases_where(mut self, right: impl Fn(usize, &[O]) -> bool + 'static) -> Self {
        self.releases = Releases::Where(Box::new(right));
        self
    }

    /// Wants no more after so many chunks, or so many bytes of a [`Case::bytes`]: the machine is done, and its source
    /// is dropped with that chunk.
    #[must_use]
    pub fn takes(mut self, chunks_or_bytes: usize) -> Self {
        self.takes = Some(chunks_or_bytes);
        self
    }

    /// Holds at the most so much between two calls, as `gauge` measures it: what there is now less what there was
    /// before the machine was made. An output is dropped before the next is asked for, so a machine that expands has to
    /// make them one by one.
    ///
    /// The gauge counts [`Tokens`](crate::Tokens), or what an allocator of yours has given out.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::operators::FlatMap;
    /// use highwater_test::{Case, Tokens, conformance};
    ///
    /// let tokens = Tokens::new();
    /// let make = || {
    ///     let tokens = tokens.clone();
    ///     FlatMap::new(move |count: u32| {
    ///         let tokens = tokens.clone();
    ///         (0..count).map(move |x| tokens.token(x))
    ///     })
    /// };
    /// let gauge = tokens.clone();
    /// conformance(make, [Case::new([1000]).gives(0..1000_u32).holds_at_most(0, move || gauge.alive())]);
    /// ```
    #[must_use]
    pub fn holds_at_most(mut self, most: usize, gauge: impl Fn() -> usize + 'static) -> Self {
        self.bound = Some(Bound { most, gauge: Box::new(gauge) });
        self
    }

    /// How it is called in failures.
    pub(crate) fn describe(&self, index: usize) -> String {
        match &self.name {
            Some(name) => format!("case {index}, {name}"),
            None => format!("case {index}"),
        }
    }
}

impl<O: 'static> Case<Bytes, O> {
    /// With these bytes as input, for [`conformance_bytes`](crate::conformance_bytes), which cuts them itself.
    pub fn bytes(input: impl AsRef<[u8]>) -> Self {
        Self::new([Bytes::copy_from_slice(input.as_ref())])
    }
}

impl<I, O: 'static> Case<(Duration, I), O> {
    /// When the input ends, for [`conformance_timed`](crate::conformance_timed); with its last chunk unless said
    /// otherwise.
    #[must_use]
    pub fn ends_at(mut self, time: Duration) -> Self {
        self.ends_at = time;
        self
    }
}

impl<O: 'static> Case<Infallible, O> {
    /// Of a source, for [`conformance_source`](crate::conformance_source).
    pub fn source() -> Self {
        Self::new([])
    }

    /// A reader that does nothing else waits so often at the most: no task is woken for nothing.
    #[must_use]
    pub fn waits_at_most(mut self, times: usize) -> Self {
        self.waits = Some(times);
        self
    }

    /// The report of a pipeline says that the source gave so many bytes: it
    /// [publishes](highwater_core::stage::StageStats::publish_bytes) them.
    #[must_use]
    pub fn counts_bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

debug_fields!(Case<I, O>, name);

fn gives_nothing<O>(given: &[O]) -> Result<(), String> {
    match given.len() {
        0 => Ok(()),
        count => Err(format!("it gives {count} outputs where none is expected")),
    }
}

fn exactly<O, E>(expected: impl IntoIterator<Item = E>) -> Check<O>
where
    O: PartialEq<E> + Debug,
    E: Debug + 'static,
{
    let expected: Vec<E> = expected.into_iter().collect();
    Box::new(move |given| {
        let equal = given.iter().zip(&expected).take_while(|(one, two)| one == two).count();
        if equal == given.len() && equal == expected.len() {
            return Ok(());
        }
        Err(format!(
            "its outputs differ from output {equal} on:\n    given    {}\n    expected {}",
            shorten(&given[equal..]),
            shorten(&expected[equal..])
        ))
    })
}

/// The text of a value, as long as it can be read.
pub(crate) fn shorten<T: Debug + ?Sized>(value: &T) -> String {
    let mut text = Short(String::new());
    match write!(text, "{value:?}") {
        Ok(()) => text.0,
        Err(fmt::Error) => text.0 + " …",
    }
}

/// Takes what fits and refuses the rest, so that a large value is not written out to be thrown away.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_SHOWN.saturating_sub(self.0.len());
        let end = (0..=room.min(text.len())).rfind(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Bytes of a value's text that a failure shows.
const MOST_SHOWN: usize = 400;
