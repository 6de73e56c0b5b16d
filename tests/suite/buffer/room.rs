//! Room that is kept: permits, turns and shared budgets hold their bounds whoever waits.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Context;

use bytes::Bytes;
use futures::{FutureExt, Sink, SinkExt};
use highwater_core::observe::Event;
use highwater_core::{Budget, Buffered, Error, HighWaterMark, Readable, Writable};
use highwater_core::{destination_fn, pass_through, task};
use highwater_test::{Wakes, poll_once};

use super::made::settle;
use super::rules::{failed, given, next};

fn items(high: usize) -> (Writable<u32>, Readable<Buffered<u32>>) {
    pass_through(HighWaterMark::items(high))
}

fn zeros(len: usize) -> Bytes {
    Bytes::from(vec![0; len])
}

/// B2, I8, I9: what is buffered and what permits keep stay below the high mark and a chunk.
#[test]
fn permits_keep_room_by_weight() {
    let (writable, _readable) = pass_through(HighWaterMark::bytes(1024).with_hard(2048));
    let first = writable.reserve().now_or_never().unwrap().unwrap();
    assert!(writable.reserve().now_or_never().is_none(), "a chunk that is not known may need all");
    first.send(zeros(1024)).unwrap();
    assert_eq!(writable.buffered(), 1024);

    let (writable, _readable) = pass_through(HighWaterMark::bytes(1024).with_hard(2048));
    let reserve = || writable.reserve_weight(256).now_or_never().map(Result::unwrap);
    let permits: Vec<_> = std::iter::from_fn(reserve).collect();
    assert_eq!(permits.len(), 4);
    for permit in permits {
        permit.send(zeros(256)).unwrap();
    }
    assert_eq!(writable.buffered(), 1024);
}

/// I15: a chunk that is heavier than its permit needs room of its own.
#[test]
fn a_permit_gives_back_a_chunk_that_is_too_heavy() {
    let (writable, _readable) = pass_through(HighWaterMark::bytes(4));
    let permits = [1, 1].map(|n| writable.reserve_weight(n).now_or_never().unwrap().unwrap());
    let [one, two] = permits;
    one.send(zeros(100)).unwrap();
    let refused = two.send(zeros(100)).unwrap_err();
    assert!(refused.error().is_overflow() && refused.into_chunk().len() == 100);
    assert_eq!(writable.buffered(), 100);
}

/// B18: the room of a permit is nobody else's.
#[test]
fn nobody_takes_the_room_of_a_permit() {
    let (writable, mut readable) = items(1);
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    assert!(writable.try_write(1).unwrap_err().error().is_overflow());
    let mut send = pin!(writable.send(2));
    assert!(poll_once(send.as_mut()).is_pending());
    permit.send(3).unwrap();
    assert!(poll_once(send.as_mut()).is_pending());
    assert_eq!(given(next(&mut readable)), 3);
    assert!(poll_once(send).is_ready());
    assert_eq!(writable.buffered(), 1);
}

/// B18, I8: one read lets in as much as was read, however many wait.
#[test]
fn one_read_does_not_let_in_all_who_wait() {
    const CHUNK: usize = 64 * 1024;
    let (writable, mut readable) = pass_through(HighWaterMark::bytes(CHUNK));
    assert!(writable.write(zeros(CHUNK)).unwrap().is_full());
    let mut sends: Vec<_> = (0..50).map(|_| Box::pin(writable.send(zeros(CHUNK)))).collect();
    sends.retain_mut(|send| poll_once(send.as_mut()).is_pending());
    for left in [49, 48, 47] {
        given(next(&mut readable));
        sends.retain_mut(|send| poll_once(send.as_mut()).is_pending());
        assert_eq!((sends.len(), writable.buffered()), (left, CHUNK));
    }
}

/// B13, I36: a weigher that panics takes no room with it.
#[test]
fn a_panic_of_the_weigher_gives_up_the_permit() {
    let mark = HighWaterMark::items(1)
        .with_weight(|x: &u32| if *x == 0 { panic!("a weigher") } else { 1 });
    let (mut writable, mut readable) = pass_through(mark);
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| permit.send(0).map(|_| ()))).is_err());
    writable.reserve().now_or_never().unwrap().unwrap().send(1).unwrap();
    given(next(&mut readable));

    assert!(poll_fn(|cx| Pin::new(&mut writable).poll_ready(cx)).now_or_never().is_some());
    let started = catch_unwind(AssertUnwindSafe(|| writable.start_send_unpin(0)));
    assert!(started.is_err());
    assert!(poll_fn(|cx| Pin::new(&mut writable).poll_ready(cx)).now_or_never().is_some());
    writable.start_send_unpin(2).unwrap();
    assert_eq!(given(next(&mut readable)), 2);
}

