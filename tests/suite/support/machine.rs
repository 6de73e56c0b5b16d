//! A machine that expands, holds, stops, fails and panics on command, and insists on its protocol.

use std::collections::VecDeque;

use highwater_core::{Error, Result, Transform};
use proptest::option;
use proptest::prelude::*;

use super::{Step, Trouble};

/// What a [`Hostile`] does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    /// Chunks it holds back before it gives any of them.
    pub(crate) holds: usize,
    /// How often it gives each chunk.
    pub(crate) copies: usize,
    /// Whether `write` gives the first output already.
    pub(crate) eager: bool,
    /// After how many chunks it wants no more.
    pub(crate) stops_after: Option<usize>,
    /// Where it goes wrong.
    pub(crate) trouble: Option<(Point, Trouble)>,
}

/// A place to go wrong that does not depend on how often a driver asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The write of the k-th chunk, from 0.
    Write(usize),
    /// The read behind the k-th output.
    Given(usize),
    End,
    Release,
}

/// Where the protocol is.
///
/// ```text
///          write                end, release
///  Empty ---------> Full  Empty -------------> Draining      any error: Failed
///    ^                |                            |
///    +-- read: None --+                            +-- read: None --> Drained
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Empty,
    Full,
    Draining,
    Drained,
    Failed,
}

/// A machine that panics when its driver breaks the protocol.
#[derive(Debug)]
pub(crate) struct Hostile {
    name: &'static str,
    does: Behaviour,
    protocol: Protocol,
    held: Vec<u32>,
    out: VecDeque<u32>,
    taken: usize,
    given: usize,
}

impl Behaviour {
    /// Passes every chunk once, at once.
    pub(crate) const PLAIN: Self =
        Self { holds: 0, copies: 1, eager: true, stops_after: None, trouble: None };

    pub(crate) fn machine(self, name: &'static str) -> Hostile {
        Hostile {
            name,
            does: self,
            protocol: Protocol::Empty,
            held: Vec::new(),
            out: VecDeque::new(),
            taken: 0,
            given: 0,
        }
    }
}

impl Hostile {
    /// Steps to the next state, from one of those in which the call is allowed.
    fn step(&mut self, call: &str, from: &[Protocol], to: Protocol) {
        assert!(from.contains(&self.protocol), "{call} in state {:?}", self.protocol);
        self.protocol = to;
    }

    fn go_wrong(&mut self, here: Point) -> Result<()> {
        match self.does.trouble {
            Some((point, Trouble::Error)) if point == here => {
                self.protocol = Protocol::Failed;
                Err(Error::msg(format!("{} failed at {here:?}", self.name)))
            }
            Some((point, Trouble::Panic)) if point == here => {
                self.protocol = Protocol::Failed;
                panic!("{} panicked at {here:?}", self.name)
            }
            _ => Ok(()),
        }
    }

    fn let_go(&mut self) {
        for chunk in self.held.drain(..) {
            self.out.extend(std::iter::repeat_n(chunk, self.does.copies));
        }
    }

    fn give(&mut self) -> Option<u32> {
        let output = self.out.pop_front();
        self.given += usize::from(output.is_some());
        output
    }
}

impl Transform for Hostile {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, chunk: u32) -> Result<Option<u32>> {
        assert!(!self.is_done(), "write after it was done");
        self.step("write", &[Protocol::Empty], Protocol::Full);
        self.go_wrong(Point::Write(self.taken))?;
        self.taken += 1;
        self.held.push(chunk);
        if self.held.len() > self.does.holds {
            self.let_go();
        }
        Ok(if self.does.eager { self.give() } else { None })
    }

    fn read(&mut self) -> Result<Option<u32>> {
        assert_ne!(self.protocol, Protocol::Failed, "read after an error");
        if !self.out.is_empty() {
            self.go_wrong(Point::Given(self.given))?;
        }
        let output = self.give();
        self.protocol = match (self.protocol, output) {
            (Protocol::Full, None) => Protocol::Empty,
            (Protocol::Draining, None) => Protocol::Drained,
            (same, _) => same,
        };
        Ok(output)
    }

    fn end(&mut self) -> Result<()> {
        assert!(!self.is_done(), "end after it was done");
        self.step("end", &[Protocol::Empty], Protocol::Draining);
        self.go_wrong(Point::End)?;
        self.let_go();
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        assert!(!self.is_done(), "release after it was done");
        self.step("release", &[Protocol::Empty], Protocol::Draining);
        self.go_wrong(Point::Release)?;
        self.let_go();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.does.stops_after.is_some_and(|most| self.taken >= most)
    }

    fn holds(&self) -> Option<usize> {
        Some(4 * self.does.holds)
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

/// What comes of a machine and a script, by the letter of the protocol and with no stream in sight.
pub(crate) fn drive(machine: &mut Hostile, steps: &[Step]) -> (Vec<u32>, Option<String>) {
    let mut given = Vec::new();
    let mut all = || -> Result<()> {
        for step in steps {
            if machine.is_done() {
                return read_all(machine, &mut given);
            }
            match step {
                Step::Chunk(chunk) => given.extend(machine.write(*chunk)?),
                Step::Error => {
                    let late = machine.release().and_then(|()| read_all(machine, &mut given));
                    let first = Error::msg("source failed");
                    return Err(match late {
                        Ok(()) => first,
                        Err(late) => first.suppress(late),
                    });
                }
                _ => continue,
            }
            read_all(machine, &mut given)?;
        }
        if !machine.is_done() {
            machine.end()?;
        }
        read_all(machine, &mut given)
    };
    let failure = all().err();
    (given, failure.map(|error| error.to_string()))
}

fn read_all(machine: &mut Hostile, given: &mut Vec<u32>) -> Result<()> {
    while let Some(output) = machine.read()? {
        given.push(output);
    }
    Ok(())
}

/// Machines that may fail anywhere.
pub(crate) fn behaviours() -> impl Strategy<Value = Behaviour> {
    let point = prop_oneof![
        (0..8_usize).prop_map(Point::Write),
        (0..8_usize).prop_map(Point::Given),
        Just(Point::End),
        Just(Point::Release),
    ];
    let trouble = option::of(point.prop_map(|point| (point, Trouble::Error)));
    (0..4_usize, 0..4_usize, any::<bool>(), option::weighted(0.3, 0..8_usize), trouble).prop_map(
        |(holds, copies, eager, stops_after, trouble)| Behaviour {
            holds,
            copies,
            eager,
            stops_after,
            trouble,
        },
    )
}
