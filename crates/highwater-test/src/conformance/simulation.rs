//! A timed machine driven by hand, by a clock that moves when it is told.

use std::fmt::Debug;
use std::iter::Peekable;
use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Error, Result, TimedTransform};

use crate::Outcome;
use crate::script::SOURCE_FAILED;

/// What the input does behind its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ends then.
    Ends(Duration),
    /// It fails then.
    Fails(Duration),
    /// Nobody reads on.
    Dropped,
}

/// How a driver reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// When there is a reason to.
    Exact,
    /// Once more each time, and half-way to the next event as well.
    Spurious,
    /// So much later than it was told.
    Late(Duration),
}

/// Drives the machine over chunks that come at these times.
pub(super) fn simulate<M: TimedTransform>(
    machine: &mut M,
    chunks: impl IntoIterator<Item = (Duration, M::Input)>,
    ending: Ending,
    manner: Manner,
) -> Outcome<(Duration, M::Output)> {
    let outcome = Outcome::new();
    let start = tokio::time::Instant::now().into_std();
    let chunks = chunks.into_iter().peekable();
    let mut simulation = Simulation {
        machine,
        outcome,
        start,
        now: start,
        chunks,
        ending,
        input: Input::Open,
        manner,
    };
    if let Err(error) = simulation.run() {
        simulation.outcome.error = Some(match simulation.input {
            Input::Failed => Error::msg(SOURCE_FAILED).or_later(error),
            Input::Open | Input::Ended => error,
        });
    } else if simulation.input == Input::Failed {
        simulation.outcome.error = Some(Error::msg(SOURCE_FAILED));
    }
    simulation.outcome
}

struct Simulation<'a, M: TimedTransform, C: Iterator> {
    machine: &'a mut M,
    outcome: Outcome<(Duration, M::Output)>,
    start: Instant,
    now: Instant,
    chunks: Peekable<C>,
    ending: Ending,
    input: Input,
    manner: Manner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    Ended,
    Failed,
}

/// What a machine that has nothing to give waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Input,
    InputOr(Instant),
    NotBefore(Instant),
    Done,
}

impl<M, C> Simulation<'_, M, C>
where
    M: TimedTransform,
    C: Iterator<Item = (Duration, M::Input)>,
{
    fn run(&mut self) -> Result<()> {
        for _ in 0..MOST_EVENTS {
            let rest = self.read_all()?;
            let (takes_input, deadline) = match rest {
                Rest::Done => {
                    self.outcome.done = self.input == Input::Open;
                    return Ok(());
                }
                Rest::Input => (true, None),
                Rest::InputOr(at) => (true, Some(at)),
                Rest::NotBefore(at) => (false, Some(at)),
            };
            if takes_input && self.input != Input::Open {
                return self.stay_over(rest);
            }
            let due = if takes_input { self.next_input() } else { None };
            if due.is_some_and(|due| due <= self.now) {
                self.take_input()?;
                continue;
            }
            match deadline.into_iter().chain(due).min() {
                Some(next) => self.advance(next, rest)?,
                None => return Ok(()),
            }
        }
        panic!("it acts {MOST_EVENTS} times and does not come to an end");
    }

    /// When the next thing comes, which may be the end.
    fn next_input(&mut self) -> Option<Instant> {
        let at = match (self.chunks.peek(), self.ending) {
            (Some((at, _)), _) => *at,
            (None, Ending::Ends(at) | Ending::Fails(at)) => at,
            (None, Ending::Dropped) => return None,
        };
        Some(self.start + at)
    }

    fn take_input(&mut self) -> Result<()> {
        self.outcome.before_last = self.outcome.outputs.len();
        if let Some((_, chunk)) = self.chunks.next() {
            self.outcome.taken += 1;
            let first = self.machine.write(chunk, self.now)?;
            self.give(first);
            return Ok(());
        }
        if let Ending::Fails(_) = self.ending {
            self.input = Input::Failed;
            return self.machine.release(self.now);
        }
        self.input = Input::Ended;
        self.machine.end(self.now)
    }

    fn give(&mut self, output: Option<M::Output>) {
        let at = self.now - self.start;
        self.outcome.outputs.extend(output.map(|output| (at, output)));
    }

    fn advance(&mut self, next: Instant, rest: Rest) -> Result<()> {
        match self.manner {
            Manner::Exact => self.now = next,
            Manner::Late(by) => self.now = next + by,
            Manner::Spurious => {
                self.now += (next - self.now) / 2;
                self.read_the_same(rest)?;
                self.now = next;
            }
        }
        Ok(())
    }

    /// Reads until there is nothing more for now.
    fn read_all(&mut self) -> Result<Rest> {
        for _ in 0..MOST_EVENTS {
            let rest = match self.machine.read(self.now)? {
                Step::Output(output) => {
                    self.give(Some(output));
                    continue;
                }
                Step::NeedsInput => Rest::Input,
                Step::NeedsInputOr(at) => Rest::InputOr(at),
                Step::NotBefore(at) => Rest::NotBefore(at),
                Step::Done => return Ok(Rest::Done),
            };
            if let Rest::InputOr(at) | Rest::NotBefore(at) = rest {
                assert!(at > self.now, "it asks to be read again at a time that has come already");
            }
            if self.manner == Manner::Spurious {
                self.read_the_same(rest)?;
            }
            return Ok(rest);
        }
        panic!("it gives {MOST_EVENTS} outputs in a row and does not stop");
    }

    /// Reads for no reason: the answer must be what it was.
    fn read_the_same(&mut self, rest: Rest) -> Result<()> {
        let again = match self.machine.read(self.now)? {
            Step::Output(_) => {
                panic!("it gives an output before the time it named, or without input")
            }
            Step::NeedsInput => Rest::Input,
            Step::NeedsInputOr(at) => Rest::InputOr(at),
            Step::NotBefore(at) => Rest::NotBefore(at),
            Step::Done => Rest::Done,
        };
        assert_eq!(again, rest, "read again, with nothing in between, it says something else");
        Ok(())
    }

    /// Nothing comes behind the end, however late it is.
    fn stay_over(&mut self, rest: Rest) -> Result<()> {
        if rest == Rest::Input {
            for later in [Duration::ZERO, LONG] {
                self.now += later;
                self.read_the_same(rest)?;
            }
        }
        Ok(())
    }
}

/// Longer than anything waits.
const LONG: Duration = Duration::from_secs(24 * 3600);
const MOST_EVENTS: usize = 1_000_000;
