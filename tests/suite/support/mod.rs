//! The parts of `highwater_test` for chunks that are numbers, and what else several modules need.

#[cfg(target_os = "linux")]
mod again;
mod chaos;
mod programs;
mod s3;
pub(crate) mod services;
mod strategies;
mod timed;
mod tool;

#[cfg(target_os = "linux")]
pub(crate) use again::under_strace;
pub(crate) use chaos::{Answer, Chaos, Ending, Fault, Request};
pub(crate) use highwater_test::{
    Behaviour, Op, Point, Ran, Stalled, Trouble, Wakes, When, pend, poll_once, run_spurious,
    run_woken,
};
pub(crate) use programs::{names, program};
pub(crate) use s3::S3;
pub(crate) use strategies::{behaviours, failing_scripts, scripts};
pub(crate) use timed::{Debounce, Pace};
pub(crate) use tool::Tool;

use std::pin::pin;
use std::sync::mpsc::RecvTimeoutError;
use std::task::Poll;
use std::time::Duration;

use highwater_core::{Error, Readable, Result, Source};

/// Chunks that are numbers are enough for the suite.
pub(crate) type Step = highwater_test::Cue<u32>;
pub(crate) type Script = highwater_test::Script<u32>;
pub(crate) type Recorder = highwater_test::Recorder<u32>;
pub(crate) type Event = highwater_test::Event<u32>;
pub(crate) type Log = highwater_test::Log<u32>;

/// A readable that follows the script.
pub(crate) fn script(log: &Log, steps: &[Step]) -> Readable<Script> {
    Script::new(log, steps.iter().copied()).readable()
}

/// The same where nobody looks at the log.
pub(crate) fn quiet(steps: &[Step]) -> Readable<Script> {
    script(&Log::default(), steps)
}

/// The steps that give these chunks, one after the other.
pub(crate) fn chunks_of(chunks: impl IntoIterator<Item = u32>) -> Vec<Step> {
    Step::chunks(chunks)
}

/// The chunks that a script gives before its end or its error.
pub(crate) fn values(steps: &[Step]) -> impl Iterator<Item = u32> + Clone + '_ {
    steps.iter().take_while(|step| **step != Step::Error).filter_map(|step| match step {
        Step::Chunk(chunk) => Some(*chunk),
        _ => None,
    })
}

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
    S: Source<Chunk = T> + Unpin,
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

/// The result of work that must not hang, for what needs real threads: where it does, the test fails and leaves it behind.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, result) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || sender.send(work()));
    match result.recv_timeout(Duration::from_secs(60)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs, or spins"),
        Err(RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it sends unless it panics"))
        }
    }
}

/// What a readable gives at once.
pub(crate) fn now<T, S>(readable: &mut Readable<S>) -> Option<Result<T>>
where
    S: Source<Chunk = T> + Unpin,
{
    match poll_once(pin!(readable.next())) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("it is pending"),
    }
}

/// All that a readable gives, where it must not fail.
pub(crate) fn given<T, S>(readable: Readable<S>) -> Vec<T>
where
    S: Source<Chunk = T> + Unpin,
{
    let (given, error) = drain(readable);
    assert!(error.is_none(), "it fails: {error:?}");
    given
}
