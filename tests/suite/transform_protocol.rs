//! The protocol of `Transform`: what the one driver does to a machine, and what a `Chain` does to two.

use highwater_core::operators::Chain;
use highwater_core::operators::{Chunks, TryMap};
use highwater_core::{BoxTransform, Error, Result, Transform};
use highwater_test::drive;
use proptest::prelude::*;

use crate::support::{
    Behaviour, Blame, Event, Log, Point, Step, Trouble, behaviours, chunks_of, drain,
    failing_scripts, now, quiet, script,
};

/// Chunks given, and how it failed.
type Outcome = (Vec<u32>, Option<Blame>);

fn outcome<M: Transform<Input = u32, Output = u32>>(machine: M, steps: &[Step]) -> Outcome {
    let (given, error) = drain(quiet(steps).pipe(machine));
    (given, error.as_ref().map(Blame::of))
}

fn two_pipes(one: Behaviour, two: Behaviour, steps: &[Step]) -> Outcome {
    let (given, error) = drain(quiet(steps).pipe(one.machine("one")).pipe(two.machine("two")));
    (given, error.as_ref().map(Blame::of))
}

fn chained(one: Behaviour, two: Behaviour, steps: &[Step]) -> Outcome {
    outcome(Chain::new(one.machine("one"), two.machine("two")), steps)
}

/// The chunk index is compared by [`a_chain_names_the_chunk_as_two_pipes_do`].
fn without_chunk((given, blame): Outcome) -> Outcome {
    (given, blame.map(|blame| Blame { chunk: None, ..blame }))
}

/// A second machine that fails or stops on what the first releases does so in front of the source's error in two pipes,
/// and behind it in a chain. Both are in order; which is first is a matter of view, so this is left out.
fn unless_the_source_fails(two: Behaviour, steps: &[Step]) -> Behaviour {
    match steps.last() {
        Some(Step::Error) => Behaviour { trouble: None, stops_after: None, ..two },
        _ => two,
    }
}

proptest! {
    /// N98, N102, N106, I27, I56: the machine asserts its protocol, and what it gives is what it gives when it is
    /// driven by hand.
    #[test]
    fn the_driver_keeps_the_protocol(does in behaviours(), steps in failing_scripts()) {
        let log = Log::default();
        let (given, error) = drain(script(&log, &steps).pipe(does.machine("one")));
        let expected = drive(&mut does.machine("one"), steps.iter().copied());
        let text = |error: Error| Blame::of(&error).text;
        prop_assert_eq!((given, error.map(text)), (expected.outputs, expected.error.map(text)));
        prop_assert_eq!(log.count(Event::PollAfterEnd), 0);
        prop_assert_eq!(log.count(Event::SourceDropped), 1);
    }

    /// A chain is two pipes: same chunks, same error, same stage blamed.
    #[test]
    fn a_chain_equals_two_pipes(
        one in behaviours(), two in behaviours(), steps in failing_scripts()
    ) {
        let two = unless_the_source_fails(two, &steps);
        let pipes = two_pipes(one, two, &steps);
        prop_assert_eq!(without_chunk(chained(one, two, &steps)), without_chunk(pipes));
    }

    /// The same where the first machine works: narrower, for when the one above fails.
    #[test]
    fn a_chain_equals_two_pipes_when_its_first_machine_works(
        one in behaviours(), two in behaviours(), steps in failing_scripts()
    ) {
        let one = Behaviour { trouble: None, ..one };
        let two = unless_the_source_fails(two, &steps);
        let pipes = two_pipes(one, two, &steps);
        prop_assert_eq!(without_chunk(chained(one, two, &steps)), without_chunk(pipes));
    }

    /// A pointer to a machine is that machine.
    #[test]
    fn boxed_and_borrowed_machines_are_the_same(does in behaviours(), steps in failing_scripts()) {
        let plain = outcome(does.machine("one"), &steps);
        let boxed: BoxTransform<u32, u32> = Box::new(does.machine("one"));
        prop_assert_eq!((boxed.name(), boxed.max_bytes()), ("one", Some(4 * does.holds)));
        prop_assert_eq!(outcome(boxed, &steps), plain.clone());
        let mut lent = does.machine("one");
        prop_assert_eq!(outcome(&mut lent, &steps), plain);
    }
}

/// I2, I38 and rule 4 of the protocol: after its error a machine is not called again.
/// Shows I43.
#[test]
fn a_machine_is_left_alone_after_its_error() {
    for point in [Point::Write(1), Point::Given(1), Point::End] {
        let trouble = Some((point, Trouble::Error));
        let does = Behaviour { copies: 2, trouble, ..Behaviour::PLAIN };
        let mut readable = quiet(&chunks_of([1, 2])).pipe(does.machine("one"));
        while now(&mut readable).expect("an error before the end").is_ok() {}
        for _ in 0..10 {
            assert!(now(&mut readable).is_none(), "{point:?}");
        }
    }
}

/// I2, I38: nothing comes behind an error, not even from a machine that has something left.
#[test]
fn nothing_comes_behind_an_error() {
    let mut readable = quiet(&chunks_of([1])).pipe(FailsThenGives(None));
    assert!(now(&mut readable).is_some_and(|item| item.is_err()));
    let next = now(&mut readable);
    assert!(next.is_none(), "{next:?}");
}

