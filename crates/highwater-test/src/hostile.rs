//! A machine that expands, holds, stops, fails and panics on command, and insists on its protocol.

use std::collections::VecDeque;

use highwater_core::{Error, Result, Transform};

use crate::Trouble;

/// What a [`Hostile`] machine does: write what differs, and `..Behaviour::PLAIN`.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// Chunks it holds back before it gives any of them.
    pub holds: usize,
    /// How often it gives each chunk.
    pub copies: usize,
    /// Whether `write` gives the first output already.
    pub eager: bool,
    /// After how many chunks it wants no more.
    pub stops_after: Option<usize>,
    /// Where it goes wrong.
    pub trouble: Option<(Point, Trouble)>,
}

/// A place to go wrong that does not depend on how often a driver asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Point {
    /// The write of the k-th chunk, from 0.
    Write(usize),
    /// The read behind the k-th output.
    Given(usize),
    /// The call of `end`.
    End,
    /// The call of `release`.
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

/// A machine on numbers for tests of whatever drives machines: it panics when its driver breaks the
/// [protocol](Transform#protocol), and does what its [`Behaviour`] says.
///
/// # Panics
///
/// On a breach of the protocol, and where its behaviour says so. It takes nothing after a `release`.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Transform};
/// use highwater_test::{Behaviour, Point, Trouble};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let does = Behaviour {
///     holds: 2,
///     copies: 2,
///     trouble: Some((Point::End, Trouble::Error)),
///     ..Behaviour::PLAIN
/// };
/// let mut readable = Readable::from_iter(0..3).pipe(does.machine("hostile"));
/// let mut given = Vec::new();
/// let error = loop {
///     match readable.next().await.expect("it fails") {
///         Ok(x) => given.push(x),
///         Err(error) => break error,
///     }
/// };
/// assert_eq!(given, [0, 0, 1, 1, 2, 2]);
/// assert_eq!(error.stage(), Some("hostile"));
/// # }
/// ```
#[derive(Debug)]
pub struct Hostile {
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
    pub const PLAIN: Self =
        Self { holds: 0, copies: 1, eager: true, stops_after: None, trouble: None };

    /// A machine that behaves so, with this name in errors.
    pub fn machine(self, name: &'static str) -> Hostile {
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

    fn fail_if_due(&mut self, here: Point) -> Result<()> {
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

    fn release_held(&mut self) {
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
        self.fail_if_due(Point::Write(self.taken))?;
        self.taken += 1;
        self.held.push(chunk);
        if self.held.len() > self.does.holds {
            self.release_held();
        }
        Ok(if self.does.eager { self.give() } else { None })
    }

    fn read(&mut self) -> Result<Option<u32>> {
        assert_ne!(self.protocol, Protocol::Failed, "read after an error");
        if !self.out.is_empty() {
            self.fail_if_due(Point::Given(self.given))?;
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
        self.fail_if_due(Point::End)?;
        self.release_held();
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        assert!(!self.is_done(), "release after it was done");
        self.step("release", &[Protocol::Empty], Protocol::Draining);
        self.fail_if_due(Point::Release)?;
        self.release_held();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.does.stops_after.is_some_and(|most| self.taken >= most)
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(4 * self.does.holds)
    }

    fn name(&self) -> &'static str {
        self.name
    }
}