/// `HighWaterMark::with_weight`: once per chunk, also for a send that waits.
#[test]
fn a_send_that_waits_is_weighed_once() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let weigh = |_: &u32| {
        CALLS.fetch_add(1, SeqCst);
        1
    };
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_weight(weigh));
    assert!(writable.write(0).unwrap().is_full());
    let mut send = pin!(writable.send(1));
    assert!(poll_once(send.as_mut()).is_pending());
    given(next(&mut readable));
    assert!(poll_once(send).is_ready());
    assert_eq!(CALLS.load(SeqCst), 2);
}

/// I8: one read does not wake all who wait in line, as long as those who are woken are polled.
#[test]
fn a_turn_wakes_its_owner_and_one_more() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_low(0));
    assert!(writable.write(0).unwrap().is_full());
    let mut sends: Vec<_> = (0..10).map(|_| Box::pin(writable.send(7))).collect();
    let wakers: Vec<_> = sends.iter().map(|_| Wakes::waker()).collect();
    for (send, (waker, _)) in sends.iter_mut().zip(&wakers) {
        assert!(send.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    given(next(&mut readable));
    assert_eq!(wakers.iter().filter(|(_, wakes)| wakes.count() > 0).count(), 2);
}

/// D4: permits and senders count in the budget from the moment at which they are let in.
#[test]
fn a_budget_holds_whoever_waits() {
    let budget = Budget::new(4);
    let mark = || HighWaterMark::items(64).with_budget(&budget);
    let (writable, mut readable) = pass_through(mark());
    let reserve = || writable.reserve().now_or_never().map(Result::unwrap);
    let permits: Vec<_> = std::iter::from_fn(reserve).collect();
    assert_eq!((permits.len(), budget.used()), (4, 4));
    drop(permits);
    assert_eq!(budget.used(), 0);

    (0..4).for_each(|x| writable.write(x).map(|_| ()).unwrap());
    let mut sends: Vec<_> = (0..60).map(|x| Box::pin(writable.send(x))).collect();
    let mut left = || {
        sends.retain_mut(|send| poll_once(send.as_mut()).is_pending());
        (sends.len(), budget.used())
    };
    assert_eq!(left(), (60, 4));
    (0..4).for_each(|x| assert_eq!(readable.read(), Some(x)));
    assert_eq!(left(), (56, 4));
    drop(readable);
    assert_eq!(left(), (0, 0));
}

/// D4: a chunk that is lighter than its permit leaves the rest of the budget to others at once.
#[test]
fn a_light_chunk_leaves_the_rest_of_its_permit() {
    let budget = Budget::new(4);
    let (writable, _readable) =
        pass_through(HighWaterMark::bytes(64).with_low(0).with_budget(&budget));
    let permit = writable.reserve_weight(4).now_or_never().unwrap().unwrap();
    permit.send(zeros(1)).unwrap();
    assert_eq!((budget.used(), writable.needs_drain()), (1, false));
    assert!(writable.reserve_weight(3).now_or_never().is_some());
}

/// D4: so does the task that reads ahead.
#[tokio::test]
async fn reading_ahead_stays_within_the_budget() {
    let budget = Budget::new(4);
    let mark = HighWaterMark::items(64).with_budget(&budget);
    let mut ahead = Readable::from_iter(0..1000_u32).buffer(mark);
    let mut most = 0;
    for x in 0..1000 {
        assert_eq!(ahead.next().await.unwrap().unwrap(), x);
        settle().await;
        most = most.max(budget.used());
    }
    assert_eq!(most, 4);
}

/// A permit that is held when the buffer ends, or is destroyed, gives its share of the budget back.
#[test]
fn a_permit_leaves_the_budget_when_the_buffer_is_over() {
    let budget = Budget::new(4);
    let (writable, _readable) = pass_through(HighWaterMark::items(64).with_budget(&budget));
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    writable.end();
    assert_eq!(budget.used(), 0);
    assert!(permit.send(1_u32).unwrap_err().error().is_write_after_end());
    assert_eq!(budget.used(), 0);

    let (writable, _readable) = pass_through::<u32>(HighWaterMark::items(64).with_budget(&budget));
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    writable.destroy(None);
    assert_eq!(budget.used(), 0);
    drop(permit);
    assert_eq!(budget.used(), 0);
}

/// B19: a writer that was refused for the budget is woken as soon as there is room, not a batch later.
#[test]
fn a_refusal_by_the_budget_is_known_to_the_reader() {
    let budget = Budget::new(4);
    let mark = || HighWaterMark::items(64).with_budget(&budget);
    let (one, mut first) = pass_through(mark());
    let (two, _second) = pass_through(mark());
    (0..3).for_each(|x| one.write(x).map(|_| ()).unwrap());
    two.write(0).map(|_| ()).unwrap();
    let (waker, wakes) = Wakes::waker();
    let mut send = pin!(one.send(9));
    assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    given(next(&mut first));
    assert_eq!((budget.used(), wakes.count() > 0), (4, true), "the room is kept for the writer");
}

/// I10: what is put back counts, up to the hard mark; the chunk that was read last always has its place.
#[test]
fn unshift_stops_at_the_hard_mark() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(2).with_hard(4));
    (0..4).for_each(|x| writable.write(x).map(|_| ()).unwrap());
    let refused = readable.unshift(9).unwrap_err();
    assert!(refused.error().is_overflow() && refused.into_chunk() == 9);
    let read = readable.read().unwrap();
    readable.unshift(read).unwrap();
    assert_eq!(writable.buffered(), 4);
    writable.end();
    assert_eq!([(); 4].map(|()| given(next(&mut readable))), [0, 1, 2, 3]);
}

