//! Noticing that nothing moves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::{Phase, Progress};
use super::stall::Stall;
use super::trace;
use crate::stage::{Plan, StageInfo};
use crate::task::later;

/// Tells of a stall: once, and again when something has moved since.
///
/// ```text
///              nothing moved for so long
///   watching ---------------------------> told
///      ^                                    |
///      +-------- something moved -----------+
/// ```
pub(crate) struct Watch {
    after: Duration,
    tell: Box<dyn FnMut(&Stall) + Send>,
    state: Option<State>,
}

struct State {
    seen: Moves,
    since: Instant,
    told: bool,
    timer: Pin<Box<Sleep>>,
}

/// It is another when something has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moves {
    phase: Phase,
    /// Chunks and bytes that a stage, a buffer or the destination took, in all.
    taken: u64,
    buffered: usize,
    working: usize,
}

impl Watch {
    pub(crate) fn new(after: Duration, tell: impl FnMut(&Stall) + Send + 'static) -> Self {
        Self { after, tell: Box::new(tell), state: None }
    }

    /// Looks whether something has moved since the last look; has the task woken for the next one.
    pub(crate) fn look(
        &mut self,
        name: Option<&Arc<str>>,
        plan: &Plan,
        progress: &Progress,
        cx: &mut Context<'_>,
    ) {
        let (now, moves) = (Instant::now(), Moves::of(plan, progress));
        let after = self.after;
        let state = self.state.get_or_insert_with(|| State {
            seen: moves,
            since: now,
            told: false,
            timer: Box::pin(sleep_until(later(now, after))),
        });
        if state.seen != moves {
            (state.seen, state.since, state.told) = (moves, now, false);
        }
        while state.timer.as_mut().poll(cx).is_ready() {
            let lasted = now - state.since;
            if lasted >= after && !state.told {
                state.told = true;
                let stall = Stall::of(name.cloned(), lasted, plan, progress);
                trace::stalled(&stall);
                // A panic in it must not take the pipeline with it. The hook for panics has told of it.
                drop(catch_unwind(AssertUnwindSafe(|| (self.tell)(&stall))));
            }
            let next = if state.told { now } else { state.since };
            state.timer.as_mut().reset(later(next, after));
        }
    }
}

impl Moves {
    fn of(plan: &Plan, progress: &Progress) -> Self {
        let buffers = || plan.stages().iter().filter_map(StageInfo::known_buffer);
        let meters = || plan.stages().iter().map(StageInfo::meter);
        let taken = meters().map(|meter| meter.taken().wrapping_add(meter.bytes()));
        let crossed = buffers().map(|buffer| buffer.stats().chunks);
        Self {
            phase: progress.phase(),
            taken: taken.chain(crossed).fold(progress.chunks(), u64::wrapping_add),
            buffered: buffers().map(|buffer| buffer.stats().buffered).sum(),
            working: meters().map(|meter| meter.working()).sum(),
        }
    }
}
