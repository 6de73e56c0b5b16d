//! The machines of core: I2, I27, I31, I33, I34, I38, I55, I56, N98, N102, N106.

use std::num::NonZeroUsize;
use std::time::Duration;

use highwater_core::operators::Chain;
use highwater_core::operators::{
    Chunks, Enumerate, Filter, FilterMap, FlatMap, Inspect, Map, Scan, Skip, SkipWhile, Take,
    TakeWhile, TryMap,
};
use highwater_core::{BoxTransform, Error, transform_fn};
use highwater_test::{Case, Tokens, conformance, conformance_timed};

use crate::support::{Debounce, Pace};

fn nothing() -> Case<u32, u32> {
    Case::new([]).with_name("nothing")
}

#[test]
fn one_to_one_and_one_to_none() {
    conformance(|| Map::new(|x: u32| x + 1), [nothing(), Case::new([1, 2]).gives([2, 3])]);
    let even = || Filter::new(|x: &u32| x.is_multiple_of(2));
    conformance(even, [nothing(), Case::new(0..6).gives([0, 2, 4]), Case::new([1, 3])]);
    let less = || FilterMap::new(|x: u32| x.checked_sub(1));
    conformance(less, [nothing(), Case::new([0, 1, 2]).gives([0, 1])]);
    conformance(|| Inspect::new(|_: &u32| ()), [nothing(), Case::new([1, 2]).gives([1, 2])]);
    conformance(Enumerate::<u32>::new, [Case::new([7, 8]).gives([(0, 7), (1, 8)])]);
    let sums = |sum: &mut u32, x: u32| {
        *sum += x;
        Some(*sum).filter(|sum| *sum < 9)
    };
    let stops = Case::new([1, 2, 3, 4, 5]).gives([1, 3, 6]).takes(4);
    conformance(|| Scan::new(0, sums), [nothing(), Case::new([1, 2]).gives([1, 3]), stops]);
}

#[test]
fn one_that_fails() {
    let halve = || {
        TryMap::new(
            |x: u32| if x.is_multiple_of(2) { Ok(x / 2) } else { Err(Error::corrupt("odd")) },
        )
    };
    let odd = Case::new([2, 4, 5, 6]).gives([1, 2]).fails(Error::is_corrupt);
    conformance(halve, [nothing(), Case::new([2, 4]).gives([1, 2]), odd]);
}

#[test]
fn those_that_stop_and_those_that_skip() {
    conformance(|| Take::new(0), [Case::<u32, u32>::new([1]).takes(0)]);
    let all = Case::new([1, 2]).gives([1, 2]).takes(2);
    conformance(|| Take::new(2), [nothing(), Case::new([1]).gives([1]), all]);
    conformance(|| Take::new(2), [Case::new(0..9_u32).gives([0, 1]).takes(2)]);
    let below = || TakeWhile::new(|x: &u32| *x < 3);
    conformance(below, [Case::new([1, 3, 1]).gives([1]).takes(2), Case::new([1, 2]).gives([1, 2])]);
    conformance(|| Skip::new(2), [nothing(), Case::new(0..4_u32).gives([2, 3])]);
    conformance(|| SkipWhile::new(|x: &u32| *x < 3), [Case::new([1, 3, 1]).gives([3, 1])]);
}

#[test]
fn one_that_gathers() {
    let three = || Chunks::new(NonZeroUsize::new(3).unwrap());
    let all = |taken: usize, groups: &[Vec<u32>]| groups.concat().len() == taken;
    conformance(
        three,
        [
            Case::new([]).with_name("nothing"),
            Case::new(0..3).gives([[0, 1, 2]]).releases_where(all),
            Case::new(0..5).gives([vec![0, 1, 2], vec![3, 4]]).releases([[3, 4]]),
            Case::new(0..5).gives([vec![0, 1, 2], vec![3, 4]]).releases_where(all),
        ],
    );
}

