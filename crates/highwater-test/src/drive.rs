//! A machine driven by hand, to the letter of its protocol.

use highwater_core::{Error, Result, Transform};

use crate::Cue;

/// What a machine gave, and how it came to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome<O> {
    /// What it gave.
    pub outputs: Vec<O>,
    /// How many of these came before the machine was told that the input had ended, or failed.
    pub before_last: usize,
    /// Its error, or that of the input with later ones as suppressed.
    pub error: Option<Error>,
    /// How many chunks it took.
    pub taken: usize,
    /// Whether it wanted no more input before the end of it.
    pub done: bool,
    /// How many outputs there were when a write made it done: with the next one, the source must be gone.
    pub(crate) stopped_at: Option<usize>,
}

impl<O> Outcome<O> {
    pub(crate) fn new() -> Self {
        let (outputs, before_last, error) = (Vec::new(), 0, None);
        Self { outputs, before_last, error, taken: 0, done: false, stopped_at: None }
    }

    /// What was given when the input had ended, or failed.
    pub fn last(&self) -> &[O] {
        &self.outputs[self.before_last..]
    }
}

/// Drives a machine by hand, with no stream in sight, and insists on its side of the protocol: nothing comes after
/// `None` without a new chunk, and what is done stays done.
///
/// [`Cue::Pending`] reads once more, as a driver does that was polled for no reason. [`Cue::Forever`] and [`Cue::Panic`]
/// stop there, without an end.
///
/// # Panics
///
/// The machine gives something, or fails, after `read` has said `None`; it wants input again after it was done; it gives
/// a million outputs for one chunk.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use highwater_core::operators::Chunks;
/// use highwater_test::{Cue, drive};
///
/// let mut pairs = Chunks::new(NonZeroUsize::MIN.saturating_add(1));
/// let outcome = drive(&mut pairs, [Cue::Chunk(1), Cue::Chunk(2), Cue::Chunk(3), Cue::Error]);
/// assert_eq!(outcome.outputs, [vec![1, 2], vec![3]]);
/// assert_eq!(outcome.last(), [[3]], "released before the error");
/// assert_eq!(outcome.error.expect("an error").to_string(), "source failed");
/// ```
#[track_caller]
pub fn drive<M: Transform>(
    machine: &mut M,
    cues: impl IntoIterator<Item = Cue<M::Input>>,
) -> Outcome<M::Output> {
    Hand::new(machine).read_first().run(cues)
}

/// The same, with the first chunk written before anything is read.
pub(crate) fn drive_writing_first<M: Transform>(
    machine: &mut M,
    cues: impl IntoIterator<Item = Cue<M::Input>>,
) -> Outcome<M::Output> {
    Hand::new(machine).run(cues)
}

/// The same, where the input fails behind `before` and goes on behind that.
pub(crate) fn drive_past_release<M: Transform>(
    machine: &mut M,
    before: impl IntoIterator<Item = M::Input>,
    after: impl IntoIterator<Item = M::Input>,
) -> Outcome<M::Output> {
    let mut hand = Hand::new(machine).read_first();
    hand.try_all(|hand| {
        for chunk in before {
            hand.write(chunk)?;
        }
        hand.release()?;
        for chunk in after {
            hand.write(chunk)?;
        }
        hand.end()
    });
    hand.outcome
}

struct Hand<'a, M: Transform> {
    machine: &'a mut M,
    outcome: Outcome<M::Output>,
}

impl<'a, M: Transform> Hand<'a, M> {
    fn new(machine: &'a mut M) -> Self {
        let done = machine.is_done();
        Self { machine, outcome: Outcome { done, ..Outcome::new() } }
    }

    fn read_first(mut self) -> Self {
        self.try_all(Self::read_all);
        self
    }

    fn run(mut self, cues: impl IntoIterator<Item = Cue<M::Input>>) -> Outcome<M::Output> {
        self.try_all(|hand| {
            for cue in cues {
                match cue {
                    Cue::Chunk(chunk) => hand.write(chunk)?,
                    Cue::Pending => hand.read_nothing(),
                    failing => {
                        return match failing.error() {
                            Some(error) => hand.fail(error),
                            None => hand.stop(),
                        };
                    }
                }
            }
            hand.end()
        });
        self.outcome
    }

    /// Does nothing after an error: a machine is not called again.
    fn try_all(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) {
        if self.outcome.error.is_none() {
            self.outcome.error = work(self).err();
        }
    }

    /// A machine that wants no more is given no more.
    fn write(&mut self, chunk: M::Input) -> Result<()> {
        if self.outcome.done {
            return Ok(());
        }
        self.outcome.taken += 1;
        self.outcome.before_last = self.outcome.outputs.len();
        let first = self.machine.write(chunk)?;
        self.look_whether_done();
        if self.outcome.done {
            self.outcome.stopped_at = Some(self.outcome.outputs.len());
        }
        self.outcome.outputs.extend(first);
        self.read_all()
    }

    /// The input failed.
    fn fail(&mut self, error: Error) -> Result<()> {
        if self.outcome.done {
            return self.stop();
        }
        let late = self.release();
        // As behind the end: whether it wants more says nothing here.
        self.outcome.done = false;
        Err(match late {
            Ok(()) => error,
            Err(late) => error.or_later(late),
        })
    }

    /// Nobody reads on.
    fn stop(&mut self) -> Result<()> {
        self.outcome.before_last = self.outcome.outputs.len();
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.outcome.before_last = self.outcome.outputs.len();
        if self.outcome.done {
            return Ok(());
        }
        self.machine.release()?;
        self.read_all()
    }

    fn end(&mut self) -> Result<()> {
        self.outcome.before_last = self.outcome.outputs.len();
        if self.outcome.done {
            return Ok(());
        }
        self.machine.end()?;
        let result = self.read_all();
        // Behind the end no machine wants more: that says nothing.
        self.outcome.done = false;
        result
    }

    fn read_all(&mut self) -> Result<()> {
        let mut count = 0;
        while let Some(output) = self.machine.read()? {
            count += 1;
            assert!(count < MOST_OUTPUTS, "it gives {count} outputs in a row and does not stop");
            self.outcome.outputs.push(output);
        }
        self.look_whether_done();
        self.read_nothing();
        self.read_nothing();
        Ok(())
    }

    fn read_nothing(&mut self) {
        match self.machine.read() {
            Ok(None) => {}
            Ok(Some(_)) => panic!("an output came after `read` had said `None`"),
            Err(error) => panic!("an error came after `read` had said `None`: {error}"),
        }
    }

    fn look_whether_done(&mut self) {
        let done = self.machine.is_done();
        assert!(done || !self.outcome.done, "`is_done` was true, and is false again");
        self.outcome.done = done;
    }
}

const MOST_OUTPUTS: usize = 1_000_000;
