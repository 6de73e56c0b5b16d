//! A destination, right or with one bug.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use highwater_core::{Destination, Error, Result};

use super::rejects;
use crate::{Moment, conformance_destination, conformance_destination_bytes, pend};

/// What is wrong with [`Memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    ForgetsTheFlush,
    LosesTheLastAtTheEnd,
    NeedsToBeWrittenTo,
    LeavesTheQueue,
    WritesManyBackwards,
    FlushesAgain,
    PanicsOnEmpty,
    TakesEmptyForTheEnd,
    AbortFails,
    AbortWritesOn,
    DropWritesOn,
    PanicsBehindADroppedCall,
    LosesWhatComesBehindADroppedCall,
    WritesADroppedChunkTwice,
    FailsWhenItIsIdle,
    SaysThatItHasCommitted,
    NeverWakes,
}

/// Gathers chunks, and adds them to a list when it is flushed or finished, with a pause in each call.
struct Memory {
    bug: Option<Bug>,
    list: List,
    held: Vec<Bytes>,
    deaf: bool,
    written: usize,
    /// Whether a call was dropped.
    busy: bool,
    finishing: bool,
}

type List = Arc<Mutex<Vec<Bytes>>>;

impl Memory {
    fn make(bug: Option<Bug>) -> (Self, List) {
        let list = List::default();
        let memory = Self {
            bug,
            list: Arc::clone(&list),
            held: Vec::new(),
            deaf: false,
            written: 0,
            busy: false,
            finishing: false,
        };
        (memory, list)
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    async fn pause(&mut self) {
        if self.has(Bug::PanicsBehindADroppedCall) {
            assert!(!self.busy, "a call was dropped");
        }
        self.busy = true;
        if self.has(Bug::NeverWakes) {
            pending::<()>().await;
        }
        pend(1).await;
        self.busy = false;
    }

    fn send(&mut self) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.append(&mut self.held);
    }
}

impl Destination<Bytes> for Memory {
    async fn open(&mut self) -> Result<()> {
        self.pause().await;
        Ok(())
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            assert!(!self.has(Bug::PanicsOnEmpty), "nothing to write");
            self.deaf |= self.has(Bug::TakesEmptyForTheEnd);
        }
        if self.deaf || self.busy && self.has(Bug::LosesWhatComesBehindADroppedCall) {
            return Ok(());
        }
        self.written += 1;
        self.held.push(chunk.clone());
        if self.has(Bug::WritesADroppedChunkTwice) {
            // Should have been one step with the push.
            self.held.push(chunk);
            self.pause().await;
            self.held.pop();
        } else {
            self.pause().await;
        }
        Ok(())
    }

    async fn write_many(&mut self, chunks: &mut VecDeque<Bytes>) -> Result<()> {
        if self.has(Bug::LeavesTheQueue) {
            self.held.extend(chunks.iter().cloned());
            return Ok(());
        }
        if self.has(Bug::WritesManyBackwards) {
            chunks.make_contiguous().reverse();
        }
        while let Some(chunk) = chunks.pop_front() {
            self.write(chunk).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.has(Bug::FailsWhenItIsIdle) && self.held.is_empty() {
            return Err(Error::msg("nothing to flush"));
        }
        self.pause().await;
        if self.has(Bug::FlushesAgain) && self.held.is_empty() {
            self.held.push(Bytes::from_static(b"again"));
        }
        if !self.has(Bug::ForgetsTheFlush) {
            self.send();
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.finishing = true;
        self.pause().await;
        self.finishing = false;
        if self.has(Bug::NeedsToBeWrittenTo) && self.written == 0 {
            return Err(Error::msg("nothing was written"));
        }
        if self.has(Bug::LosesTheLastAtTheEnd) {
            self.held.pop();
        }
        self.send();
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.pause().await;
        if self.has(Bug::AbortFails) {
            return Err(Error::msg("cannot undo"));
        }
        if self.has(Bug::SaysThatItHasCommitted) && self.finishing {
            return Err(Error::committed());
        }
        if self.has(Bug::AbortWritesOn) {
            self.held.push(Bytes::from_static(b"trailer"));
        }
        if self.has(Bug::AbortWritesOn) || self.has(Bug::WritesADroppedChunkTwice) {
            self.send();
        }
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.has(Bug::DropWritesOn) {
            self.held.push(Bytes::from_static(b"trailer"));
            self.send();
        }
    }
}

fn suite(bug: Option<Bug>) {
    let read = |list: &mut List, _: Moment| {
        Some(list.lock().unwrap_or_else(PoisonError::into_inner).concat())
    };
    conformance_destination_bytes(|| Memory::make(bug), read);
}

fn suite_of_chunks(bug: Option<Bug>) {
    let read = |list: &mut List, _: Moment| {
        Some(list.lock().unwrap_or_else(PoisonError::into_inner).clone())
    };
    let chunks = ["a", "", "bc", "d"].map(Bytes::from);
    conformance_destination(|| Memory::make(bug), chunks, read);
}

#[test]
fn the_right_one_passes() {
    suite(None);
    suite_of_chunks(None);
}

#[test]
fn the_broken_ones_do_not() {
    for (bug, says) in [
        (Bug::ForgetsTheFlush, "Flushed: 0 of"),
        (Bug::LosesTheLastAtTheEnd, "Finished:"),
        (Bug::NeedsToBeWrittenTo, "with nothing written"),
        (Bug::LeavesTheQueue, "it takes no chunk"),
        (Bug::WritesManyBackwards, "`write_many`"),
        (Bug::FlushesAgain, "Flushed:"),
        (Bug::PanicsOnEmpty, "panicked: nothing to write"),
        (Bug::TakesEmptyForTheEnd, "Finished: 0 of"),
        (Bug::AbortFails, "abort fails"),
        (Bug::AbortWritesOn, "Aborted:"),
        (Bug::DropWritesOn, "trailer"),
        (Bug::PanicsBehindADroppedCall, "panicked: a call was dropped"),
        (Bug::LosesWhatComesBehindADroppedCall, "and the other chunks"),
        (Bug::WritesADroppedChunkTwice, "dropped at its poll 1"),
        (Bug::FailsWhenItIsIdle, "flush fails"),
        (Bug::SaysThatItHasCommitted, "Finished: 0 of"),
    ] {
        rejects(bug, says, || suite(Some(bug)));
        rejects(bug, "", || suite_of_chunks(Some(bug)));
    }
}

/// This one takes as long as a suite is patient.
#[test]
fn one_that_is_never_woken_does_not_pass() {
    rejects(Bug::NeverWakes, "it hangs", || suite_of_chunks(Some(Bug::NeverWakes)));
}

/// Within a runtime a suite cannot run; it says so.
#[tokio::test]
#[should_panic(expected = "call it from a plain `#[test]`")]
async fn within_a_runtime() {
    suite(None);
}
