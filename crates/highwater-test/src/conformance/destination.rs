//! The suite for any destination.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use highwater_core::{BoxDestination, Destination, Error, Readable, Result};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::transform::points;
use super::{assert_no_runtime, check};
use crate::case::shorten;
use crate::script::SOURCE_FAILED;
use crate::{Cue, Log, Script, drop_at_poll};

/// When a suite asks what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test should say what it promises at each")]
pub enum Moment {
    /// After two calls of `flush`: all that was written must be there.
    Flushed,
    /// After `finish`: all that was written must be there.
    Finished,
    /// After `abort`: what is there must be the beginning of what was written, or nothing.
    Aborted,
    /// After the destination was dropped without either: as after an abort.
    Dropped,
}

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
/// - `write_many` writes the same, and takes all from the queue;
/// - `flush` after `open` and after every chunk, twice each time: what was written has arrived, and nothing more;
/// - `abort` behind any chunk, and behind a `finish` that was not waited for;
/// - every call dropped at each of its polls, and then `abort`;
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
/// impl Destination<u32> for Late {
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
    D: Destination<T> + 'static,
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
/// impl Destination<Bytes> for Memory {
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
    D: Destination<Bytes> + 'static,
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

/// A destination, what is written to it, and whether that has arrived.
struct Subject<'a, T, F, J> {
    make: &'a F,
    chunks: &'a [T],
    judge: &'a J,
    name: &'a str,
}

