//! The executor finds what a runtime forgives.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::sync::mpsc;

use crate::{Stall, Woken, drop_at_poll, pend, run_spurious, run_woken};

/// I31: tasks that wake each other come to an end, polled only when woken.
#[test]
fn tasks_wake_each_other() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut tasks = Woken::new();
    let sent = tasks.spawn(async move {
        for x in 0..3 {
            sender.send(x).await.expect("somebody reads");
        }
    });
    let all = tasks.spawn(async move {
        let mut all = Vec::new();
        while let Some(x) = receiver.recv().await {
            all.push(x);
        }
        all
    });
    tasks.run();
    assert_eq!(all.take(), Some(vec![0, 1, 2]));
    assert!(sent.take().is_some() && sent.polls() <= 4, "{}", sent.polls());
}

/// I31: a future that became ready and woke nobody.
#[test]
#[should_panic(expected = "a wake-up was lost")]
fn a_lost_wake_up() {
    let open = Cell::new(false);
    let mut tasks = Woken::new();
    tasks.spawn(poll_fn(|_| if open.get() { Poll::Ready(()) } else { Poll::Pending }));
    tasks.spawn(async { open.set(true) });
    tasks.run();
}

#[test]
#[should_panic(expected = "waits for something that never happens")]
fn a_future_that_nothing_can_wake() {
    let mut tasks = Woken::new();
    tasks.spawn(std::future::pending::<()>());
    tasks.run();
}

/// I39: a gate that keeps the first waker it has seen works until it is polled with another.
#[test]
fn a_waker_that_was_replaced_does_not_count() {
    fn stalls(mut tasks: Woken<'_>) -> Vec<Stall> {
        let gate = Rc::new((Cell::new(false), RefCell::new(None::<Waker>)));
        let opener = Rc::clone(&gate);
        tasks.spawn(poll_fn(move |cx| {
            gate.1.borrow_mut().get_or_insert_with(|| cx.waker().clone());
            if gate.0.get() { Poll::Ready(()) } else { Poll::Pending }
        }));
        tasks.spawn(async move {
            opener.0.set(true);
            opener.1.take().expect("it was polled").wake();
        });
        tasks.run_until_idle()
    }
    assert_eq!(stalls(Woken::new().with_spurious(1)), []);
    assert_eq!(stalls(Woken::new().with_spurious(1).swapping_wakers()), [Stall::LostWakeUp]);
}

/// I33: a poll for no reason is one more poll, and a future that counts them is found.
#[test]
fn polls_for_no_reason() {
    let ran = run_spurious(pend(4), 1).expect("it wakes itself");
    assert_eq!(ran.polls, 5);
    let mut tasks = Woken::new().with_spurious(3);
    let handle = tasks.spawn(std::future::pending::<()>());
    assert_eq!(tasks.run_until_idle(), [Stall::Idle]);
    assert_eq!(handle.polls(), 1 + 3 + 1);
}

/// I40: dropped at its k-th poll, or through before it.
#[test]
fn a_future_is_dropped_at_its_poll() {
    for k in 1..5 {
        let ran = run_woken(drop_at_poll(k, pend(2))).expect("woken");
        assert_eq!((ran.output.is_some(), ran.polls), (k > 2, k.min(3)));
    }
}

/// I34: a future that wakes itself and never gets on.
#[test]
#[should_panic(expected = "it wakes itself without getting anywhere")]
fn a_future_that_spins() {
    run_woken(pend(usize::MAX)).ok();
}
