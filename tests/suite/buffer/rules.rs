//! The rules of the buffer, B1 to B19, one by one; B12, B13, B15 and B17 are in files of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{FutureExt, Stream};
use highwater_core::{
    Budget, Buffered, Error, HighWaterMark, Readable, Room, Writable, pass_through,
};
use highwater_test::{Tokens, Wakes, Woken, poll_once};

pub(crate) fn items(high: usize) -> (Writable<u32>, Readable<Buffered<u32>>) {
    pass_through(HighWaterMark::items(high))
}

pub(crate) fn next<T>(readable: &mut Readable<Buffered<T>>) -> Poll<Option<Result<T, Error>>> {
    poll_once(pin!(readable.next()))
}

pub(crate) fn given<T>(polled: Poll<Option<Result<T, Error>>>) -> T {
    match polled {
        Poll::Ready(Some(Ok(chunk))) => chunk,
        Poll::Ready(Some(Err(error))) => panic!("{error}"),
        _ => panic!("no chunk"),
    }
}

pub(crate) fn failed<T>(polled: Poll<Option<Result<T, Error>>>) -> Error {
    match polled {
        Poll::Ready(Some(Err(error))) => error,
        _ => panic!("no error"),
    }
}

/// B1, I8: the chunk is taken either way; `Full` from the high mark on.
#[test]
fn b01_write_takes_the_chunk_and_says_whether_there_is_room() {
    let (writable, mut readable) = items(3);
    let rooms = [0, 1, 2, 3].map(|x| writable.write(x).unwrap());
    assert_eq!(rooms, [Room::Free, Room::Free, Room::Full, Room::Full]);
    assert_eq!([0, 1, 2, 3].map(|_| given(next(&mut readable))), [0, 1, 2, 3]);
}

/// B2, I5, I10, I18: refused only at the hard mark, and never when empty.
#[test]
fn b02_write_refuses_at_the_hard_mark_and_gives_the_chunk_back() {
    let mark = HighWaterMark::<Bytes>::bytes(2).with_hard(4);
    let (writable, mut readable) = pass_through(mark);
    assert!(writable.write(Bytes::from_static(b"much too long")).unwrap().is_full());
    let refused = writable.write(Bytes::from_static(b"more")).unwrap_err();
    assert!(refused.error().is_overflow());
    assert_eq!(refused.into_chunk(), "more");
    assert_eq!(given(next(&mut readable)), "much too long");
    assert!(writable.write(Bytes::from_static(b"abc")).unwrap().is_full());
    assert!(writable.write(Bytes::from_static(b"de")).unwrap().is_full(), "3 is below 4");
    assert!(writable.write(Bytes::new()).is_err());
}

/// B3, I13: one drain after a `Full`, at the low mark, and none before.
#[test]
fn b03_there_is_one_drain_and_it_comes_at_the_low_mark() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(4).with_low(1));
    let control = readable.control();
    assert!((0..4).map(|x| writable.write(x).unwrap().is_full()).eq([false, false, false, true]));
    let mut drain = Box::pin(writable.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    for (left, drained) in [(3, false), (2, false), (1, true), (0, true)] {
        given(next(&mut readable));
        assert_eq!(!writable.needs_drain(), drained, "{left} left");
    }
    assert!(poll_once(drain.as_mut()).is_ready());
    assert_eq!(control.stats().drains, 1);
    assert!(writable.drain().now_or_never().is_some(), "nothing was full since");
}

/// B4, I1: order, each once, also past the mark and through several batches.
#[test]
fn b04_chunks_come_out_in_order_each_once() {
    let (writable, mut readable) = items(4);
    let mut out = Vec::new();
    for x in 0..100 {
        writable.write(x).map(|_| ()).unwrap();
        if x % 7 == 0 {
            while let Poll::Ready(Some(Ok(x))) = next(&mut readable) {
                out.push(x);
            }
        }
    }
    writable.end();
    while let Poll::Ready(Some(Ok(x))) = next(&mut readable) {
        out.push(x);
    }
    assert!(out.into_iter().eq(0..100));
}