impl<T, D, H, F, J> Subject<'_, T, F, J>
where
    T: Clone + Send + 'static,
    D: Destination<T> + 'static,
    F: Fn() -> (D, H),
    J: Fn(&mut H, Moment, &[T]) -> Result<(), String>,
{
    #[track_caller]
    fn everything(&self) {
        assert_no_runtime();
        self.calls();
        self.breaking_off();
        self.dropped_calls();
        self.in_pipelines();
    }

    #[track_caller]
    fn calls(&self) {
        let Self { make, chunks, .. } = self;
        self.check("`open`, `write` of each chunk, `finish`", async || {
            let (mut to, mut handle) = make();
            good("open", to.open().await)?;
            for chunk in *chunks {
                good("write", to.write(chunk.clone()).await)?;
            }
            good("finish", to.finish().await)?;
            self.judge(&mut handle, Moment::Finished, chunks).await
        });
        self.check("`open`, `finish`, with nothing written", async || {
            let (mut to, mut handle) = make();
            good("open", to.open().await)?;
            good("finish", to.finish().await)?;
            self.judge(&mut handle, Moment::Finished, &[]).await
        });
        self.check("`write_many`", async || {
            let (mut to, mut handle) = make();
            good("open", to.open().await)?;
            let (first, second) = chunks.split_at(chunks.len() / 2);
            for part in [first, &[], second] {
                let mut queue: VecDeque<T> = part.iter().cloned().collect();
                good("write_many", to.write_many(&mut queue).await)?;
                if !queue.is_empty() {
                    return Err("it leaves chunks in the queue and says that all went well".into());
                }
            }
            good("finish", to.finish().await)?;
            self.judge(&mut handle, Moment::Finished, chunks).await
        });
        self.check("`flush` after every chunk", async || {
            let (mut to, mut handle) = make();
            good("open", to.open().await)?;
            for k in 0..=chunks.len() {
                good("flush", to.flush().await)?;
                good("flush", to.flush().await)?;
                self.judge(&mut handle, Moment::Flushed, &chunks[..k])
                    .await
                    .map_err(|why| format!("after {k} chunks: {why}"))?;
                if let Some(chunk) = chunks.get(k) {
                    good("write", to.write(chunk.clone()).await)?;
                }
            }
            good("finish", to.finish().await)?;
            self.judge(&mut handle, Moment::Finished, chunks).await
        });
    }

    /// Nothing more comes behind some of the chunks.
    #[track_caller]
    fn breaking_off(&self) {
        let Self { make, chunks, .. } = self;
        for k in points(chunks.len()) {
            for moment in [Moment::Aborted, Moment::Dropped] {
                self.check(format!("{moment:?} behind {k} chunks"), async || {
                    let (mut to, mut handle) = make();
                    good("open", to.open().await)?;
                    for chunk in &chunks[..k] {
                        good("write", to.write(chunk.clone()).await)?;
                    }
                    if moment == Moment::Aborted {
                        good("abort", to.abort(&Error::aborted()).await)?;
                    }
                    drop(to);
                    self.judge(&mut handle, moment, &chunks[..k]).await
                });
            }
        }
    }

    /// Every call is dropped at each of its polls; an abort follows.
    #[track_caller]
    fn dropped_calls(&self) {
        let calls = self.chunks.len() + 3;
        for call in points(calls - 1) {
            for poll in 1..=MOST_POLLS {
                let mut completed = false;
                self.check(
                    format!("call {call} dropped at its poll {poll}, `abort`"),
                    async || {
                        completed = self.drop_call(call, poll).await?;
                        Ok(())
                    },
                );
                if completed {
                    break;
                }
            }
        }
    }

    /// True when the call was through before it could be dropped.
    async fn drop_call(&self, dropped: usize, poll: usize) -> Result<bool, String> {
        let (mut to, mut handle) = (self.make)();
        let flush = self.chunks.len() + 1;
        let mut completed = false;
        for call in 0..=dropped {
            let work = async {
                match call {
                    0 => to.open().await,
                    _ if call < flush => to.write(self.chunks[call - 1].clone()).await,
                    _ if call == flush => to.flush().await,
                    _ => to.finish().await,
                }
            };
            let result =
                if call == dropped { drop_at_poll(poll, work).await } else { Some(work.await) };
            completed = result.is_some();
            good("a call", result.unwrap_or(Ok(())))?;
        }
        good("abort", to.abort(&Error::aborted()).await)?;
        drop(to);
        let offered = dropped.min(self.chunks.len());
        self.judge(&mut handle, Moment::Aborted, &self.chunks[..offered]).await?;
        Ok(completed)
    }

    #[track_caller]
    fn in_pipelines(&self) {
        let Self { make, chunks, .. } = self;
        let steady = || chunks.iter().cloned().map(Cue::Chunk);
        let paused = || steady().flat_map(|cue| [Cue::Pending, cue]);
        self.check("in a pipeline", async || {
            let (to, mut handle) = make();
            let report = source(steady()).pipe_to(to).run().await;
            good("the pipeline", report.map(|_| ()))?;
            self.judge(&mut handle, Moment::Finished, chunks).await
        });
        self.check("in a pipeline, boxed, with a source that pauses", async || {
            let (to, mut handle) = make();
            let report = source(paused()).pipe_to(BoxDestination::new(to)).run().await;
            good("the pipeline", report.map(|_| ()))?;
            self.judge(&mut handle, Moment::Finished, chunks).await
        });
        for k in points(chunks.len()) {
            self.check(format!("in a pipeline that fails behind {k} chunks"), async || {
                let (mut to, mut handle) = make();
                let failing = source(paused().take(2 * k).chain([Cue::Error]));
                match failing.pipe_to(&mut to).run().await {
                    Err(error) if error.to_string().starts_with(SOURCE_FAILED) => {}
                    other => {
                        return Err(format!(
                            "the error of the source does not come out: {other:?}"
                        ));
                    }
                }
                drop(to);
                self.judge(&mut handle, Moment::Aborted, &chunks[..k]).await
            });
        }
    }

    /// Tasks that `make` has spawned to take what arrives have their turns first.
    async fn judge(&self, handle: &mut H, moment: Moment, written: &[T]) -> Result<(), String> {
        for _ in 0..TURNS {
            yield_now().await;
        }
        (self.judge)(handle, moment, written)
    }

    #[track_caller]
    fn check<Fut>(&self, what: impl AsRef<str>, work: impl FnOnce() -> Fut)
    where
        Fut: Future<Output = Result<(), String>>,
    {
        let (what, name) = (what.as_ref(), self.name);
        let what = if name.is_empty() { what.to_owned() } else { format!("{what} ({name})") };
        check(what, || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
            runtime.block_on(async { timeout(PATIENCE, work()).await }).map_err(|_| "it hangs")?
        });
    }
}

fn source<T>(cues: impl IntoIterator<Item = Cue<T>>) -> Readable<Script<T>> {
    Script::new(&Log::default(), cues).readable()
}

fn good(call: &str, result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{call} fails: {error:?}"))
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
/// Polls at which a call is dropped.
const MOST_POLLS: usize = 8;
/// Turns that other tasks have before it is looked at what has arrived.
const TURNS: usize = 32;
/// Real time, in which whatever does not hang is through.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 60 });
