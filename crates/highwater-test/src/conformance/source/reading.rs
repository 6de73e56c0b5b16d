//! The ways to read a source.

use std::fmt::{self, Display};
use std::future::poll_fn;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use highwater_core::{Result, Source};

use crate::Outcome;

/// A way to read a source to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// One chunk after the other, by `poll_next`.
    Next,
    /// By `poll_each`, broken off behind every `run` chunks; the others may be given back.
    Each { run: usize, gives_back: bool },
    /// By `poll_next` and, broken off behind two chunks, by `poll_each`.
    InTurns,
}

pub(super) const MANNERS: [Manner; 6] = [
    Manner::Next,
    Manner::Each { run: usize::MAX, gives_back: false },
    Manner::Each { run: usize::MAX, gives_back: true },
    Manner::Each { run: 1, gives_back: false },
    Manner::Each { run: 3, gives_back: true },
    Manner::InTurns,
];

impl Display for Manner {
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

/// Reads all of it, and on behind its end.
pub(super) async fn read<S>(
    mut source: Pin<&mut S>,
    manner: Manner,
) -> Result<Outcome<S::Chunk>, String>
where
    S: Source<Chunk: Clone>,
{
    let mut outcome = Outcome::new();
    let outputs = &mut outcome.outputs;
    let mut by_next = true;
    let end = loop {
        let read = match manner {
            Manner::Each { run, gives_back } => {
                each(source.as_mut(), run, gives_back, outputs).await?
            }
            Manner::InTurns if !by_next => each(source.as_mut(), 2, false, outputs).await?,
            Manner::Next | Manner::InTurns => {
                let item = poll_fn(|cx| source.as_mut().poll_next(cx)).await;
                item.map(|item| item.map(|chunk| outputs.push(chunk)))
            }
        };
        match read {
            Some(Ok(())) => by_next = !by_next,
            end => break end,
        }
        if outputs.len() >= MOST_CHUNKS {
            return Err(format!("it gives {MOST_CHUNKS} chunks and does not end"));
        }
    };
    outcome.error = end.and_then(Result::err);
    stays_over(source)?;
    Ok(outcome)
}

/// Lets `poll_each` hand out chunks up to the next multiple of `run`.
async fn each<S>(
    mut source: Pin<&mut S>,
    run: usize,
    gives_back: bool,
    outputs: &mut Vec<S::Chunk>,
) -> Result<Option<Result<()>>, String>
where
    S: Source<Chunk: Clone>,
{
    let handed_out = poll_fn(|cx| {
        let (mut broken, mut more) = (None, false);
        let polled = source.as_mut().poll_each(cx, |chunk| {
            more |= broken.is_some();
            outputs.push(chunk.clone());
            let count = outputs.len();
            if count % run == 0 || count >= MOST_CHUNKS {
                broken = Some(count);
                return Break(count);
            }
            Continue(gives_back.then_some(chunk))
        });
        Poll::Ready(match (polled, broken) {
            _ if more => Err("`poll_each` hands out a chunk after it was broken off"),
            (Poll::Ready(Some(Ok(value))), Some(count)) if value == count => Ok(Some(Ok(()))),
            (_, Some(_)) => Err("`poll_each` is not ready with what it was broken off with"),
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Ready(end), None) => Ok(end.map(|end| end.map(drop))),
        })
    });
    Ok(handed_out.await?)
}

/// Behind the end, and behind an error, it has nothing and waits for nothing.
fn stays_over<S: Source>(mut source: Pin<&mut S>) -> Result<(), String> {
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

const MOST_CHUNKS: usize = 1_000_000;
