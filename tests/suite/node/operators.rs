//! N154 to N163: operators.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use highwater_core::{Readable, Result};
use highwater_test::{Tokens, poll_once};

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
