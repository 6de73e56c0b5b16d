//! The workers of a pool: work that is submitted while they take their next piece, end, or are cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use highwater_core::task::Workers;
use tokio_util::task::TaskTracker;

use crate::checker::{block_on, check, thread};

/// A piece that comes while a worker is about to end is worked on; never more at a time than there are workers.
#[test]
fn hand_out_beside_an_ending_lane() {
    check("submit beside an ending worker", || {
        let (now, tracker) = (Arc::new(AtomicUsize::new(0)), TaskTracker::new());
        let inside = Arc::clone(&now);
        let work = move |n: u32, _: &AtomicBool| {
            assert!(inside.fetch_add(1, SeqCst) < 2, "two at a time");
            thread::yield_now();
            inside.fetch_sub(1, SeqCst);
            n * 2
        };
        let workers = Arc::new(Workers::new(2, work, tracker.clone()));
        let hands: Vec<_> = (0..3)
            .map(|n| {
                let workers = Arc::clone(&workers);
                thread::spawn(move || {
                    for piece in [n, n + 10] {
                        let made = block_on(workers.submit(piece));
                        assert!(made.is_ok_and(|made| made.is_ok_and(|made| made == piece * 2)));
                    }
                })
            })
            .collect();
        assert!(hands.into_iter().all(|hand| hand.join().is_ok()));
        drop(workers);
        tracker.close();
        block_on(tracker.wait());
        assert_eq!(now.load(SeqCst), 0);
    });
}

/// A pool that is dropped leaves nobody waiting: each piece is worked on or cancelled, and the tracker sees the workers end.
#[test]
fn drop_beside_the_lanes() {
    check("drop beside the workers", || {
        let (begun, tracker) = (Arc::new(AtomicUsize::new(0)), TaskTracker::new());
        let count = Arc::clone(&begun);
        let work = move |n: u32, _: &AtomicBool| {
            count.fetch_add(1, SeqCst);
            n
        };
        let workers = Workers::new(2, work, tracker.clone());
        let made: Vec<_> = (0..4).map(|n| workers.submit(n)).collect();
        let drops = thread::spawn(move || drop(workers));
        let done = made.into_iter().map(block_on).filter(Result::is_ok).count();
        assert_eq!(done, begun.load(SeqCst));
        assert!(drops.join().is_ok());
        tracker.close();
        block_on(tracker.wait());
    });
}

/// A panic ends neither its worker nor the count of those that work.
#[test]
fn panic_beside_hand_out() {
    check("panic beside hand out", || {
        let work = |n: u32, _: &AtomicBool| {
            if n == 0 {
                std::panic::resume_unwind(Box::new("as it should"));
            }
            n
        };
        let workers = Arc::new(Workers::new(1, work, TaskTracker::new()));
        let other = Arc::clone(&workers);
        let panics = thread::spawn(move || {
            let made = block_on(other.submit(0));
            assert!(made.is_ok_and(|made| made.is_err_and(|error| error.is_panic())));
        });
        let made = block_on(workers.submit(7));
        assert!(made.is_ok_and(|made| made.is_ok_and(|made| made == 7)));
        assert!(panics.join().is_ok());
    });
}