/// I55: what expands holds no more than its chunk, whatever the ratio; what gathers holds a group.
#[test]
fn what_is_held() {
    let tokens = Tokens::new();
    let expand = || {
        let tokens = tokens.clone();
        FlatMap::new(move |count: u32| {
            let tokens = tokens.clone();
            (0..count).map(move |x| tokens.token(x))
        })
    };
    let gauge = tokens.clone();
    let case =
        Case::new([500, 0, 2]).gives((0..500).chain(0..2)).holds_at_most(0, move || gauge.alive());
    conformance(expand, [case]);

    let gauge = tokens.clone();
    let three = || Chunks::new(NonZeroUsize::new(3).unwrap());
    let case = Case::new((0..7).map(|x| tokens.token(x)))
        .gives([vec![0, 1, 2], vec![3, 4, 5], vec![6]].map(|group| group_of(&Tokens::new(), group)))
        .releases_where(|taken, groups: &[Vec<_>]| {
            groups.iter().map(Vec::len).sum::<usize>() == taken
        });
    conformance(three, [case.holds_at_most(3, move || gauge.alive())]);
}

fn group_of(tokens: &Tokens, group: Vec<u32>) -> Vec<highwater_test::Token<u32>> {
    group.into_iter().map(|x| tokens.token(x)).collect()
}

#[test]
fn node_style() {
    let pairs = || {
        transform_fn(None, |held: &mut Option<u32>, chunk: u32, out| {
            match held.take() {
                Some(first) => out.push(first + chunk),
                None => *held = Some(chunk),
            }
            if chunk == 0 { Err(Error::corrupt("a zero")) } else { Ok(()) }
        })
        .flush(|held, out| {
            if let Some(last) = held.take() {
                out.push(last);
            }
            Ok(())
        })
    };
    conformance(
        pairs,
        [
            nothing(),
            Case::new([1, 2, 3]).gives([3, 3]),
            Case::new([1, 2, 3, 0, 4]).gives([3, 3]).fails(Error::is_corrupt),
        ],
    );
}

/// Two machines as one, with all that one may do: the first expands, the second gathers and one of them stops.
#[test]
fn chains() {
    let two = NonZeroUsize::new(2).unwrap();
    let all = |taken: usize, groups: &[Vec<u32>]| groups.concat().len() == 3 * taken;
    conformance(
        || Chain::new(FlatMap::new(|x: u32| [x; 3]), Chunks::new(two)),
        [
            Case::new([]).with_name("nothing"),
            Case::new([1]).gives([vec![1, 1], vec![1]]).releases([[1]]),
            Case::new([1, 2, 3])
                .gives([vec![1, 1], vec![1, 2], vec![2, 2], vec![3, 3], vec![3]])
                .releases_where(all),
        ],
    );
    conformance(
        || Chain::new(Chunks::new(two), Take::new(1)),
        [Case::new(0..9).gives([[0, 1]]).takes(2).releases_where(|_, _| true)],
    );
    conformance(
        || Chain::new(Take::new(3), Chunks::new(two)),
        [Case::new(0..9).gives([vec![0, 1], vec![2]]).takes(3).releases_where(|_, _| true)],
    );
}

#[test]
fn behind_a_pointer() {
    let boxed = || -> BoxTransform<u32, Vec<u32>> { Box::new(Chunks::new(NonZeroUsize::MIN)) };
    conformance(boxed, [Case::new([1, 2]).gives([[1], [2]])]);
}

#[test]
fn machines_that_act_on_time() {
    let ms = Duration::from_millis;
    conformance_timed(
        || Pace::new(ms(10)),
        [
            Case::new([]).with_name("nothing"),
            Case::new((0..4).map(|n| (ms(0), n)))
                .gives((0..4).map(|n| (ms(10) * n, n)))
                .releases_where(|_, _| true),
            Case::new([(ms(5), 1), (ms(40), 2)]).gives([(ms(5), 1), (ms(40), 2)]),
        ],
    );
    let burst = [(ms(0), 1), (ms(10), 2), (ms(100), 3)];
    conformance_timed(
        || Debounce::new(ms(50)),
        [
            Case::new(burst)
                .gives([(ms(60), 2), (ms(120), 3)])
                .ends_at(ms(120))
                .releases([(ms(120), 3)]),
            Case::new(burst)
                .gives([(ms(60), 2), (ms(150), 3)])
                .ends_at(ms(300))
                .releases_where(|_, _| true),
        ],
    );
}
