use std::num::NonZeroUsize;

use super::*;
use crate::transform::Transform;

fn drive<M: Transform>(
    machine: &mut M,
    input: impl IntoIterator<Item = M::Input>,
) -> Vec<M::Output> {
    let mut given = Vec::new();
    for chunk in input {
        if machine.is_done() {
            break;
        }
        given.extend(machine.write(chunk).expect("writes"));
        while let Some(output) = machine.read().expect("reads") {
            given.push(output);
        }
    }
    if !machine.is_done() {
        machine.end().expect("ends");
        while let Some(output) = machine.read().expect("reads") {
            given.push(output);
        }
    }
    given
}

#[test]
fn one_to_one_and_one_to_none() {
    assert_eq!(drive(&mut Map::new(|x: u8| x + 1), 0..3), [1, 2, 3]);
    assert_eq!(drive(&mut Filter::new(|x: &u8| x % 2 == 0), 0..5), [0, 2, 4]);
    assert_eq!(drive(&mut FilterMap::new(|x: u8| x.checked_sub(1)), 0..3), [0, 1]);
    assert_eq!(drive(&mut Enumerate::new(), ["a", "b"]), [(0, "a"), (1, "b")]);
}

#[test]
fn one_to_many_holds_one() {
    let mut machine = FlatMap::new(|x: u64| 0..x);
    assert_eq!(drive(&mut machine, [2, 0, 3]), [0, 1, 0, 1, 2]);
    assert_eq!(machine.write(u64::MAX).expect("the first of very many"), Some(0));
}

#[test]
fn those_that_stop() {
    assert_eq!(drive(&mut Take::new(2), 0..9), [0, 1]);
    assert!(Take::<u8>::new(0).is_done());
    assert_eq!(drive(&mut Skip::new(2), 0..4), [2, 3]);
    assert_eq!(drive(&mut TakeWhile::new(|x: &u8| *x != 3), [1, 3, 1]), [1]);
    assert_eq!(drive(&mut SkipWhile::new(|x: &u8| *x != 3), [1, 3, 1]), [3, 1]);
    let sums = |sum: &mut u8, x: u8| {
        *sum += x;
        Some(*sum).filter(|sum| *sum < 9)
    };
    assert_eq!(drive(&mut Scan::new(0, sums), [1, 2, 3, 4, 5]), [1, 3, 6]);
}

#[test]
fn groups_and_their_remainder() {
    let three = NonZeroUsize::new(3).expect("not zero");
    assert_eq!(drive(&mut Chunks::new(three), 0..7), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    assert_eq!(drive(&mut Chunks::new(three), 0..3), [vec![0, 1, 2]]);
    assert!(drive(&mut Chunks::<u8>::new(three), []).is_empty());
}

#[test]
fn what_is_held_of_a_group_can_be_seen_and_had_back() {
    let mut machine = Chunks::new(NonZeroUsize::new(2).expect("not zero"));
    assert!(machine.held().is_empty());
    assert_eq!(machine.write(1).expect("writes"), None);
    assert_eq!(machine.held(), [1]);
    assert_eq!(machine.write(2).expect("writes"), Some(vec![1, 2]));
    assert!(machine.held().is_empty());
    assert_eq!(machine.write(3).expect("writes"), None);
    assert_eq!(machine.clone().into_remainder(), [3]);
    machine.release().expect("releases");
    assert_eq!(machine.write(4).expect("writes"), None);
    assert_eq!(machine.into_remainder(), [3, 4]);
}
