//! Those who listen to a buffer.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Poll, Waker};

use super::wakes::Wakes;
use crate::stage::Event;

/// Those who listen to a buffer.
#[derive(Default)]
pub(super) struct Subscribers {
    next: u64,
    all: BTreeMap<u64, Subscriber>,
    closed: bool,
}

#[derive(Default)]
pub(super) struct Subscriber {
    queue: VecDeque<Event>,
    missed: u64,
    waker: Option<Waker>,
}

impl Subscribers {
    /// Notes an event for all; they are woken when `wakes` is dropped.
    #[inline]
    pub(super) fn tell(&mut self, event: Event, wakes: &mut Wakes) {
        self.closed |= matches!(event, Event::Close);
        if !self.all.is_empty() {
            self.tell_all(&event, wakes);
        }
    }

    #[cold]
    fn tell_all(&mut self, event: &Event, wakes: &mut Wakes) {
        for subscriber in self.all.values_mut() {
            if subscriber.queue.len() == EVENTS_HELD {
                subscriber.queue.pop_front();
                subscriber.missed += 1;
            }
            subscriber.queue.push_back(event.clone());
            wakes.extend(subscriber.waker.take());
        }
    }

    pub(super) fn add(&mut self) -> u64 {
        self.next += 1;
        self.all.insert(self.next, Subscriber::default());
        self.next
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Subscriber> {
        self.all.remove(&id)
    }

    pub(super) fn listen(&mut self, id: u64, waker: Waker) -> Option<Waker> {
        self.all.get_mut(&id).and_then(|subscriber| subscriber.waker.replace(waker))
    }

    pub(super) fn next(&mut self, id: u64) -> Poll<Option<Event>> {
        let closed = self.closed;
        let Some(subscriber) = self.all.get_mut(&id) else { return Poll::Ready(None) };
        if subscriber.missed > 0 {
            return Poll::Ready(Some(Event::Missed(std::mem::take(&mut subscriber.missed))));
        }
        match subscriber.queue.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

const EVENTS_HELD: usize = 64;