/// B5, I6, F13: an empty chunk weighs one, is delivered, and is not the end.
#[test]
fn b05_an_empty_chunk_weighs_one() {
    let (writable, mut readable) = pass_through(HighWaterMark::<Bytes>::bytes(2));
    assert_eq!(writable.write(Bytes::new()).unwrap(), Room::Free);
    assert_eq!((writable.write(Bytes::new()).unwrap(), writable.buffered()), (Room::Full, 2));
    assert!(given(next(&mut readable)).is_empty());
    assert!(given(next(&mut readable)).is_empty());
    assert!(next(&mut readable).is_pending());
}

/// B6: a cork holds until the last is gone, the end, or somebody waits for room.
#[test]
fn b06_a_cork_holds_until_it_must_not() {
    let (writable, mut readable) = items(2);
    let (outer, inner) = (writable.cork(), writable.cork());
    assert_eq!((writable.write(1).unwrap(), writable.corks()), (Room::Free, 2));
    drop(outer);
    assert!(next(&mut readable).is_pending());
    drop(inner);
    assert_eq!(given(next(&mut readable)), 1);

    let _forgotten = writable.cork();
    assert!((2..4).map(|x| writable.write(x).unwrap().is_full()).eq([false, true]));
    assert!(next(&mut readable).is_pending());
    let mut drain = pin!(writable.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    assert_eq!([2, 3].map(|_| given(next(&mut readable))), [2, 3], "the waiter opens it");
    assert!(poll_once(drain.as_mut()).is_ready());

    assert_eq!(writable.write(4).unwrap(), Room::Free);
    assert!(next(&mut readable).is_pending());
    writable.end();
    assert_eq!(given(next(&mut readable)), 4, "so does the end");
}

/// B7, I28, N29, N31, I5: `end` may be called again; a write after it comes back.
#[test]
fn b07_a_write_after_the_end_comes_back() {
    let (writable, mut readable) = items(2);
    writable.end();
    writable.end();
    let refused = writable.write(7).unwrap_err();
    assert!(refused.error().is_write_after_end());
    assert_eq!(refused.into_chunk(), 7);
    assert!(writable.send(8).now_or_never().unwrap().unwrap_err().error().is_write_after_end());
    assert!(writable.reserve().now_or_never().unwrap().unwrap_err().is_write_after_end());
    assert!(matches!(next(&mut readable), Poll::Ready(None)));
}

/// B8, I21, I22, I25, I17, I24: of all that may end it, the first counts, for everybody.
#[test]
fn b08_what_ended_it_first_is_final() {
    let (writable, mut readable) = items(2);
    let control = readable.control();
    writable.destroy(Error::msg("first"));
    control.destroy(Error::msg("second"));
    writable.end();
    writable.fail(Error::msg("third"));
    let seen = failed(next(&mut readable)).to_string();
    assert!(seen.starts_with("first"), "{seen}");
    assert!(matches!(next(&mut readable), Poll::Ready(None)));
    for late in [writable.finished().now_or_never(), control.finished().now_or_never()] {
        assert_eq!(late.unwrap().unwrap_err().to_string(), "first");
    }

    let (writable, mut readable) = items(2);
    writable.end();
    assert!(matches!(next(&mut readable), Poll::Ready(None)));
    writable.destroy(Error::msg("too late"));
    assert!(writable.finished().now_or_never().unwrap().is_ok());
}

/// B9, I30, F22: a writer that goes without a word is a premature close, behind its chunks.
#[test]
fn b09_dropping_the_last_writer_is_a_premature_close() {
    let (writable, mut readable) = items(4);
    let second = writable.clone();
    writable.write(1).map(|_| ()).unwrap();
    drop(writable);
    assert_eq!(given(next(&mut readable)), 1);
    assert!(next(&mut readable).is_pending(), "one is left");
    drop(second);
    assert!(failed(next(&mut readable)).is_premature_close());

    let (writable, mut readable) = items(4);
    let second = writable.clone();
    writable.done();
    assert!(next(&mut readable).is_pending());
    second.done();
    assert!(matches!(next(&mut readable), Poll::Ready(None)));
}

/// B9, C12, I54: a producer that panics has not ended, whatever the others say.
#[test]
fn b09_a_writer_dropped_by_a_panic_spoils_the_end() {
    let (writable, mut readable) = items(4);
    let panics = writable.clone();
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _mine = panics;
        panic!("a producer");
    }));
    assert!(panicked.is_err());
    writable.done();
    assert!(failed(next(&mut readable)).is_premature_close());
}