/// Keeps its chunk, fails, and gives it when it is read.
struct FailsThenGives(Option<u32>);

impl Transform for FailsThenGives {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, chunk: u32) -> Result<Option<u32>> {
        self.0 = Some(chunk);
        Err(Error::msg("failed with something held"))
    }

    fn read(&mut self) -> Result<Option<u32>> {
        Ok(self.0.take())
    }
}

/// I49, F21: what the second machine of a chain holds comes before an error of the first, as behind two pipes.
#[test]
fn a_chain_releases_its_second_machine_before_an_error_of_its_first() {
    let fails_at =
        |bad: u32| TryMap::new(move |x: u32| if x == bad { Err(Error::msg("bad")) } else { Ok(x) });
    let three = std::num::NonZeroUsize::new(3).unwrap();
    let steps = chunks_of([1, 2, 3]);
    let (pipes, _) = drain(quiet(&steps).pipe(fails_at(2)).pipe(Chunks::new(three)));
    assert_eq!(pipes, [[1]]);
    let (chain, error) = drain(quiet(&steps).pipe(Chain::new(fails_at(2), Chunks::new(three))));
    assert_eq!(error.unwrap().stage(), Some("try_map"));
    assert_eq!(chain, [[1]]);
}

/// The same for an error of its `end`.
#[test]
fn a_chain_releases_its_second_machine_before_a_failed_end_of_its_first() {
    let one = Behaviour { trouble: Some((Point::End, Trouble::Error)), ..Behaviour::PLAIN };
    let two = Behaviour { holds: 5, ..Behaviour::PLAIN };
    let steps = chunks_of([1, 2]);
    assert_eq!(two_pipes(one, two, &steps).0, [1, 2]);
    assert_eq!(chained(one, two, &steps).0, [1, 2]);
}

/// I50: an error says at which chunk of the failing machine it happened, in a chain as well.
#[test]
fn a_chain_names_the_chunk_as_two_pipes_do() {
    let fails =
        |at| Behaviour { trouble: Some((Point::Write(at), Trouble::Error)), ..Behaviour::PLAIN };
    let twice = Behaviour { copies: 2, ..Behaviour::PLAIN };
    let steps = chunks_of(0..4);
    for (one, two) in [(fails(2), Behaviour::PLAIN), (twice, fails(3))] {
        assert_eq!(chained(one, two, &steps), two_pipes(one, two, &steps));
    }
}

/// N131, I23, I56: the end of the second machine comes behind all that the first gave on its end.
#[test]
fn the_ends_of_a_chain_come_in_order() {
    let one = Behaviour { holds: 9, copies: 3, ..Behaviour::PLAIN };
    let two = Behaviour { holds: 9, eager: false, ..Behaviour::PLAIN };
    assert_eq!(chained(one, two, &chunks_of([1, 2])), (vec![1, 1, 1, 2, 2, 2], None));
}

/// N107, N158: when either machine of a chain wants no more, the source is dropped with that chunk.
#[test]
fn a_chain_drops_the_source_when_either_machine_is_done() {
    let stops = Behaviour { stops_after: Some(2), ..Behaviour::PLAIN };
    for (one, two) in [(stops, Behaviour::PLAIN), (Behaviour::PLAIN, stops)] {
        let log = Log::default();
        let machine = Chain::new(one.machine("one"), two.machine("two"));
        let mut readable = script(&log, &chunks_of(0..9)).pipe(machine);
        assert!(now(&mut readable).is_some() && now(&mut readable).is_some());
        assert_eq!((log.count(Event::Poll), log.count(Event::SourceDropped)), (2, 1));
        assert!(now(&mut readable).is_none());
        assert_eq!(log.count(Event::Poll), 2);
    }
}

/// I38 for a source that was not made by core: a readable stays over, and does not ask its source again.
#[test]
fn a_readable_of_any_source_stays_over() {
    for steps in [&[Step::Chunk(1)][..], &[Step::Chunk(1), Step::Error]] {
        let log = Log::default();
        let mut readable = script(&log, steps);
        let last = std::iter::repeat_with(|| now(&mut readable)).take(5).last().unwrap();
        assert!(last.is_none(), "{last:?}");
        assert_eq!(log.count(Event::PollAfterEnd), 0);
    }
}

/// The same when it was a loan that came to the end: the lender is over as well.
/// Shows I43.
#[test]
fn a_readable_whose_loan_came_to_its_end_is_over() {
    for steps in [&[Step::Chunk(1)][..], &[Step::Chunk(1), Step::Error]] {
        let log = Log::default();
        let mut readable = script(&log, steps);
        assert_eq!(drain(readable.by_ref()).0, [1]);
        let next = now(&mut readable);
        assert!(next.is_none(), "{next:?}");
        assert_eq!(log.count(Event::PollAfterEnd), 0);
    }
}

/// The same with a machine that has something left behind its error.
#[test]
fn a_machine_whose_error_went_to_a_loan_is_left_alone() {
    let mut readable = quiet(&chunks_of([1])).pipe(FailsThenGives(None));
    assert!(drain(readable.by_ref()).1.is_some());
    let next = now(&mut readable);
    assert!(next.is_none(), "{next:?}");
}
