//! A merge on an executor that polls only what was woken: a wake-up that is lost is never made good.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::{FutureExt, stream};
use highwater_core::{BoxReadable, Readable, Result};
use highwater_test::{Stall, Woken, pend};

use super::Random;
use crate::{MergeHandle, lock, merge_with_handle};

/// An input that wakes its reader for every item, whether the reader waits for it or not.
#[derive(Clone, Default)]
struct Noisy(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: VecDeque<u64>,
    has_ended: bool,
    /// That of the latest poll, for ever: even a poll that gave an item leaves its waker here.
    reader: Option<Waker>,
}

impl Noisy {
    fn push(&self, item: u64) {
        self.tell(|state| state.items.push_back(item));
    }

    fn end(&self) {
        self.tell(|state| state.has_ended = true);
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        let reader = {
            let mut state = lock(&self.0);
            change(&mut state);
            state.reader.clone()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut state = lock(&self.0);
        state.reader = Some(cx.waker().clone());
        match state.items.pop_front() {
            None if !state.has_ended => Poll::Pending,
            item => Poll::Ready(item),
        }
    }

    fn readable(&self) -> BoxReadable<u64> {
        let input = self.clone();
        Readable::from_stream(stream::poll_fn(move |cx| input.poll(cx))).boxed()
    }
}

type Boxed = Pin<Box<dyn futures::Stream<Item = Result<u64>> + Send>>;

/// Adds an input at some time, fills it in bursts, and ends it.
async fn feed(handle: MergeHandle<Boxed>, first: u64, items: u64, mut random: Random) {
    let input = Noisy::default();
    pause(&mut random).await;
    handle.add(input.readable()).expect("there is room for all");
    drop(handle);
    for item in first..first + items {
        pause(&mut random).await;
        input.push(item);
    }
    pause(&mut random).await;
    input.end();
}

/// For some turns of the other tasks, or for none.
async fn pause(random: &mut Random) {
    let turns = random.below(4).saturating_sub(1);
    pend(usize::try_from(turns).expect("it is small")).await;
}

/// I31, I33, C87: whenever inputs come, become ready and end, every item arrives and no wake-up is lost. Polls for no
/// reason, and a reader that moves from task to task, change nothing.
#[test]
fn every_item_arrives_however_inputs_are_woken() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let (inputs, items) = (1 + random.below(8), random.below(12));
        let (handle, mut merged) = merge_with_handle(8);
        let mut tasks = Woken::new().with_spurious(usize::try_from(random.below(3)).unwrap());
        if random.below(2) == 0 {
            tasks = tasks.swapping_wakers();
        }
        let reading = tasks.spawn(async move {
            let mut all = Vec::new();
            while let Some(item) = merged.next().await {
                all.push(item.unwrap());
                pause(&mut random).await;
            }
            all
        });
        for input in 0..inputs {
            let random = Random(seed ^ (input + 1).rotate_left(32));
            tasks.spawn(feed(handle.clone(), input * items, items, random));
        }
        drop(handle);
        tasks.run();
        let all = reading.take().expect("it has run to its end");
        for input in 0..inputs {
            let own = input * items..(input + 1) * items;
            assert!(all.iter().copied().filter(|item| own.contains(item)).eq(own.clone()));
        }
        assert_eq!(all.len() as u64, inputs * items);
    }
}

/// A signal for an input that has its turn already is not the last that is heard of it.
#[test]
fn an_input_that_is_signalled_at_its_turn_is_signalled_again() {
    let input = Noisy::default();
    let (handle, mut merged) = merge_with_handle(1);
    handle.add(input.readable()).unwrap();
    drop(handle);
    input.push(1);
    input.push(2);
    // The first item is given, and the turn stays with the input; so the next signal finds it there.
    assert_eq!(merged.next().now_or_never().unwrap().unwrap().unwrap(), 1);
    input.push(3);
    let mut tasks = Woken::new();
    let rest = tasks.spawn(merged.to_vec());
    assert_eq!(tasks.run_until_idle(), [Stall::Idle]);
    input.push(4);
    assert_eq!(tasks.run_until_idle(), [Stall::Idle]);
    input.end();
    tasks.run();
    assert_eq!(rest.take().unwrap().unwrap(), [2, 3, 4]);
}
