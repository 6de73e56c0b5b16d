//! The machines without a runtime: a plain loop decides what time it is.

mod batch;
mod conformance;
mod latest;
mod window;

use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Error, TimedTransform};

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event<T> {
    Item(T),
    End,
    /// The input fails.
    Fail,
}

/// Drives machines as `Pipe` does, in milliseconds from 0.
struct Clock {
    zero: Instant,
    /// How long after the last look at the machine an item is handed in: it takes a while to make it.
    lag: Duration,
}

/// What a machine gave, and when, and the error behind it.
type Given<O> = (Vec<(u64, O)>, Option<Error>);

impl Clock {
    fn new() -> Self {
        Self { zero: tokio::time::Instant::now().into_std(), lag: Duration::ZERO }
    }

    fn lagging() -> Self {
        Self { lag: Duration::from_micros(500), ..Self::new() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.zero + Duration::from_millis(millis)
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.zero).as_millis()).unwrap()
    }

    /// Lets these events happen. Timers that run out before the next event, or with it, are kept.
    fn run<M: TimedTransform>(
        &self,
        machine: &mut M,
        events: impl IntoIterator<Item = (u64, Event<M::Input>)>,
    ) -> Given<M::Output> {
        let mut given = Vec::new();
        let error = self.run_into(machine, events, &mut given).err();
        (given, error)
    }

    fn run_into<M: TimedTransform>(
        &self,
        machine: &mut M,
        events: impl IntoIterator<Item = (u64, Event<M::Input>)>,
        given: &mut Vec<(u64, M::Output)>,
    ) -> highwater_core::Result<()> {
        let mut now = self.zero;
        for (millis, event) in events {
            let at = now.max(self.at(millis));
            // Behind the last look something may have come due: it is looked at again when it is time.
            now = self.read_until(machine, now, at, given)?;
            match event {
                Event::Item(item) => {
                    now += self.lag;
                    let first = machine.write(item, now)?;
                    given.extend(first.map(|output| (self.millis(now), output)));
                }
                Event::End => {
                    machine.end(now)?;
                    self.read_out(machine, now, given)?;
                }
                Event::Fail => {
                    machine.release(now)?;
                    self.read_out(machine, now, given)?;
                }
            }
        }
        Ok(())
    }

    /// Reads at `now` and whenever the machine asks for it, up to `until`.
    fn read_until<M: TimedTransform>(
        &self,
        machine: &mut M,
        mut now: Instant,
        until: Instant,
        given: &mut Vec<(u64, M::Output)>,
    ) -> highwater_core::Result<Instant> {
        loop {
            match machine.read(now)? {
                Step::Output(output) => given.push((self.millis(now), output)),
                Step::NeedsInputOr(at) if at <= until => {
                    assert!(at > now, "it asks for a time that has come");
                    now = at;
                }
                Step::NeedsInput | Step::NeedsInputOr(_) if now < until => now = until,
                Step::NeedsInput | Step::NeedsInputOr(_) => return Ok(now),
                Step::NotBefore(_) | Step::Done => panic!("none of these machines says so"),
            }
        }
    }

    /// Reads until there is nothing, which must not be a matter of time.
    fn read_out<M: TimedTransform>(
        &self,
        machine: &mut M,
        now: Instant,
        given: &mut Vec<(u64, M::Output)>,
    ) -> highwater_core::Result<()> {
        loop {
            match machine.read(now)? {
                Step::Output(output) => given.push((self.millis(now), output)),
                Step::NeedsInput => return Ok(()),
                _ => panic!("it waits after the end"),
            }
        }
    }
}

/// Items at these times.
fn items<T: Copy>(arrivals: &[(u64, T)]) -> Vec<(u64, Event<T>)> {
    arrivals.iter().map(|(at, item)| (*at, Event::Item(*item))).collect()
}

/// The same, and the end at some time.
fn ending<T: Copy>(arrivals: &[(u64, T)], end: u64) -> Vec<(u64, Event<T>)> {
    let mut events = items(arrivals);
    events.push((end, Event::End));
    events
}
