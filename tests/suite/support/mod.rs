//! Hostile parts: a source, a machine and a destination that misbehave on command and write down what happens to them,
//! and an executor that polls only what was woken.

mod destination;
mod executor;
mod log;
mod machine;
mod source;
mod timed;

pub(crate) use destination::{Op, Recorder, Trouble, When, pend};
pub(crate) use executor::{Ran, Stalled, Wakes, poll_once, run_spurious, run_woken};
pub(crate) use log::{Event, Log};
pub(crate) use machine::{Behaviour, Point, behaviours, drive};
pub(crate) use source::{Script, Step, chunks_of, failing_scripts, quiet, script, scripts, values};
pub(crate) use timed::{Debounce, Pace};

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::Stream;
use highwater_core::{Error, Readable, Result};

/// What an error says about where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) text: String,
    pub(crate) stage: Option<&'static str>,
    pub(crate) chunk: Option<u64>,
}

impl Blame {
    pub(crate) fn of(error: &Error) -> Self {
        // The text in front of the place.
        let text = error.to_string().split(" (").next().unwrap_or_default().to_owned();
        Self { text, stage: error.stage(), chunk: error.chunk() }
    }
}

/// All that a readable gives up to its end or its first error, polled only when woken.
pub(crate) fn drain<T, S>(mut readable: Readable<S>) -> (Vec<T>, Option<Error>)
where
    S: Stream<Item = Result<T>> + Unpin,
{
    let all = async {
        let mut given = Vec::new();
        while let Some(item) = readable.next().await {
            match item {
                Ok(chunk) => given.push(chunk),
                Err(error) => return (given, Some(error)),
            }
        }
        (given, None)
    };
    run_woken(all).expect("no wake-up is lost").output
}

/// The result of a future on a runtime whose clock is paused; where it would hang, the clock runs and it fails instead.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, future).await.expect("it hangs")
}

/// What a readable gives at once.
pub(crate) fn now<T, S>(readable: &mut Readable<S>) -> Option<Result<T>>
where
    S: Stream<Item = Result<T>> + Unpin,
{
    match poll_once(pin!(readable.next())) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("it is pending"),
    }
}

/// All that a readable gives, where it must not fail.
pub(crate) fn given<T, S>(readable: Readable<S>) -> Vec<T>
where
    S: Stream<Item = Result<T>> + Unpin,
{
    let (given, error) = drain(readable);
    assert!(error.is_none(), "it fails: {error:?}");
    given
}
