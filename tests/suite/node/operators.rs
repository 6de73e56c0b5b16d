//! N154 to N163: operators.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use highwater::prelude::*;
use highwater_core::{Readable, Result};
use highwater_test::{Tokens, poll_once};

use super::counted;
use crate::buffer::made::settle;

#[tokio::test]
async fn n155_an_async_function_is_called_for_what_was_asked_for() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let mut mapped = Readable::from_iter(0..9).then(move |n: usize| {
        count.fetch_add(1, SeqCst);
        async move { Ok(n) }
    });
    assert_eq!(calls.load(SeqCst), 0);
    for n in 0..5 {
        assert_eq!(mapped.next().await.unwrap().unwrap(), n);
        assert_eq!(calls.load(SeqCst), n + 1);
    }
}

/// What waits for the consumer and what is under way is bounded: `n` of each, and one that is on its way.
#[tokio::test]
async fn n155_calls_beyond_what_was_consumed_are_bounded() {
    for n in [1, 3, 4] {
        let (numbers, _) = counted(100);
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let mut mapped = Readable::from_iter(numbers).parallel_map(n, move |x| {
            count.fetch_add(1, SeqCst);
            async move { Ok(x) }
        });
        for consumed in 1..=20 {
            assert_eq!(mapped.next().await.unwrap().unwrap(), consumed - 1);
            settle().await;
            let ahead = calls.load(SeqCst) - consumed as usize;
            assert!((n..=2 * n + 1).contains(&ahead), "{ahead} ahead of {consumed} with {n}");
        }
    }
}

/// The first result does not wait for a window of calls to be full.
#[tokio::test]
async fn n156_the_first_result_comes_by_itself() {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let mut mapped =
        Readable::from_stream(receiver).parallel_map(8, |x: u32| async move { Ok(x + 1) });
    sender.unbounded_send(1).unwrap();
    assert_eq!(mapped.next().await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn n158_a_skip_beyond_the_end_is_empty() {
    assert!(Readable::from_iter(0..3).skip(9).to_vec().await.unwrap().is_empty());
    assert!(Readable::from_iter(0..3).take(0).to_vec().await.unwrap().is_empty());
}

#[test]
fn n161_dropping_a_stage_drops_the_call_in_flight() {
    let tokens = Tokens::new();
    let mut stuck = Readable::from_iter(0..9).then(|n: u32| {
        let held = tokens.token(n);
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Result::Ok(n)
        }
    });
    assert!(poll_once(pin!(stuck.next())).is_pending());
    assert_eq!(tokens.alive(), 1);
    drop(stuck);
    assert_eq!(tokens.alive(), 0);
}
