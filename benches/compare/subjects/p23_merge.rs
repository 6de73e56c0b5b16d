//! P23: eight inputs that always have something, into one, with and without idle ones among them.

use std::future::ready;
use std::hint::black_box;
use std::iter;
use std::ops::Range;

use futures::StreamExt as _;
use futures::future::Either;
use futures::stream::{self, select_all};
use highwater::{Readable, mux};
use tokio_stream::StreamMap;

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const IDLE: Subject = Subject {
    id: "P23",
    title: "merge of 8 busy inputs and 1000 idle ones",
    work: Work::Items { count: 10_000_000, expected: sum },
    contestants: &[
        Contestant::items(Role::Ours, OURS, |n| merge(n, 1000)),
        Contestant::items(Role::Peer, SELECT_ALL, |n| futures_select_all(n, 1000)),
        Contestant::items(Role::Peer, STREAM_MAP, |n| tokio_stream_map(n, 1000)),
    ],
    goals: GOALS,
};

pub(crate) const BUSY: Subject = Subject {
    id: "P23b",
    title: "merge of 8 busy inputs",
    work: Work::Items { count: 20_000_000, expected: sum },
    contestants: &[
        Contestant::items(Role::Ours, OURS, |n| merge(n, 0)),
        Contestant::items(Role::Peer, SELECT_ALL, |n| futures_select_all(n, 0)),
        // It begins with any of them, so that their shares are equal only in the long run.
        Contestant::items(Role::Peer, STREAM_MAP, |n| tokio_stream_map(n, 0)),
    ],
    goals: GOALS,
};

const GOALS: &[Goal] =
    &[Goal::Cost { ours: OURS, at_most: 1.0, of_best: &[SELECT_ALL, STREAM_MAP] }];

const OURS: &str = "highwater merge";
const SELECT_ALL: &str = "futures select_all";
const STREAM_MAP: &str = "tokio StreamMap";

/// An input that is busy or idle. An idle one never asks to be woken: it costs as little as one can.
type Input = Either<stream::Iter<Range<u64>>, stream::Pending<u64>>;

fn merge(n: u64, idle: usize) -> u64 {
    let merged = mux::merge(inputs(n, idle).map(Readable::from_stream));
    // The idle ones never end.
    block_on(merged.take(all(n)).fold(0, u64::wrapping_add)).expect("numbers do not fail")
}

fn futures_select_all(n: u64, idle: usize) -> u64 {
    let merged = select_all(inputs(n, idle));
    block_on(merged.take(all(n)).fold(0, |sum: u64, x| ready(sum.wrapping_add(x))))
}

fn tokio_stream_map(n: u64, idle: usize) -> u64 {
    let merged: StreamMap<_, _> = inputs(n, idle).enumerate().collect();
    block_on(merged.take(all(n)).fold(0, |sum: u64, (_, x)| ready(sum.wrapping_add(x))))
}

/// The numbers below `n`, from inputs with as many each; behind each of these, its part of the idle ones.
fn inputs(n: u64, idle: usize) -> impl Iterator<Item = Input> {
    let n = black_box(n);
    (0..INPUTS).flat_map(move |input| {
        let busy = Either::Left(stream::iter(n * input / INPUTS..n * (input + 1) / INPUTS));
        let idle = iter::repeat_with(|| Either::Right(stream::pending())).take(idle / 8);
        iter::once(busy).chain(idle)
    })
}

fn all(n: u64) -> usize {
    usize::try_from(n).expect("it is counted in memory")
}

fn sum(n: u64) -> u64 {
    (0..n).fold(0, u64::wrapping_add)
}

/// Inputs that are busy.
const INPUTS: u64 = 8;
