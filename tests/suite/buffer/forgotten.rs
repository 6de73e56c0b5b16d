//! Turns of writers that are not polled any more pass on, however many there are and however the buffer is read.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use futures::FutureExt;
use highwater_core::{Budget, Buffered, HighWaterMark, Readable, Writable, pass_through};
use highwater_test::{Wakes, Woken, poll_once};

use super::rules::next;

type Sends<'a> = Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>;

fn one_at_a_time() -> (Writable<u32>, Readable<Buffered<u32>>) {
    pass_through(HighWaterMark::items(1).with_low(0))
}

/// Sends that wait in line and are never polled again.
fn forgotten(writable: &Writable<u32>) -> Sends<'_> {
    let send = || async { writable.send(7).await.unwrap() }.boxed_local();
    let mut sends: Sends<'_> = (0..20).map(|_| send()).collect();
    sends.iter_mut().for_each(|send| assert!(poll_once(send.as_mut()).is_pending()));
    sends
}

/// B18, I44: however many are forgotten, the one that is polled goes on.
#[test]
fn any_number_of_forgotten_turns_passes_on() {
    let (writable, readable) = one_at_a_time();
    assert!(writable.write(0).unwrap().is_full());
    let _forgotten = forgotten(&writable);
    let mut tasks = Woken::new();
    tasks.spawn(async {
        for x in 1..10 {
            writable.send(x).await.unwrap();
        }
        writable.end();
    });
    tasks.run_until_idle();
    let out = tasks.spawn(async { readable.to_vec().await.unwrap() });
    tasks.run();
    assert_eq!(out.take().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

/// I44: a reader that takes out by hand what is there, and never waits, passes forgotten turns on as well.
#[test]
fn forgotten_turns_pass_on_to_a_reader_that_never_waits() {
    let (writable, mut readable) = one_at_a_time();
    assert!(writable.write(0).unwrap().is_full());
    let _forgotten = forgotten(&writable);
    let (waker, wakes) = Wakes::waker();
    let mut send = Box::pin(writable.send(1));
    assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(readable.read(), Some(0));
    assert_eq!([readable.read(), readable.read()], [None, None]);
    assert!(wakes.count() > 0, "the second read in vain wakes everybody in line");
    assert!(poll_once(send.as_mut()).is_ready());
    assert_eq!(readable.read(), Some(1));
}

/// I44: a turn that is given while the reader waits, and forgotten, passes on without a further chunk.
#[test]
fn turns_that_are_forgotten_while_the_reader_waits_pass_on() {
    let (writable, readable) = one_at_a_time();
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    let _forgotten = forgotten(&writable);
    let mut tasks = Woken::new();
    tasks.spawn(async {
        writable.send(1).await.unwrap();
        writable.end();
    });
    let out = tasks.spawn(async { readable.to_vec().await.unwrap() });
    tasks.run_until_idle();
    drop(permit);
    tasks.run();
    assert_eq!(out.take().unwrap(), [1]);
}

/// I44: a writer that comes when all turns have been forgotten, and the reader knows, goes on.
#[test]
fn a_newcomer_takes_over_a_forgotten_turn() {
    let (writable, mut readable) = one_at_a_time();
    assert!(writable.write(0).unwrap().is_full());
    let _forgotten = forgotten(&writable);
    let mut tasks = Woken::new();
    let out = tasks.spawn(async move {
        let mut out = Vec::new();
        while out.len() < 2 {
            out.push(readable.next().await.unwrap().unwrap());
        }
        out
    });
    tasks.run_until_idle();
    tasks.spawn(async { writable.send(1).await.unwrap() });
    tasks.run();
    assert_eq!(out.take().unwrap(), [0, 1]);
}

/// I44: a turn that is forgotten and uses up the budget holds up nobody who waits for a drain.
#[test]
fn a_forgotten_turn_that_uses_up_the_budget_holds_up_no_drain() {
    let budget = Budget::new(1);
    let (writable, mut readable) =
        pass_through(HighWaterMark::items(4).with_low(2).with_budget(&budget));
    let permit = writable.reserve().now_or_never().unwrap().unwrap();
    let _forgotten = forgotten(&writable);
    let mut tasks = Woken::new();
    let out = tasks.spawn(async move {
        let mut out = Vec::new();
        while out.len() < 2 {
            out.push(readable.next().await.unwrap().unwrap());
        }
        out
    });
    tasks.run_until_idle();
    drop(permit);
    assert!(writable.write(1).unwrap().is_full());
    tasks.spawn(async {
        writable.drain().await.unwrap();
        writable.write(2).map(|_| ()).unwrap();
    });
    tasks.run();
    assert_eq!(out.take().unwrap(), [1, 2]);
}

/// I34, I44: while a reader that is paused waits, writers that cannot go on do not wake it again and again.
#[test]
fn forgotten_turns_of_a_full_buffer_leave_everybody_asleep() {
    let (writable, mut readable) = one_at_a_time();
    assert!(writable.write(0).unwrap().is_full());
    let _forgotten = forgotten(&writable);
    assert!(next(&mut readable).is_ready());
    assert!(writable.write(1).unwrap().is_full());
    readable.pause();
    let mut tasks = Woken::new();
    tasks.spawn(async { writable.send(2).await.unwrap() });
    tasks.spawn(async { writable.send(3).await.unwrap() });
    tasks.spawn(async move { while readable.next().await.is_some() {} });
    tasks.run_until_idle();
    assert_eq!(writable.buffered(), 1);
}