/// B10, I42, C11, F17, I14, I29: without a reader every waiter and every later write fails, with the chunk.
#[test]
fn b10_dropping_the_reader_fails_everybody() {
    let (writable, readable) = items(1);
    assert!(writable.write(0).unwrap().is_full());
    let mut tasks = Woken::new();
    let sent = tasks.spawn(writable.send(1));
    let drained = tasks.spawn(writable.drain());
    let reserved = tasks.spawn(async { writable.reserve().await.map(|_| ()) });
    let finished = tasks.spawn(writable.finished());
    tasks.run_until_idle();
    drop(readable);
    tasks.run();
    let (error, chunk) = sent.take().unwrap().unwrap_err().into_parts();
    assert!(error.is_premature_close() && chunk == 1);
    for failed in [drained.take(), reserved.take(), finished.take()] {
        assert!(failed.unwrap().unwrap_err().is_premature_close());
    }
    assert_eq!(writable.write(2).unwrap_err().into_chunk(), 2);
    assert_eq!(writable.buffered(), 0);
}

/// B11, I31, I39, F6: it is the waker of the latest poll that is woken.
#[test]
fn b11_the_latest_waker_is_woken() {
    let (writable, mut readable) = items(1);
    let wakers: [_; 3] = std::array::from_fn(|_| Wakes::waker());
    for (waker, _) in &wakers {
        let polled = Pin::new(&mut readable).poll_next(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    writable.write(1).map(|_| ()).unwrap();
    assert_eq!(wakers.each_ref().map(|(_, wakes)| wakes.count()), [0, 0, 1]);
    let mut drain = pin!(writable.drain());
    let wakers: [_; 3] = std::array::from_fn(|_| Wakes::waker());
    for (waker, _) in &wakers {
        assert!(drain.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    given(next(&mut readable));
    assert_eq!(wakers.each_ref().map(|(_, wakes)| wakes.count()), [0, 0, 1]);
}

/// B14, I40, I41, C36, C42, C43, F1: what is dropped while it waits was never there; a turn passes on.
#[test]
fn b14_a_dropped_future_leaves_no_trace() {
    let tokens = Tokens::new();
    let (writable, mut readable) = pass_through(HighWaterMark::items(1));
    assert!(writable.write(tokens.token(0)).unwrap().is_full());
    let mut first = Box::pin(writable.send(tokens.token(1)));
    let mut second = Box::pin(writable.send(tokens.token(2)));
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    assert_eq!(*given(next(&mut readable)), 0);
    drop(first);
    assert!(poll_once(second.as_mut()).is_ready(), "the turn passed on");
    assert_eq!(*given(next(&mut readable)), 2);
    assert_eq!((tokens.alive(), writable.buffered()), (0, 0));

    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    let mut waits = Box::pin(writable.reserve());
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(permit);
    assert!(poll_once(waits.as_mut()).is_ready());
}

/// B18: first come, first served; nobody overtakes.
#[test]
fn b18_writers_are_served_in_the_order_in_which_they_came() {
    let (writable, mut readable) = items(1);
    assert!(writable.write(0).unwrap().is_full());
    let clones: Vec<_> = (1..=20).map(|_| writable.clone()).collect();
    let mut tasks = Woken::new();
    for (x, clone) in (1..).zip(&clones) {
        tasks.spawn(clone.send(x));
    }
    let out = tasks.spawn(async {
        let mut out = Vec::new();
        while out.len() < 21 {
            out.push(readable.next().await.unwrap().unwrap());
        }
        out
    });
    tasks.run();
    assert!(out.take().unwrap().into_iter().eq(0..=20));
    assert!(writable.try_write(99).is_ok());
}

/// B18: `try_write` does not overtake either.
#[test]
fn b18_try_write_gives_way_to_the_line() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(4).with_low(0));
    assert!((0..4).map(|x| writable.write(x).unwrap().is_full()).eq([false, false, false, true]));
    let mut waits = pin!(writable.send(4));
    assert!(poll_once(waits.as_mut()).is_pending());
    given(next(&mut readable));
    assert!(writable.try_write(9).unwrap_err().error().is_overflow(), "there is room, and a line");
    (0..3).for_each(|x| assert_eq!(given(next(&mut readable)), x + 1));
    assert!(poll_once(waits.as_mut()).is_ready());
}

/// B18, I44, F25: a turn that nobody uses keeps nobody out. With an exclusive turn this waits for ever.
#[test]
fn b18_a_turn_that_is_not_used_locks_up_nobody() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_low(0));
    assert!(writable.write(0).unwrap().is_full());
    let mut forgotten = Box::pin(writable.send(1));
    assert!(poll_once(forgotten.as_mut()).is_pending());
    given(next(&mut readable));
    // The turn is given to the one that is not polled; the task goes on with another send and waits for it.
    let mut tasks = Woken::new();
    tasks.spawn(async {
        for x in 2..10 {
            writable.send(x).await.unwrap();
        }
        writable.end();
    });
    let out = tasks.spawn(async { readable.to_vec().await.unwrap() });
    tasks.run();
    assert_eq!(out.take().unwrap(), [2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(poll_once(forgotten.as_mut()).is_ready());
}

/// B19: what the reader has is counted as gone at the end of its batch, and exactly at the crossing when a writer waits.
#[test]
fn b19_what_was_read_is_counted_no_later_than_the_next_poll() {
    let (writable, mut readable) = items(100);
    (0..10).for_each(|x| writable.write(x).map(|_| ()).unwrap());
    (0..9).for_each(|x| assert_eq!(given(next(&mut readable)), x));
    assert_eq!(readable.buffered(), 1);
    assert!((1..=10).contains(&writable.buffered()));
    given(next(&mut readable));
    assert_eq!(writable.buffered(), 0, "the batch is done");

    (0..100).for_each(|x| writable.write(x).map(|_| ()).unwrap());
    for left in (50..100).rev() {
        given(next(&mut readable));
        assert_eq!(writable.needs_drain(), left > 50, "{left} left");
    }
}

/// B3, D4: with a shared budget, each buffer may hold one chunk, and room anywhere wakes those who wait for it.
#[test]
fn a_budget_is_shared_and_never_locks_up() {
    let budget = Budget::new(2);
    let mark = HighWaterMark::items(8).with_budget(&budget);
    let (one, mut first) = pass_through(mark.clone());
    let (two, mut second) = pass_through(mark);
    assert_eq!(one.write(1).unwrap(), Room::Free);
    assert_eq!(one.write(2).unwrap(), Room::Full, "the budget is used up");
    assert_eq!(two.write(3).unwrap(), Room::Full, "an empty buffer takes one all the same");
    let mut tasks = Woken::new();
    let sent = tasks.spawn(async { two.send(4).await.map_err(Error::from) });
    tasks.run_until_idle();
    assert!(sent.take().is_none());
    assert_eq!([given(next(&mut first)), given(next(&mut first))], [1, 2]);
    tasks.run();
    assert!(sent.take().unwrap().is_ok(), "room in the one is room for the other");
    assert_eq!([given(next(&mut second)), given(next(&mut second))], [3, 4]);
    assert_eq!(budget.used(), 0);
    one.write(5).map(|_| ()).unwrap();
    drop(first);
    assert_eq!(budget.used(), 0, "what is dropped is given back");
}
