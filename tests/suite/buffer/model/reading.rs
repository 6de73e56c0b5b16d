//! Reading, with the buffer and its reference.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use futures::Stream;

use super::bench::Bench;
use super::parts::{Chunk, Temper, trouble, unless_planned};
use super::reference::Life;

impl Bench {
    pub(super) fn poll_next(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        let waker = Waker::from(Arc::clone(&self.reader_flag));
        self.reader_flag.up.store(false, SeqCst);
        let real = Pin::new(reader).poll_next(&mut Context::from_waker(&waker));
        let real = real.map(|next| next.map(|result| result.map(Chunk::into_id)));
        let real = real.map(|next| next.map(|result| result.map_err(|error| trouble(&error))));
        let expected = self.model.next(real.is_ready());
        self.log(|| format!("next: {real:?}"));
        self.same("next", real, expected);
        self.reader_waits = real.is_pending().then_some(false);
        self.note(match real {
            Poll::Ready(Some(Ok(_))) => "chunk delivered",
            Poll::Ready(Some(Err(_))) if self.model.life == Life::Destroyed => "next: destroyed",
            Poll::Ready(Some(Err(_))) => "next: failure in order",
            Poll::Ready(None) => "next: end",
            Poll::Pending => "next: nothing",
        });
    }

    pub(super) fn poll_readable(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        let waker = Waker::from(Arc::clone(&self.reader_flag));
        self.reader_flag.up.store(false, SeqCst);
        let real = pin!(reader.readable()).poll(&mut Context::from_waker(&waker));
        let real = real.map_err(|error| trouble(&error));
        let expected = self.model.readable(true, real.is_ready());
        self.log(|| format!("readable: {real:?}"));
        self.same("readable", real, expected);
        self.reader_waits = real.is_pending().then_some(true);
        self.note(match real {
            Poll::Ready(Ok(true)) => "readable: there is",
            Poll::Ready(Ok(false)) => "readable: end",
            Poll::Ready(Err(_)) => "readable: failure",
            Poll::Pending => "readable: nothing",
        });
    }

    /// Polls for the next chunk unless it was polled for and is not woken. True if it was polled.
    pub(super) fn read_on(&mut self) -> bool {
        let polls = self.reader_waits != Some(false) || self.reader_flag.is_up();
        if polls {
            self.poll_next();
        }
        polls
    }

    /// True if there was a chunk.
    pub(super) fn read(&mut self) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        let real = reader.read().map(Chunk::into_id);
        let expected = self.model.read(real.is_some());
        self.log(|| format!("read: {real:?}"));
        self.same("read", real, expected);
        self.note(if real.is_some() { "read: chunk" } else { "read: nothing" });
        real.is_some()
    }

    pub(super) fn unshift(&mut self) {
        if self.common.polite || self.reader.is_none() {
            return;
        }
        let chunk = self.chunk();
        let (told, temper) = ((chunk.id, chunk.weight), chunk.temper);
        let Some(reader) = &mut self.reader else { return };
        let put_back = || reader.unshift(chunk).map_err(|error| error.into_chunk().into_id());
        let real = unless_planned(put_back);
        self.log(|| format!("unshift {told:?} {temper:?}: {real:?}"));
        self.same("a weigher panics", real.is_none(), temper == Temper::Heavy);
        let Some(real) = real else { return self.note("panic: weigh in an unshift") };
        let expected = self.model.unshift(told).map_err(|_| told.0);
        self.same("unshift", real, expected);
        self.note(if real.is_ok() { "unshift: taken" } else { "unshift: too late" });
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.log(|| format!("pause {paused}"));
        if paused {
            self.control.pause();
        } else {
            self.control.resume();
        }
        self.model.paused = paused;
        self.note(if paused { "pause" } else { "resume" });
    }
}
