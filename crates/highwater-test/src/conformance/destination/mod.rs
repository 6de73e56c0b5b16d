//! The suite for any destination.

mod subject;

use std::fmt::Debug;

use bytes::Bytes;
use highwater_core::Destination;
pub use subject::Moment;
use subject::Subject;

use crate::case::shorten;

/// Runs a destination through everything that a pipeline may do to it.
///
/// `make` makes a new one for every run, and whatever is needed to look at what has arrived. `arrived` gives all that has
/// until now, or says `None` where that shows nothing (a file that appears only when it is finished, after a `flush`).
/// The destination must be able to take all the chunks without anybody looking: give a channel room for them, or spawn
/// a task in `make` that takes them, on the runtime that it is called in, of one thread; its turn comes before `arrived`.
///
/// Checked, on a runtime of its own:
///
/// - `open`, a `write` for each chunk, `finish`: they have arrived, in order; without chunks nothing has;
/// - `accept` of each chunk, `write` of those that come back, `on_idle` between them: the same;
/// - `flush` after `open` and after every chunk: what was written has arrived, and nothing more;
/// - `abort` behind any chunk, and behind a `finish` that was not waited for;
/// - every call dropped at each of its polls, and then `abort`; a `write` dropped so, and then the other chunks: that one
///   has arrived once or not at all, unless a later call fails; if `abort` says that a dropped `finish` has
///   [committed](highwater_core::Error::is_committed), all has arrived;
/// - the destination dropped behind any chunk;
/// - in a pipeline, boxed or not, with a source that is always ready, one that pauses between the chunks, and one that
///   fails behind any of them, whose error is the one that comes out.
///
/// # Panics
///
/// Something of this does not hold, or takes longer than a minute. The message says what. Called within a runtime, it
/// panics as well: call it from a plain `#[test]`.
///
/// # Examples
///
/// ```
/// use highwater_test::conformance_destination;
/// use tokio::sync::mpsc;
///
/// let make = || {
///     let (sender, receiver) = mpsc::channel(8);
///     (sender, (receiver, Vec::new()))
/// };
/// conformance_destination(make, [1, 2, 3], |(receiver, all), _| {
///     all.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
///     Some(all.clone())
/// });
/// ```
///
/// A destination that keeps its last chunk until the next one comes:
///
/// ```should_panic
/// use std::sync::{Arc, Mutex};
///
/// use highwater_core::{Destination, Result};
/// use highwater_test::conformance_destination;
///
/// struct Late(Option<u32>, Arc<Mutex<Vec<u32>>>);
///
/// impl Destination for Late {
///     type Chunk = u32;
///
///     async fn write(&mut self, chunk: u32) -> Result<()> {
///         let before = self.0.replace(chunk);
///         self.1.lock().expect("not poisoned").extend(before);
///         Ok(())
///     }
/// }
///
/// let make = || {
///     let list = Arc::new(Mutex::new(Vec::new()));
///     (Late(None, Arc::clone(&list)), list)
/// };
/// conformance_destination(make, [1, 2], |list, _| Some(list.lock().expect("not poisoned").clone()));
/// ```
#[track_caller]
pub fn conformance_destination<T, D, H>(
    make: impl Fn() -> (D, H),
    chunks: impl IntoIterator<Item = T>,
    arrived: impl Fn(&mut H, Moment) -> Option<Vec<T>>,
) where
    T: Clone + PartialEq + Debug + Send + 'static,
    D: Destination<Chunk = T> + 'static,
{
    let judge = |handle: &mut H, moment, written: &[T]| match arrived(handle, moment) {
        Some(arrived) => compare(&arrived, written, moment, shorten),
        None => Ok(()),
    };
    let chunks: Vec<T> = chunks.into_iter().collect();
    Subject { make: &make, chunks: &chunks, judge: &judge, name: "" }.everything();
}

/// Runs a destination of bytes through all of [`conformance_destination`], with chunks of many sizes, among them empty
/// ones, 4096 bytes and one more and less, and 1 MiB and more: what has arrived is looked at as one run of bytes.
///
/// # Panics
///
/// As [`conformance_destination`].
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use bytes::Bytes;
/// use highwater_core::{Destination, Result};
/// use highwater_test::conformance_destination_bytes;
///
/// #[derive(Clone, Default)]
/// struct Memory(Arc<Mutex<Vec<u8>>>);
///
/// impl Destination for Memory {
///     type Chunk = Bytes;
///
///     async fn write(&mut self, chunk: Bytes) -> Result<()> {
///         self.0.lock().expect("not poisoned").extend(chunk);
///         Ok(())
///     }
/// }
///
/// let make = || {
///     let memory = Memory::default();
///     (memory.clone(), memory)
/// };
/// conformance_destination_bytes(make, |memory, _| Some(memory.0.lock().expect("not poisoned").clone()));
/// ```
#[track_caller]
pub fn conformance_destination_bytes<D, H>(
    make: impl Fn() -> (D, H),
    arrived: impl Fn(&mut H, Moment) -> Option<Vec<u8>>,
) where
    D: Destination<Chunk = Bytes> + 'static,
{
    let judge = |handle: &mut H, moment, written: &[Bytes]| match arrived(handle, moment) {
        Some(arrived) => compare(&arrived, &written.concat(), moment, text),
        None => Ok(()),
    };
    for (name, sizes) in SIZES {
        let chunks = chunks_of(sizes);
        Subject { make: &make, chunks: &chunks, judge: &judge, name }.everything();
    }
}

/// Whether what has arrived is what must have by then.
fn compare<T: PartialEq>(
    arrived: &[T],
    written: &[T],
    moment: Moment,
    show: fn(&[T]) -> String,
) -> Result<(), String> {
    let right = match moment {
        Moment::Flushed | Moment::Finished => arrived == written,
        Moment::Aborted | Moment::Dropped => written.starts_with(arrived),
    };
    if right {
        return Ok(());
    }
    let equal = arrived.iter().zip(written).take_while(|(one, two)| one == two).count();
    Err(format!(
        "{moment:?}: {} of {} arrived; they differ from {equal} on:\n    arrived  {}\n    written  {}",
        arrived.len(),
        written.len(),
        show(&arrived[equal..]),
        show(&written[equal..])
    ))
}

/// Bytes as a text.
fn text(bytes: &[u8]) -> String {
    shorten(&Bytes::copy_from_slice(bytes))
}

/// Chunks of these sizes, with bytes of which each tells where it belongs.
fn chunks_of(sizes: &[usize]) -> Vec<Bytes> {
    let mut count = 0_u32;
    let mut next = || {
        count += 1;
        count.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
    };
    sizes.iter().map(|size| (0..*size).map(|_| next()).collect()).collect()
}

/// Chunks for a destination of bytes, in bytes.
const SIZES: [(&str, &[usize]); 4] = [
    ("empty chunks", &[0, 0, 0]),
    ("small chunks", &[0, 1, 2, 0, 3, 100]),
    ("around a page", &[4095, 4096, 4097, 0, 1]),
    ("large chunks", &[300_000, 1, (1 << 20) + 1, 0, 65_536]),
];
