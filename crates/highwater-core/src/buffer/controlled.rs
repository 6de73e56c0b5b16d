//! What a [`Control`](crate::Control) does with a buffer.

use std::task::{Context, Poll};

use super::ledger::Life;
use super::shared::{Shared, Wait};
use crate::error::{Error, Result};
use crate::stage::{BufferStats, Controlled, Event};

impl<T: Send> Controlled for Shared<T> {
    fn pause(&self, paused: bool) {
        self.pause(paused);
    }

    fn destroy(&self, error: Error) {
        self.destroy(error);
    }

    fn stats(&self) -> BufferStats {
        self.stats()
    }

    fn poll_outcome(&self, id: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_wait(id, Wait::Outcome, cx)
    }

    fn is_ruined(&self) -> bool {
        let state = self.lock();
        state.ledger.life() == Life::Destroyed && !state.reader_is_gone
    }

    fn leave(&self, id: u64) {
        self.leave(id);
    }

    fn subscribe(&self) -> u64 {
        self.lock().subscribers.add()
    }

    fn unsubscribe(&self, id: u64) {
        let subscriber = self.lock().subscribers.remove(id);
        drop(subscriber);
    }

    fn poll_event(&self, id: u64, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let waker = cx.waker().clone();
        let _replaced;
        let mut state = self.lock();
        _replaced = state.subscribers.listen(id, waker);
        state.subscribers.next(id)
    }
}
