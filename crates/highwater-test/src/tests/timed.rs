//! A machine that acts on time, right or with one bug.

use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Error, Result, TimedTransform};

use super::rejects;
use crate::{Case, Tokens, conformance_timed};

/// What is wrong with [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    ForgetsTheRelease,
    LosesTheLastAtTheEnd,
    NamesATimeThatHasCome,
    MovesItsDeadline,
    GivesWheneverItIsRead,
    GivesBehindTheEnd,
    PanicsWhenLate,
    PanicsWithoutInput,
    ForgetsItsDeadline,
    WaitsWithoutEnd,
    Spins,
}

/// Up to three numbers, none of them held for more than 10 ms; a 0 is an error, and a 9 the last.
#[derive(Default)]
struct Batch {
    bug: Option<Bug>,
    held: Vec<u32>,
    due: Option<Instant>,
    failed: Option<Error>,
    done: bool,
    over: bool,
    /// What a bug gives too often.
    last: Vec<u32>,
}

impl Batch {
    fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// What is held is due now.
    fn close(&mut self, now: Instant) {
        self.due = self.due.map(|due| due.min(now));
    }

    fn give(&mut self) -> Step<Vec<u32>> {
        self.due = None;
        self.last = std::mem::take(&mut self.held);
        Step::Output(self.last.clone())
    }

    fn rest(&mut self) -> Result<Step<Vec<u32>>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        Ok(match self.bug {
            Some(Bug::GivesBehindTheEnd) if self.over && !self.last.is_empty() => {
                // The first read says what the right one says.
                if std::mem::take(&mut self.done) {
                    Step::Output(std::mem::take(&mut self.last))
                } else {
                    self.done = true;
                    Step::NeedsInput
                }
            }
            _ if self.done => Step::Done,
            _ => Step::NeedsInput,
        })
    }
}

impl TimedTransform for Batch {
    type Input = u32;
    type Output = Vec<u32>;

