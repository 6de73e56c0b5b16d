//! Rules B12 and B13: code of users, which may come back into the buffer, and may panic.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use futures::Stream;
use highwater_core::{HighWaterMark, Writable, pass_through};
use highwater_test::Wakes;

use super::rules::{given, items, next};

/// Asks the buffer things whenever it is woken, dropped or weighed: with the lock held, that is a deadlock.
struct Nosy(Arc<Mutex<Option<Writable<Self>>>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(writable) = &*self.0.lock().unwrap() {
            writable.buffered();
        }
    }
}

struct AsksWhenWoken(Writable<u32>);

impl Wake for AsksWhenWoken {
    fn wake(self: Arc<Self>) {
        self.0.buffered();
    }
}

/// B12, I35, I19: wakers, drops and weighing may come back into the buffer.
#[test]
fn b12_no_user_code_runs_under_the_lock() {
    let home = Arc::new(Mutex::new(None));
    let (writable, readable) = pass_through(HighWaterMark::items(4));
    for _ in 0..3 {
        writable.write(Nosy(Arc::clone(&home))).map(|_| ()).unwrap();
    }
    *home.lock().unwrap() = Some(writable.clone());
    writable.destroy(None);
    drop(readable);
    drop(home.lock().unwrap().take());

    let (writable, mut readable) = items(4);
    let waker = Waker::from(Arc::new(AsksWhenWoken(writable.clone())));
    let polled = Pin::new(&mut readable).poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    writable.write(1).map(|_| ()).unwrap();
}

struct PanicsWhenWoken;

impl Wake for PanicsWhenWoken {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

/// B13, I36, F16: a panic of a waker, a weigher or a drop leaves the counts right and loses nothing else.
#[test]
fn b13_a_panic_leaves_the_counts_right() {
    let (writable, mut readable) = items(1);
    let waker = Waker::from(Arc::new(PanicsWhenWoken));
    let polled = Pin::new(&mut readable).poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let written = catch_unwind(AssertUnwindSafe(|| writable.write(1).map(|_| ())));
    assert!(written.is_err(), "the panic is the waker's caller's");
    assert_eq!(writable.buffered(), 1);
    assert_eq!(given(next(&mut readable)), 1);
    assert_eq!(writable.buffered(), 0);

    let mark = HighWaterMark::items(4)
        .with_weight(|x: &u32| if *x == 0 { panic!("a weigher") } else { 1 });
    let (writable, mut readable) = pass_through(mark);
    assert!(catch_unwind(AssertUnwindSafe(|| writable.write(0).map(|_| ()))).is_err());
    assert_eq!(writable.buffered(), 0);
    writable.write(5).map(|_| ()).unwrap();
    assert_eq!(given(next(&mut readable)), 5);
}

/// B13, I36: one waker that panics does not keep the others asleep.
#[test]
fn b13_the_other_wakers_are_woken_all_the_same() {
    let (writable, readable) = items(1);
    assert!(writable.write(0).unwrap().is_full());
    let bad = Waker::from(Arc::new(PanicsWhenWoken));
    let (good, wakes) = Wakes::waker();
    let (mut one, mut two) = (pin!(writable.drain()), pin!(writable.finished()));
    assert!(one.as_mut().poll(&mut Context::from_waker(&bad)).is_pending());
    assert!(two.as_mut().poll(&mut Context::from_waker(&good)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(move || drop(readable))).is_err());
    assert_eq!(wakes.count(), 1);
}
