//! Two machines that act on time.

use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform};

/// Gives a chunk when no other has come for a while, and the last one at the end.
#[derive(Debug)]
pub(crate) struct Debounce {
    quiet: Duration,
    held: Option<(u32, Instant)>,
    over: bool,
}

impl Debounce {
    pub(crate) fn new(quiet: Duration) -> Self {
        Self { quiet, held: None, over: false }
    }
}

impl TimedTransform for Debounce {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, chunk: u32, now: Instant) -> Result<Option<u32>> {
        self.held = Some((chunk, now + self.quiet));
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<u32>> {
        Ok(match self.held {
            None => Step::NeedsInput,
            Some((chunk, at)) if self.over || now >= at => {
                self.held = None;
                Step::Output(chunk)
            }
            Some((_, at)) => Step::NeedsInputOr(at),
        })
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.release(now)
    }

    fn release(&mut self, _: Instant) -> Result<()> {
        self.over = true;
        Ok(())
    }
}

/// Gives one chunk per interval, and takes none before the last one may go.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Option<Instant>,
    held: Option<u32>,
}

impl Pace {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, next: None, held: None }
    }
}

impl TimedTransform for Pace {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, chunk: u32, _: Instant) -> Result<Option<u32>> {
        assert!(self.held.replace(chunk).is_none(), "a chunk was taken before its time");
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<u32>> {
        match (self.held, self.next) {
            (None, _) => Ok(Step::NeedsInput),
            (Some(_), Some(at)) if now < at => Ok(Step::NotBefore(at)),
            (Some(chunk), _) => {
                (self.held, self.next) = (None, Some(now + self.interval));
                Ok(Step::Output(chunk))
            }
        }
    }
}
