//! A limiter: those who wait beside those who change what they wait for. The clock stands still, so that only a waker can
//! be what lets them pass.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use highwater_rate_limit::{Limiter, Rate};
use tokio::runtime::{Builder, Runtime};

use crate::checker::{block_on, check, thread};

/// Has the time that the limiter asks for. Nothing runs on it, so no timer fires.
fn stopped_clock() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("it needs nothing")
}

/// I60: of what may pass at once, each part passes once.
#[test]
fn a_burst_is_shared() {
    let clock = stopped_clock();
    let _clock = clock.enter();
    check("a burst is shared", || {
        let limiter = Limiter::new(Rate::per_day(1)).with_burst(2).saved_up();
        let tries: Vec<_> = (0..3)
            .map(|_| {
                let limiter = limiter.clone();
                thread::spawn(move || limiter.try_acquire(1))
            })
            .collect();
        let passed = tries.into_iter().map(|tried| u32::from(tried.join().is_ok_and(|ok| ok)));
        assert_eq!(passed.sum::<u32>(), 2);
        assert_eq!(limiter.waiting(), 0);
    });
}

/// Who waits is called when the rate changes, also if that comes while it lies down to wait.
#[test]
fn a_new_rate_beside_a_waiter() {
    let clock = stopped_clock();
    let _clock = clock.enter();
    check("a new rate beside a waiter", || {
        let limiter = Limiter::new(Rate::per_day(1)).with_burst(1);
        assert!(limiter.try_acquire(1));
        let (waiting, fast) = (limiter.clone(), Rate::per_second(1000));
        let waits = thread::spawn(move || {
            let mut acquire = pin!(waiting.acquire(1));
            // Its time does not come, since the clock stands still. It is enough that it asks again.
            block_on(poll_fn(|cx| {
                let passes = acquire.as_mut().poll(cx).is_ready();
                if passes || waiting.rate() == fast { Poll::Ready(()) } else { Poll::Pending }
            }));
        });
        limiter.set_rate(fast);
        assert!(waits.join().is_ok());
        assert_eq!(limiter.waiting(), 0);
    });
}

/// Who leaves the line makes way for the one behind it, also if that only just comes.
#[test]
fn a_waiter_that_leaves_beside_one_behind_it() {
    let clock = stopped_clock();
    let _clock = clock.enter();
    check("a waiter that leaves beside one behind it", || {
        // There is room for the light one, and for the heavy one only tomorrow.
        let limiter = Limiter::new(Rate::per_day(1)).with_burst(3).saved_up();
        assert!(limiter.try_acquire(2));
        let (heavy, light) = (limiter.clone(), limiter.clone());
        let leaves = thread::spawn(move || {
            let mut acquire = pin!(heavy.acquire(2));
            let polled = acquire.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        });
        let passes = thread::spawn(move || block_on(light.acquire(1)));
        assert!(leaves.join().is_ok() && passes.join().is_ok());
        assert!(!limiter.try_acquire(1));
        assert_eq!(limiter.waiting(), 0);
    });
}
