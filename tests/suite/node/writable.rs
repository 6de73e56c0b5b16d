//! N1 to N14: what a write answers, and when it drains.

use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use futures::FutureExt;
use highwater_core::{
    Destination, Error, HighWaterMark, Result, Room, Writable, destination_fn, pass_through,
};
use highwater_test::{Demand, Log, Op, Recorder, Trouble, When, pend, poll_once};

use super::{at_hand, ends, seen};
use crate::buffer::made::settle;
use crate::buffer::rules::{given, next};

#[test]
fn n001_a_write_above_the_mark_is_taken() {
    let (writable, mut readable) = pass_through(HighWaterMark::<Bytes>::bytes(4).with_low(0));
    let rooms = ["abc", "d", "ef"].map(|text| writable.write(Bytes::from(text)).unwrap());
    assert_eq!(rooms, [Room::Free, Room::Full, Room::Full]);
    assert_eq!(writable.buffered(), 6);
    assert_eq!(at_hand(&mut readable), ["abc", "d", "ef"]);
}

#[tokio::test]
async fn n003_the_answer_is_the_same_however_fast_the_destination_is() {
    let fast = destination_fn(|_: Bytes| async { Ok(()) });
    let writable = Writable::new(fast, HighWaterMark::bytes(4).with_low(0));
    for _ in 0..3 {
        assert!(writable.write(Bytes::from("longer than the mark")).unwrap().is_full());
        writable.drain().await.unwrap();
    }
    writable.finish().await.unwrap();
}

/// Shows F15.
#[test]
fn n005_a_mark_of_zero_takes_one_at_a_time() {
    let (writable, mut readable) = ends(0);
    for x in 0..3 {
        assert!(writable.write(x).unwrap().is_full());
        assert!(writable.try_write(9).is_err());
        assert_eq!(given(next(&mut readable)), x);
        assert!(!writable.needs_drain());
    }
}

#[test]
fn n006_with_a_low_mark_of_zero_the_drain_comes_when_nothing_is_left() {
    let (writable, mut readable) = ends(3);
    assert!((0..3).map(|x| writable.write(x).unwrap().is_full()).eq([false, false, true]));
    let mut drain = pin!(writable.drain());
    for left in [2, 1, 0] {
        assert!(poll_once(drain.as_mut()).is_pending(), "{left} left");
        given(next(&mut readable));
    }
    assert!(poll_once(drain.as_mut()).is_ready());
}

#[test]
fn n007_there_is_one_drain_however_often_the_answer_was_full() {
    let (writable, mut readable) = ends(2);
    let control = writable.control();
    assert_eq!(writable.write(0).unwrap(), Room::Free);
    at_hand(&mut readable);
    assert_eq!(control.stats().drains, 0, "it never was full");
    assert_eq!((0..6).filter(|x| writable.write(*x).unwrap().is_full()).count(), 5);
    at_hand(&mut readable);
    assert_eq!(control.stats().drains, 1);
}

#[test]
fn n008_a_write_after_the_drain_arms_it_again() {
    let (writable, mut readable) = ends(1);
    for cycle in 1..=3 {
        assert!(writable.write(cycle).unwrap().is_full());
        at_hand(&mut readable);
        assert!(writable.drain().now_or_never().unwrap().is_ok());
        assert_eq!(writable.control().stats().drains, u64::from(cycle));
    }
}

#[tokio::test]
async fn n009_when_the_last_write_has_completed_it_is_drained() {
    let (log, demand) = (Log::default(), Demand::new());
    let destination = Recorder::new(&log).with_demand(&demand);
    let writable = Writable::new(destination, HighWaterMark::items(2).with_low(0));
    assert_eq!((0..2).filter(|x| writable.write(*x).unwrap().is_full()).count(), 1);
    settle().await;
    assert!(writable.needs_drain());
    demand.allow(2);
    settle().await;
    assert_eq!((writable.buffered(), writable.needs_drain()), (0, false));
}

#[test]
fn n010_after_the_end_there_is_no_drain() {
    let (writable, mut readable) = ends(1);
    let mut events = writable.control().events();
    assert!(writable.write(1).unwrap().is_full());
    writable.end();
    assert!(!writable.needs_drain());
    assert!(writable.drain().now_or_never().unwrap().is_ok(), "nobody is left waiting");
    assert_eq!(at_hand(&mut readable), [1]);
    assert!(next(&mut readable).is_ready());
    assert_eq!(seen(&mut events), ["End", "Finish", "Close"]);
}

#[test]
fn n011_who_waits_for_a_drain_learns_of_a_destroy() {
    let (writable, _readable) = ends(1);
    assert!(writable.write(1).unwrap().is_full());
    let mut events = writable.control().events();
    let mut drain = pin!(writable.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    writable.destroy(Error::msg("enough"));
    let error = drain.now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().starts_with("enough"));
    assert_eq!(seen(&mut events), ["Error", "Close"]);
}

#[test]
fn n012_marks_that_contradict_each_other_are_refused() {
    assert!(catch_unwind(|| HighWaterMark::<u32>::items(4).with_low(5)).is_err());
    assert!(catch_unwind(|| HighWaterMark::<u32>::items(4).with_hard(3)).is_err());
    let (writable, _readable) = ends(usize::MAX);
    assert_eq!(writable.write(1).unwrap(), Room::Free);
}

/// Counts how many of its calls run at the same time.
struct Busy(Arc<AtomicUsize>, Vec<u32>);

impl Destination for &mut Busy {
    type Chunk = u32;

    async fn write(&mut self, x: u32) -> Result<()> {
        assert_eq!(self.0.fetch_add(1, SeqCst), 0, "two at the same time");
        pend((x * 7 % 5) as usize).await;
        self.1.push(x);
        self.0.fetch_sub(1, SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn n013_one_call_is_in_flight_and_the_order_is_kept() {
    let mut busy = Busy(Arc::default(), Vec::new());
    let (writable, readable) = ends(4);
    let write = async {
        for x in 0..50 {
            if writable.write(x)?.is_full() {
                writable.drain().await?;
            }
        }
        writable.end();
        Ok(())
    };
    tokio::try_join!(write, readable.pipe_to(&mut busy).run()).unwrap();
    assert!(busy.1.into_iter().eq(0..50));
}

/// Shows I9.
#[tokio::test]
async fn n014_a_loop_that_asks_stops_at_an_error() {
    let failing =
        Recorder::new(&Log::default()).with_trouble(When::Every(Op::Write), Trouble::Error);
    let writable = Writable::new(failing, HighWaterMark::items(1_000_000));
    let mut written = 0_u32;
    while writable.write(written).is_ok_and(|room| !room.is_full()) {
        written += 1;
        settle().await;
    }
    assert_eq!(written, 1);
}
