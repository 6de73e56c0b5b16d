//! A source, right or with one bug.

use std::convert::Infallible;
use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use highwater_core::stage::{StageInfo, StageStats};
use highwater_core::{Error, HighWaterMark, Readable, Result, Source, pass_through};

use super::rejects;
use crate::{Case, Token, Tokens, conformance_source, conformance_source_fed};

/// What is wrong with [`Numbers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    GivesTooMuch,
    EndsWhereItFails,
    BeginsAgainBehindItsEnd,
    GoesOnBehindItsError,
    WaitsBehindItsEnd,
    EachBeginsAgain,
    NeverEnds,
    NeverWakes,
    WakesTheFirstWaker,
    WakesForNothing,
    LosesAChunkWhenItIsPolledForNothing,
    ReadsAheadOfABreak,
    GoesOnBehindABreak,
    WaitsBehindABreak,
    GivesWhatCameBackAgain,
    EachLosesTheError,
    OverstatesItsSize,
    UnderstatesItsSize,
    PanicsWhenItIsDropped,
    HoldsAll,
    KeepsAChunk,
    ForgetsItsBytes,
}

/// Gives 1, 2 and 3, and waits once before each; then it ends, or fails.
struct Numbers {
    bug: Option<Bug>,
    tokens: Tokens,
    stats: StageStats,
    fails: bool,
    next: u32,
    pauses: u32,
    held: Vec<Token<u32>>,
    first: Option<Waker>,
    back: Option<Token<u32>>,
    over: bool,
}

