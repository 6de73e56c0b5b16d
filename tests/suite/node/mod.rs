//! Node's rules of streams, one by one: those that no other test shows. docs/SEMANTICS.md has all of them.

mod compose;
mod cork;
mod destroy;
mod duplex;
mod ending;
mod finished;
mod flow;
mod iteration;
mod misc;
mod operators;
mod pipe;
mod pipeline;
mod readable;
mod reading;
mod table;
mod transform;
mod writable;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use futures::FutureExt;
use highwater_core::observe::Events;
use highwater_core::{Buffered, Control, HighWaterMark, Readable, Writable, pass_through};

use crate::buffer::rules::next;

/// Both ends of a buffer that drains as Node does: when nothing is left.
fn ends(high: usize) -> (Writable<u32>, Readable<Buffered<u32>>) {
    pass_through(HighWaterMark::items(high).with_low(0))
}

/// All that can be read without waiting.
fn at_hand<T>(readable: &mut Readable<Buffered<T>>) -> Vec<T> {
    std::iter::from_fn(|| match next(readable) {
        Poll::Ready(Some(Ok(chunk))) => Some(chunk),
        _ => None,
    })
    .collect()
}

/// The names of the events that have come, the details of errors left out.
fn seen(events: &mut Events) -> Vec<String> {
    std::iter::from_fn(|| events.next().now_or_never().flatten())
        .map(|event| format!("{event:?}").split('(').next().unwrap().to_owned())
        .collect()
}

/// Whether what is held is finished, as far as is known now.
fn is_finished(control: &Control) -> Option<bool> {
    control.finished().now_or_never().map(|outcome| outcome.is_ok())
}

/// A source of numbers from 0, and how many it has made.
fn counted(upto: u32) -> (impl Iterator<Item = u32> + Send + Unpin, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let numbers = (0..upto).inspect(move |_| {
        count.fetch_add(1, SeqCst);
    });
    (numbers, made)
}