    fn write(&mut self, number: u32, now: Instant) -> Result<Option<Vec<u32>>> {
        if number == 0 {
            self.failed = Some(Error::corrupt("a zero"));
            self.close(now);
            return Ok(None);
        }
        self.held.push(number);
        let due = self.due.unwrap_or(now + AGE);
        self.done = number == 9;
        self.due = Some(if self.held.len() == 3 || self.done { now } else { due });
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<Vec<u32>>> {
        let Some(due) = self.due else { return self.rest() };
        match self.bug {
            Some(Bug::MovesItsDeadline) if now < due && due < now + AGE => {
                self.due = Some(now + AGE)
            }
            Some(Bug::GivesWheneverItIsRead) if now + AGE != due => return Ok(self.give()),
            Some(Bug::PanicsWhenLate) => assert!(now < due + AGE, "late"),
            Some(Bug::ForgetsItsDeadline) if now < due => return Ok(Step::NeedsInput),
            Some(Bug::NamesATimeThatHasCome) if now < due => return Ok(Step::NeedsInputOr(now)),
            Some(Bug::Spins) if now >= due => return Ok(Step::NotBefore(due)),
            Some(Bug::WaitsWithoutEnd) => return Ok(Step::NotBefore(now + AGE)),
            _ => {}
        }
        if now < due { Ok(Step::NeedsInputOr(due)) } else { Ok(self.give()) }
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        assert!(!self.has(Bug::PanicsWithoutInput) || !self.last.is_empty(), "no input");
        self.over = true;
        if self.has(Bug::LosesTheLastAtTheEnd) {
            self.due = None;
        }
        self.close(now);
        Ok(())
    }

    fn release(&mut self, now: Instant) -> Result<()> {
        if !self.has(Bug::ForgetsTheRelease) {
            self.close(now);
        }
        Ok(())
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn suite(bug: Option<Bug>) {
    let all = |taken: usize, groups: &[(Duration, Vec<u32>)]| {
        groups.iter().map(|(_, group)| group.len()).sum::<usize>() == taken
    };
    let slow = [(ms(0), 1), (ms(4), 2), (ms(20), 3), (ms(21), 4), (ms(22), 5), (ms(40), 6)];
    let groups = [(ms(10), vec![1, 2]), (ms(22), vec![3, 4, 5]), (ms(45), vec![6])];
    conformance_timed(
        || Batch::new(bug),
        [
            Case::new([]).with_name("nothing"),
            Case::new(slow).gives(groups).ends_at(ms(45)).releases_where(all),
            Case::new([(ms(1), 1), (ms(2), 2)])
                .gives([(ms(2), vec![1, 2])])
                .releases([(ms(2), vec![1, 2])]),
            Case::new([(ms(1), 1), (ms(2), 0)])
                .gives([(ms(2), vec![1])])
                .fails(Error::is_corrupt)
                .releases_where(move |taken, groups| all(taken.min(1), groups)),
            Case::new([(ms(1), 1), (ms(2), 9), (ms(3), 2)])
                .gives([(ms(2), vec![1, 9])])
                .takes(2)
                .releases_where(|_, _| true),
        ],
    );
}

#[test]
fn the_right_one_passes() {
    suite(None);
}

#[test]
fn the_broken_ones_do_not() {
    for (bug, says) in [
        (Bug::ForgetsTheRelease, "what it gave until then is wrong"),
        (Bug::LosesTheLastAtTheEnd, "its outputs differ from output 2 on"),
        (Bug::NamesATimeThatHasCome, "at a time that has come already"),
        (Bug::MovesItsDeadline, "its outputs differ from output 0 on"),
        (Bug::GivesWheneverItIsRead, "its outputs differ from output 0 on"),
        (Bug::GivesBehindTheEnd, "it gives an output before the time it named, or without input"),
        (Bug::PanicsWhenLate, "s late"),
        (Bug::PanicsWithoutInput, "panicked: no input"),
        (Bug::ForgetsItsDeadline, "its outputs differ from output 0 on"),
        (Bug::WaitsWithoutEnd, "and does not come to an end"),
        (Bug::Spins, "at a time that has come already"),
    ] {
        rejects(bug, says, || suite(Some(bug)));
    }
}

/// A deadline that a read for no reason moves is found by such a read alone, when nothing else comes in between.
/// Shows I33.
#[test]
fn reads_for_no_reason_change_nothing() {
    for bug in [Bug::MovesItsDeadline, Bug::GivesWheneverItIsRead] {
        rejects(bug, "read for no reason", || {
            let one = [(ms(0), 1)];
            let case = Case::new(one).gives([(ms(10), vec![1])]).ends_at(ms(30));
            conformance_timed(|| Batch::new(Some(bug)), [case.releases_where(|_, _| true)]);
        });
    }
}

/// What is held is measured here as well.
#[test]
fn what_it_holds_is_measured() {
    let tokens = Tokens::new();
    let suite = |most| {
        let (gauge, make) = (tokens.clone(), || Batch::new(None));
        let counted = move || gauge.alive();
        let case = Case::new([(ms(1), 1)]).gives([(ms(1), vec![1])]).releases_where(|_, _| true);
        let one = tokens.clone();
        let make = move || Held(make(), one.token(()));
        conformance_timed(make, [case.holds_at_most(most, counted)]);
    };
    suite(1);
    rejects("holds a token", "it holds 1, and may hold 0", || suite(0));
}

/// A machine that holds a token.
struct Held<M>(M, #[expect(dead_code, reason = "it is counted")] crate::Token<()>);

impl<M: TimedTransform> TimedTransform for Held<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn write(&mut self, chunk: M::Input, now: Instant) -> Result<Option<M::Output>> {
        self.0.write(chunk, now)
    }

    fn read(&mut self, now: Instant) -> Result<Step<M::Output>> {
        self.0.read(now)
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.0.end(now)
    }

    fn release(&mut self, now: Instant) -> Result<()> {
        self.0.release(now)
    }
}

const AGE: Duration = Duration::from_millis(10);