/// What is put back counts in the budget.
#[test]
fn what_is_put_back_counts_in_the_budget() {
    let budget = Budget::new(4);
    let (writable, mut readable) = pass_through(HighWaterMark::items(4).with_budget(&budget));
    readable.unshift(1).unwrap();
    assert_eq!((budget.used(), writable.buffered()), (1, 1));
    given(next(&mut readable));
    assert_eq!((budget.used(), writable.buffered()), (0, 0));
}

/// B9, I30: whichever handle is dropped without a word, and whenever, the end is not clean.
#[test]
fn an_end_is_clean_only_if_every_handle_said_so() {
    for silent_first in [true, false] {
        let (done, mut readable) = items(4);
        let silent = done.clone();
        if silent_first {
            drop(silent);
            done.done();
        } else {
            done.done();
            drop(silent);
        }
        assert!(failed(next(&mut readable)).is_premature_close());
    }
    let (writable, mut readable) = items(4);
    drop(writable.clone());
    writable.end();
    assert!(matches!(next(&mut readable), std::task::Poll::Ready(None)));
}

/// An error whose drop asks the buffer: with the lock held, that is a deadlock.
#[derive(Debug)]
struct Nosy(Mutex<Option<Writable<u32>>>);

impl std::fmt::Display for Nosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nosy")
    }
}

impl std::error::Error for Nosy {}

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(writable) = self.0.lock().unwrap().take() {
            writable.buffered();
        }
    }
}

/// B12, I35: an error that comes too late is not dropped under the lock.
#[test]
fn a_late_error_is_dropped_outside_of_the_lock() {
    let (writable, readable) = items(4);
    let nosy = || Error::from(Nosy(Mutex::new(Some(writable.clone()))));
    writable.fail(Error::msg("first"));
    writable.fail(nosy());
    writable.destroy(nosy());
    writable.destroy(nosy());
    drop(readable);
}

/// N57: the end opens every cork.
#[test]
fn there_are_no_corks_after_the_end() {
    let (writable, _readable) = items(4);
    let cork = writable.cork();
    assert_eq!(writable.corks(), 1);
    writable.end();
    assert_eq!(writable.corks(), 0);
    drop((cork, writable.cork()));
    assert_eq!(writable.corks(), 0);
}

/// N22: the destination of a `Writable` has finished; no reader has seen an end.
#[tokio::test]
async fn a_writer_task_tells_finish_and_no_end() {
    let writable =
        Writable::new(destination_fn(|_: u32| async { Ok(()) }), HighWaterMark::items(4));
    let mut events = writable.control().events();
    let listener = task::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event);
        }
        seen
    });
    writable.send(1).await.unwrap();
    writable.finish().await.unwrap();
    let seen = listener.await.unwrap();
    assert!(matches!(seen[..], [Event::Finish, Event::Close]), "{seen:?}");
}

/// What is woken for the budget is gone from it, whoever waits no more.
#[test]
fn who_waits_no_more_is_not_woken_for_the_budget() {
    let budget = Budget::new(2);
    let mark = || HighWaterMark::items(4).with_budget(&budget);
    let (one, mut first) = pass_through(mark());
    let (two, _second) = pass_through(mark());
    one.write(0).map(|_| ()).unwrap();
    two.write(0).map(|_| ()).unwrap();
    let (waker, wakes) = Wakes::waker();
    let mut send = Box::pin(two.send(1));
    assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(send);
    let before = wakes.count();
    given(next(&mut first));
    assert_eq!(wakes.count(), before);
}

/// I31: room that a permit gives back because its chunk was refused is counted by the reader at its next chunk.
#[test]
fn a_refused_permit_makes_room_for_who_waits() {
    let mark = HighWaterMark::items(4).with_low(4).with_weight(|weight: &u32| *weight as usize);
    let (writable, mut readable) = pass_through(mark);
    assert!(!writable.write(1).unwrap().is_full());
    let permit = writable.reserve_weight(2).now_or_never().unwrap().unwrap();
    for chunk in [1, 3] {
        let _room = writable.write(chunk).unwrap();
    }
    let (waker, wakes) = Wakes::waker();
    let mut waits = Box::pin(writable.reserve_weight(1));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(given(next(&mut readable)), 1);
    assert!(permit.send(9).unwrap_err().error().is_overflow());
    assert_eq!(wakes.count(), 0, "four are buffered still");
    assert_eq!(given(next(&mut readable)), 1);
    assert_eq!(wakes.count(), 1);
}