impl Numbers {
    fn readable(bug: Option<Bug>, fails: bool, tokens: &Tokens) -> Readable<Self> {
        let info = StageInfo::new("numbers");
        let mut numbers = Self {
            bug,
            tokens: tokens.clone(),
            stats: info.meter().clone(),
            fails,
            next: 1,
            pauses: if bug == Some(Bug::WakesForNothing) { 2 } else { 1 },
            held: Vec::new(),
            first: None,
            back: None,
            over: false,
        };
        if bug == Some(Bug::HoldsAll) {
            numbers.held = (1..=3).map(|number| tokens.token(number)).collect();
        }
        Readable::from_source(info, numbers)
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn pause(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.pauses == 0 || self.has(Bug::NeverEnds) {
            self.pauses = if self.has(Bug::WakesForNothing) { 2 } else { 1 };
            return Poll::Ready(());
        }
        self.pauses -= 1;
        let first = self.first.get_or_insert_with(|| cx.waker().clone());
        match self.bug {
            Some(Bug::NeverWakes) => {}
            Some(Bug::WakesTheFirstWaker) => first.wake_by_ref(),
            _ => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    }

    fn end(&mut self) -> Option<Result<Token<u32>>> {
        if mem::replace(&mut self.over, true) {
            return match self.bug {
                Some(Bug::GoesOnBehindItsError) if self.fails => Some(Ok(self.tokens.token(4))),
                _ => None,
            };
        }
        if self.has(Bug::BeginsAgainBehindItsEnd) {
            (self.next, self.over) = (1, false);
        }
        let fails = self.fails && !self.has(Bug::EndsWhereItFails);
        fails.then(|| Err(Error::corrupt("no more numbers")))
    }
}

impl Stream for Numbers {
    type Item = Result<Token<u32>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = &mut *self;
        if me.over {
            return if me.has(Bug::WaitsBehindItsEnd) {
                Poll::Pending
            } else {
                Poll::Ready(me.end())
            };
        }
        let before = me.pauses;
        let paused = me.pause(cx);
        if me.has(Bug::LosesAChunkWhenItIsPolledForNothing) && before == 0 && me.next == 2 {
            me.next = 3;
        }
        ready!(paused);
        let last = if me.has(Bug::GivesTooMuch) { 4 } else { 3 };
        if me.next > last && !me.has(Bug::NeverEnds) {
            return Poll::Ready(me.end());
        }
        if !me.has(Bug::ForgetsItsBytes) {
            me.stats.publish_bytes(4 * u64::from(me.next));
        }
        let token = me.tokens.token(me.next);
        me.held.pop();
        me.next += 1;
        if me.has(Bug::KeepsAChunk) {
            mem::forget(token.clone());
        }
        Poll::Ready(Some(Ok(token)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.bug {
            Some(Bug::OverstatesItsSize) => (4, None),
            Some(Bug::UnderstatesItsSize) => (0, Some(2)),
            _ => (0, None),
        }
    }
}

impl Source for Numbers {
    type Chunk = Token<u32>;

    fn poll_each<B>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(Token<u32>) -> ControlFlow<B, Option<Token<u32>>>,
    ) -> Poll<Option<Result<B>>> {
        if self.over && self.has(Bug::EachBeginsAgain) {
            return Poll::Ready(match each(self.tokens.token(1)) {
                Break(value) => Some(Ok(value)),
                Continue(_) => None,
            });
        }
        loop {
            let chunk = match self.back.take() {
                Some(back) => back,
                None => match ready!(self.as_mut().poll_next(cx)) {
                    Some(Ok(chunk)) => chunk,
                    Some(Err(_)) if self.has(Bug::EachLosesTheError) => return Poll::Ready(None),
                    end => return Poll::Ready(end.map(|item| item.map(|_| unreachable!()))),
                },
            };
            match each(chunk) {
                Continue(back) if self.has(Bug::GivesWhatCameBackAgain) => self.back = back,
                Continue(_) => {}
                Break(value) => {
                    if self.has(Bug::ReadsAheadOfABreak) {
                        self.next += 1;
                    }
                    if self.has(Bug::GoesOnBehindABreak) {
                        let more = self.tokens.token(9);
                        drop(each(more));
                    }
                    if self.has(Bug::WaitsBehindABreak) {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(value)));
                }
            }
        }
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        assert!(self.over || !self.has(Bug::PanicsWhenItIsDropped), "not read to its end");
    }
}

fn suite(bug: Option<Bug>, fails: bool) {
    let tokens = Tokens::new();
    let gauge = tokens.clone();
    let mut case: Case<Infallible, Token<u32>> = Case::source()
        .gives([1, 2, 3])
        .waits_at_most(4)
        .counts_bytes(12)
        .holds_at_most(1, move || gauge.alive());
    if fails {
        case = case.fails(Error::is_corrupt);
    }
    conformance_source(|| Numbers::readable(bug, fails, &tokens), case);
}

#[test]
fn the_right_one_passes() {
    suite(None, false);
    suite(None, true);
}

#[test]
fn the_broken_ones_do_not() {
    for (bug, says) in [
        (Bug::GivesTooMuch, "its outputs differ from output 3"),
        (Bug::EndsWhereItFails, "it does not fail where it must"),
        (Bug::GoesOnBehindItsError, "comes behind the end or the error, by `poll_next`"),
        (Bug::WaitsBehindItsEnd, "`poll_next` waits behind the end"),
        (Bug::EachBeginsAgain, "comes behind the end or the error, by `poll_each`"),
        (Bug::NeverEnds, "does not end"),
        (Bug::NeverWakes, "it waits for something that never happens"),
        (Bug::WakesTheFirstWaker, "with polls for no reason"),
        (Bug::WakesForNothing, "it waits 8 times where 4 are enough"),
        (Bug::LosesAChunkWhenItIsPolledForNothing, "its outputs differ from output 1"),
        (Bug::ReadsAheadOfABreak, "broken off behind every 1"),
        (Bug::GoesOnBehindABreak, "hands out a chunk after it was broken off"),
        (Bug::WaitsBehindABreak, "is not ready with what it was broken off with"),
        (Bug::GivesWhatCameBackAgain, "each chunk given back"),
        (Bug::EachLosesTheError, "by `poll_each` ("),
        (Bug::UnderstatesItsSize, "its `size_hint`"),
        (Bug::PanicsWhenItIsDropped, "dropped before it is read"),
        (Bug::HoldsAll, "it holds 3, and may hold 1"),
        (Bug::KeepsAChunk, "are left behind"),
        (Bug::ForgetsItsBytes, "where 12 are due"),
    ] {
        rejects(bug, says, || suite(Some(bug), true));
    }
    rejects(Bug::BeginsAgainBehindItsEnd, "behind the end", || {
        suite(Some(Bug::BeginsAgainBehindItsEnd), false);
    });
    rejects(Bug::OverstatesItsSize, "it is 4 to None", || {
        suite(Some(Bug::OverstatesItsSize), false);
    });
}

/// A buffer, with the task that fills it.
fn fed(loses: bool) {
    let make = || {
        let (writable, readable) = pass_through(HighWaterMark::items(1));
        let feed = async move {
            for number in 0..5 {
                if !(loses && number == 3) && writable.send(number).await.is_err() {
                    return;
                }
            }
            writable.end();
        };
        (readable, feed)
    };
    conformance_source_fed(make, Case::source().gives(0..5));
}

#[test]
fn a_source_that_is_fed() {
    fed(false);
    rejects("a number is not sent", "its outputs differ from output 3", || fed(true));
}

#[test]
fn a_source_that_nobody_feeds() {
    let make = || {
        let (writable, readable) = pass_through::<u8>(HighWaterMark::items(1));
        let idle = async move {
            std::future::pending::<()>().await;
            writable.end();
        };
        (readable, idle)
    };
    rejects("nobody writes", "waits for something that never happens", || {
        conformance_source_fed(make, Case::source().gives([1_u8]));
    });
}
