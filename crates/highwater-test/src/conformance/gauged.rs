//! What a machine holds, measured between two calls.

use std::time::Instant;

use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform, Transform};

use crate::case::Bound;

/// A machine whose outputs are dropped at once, so that what is left is what it holds.
pub(super) struct Gauged<'a, M> {
    machine: M,
    bound: &'a Bound,
    before: usize,
}

impl<'a, M> Gauged<'a, M> {
    pub(super) fn new(make: impl Fn() -> M, bound: &'a Bound) -> Self {
        let before = (bound.gauge)();
        Self { machine: make(), bound, before }
    }

    /// Panics when it holds more than it may.
    fn measure(&self) {
        self.bound.measure(self.before);
    }
}

impl<M: Transform> Transform for Gauged<'_, M> {
    type Input = M::Input;
    type Output = ();

    fn write(&mut self, chunk: M::Input) -> Result<Option<()>> {
        let output = self.machine.write(chunk)?.map(drop);
        self.measure();
        Ok(output)
    }

    fn read(&mut self) -> Result<Option<()>> {
        let output = self.machine.read()?.map(drop);
        self.measure();
        Ok(output)
    }

    fn end(&mut self) -> Result<()> {
        self.machine.end()?;
        self.measure();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.machine.is_done()
    }
}

impl<M: TimedTransform> TimedTransform for Gauged<'_, M> {
    type Input = M::Input;
    type Output = ();

    fn write(&mut self, chunk: M::Input, now: Instant) -> Result<Option<()>> {
        let output = self.machine.write(chunk, now)?.map(drop);
        self.measure();
        Ok(output)
    }

    fn read(&mut self, now: Instant) -> Result<Step<()>> {
        let step = match self.machine.read(now)? {
            Step::Output(_) => Step::Output(()),
            Step::NeedsInput => Step::NeedsInput,
            Step::NeedsInputOr(at) => Step::NeedsInputOr(at),
            Step::NotBefore(at) => Step::NotBefore(at),
            Step::Done => Step::Done,
        };
        self.measure();
        Ok(step)
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.machine.end(now)?;
        self.measure();
        Ok(())
    }
}
