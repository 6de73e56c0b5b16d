//! A machine on values that gathers, and one that expands, right or with one bug.

use std::collections::VecDeque;

use highwater_core::{Error, Result, Transform};

use super::rejects;
use crate::{Case, Token, Tokens, conformance};

/// What is wrong with [`Groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    ForgetsTheRelease,
    ForgetsTheEnd,
    LosesWhatCameBeforeAnError,
    FailsBehindARelease,
    NeedsToBeReadFirst,
    GivesWithoutEnd,
    GivesWhenItIsReadOften,
    ForgetsToFail,
    FailsForNothing,
}

/// Groups of up to three numbers; a 0 is an error behind those before it.
#[derive(Default)]
struct Groups {
    bug: Option<Bug>,
    group: Vec<u32>,
    full: bool,
    failed: Option<Error>,
    was_read: bool,
    idle_reads: usize,
    was_released: bool,
}

impl Groups {
    fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

impl Transform for Groups {
    type Input = u32;
    type Output = Vec<u32>;

    fn write(&mut self, number: u32) -> Result<Option<Vec<u32>>> {
        assert!(self.was_read || !self.has(Bug::NeedsToBeReadFirst), "nobody has read");
        if self.was_released && self.has(Bug::FailsBehindARelease) {
            return Err(Error::write_after_end());
        }
        self.idle_reads = 0;
        if number == 0 && !self.has(Bug::ForgetsToFail) {
            if self.has(Bug::LosesWhatCameBeforeAnError) {
                return Err(Error::corrupt("a zero"));
            }
            self.full = true;
            self.failed = Some(Error::corrupt("a zero"));
        } else {
            self.group.push(number);
            self.full = self.group.len() == 3;
        }
        self.read()
    }

    fn read(&mut self) -> Result<Option<Vec<u32>>> {
        self.was_read = true;
        if self.has(Bug::GivesWithoutEnd) {
            return Ok(Some(Vec::new()));
        }
        if std::mem::take(&mut self.full) && !self.group.is_empty() {
            return Ok(Some(std::mem::take(&mut self.group)));
        }
        self.idle_reads += 1;
        if self.has(Bug::GivesWhenItIsReadOften) && self.idle_reads == 13 {
            return Ok(Some(Vec::new()));
        }
        self.failed.take().map_or(Ok(None), Err)
    }

    fn end(&mut self) -> Result<()> {
        self.full = !self.has(Bug::ForgetsTheEnd);
        if self.has(Bug::FailsForNothing) { Err(Error::truncated("no reason")) } else { Ok(()) }
    }

    fn release(&mut self) -> Result<()> {
        self.was_released = true;
        self.full = !self.has(Bug::ForgetsTheRelease);
        Ok(())
    }
}

fn suite(bug: Option<Bug>) {
    conformance(
        || Groups::new(bug),
        [
            Case::new([]).with_name("nothing"),
            Case::new([1, 2, 3, 4]).gives([vec![1, 2, 3], vec![4]]).releases([[4]]),
            Case::new([1, 2, 3, 4]).gives([vec![1, 2, 3], vec![4]]).releases_where(all_of),
            Case::new([1, 2, 0, 3])
                .gives([[1, 2]])
                .fails(Error::is_corrupt)
                .releases_where(|taken, groups| all_of(taken.min(2), groups)),
        ],
    );
}

/// As many numbers as were taken.
fn all_of(taken: usize, groups: &[Vec<u32>]) -> bool {
    groups.concat().len() == taken
}

#[test]
fn the_right_one_passes() {
    suite(None);
}

/// Shows I56.
#[test]
fn the_broken_ones_do_not() {
    for (bug, says) in [
        (Bug::ForgetsTheRelease, "of what it releases: its outputs differ from output 0 on"),
        (Bug::ForgetsTheEnd, "its outputs differ from output 1 on"),
        (Bug::LosesWhatCameBeforeAnError, "its outputs differ from output 0 on"),
        (Bug::FailsBehindARelease, "going on after a release"),
        (Bug::NeedsToBeReadFirst, "a chunk written before anything was read"),
        (Bug::GivesWithoutEnd, "and does not stop"),
        (Bug::GivesWhenItIsReadOften, "in a pipeline, with polls for no reason"),
        (Bug::ForgetsToFail, "it does not fail where it must"),
        (Bug::FailsForNothing, "it fails: no reason"),
    ] {
        rejects(bug, says, || suite(Some(bug)));
    }
}

/// Without `releases`, nothing may be released: half a unit is not a unit.
#[test]
fn a_release_must_be_told_of() {
    rejects("ends on an error", "the case says `releases` if that is whole", || {
        conformance(|| Groups::new(None), [Case::new([1, 2]).gives([[1, 2]])]);
    });
}

/// `releases_where` looks behind every chunk.
#[test]
fn a_release_is_looked_at_behind_every_chunk() {
    rejects("forgets the release", "behind 1 of 3 chunks", || {
        let case = Case::new([1, 2, 3]).gives([[1, 2, 3]]).releases_where(all_of);
        conformance(|| Groups::new(Some(Bug::ForgetsTheRelease)), [case]);
    });
}

/// Gives so many tokens for a number, all made at once or one by one.
struct Expand {
    tokens: Tokens,
    at_once: bool,
    made: VecDeque<Token<u32>>,
    left: std::ops::Range<u32>,
}

impl Transform for Expand {
    type Input = u32;
    type Output = Token<u32>;

    fn write(&mut self, count: u32) -> Result<Option<Token<u32>>> {
        self.left = 0..count;
        if self.at_once {
            self.made = self.left.by_ref().map(|x| self.tokens.token(x)).collect();
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<Token<u32>>> {
        let next = self.left.next().map(|x| self.tokens.token(x));
        Ok(self.made.pop_front().or(next))
    }
}

/// I55, F28: an expansion is made one by one.
#[test]
fn an_expansion_is_not_held() {
    let tokens = Tokens::new();
    let suite = |at_once| {
        let expand = || {
            let (tokens, made) = (tokens.clone(), VecDeque::new());
            Expand { tokens, at_once, made, left: 0..0 }
        };
        let gauge = tokens.clone();
        let case = Case::new([100]).gives(0..100).holds_at_most(0, move || gauge.alive());
        conformance(expand, [case]);
    };
    suite(false);
    rejects("holds its expansion", "it holds 100, and may hold 0", || suite(true));
}

/// A suite without cases would show nothing.
#[test]
#[should_panic(expected = "a suite without cases shows nothing")]
fn no_cases() {
    conformance(|| Groups::new(None), []);
}
