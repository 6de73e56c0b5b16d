//! The ways to read a source.

use std::fmt::{self, Display};
use std::future::{Future, poll_fn};
use std::ops::ControlFlow::{Break, Continue};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use highwater_core::{Error, Result, Source};

use crate::{Stall, Woken, poll_once};

/// A way to read a source to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    /// One chunk after the other, by `poll_next`.
    Next,
    /// By `poll_each`, broken off behind every `run` chunks; the others may be given back.
    Each { run: usize, gives_back: bool },
    /// By `poll_next` and, broken off behind two chunks, by `poll_each`.
    InTurns,
}

pub(super) const READINGS: [Reading; 6] = [
    Reading::Next,
    Reading::Each { run: usize::MAX, gives_back: false },
    Reading::Each { run: usize::MAX, gives_back: true },
    Reading::Each { run: 1, gives_back: false },
    Reading::Each { run: 3, gives_back: true },
    Reading::InTurns,
];

impl Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => f.write_str("by `poll_next`"),
            Self::InTurns => f.write_str("by `poll_next` and `poll_each` in turns"),
            Self::Each { run, gives_back } => {
                f.write_str("by `poll_each`")?;
                if *run < usize::MAX {
                    write!(f, ", broken off behind every {run}")?;
                }
                f.write_str(if *gives_back { ", each chunk given back" } else { "" })
            }
        }
    }
}

/// Reads to the end, whose error it gives. Each chunk is taken, or given back if it is wanted back.
pub(super) async fn read<S: Source>(
    mut source: Pin<&mut S>,
    way: Reading,
    mut take: impl FnMut(S::Chunk) -> Result<Option<S::Chunk>, String>,
) -> Result<Option<Error>, String> {
    let mut count = 0;
    for turn in 0_usize.. {
        let run = match way {
            Reading::Each { run, gives_back } => Some((run, gives_back)),
            Reading::InTurns if turn % 2 == 1 => Some((2, false)),
            Reading::Next | Reading::InTurns => None,
        };
        let end = match run {
            Some((run, gives_back)) => {
                let take = |chunk| Ok(take(chunk)?.filter(|_| gives_back));
                each(source.as_mut(), run, &mut count, take).await?
            }
            None => match poll_fn(|cx| source.as_mut().poll_next(cx)).await {
                Some(Ok(chunk)) => {
                    count += 1;
                    Some(take(chunk).map(drop).map(Ok)?)
                }
                end => end.map(|end| end.map(drop)),
            },
        };
        match end {
            Some(Ok(())) if count < MOST_CHUNKS => {}
            Some(Ok(())) => break,
            end => return Ok(end.and_then(Result::err)),
        }
    }
    Err(format!("it gives {MOST_CHUNKS} chunks and does not end"))
}

/// Lets `poll_each` hand out chunks up to the next multiple of `run`.
async fn each<S: Source>(
    mut source: Pin<&mut S>,
    run: usize,
    count: &mut usize,
    mut take: impl FnMut(S::Chunk) -> Result<Option<S::Chunk>, String>,
) -> Result<Option<Result<()>>, String> {
    poll_fn(|cx| {
        let (mut broken, mut more) = (false, false);
        let polled = source.as_mut().poll_each(cx, |chunk| {
            more |= broken;
            *count += 1;
            let taken = take(chunk);
            broken = taken.is_err() || *count % run == 0 || *count >= MOST_CHUNKS;
            if broken { Break(taken.map(drop)) } else { Continue(taken.ok().flatten()) }
        });
        Poll::Ready(match (polled, broken) {
            _ if more => Err("`poll_each` hands out a chunk after it was broken off".to_owned()),
            (Poll::Ready(Some(Ok(taken))), true) => taken.map(|()| Some(Ok(()))),
            (_, true) => {
                Err("`poll_each` is not ready with what it was broken off with".to_owned())
            }
            (Poll::Pending, false) => return Poll::Pending,
            (Poll::Ready(end), false) => Ok(end.map(|end| end.map(drop))),
        })
    })
    .await
}

/// Behind the end, and behind an error, it has nothing and waits for nothing.
pub(super) fn stays_over<S: Source>(mut source: Pin<&mut S>) -> Result<(), String> {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        let next = source.as_mut().poll_next(&mut cx).map(|item| item.is_some());
        let each = source.as_mut().poll_each(&mut cx, Break).map(|item| item.is_some());
        for (by, polled) in [("poll_next", next), ("poll_each", each)] {
            match polled {
                Poll::Ready(false) => {}
                Poll::Ready(true) => {
                    return Err(format!("something comes behind the end or the error, by `{by}`"));
                }
                Poll::Pending => return Err(format!("`{by}` waits behind the end or the error")),
            }
        }
    }
    Ok(())
}

/// When a reading is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polls {
    /// Only when it was woken.
    Woken,
    /// More often, each time with another waker.
    Spurious,
    /// Again and again, and nobody can wake it: as when each `next` is dropped while it waits.
    Unwoken,
}

/// Runs the reading, with the task that feeds its source, and says how often it was polled.
pub(super) fn run<R: Future>(
    polls: Polls,
    reading: R,
    feed: impl Future,
) -> Result<(R::Output, usize), String> {
    let mut reading = pin!(reading);
    let mut tasks = match polls {
        Polls::Spurious => Woken::new().with_spurious(2).swapping_wakers(),
        Polls::Woken | Polls::Unwoken => Woken::new(),
    };
    let reading = tasks.spawn(poll_fn(|cx| {
        if polls != Polls::Unwoken {
            return reading.as_mut().poll(cx);
        }
        cx.waker().wake_by_ref();
        poll_once(reading.as_mut())
    }));
    tasks.spawn(async { drop(feed.await) });
    let stalls = tasks.run_until_idle();
    let output = reading.take().ok_or_else(|| settle(&stalls).err().unwrap_or_default())?;
    Ok((output, reading.polls()))
}

/// Whether a task waits.
pub(super) fn settle(stalls: &[Stall]) -> Result<(), String> {
    match stalls {
        [] => Ok(()),
        [Stall::LostWakeUp, ..] => Err("it could go on, and nobody woke it".to_owned()),
        _ => Err("it waits for something that never happens".to_owned()),
    }
}

const MOST_CHUNKS: usize = 1_000_000;
