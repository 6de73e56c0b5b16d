//! No wake-up is lost and none is needed twice: everything runs on an executor that polls only what was woken.

use std::pin::pin;
use std::task::Context;

use highwater_core::{CancellationToken, Readable, Source};
use proptest::prelude::*;

use crate::support::{
    Log, Ran, Recorder, Stalled, Step, Wakes, given, pend, quiet, run_spurious, run_woken, script,
    scripts, values,
};

/// A chain of the operators that wait and hold.
fn long_chain(
    steps: &[Step],
    pauses: usize,
) -> Readable<impl Source<Chunk = (u32, u32)> + Unpin + use<>> {
    quiet(steps)
        .map(|x| x + 1)
        .filter(|x| x % 5 != 0)
        .then(move |x| async move {
            pend(pauses).await;
            Ok(x)
        })
        .chunks(3)
        .flat_map(|group| group)
        .chain(quiet(&[Step::Pending, Step::Chunk(7), Step::Pending]))
        .zip(quiet(&[Step::Pending, Step::Chunk(0)]).flat_map(|x| x..))
        .take_until(std::future::pending::<()>())
        .skip_while(|(x, _)| *x == 1)
}

/// What the chain gives, on iterators.
fn expected(steps: &[Step]) -> Vec<(u32, u32)> {
    let numbers = values(steps).map(|x| x + 1).filter(|x| x % 5 != 0).chain([7]);
    numbers.zip(0..).skip_while(|(x, _)| *x == 1).collect()
}

async fn all<T, S>(mut readable: Readable<S>) -> Vec<T>
where
    S: Source<Chunk = T> + Unpin,
{
    let mut all = Vec::new();
    while let Some(item) = readable.next().await {
        all.push(item.expect("nothing fails"));
    }
    all
}

proptest! {
    /// I31: a chain whose parts are pending everywhere finishes, polled only when woken.
    #[test]
    fn a_long_chain_finishes(steps in scripts(), pauses in 0..3_usize) {
        prop_assert_eq!(given(long_chain(&steps, pauses)), expected(&steps));
    }

    /// I33, F4: polls for no reason change nothing but their own number.
    #[test]
    fn spurious_polls_change_nothing(steps in scripts(), pauses in 0..3_usize, extra in 0..4_usize) {
        let ran = run_spurious(all(long_chain(&steps, pauses)), extra).unwrap();
        prop_assert_eq!(ran.output, expected(&steps));
    }

    /// I31, I33, I48: the same for a pipeline whose destination is pending in every call.
    #[test]
    fn a_pipeline_finishes(steps in scripts(), pends in 0..3_usize, extra in 0..4_usize) {
        let log = Log::default();
        let pipeline = script(&log, &steps).map(|x| x).pipe_to(Recorder::new(&log).with_pends(pends));
        let report = run_spurious(pipeline.run(), extra).unwrap().output.unwrap();
        prop_assert_eq!(report.chunks_out(), values(&steps).count() as u64);
        prop_assert_eq!(log.written(), values(&steps).collect::<Vec<_>>());
    }

    /// I34: one poll per pause, and one to begin with: nothing wakes itself without a reason.
    #[test]
    fn no_more_polls_than_pauses(steps in scripts()) {
        let pauses = steps.iter().filter(|step| **step == Step::Pending).count();
        let Ran { polls, .. } = run_woken(all(quiet(&steps).map(|x| x).chunks(2))).unwrap();
        prop_assert_eq!(polls, 1 + pauses);
    }
}

/// The executor itself: a future that nobody wakes is told from one that is slow. I34: one poll, and no more.
#[test]
fn an_idle_source_leaves_the_task_asleep() {
    let idle = all(quiet(&[Step::Chunk(1), Step::Forever]).chunks(2));
    assert_eq!(run_woken(idle).unwrap_err(), Stalled { polls: 1 });
    let log = Log::default();
    let pipeline = script(&log, &[Step::Chunk(1), Step::Forever]).pipe_to(Recorder::new(&log));
    assert_eq!(run_woken(pipeline.run()).unwrap_err(), Stalled { polls: 1 });
    assert_eq!(log.calls(), "open, write 1, flush");
}

/// I14, I31: a token wakes a pipeline that waits for an idle source.
#[test]
fn a_token_wakes_an_idle_pipeline() {
    let (token, log) = (CancellationToken::new(), Log::default());
    let pipeline = script(&log, &[Step::Forever]).pipe_to(Recorder::new(&log));
    let mut running = pin!(pipeline.abort_on(token.clone()).run());
    let (waker, wakes) = Wakes::waker();
    let mut cx = Context::from_waker(&waker);
    assert!(running.as_mut().poll(&mut cx).is_pending());
    assert_eq!(wakes.count(), 0);
    token.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(running.as_mut().poll(&mut cx).is_ready());
}

/// I39, F6: the waker of the latest poll is woken, wherever the future was polled before.
#[test]
fn the_last_waker_wins() {
    let (mut sender, receiver) = futures::channel::mpsc::channel::<u32>(1);
    let mut readable = Readable::from_stream(receiver).map(|x| x).chunks(1);
    let ((old, old_wakes), (new, new_wakes)) = (Wakes::waker(), Wakes::waker());
    assert!(pin!(readable.next()).poll(&mut Context::from_waker(&old)).is_pending());
    assert!(pin!(readable.next()).poll(&mut Context::from_waker(&new)).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!((old_wakes.count(), new_wakes.count()), (0, 1));
}

/// I32, F6: a pipeline that has resolved leaves no waker behind in its token.
#[test]
fn no_waker_is_kept_behind_the_end() {
    let (token, log) = (CancellationToken::new(), Log::default());
    let (waker, wakes) = Wakes::waker();
    let mut cx = Context::from_waker(&waker);
    let pipeline = script(&log, &[]).pipe_to(Recorder::new(&log).with_pends(1));
    let mut running = pin!(pipeline.abort_on(token.clone()).run());
    assert!(running.as_mut().poll(&mut cx).is_pending());
    assert!(std::sync::Arc::strong_count(&wakes) > 2, "the token does not know whom to wake");
    while running.as_mut().poll(&mut cx).is_pending() {}
    drop(waker);
    assert_eq!(std::sync::Arc::strong_count(&wakes), 1);
    assert!(!token.is_cancelled());
}
