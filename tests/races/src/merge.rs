//! A merge: what signals its inputs, and what adds and removes them, beside the task that reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use highwater_core::Readable;
use highwater_core::sync::Mutex;
use highwater_mux::{merge, merge_with_handle};

use crate::checker::{check, thread};
use crate::scenarios::{items, read_all, whole};

fn sorted(mut read: Vec<u32>) -> Vec<u32> {
    read.sort_unstable();
    read
}

/// I31, C87: each of two inputs that is filled by a thread of its own arrives.
#[test]
fn inputs_beside_each_other() {
    check("inputs beside each other", || {
        let ((one, first), (two, second)) = (items(2), items(2));
        let writers = [(one, 1), (two, 2)].map(|(writable, x)| {
            thread::spawn(move || {
                assert!(writable.write(x).is_ok());
                writable.end();
            })
        });
        assert_eq!(sorted(whole(read_all(merge([first, second])))), [1, 2]);
        assert!(writers.into_iter().all(|writer| writer.join().is_ok()));
    });
}

/// I31: an input is added, and the last handle dropped, while the merge reads.
#[test]
fn add_beside_read() {
    check("add beside read", || {
        let (handle, merged) = merge_with_handle(2);
        let adds = thread::spawn(move || {
            let (writable, readable) = items(2);
            assert!(handle.add(readable).is_ok());
            drop(handle);
            assert!(writable.write(1).is_ok());
            writable.end();
        });
        assert_eq!(whole(read_all(merged)), [1]);
        assert!(adds.join().is_ok());
    });
}

/// I31: an input that is removed while it is written to leaves the other whole, and the end comes.
#[test]
fn remove_beside_write() {
    check("remove beside write", || {
        let (handle, merged) = merge_with_handle(2);
        let ((goes, first), (stays, second)) = (items(2), items(2));
        let Ok(id) = handle.add(first) else { panic!("there is room for two") };
        assert!(handle.add(second).is_ok());
        assert!(stays.write(2).is_ok());
        stays.end();
        // Its writer stays: to drop it without an end would be an error of the input.
        let writes = thread::spawn(move || {
            let written = goes.write(1).is_ok();
            (goes, written)
        });
        let removes = thread::spawn(move || assert!(handle.remove(id), "it has not ended"));
        let read = sorted(whole(read_all(merged)));
        assert!(read == [2] || read == [1, 2], "{read:?}");
        assert!(writes.join().is_ok() && removes.join().is_ok());
    });
}

/// I31, I33: an input that signals every item, also while the merge looks at it or has its turn to come.
#[test]
fn signal_beside_a_turn() {
    check("signal beside a turn", || {
        let noisy = Noisy::default();
        let merged = merge([Readable::from_stream(noisy.clone())]);
        let writes = thread::spawn(move || (1..4).for_each(|x| noisy.push(x)));
        assert_eq!(whole(read_all(merged)), [1, 2]);
        assert!(writes.join().is_ok());
    });
}

/// Ends behind its third item, and wakes its reader for each, whether that waits or not.
#[derive(Clone, Default)]
struct Noisy(Arc<Mutex<(Vec<u32>, Option<Waker>)>>);

impl Noisy {
    fn push(&self, item: u32) {
        let reader = {
            let mut state = self.0.lock().expect("no test panics under it");
            state.0.insert(0, item);
            state.1.clone()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Stream for Noisy {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().expect("no test panics under it");
        state.1 = Some(cx.waker().clone());
        match state.0.pop() {
            Some(3) => Poll::Ready(None),
            Some(item) => Poll::Ready(Some(item)),
            None => Poll::Pending,
        }
    }
}
