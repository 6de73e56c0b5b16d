//! A machine that wants no more at some time, right or with one bug; and one that the driver must leave alone.

use highwater_core::stage::Offer;
use highwater_core::{Result, Transform};

use super::rejects;
use crate::{Case, conformance};

/// What is wrong with [`UpTo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    NeverSaysThatItIsDone,
    IsDoneTooEarly,
    WantsInputAgain,
    RefusesWhatItTakes,
    GivesAgainWhatComesBack,
}

/// The numbers up to and with one that is at least 3.
struct UpTo {
    bug: Option<Bug>,
    over: bool,
    reads: usize,
    back: Option<u32>,
}

impl UpTo {
    fn new(bug: Option<Bug>) -> Self {
        Self { bug, over: false, reads: 0, back: None }
    }
}

impl Transform for UpTo {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, number: u32) -> Result<Option<u32>> {
        let output = (!self.over).then_some(number);
        self.over |= number >= if self.bug == Some(Bug::IsDoneTooEarly) { 2 } else { 3 };
        Ok(output)
    }

    fn offer(&mut self, number: u32) -> Result<Offer<u32, u32>> {
        if self.bug == Some(Bug::RefusesWhatItTakes) && number == 2 {
            return Ok(Offer::Refused(number));
        }
        self.write(number).map(Offer::Taken)
    }

    fn take_back(&mut self, number: u32) {
        self.back = Some(number).filter(|_| self.bug == Some(Bug::GivesAgainWhatComesBack));
    }

    fn read(&mut self) -> Result<Option<u32>> {
        self.reads += usize::from(self.over);
        Ok(self.back.take())
    }

    fn is_done(&self) -> bool {
        match self.bug {
            Some(Bug::NeverSaysThatItIsDone) => false,
            Some(Bug::WantsInputAgain) => self.over && self.reads == 0,
            _ => self.over,
        }
    }
}

fn suite(bug: Option<Bug>) {
    conformance(
        || UpTo::new(bug),
        [
            Case::new([1, 2]).gives([1, 2]),
            Case::new([1, 3, 2]).gives([1, 3]).takes(2),
            Case::new([1, 2, 3]).gives([1, 2, 3]).takes(3),
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
        (Bug::NeverSaysThatItIsDone, "it wants more after 3 chunks, where it should be done"),
        (Bug::IsDoneTooEarly, "its outputs differ"),
        (Bug::WantsInputAgain, "`is_done` was true, and is false again"),
        (Bug::RefusesWhatItTakes, "in a pipeline, many chunks at a time"),
        (Bug::GivesAgainWhatComesBack, "with each output given back"),
    ] {
        rejects(bug, says, || suite(Some(bug)));
    }
}

/// Without `takes`, a machine that stops in the middle is a mistake; with another number as well.
#[test]
fn a_stop_must_be_told_of() {
    let make = || UpTo::new(None);
    rejects("stops", "the case says `takes` if that is meant", || {
        conformance(make, [Case::new([3, 4]).gives([3])]);
    });
    rejects("stops elsewhere", "it takes 1 chunks until it is done, and not 2", || {
        conformance(make, [Case::new([3, 4]).gives([3]).takes(2)]);
    });
}
