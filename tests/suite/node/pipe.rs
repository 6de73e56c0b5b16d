//! N117 to N123: piping.

use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;

use highwater_core::{HighWaterMark, Readable, Writable, destination_fn};
use highwater_test::{Demand, poll_once};

use super::{at_hand, counted, ends};
use crate::buffer::made::settle;
use crate::support::{Log, Recorder, chunks_of, run_woken, script};

#[tokio::test]
async fn n117_what_is_held_is_at_the_most_the_sum_of_the_marks_and_one_on_its_way() {
    let (log, demand) = (Log::default(), Demand::new());
    let slow = Recorder::new(&log).with_demand(&demand);
    let writable = Writable::new(slow, HighWaterMark::items(4).with_low(0));
    let (numbers, made) = counted(100);
    let source = Readable::from_iter(numbers).buffer(HighWaterMark::items(3).with_low(0));
    let running = source.pipe_to(writable).spawn();
    settle().await;
    let made = made.load(SeqCst);
    assert!((4..=3 + 4 + 1).contains(&made), "{made}");
    settle().await;
    demand.allow(100);
    assert_eq!(running.join().await.unwrap().chunks_out(), 100);
    assert!(log.written().into_iter().eq(0..100));
}

#[test]
fn n120_one_that_gives_to_several_waits_for_the_slowest() {
    let (fast, mut of_fast) = ends(8);
    let (slow, mut of_slow) = ends(2);
    let tee = destination_fn(|x: u32| {
        let (fast, slow) = (fast.clone(), slow.clone());
        async move {
            fast.send(x).await?;
            Ok(slow.send(x).await?)
        }
    });
    let mut piped = pin!(Readable::from_iter(0..9).pipe_to(tee).run());
    assert!(poll_once(piped.as_mut()).is_pending());
    assert_eq!(at_hand(&mut of_fast), [0, 1, 2], "the third waits for the slow one");
    assert_eq!(at_hand(&mut of_slow), [0, 1]);
    assert!(poll_once(piped.as_mut()).is_pending());
    assert_eq!((at_hand(&mut of_fast), at_hand(&mut of_slow)), (vec![3, 4], vec![2, 3]));
}

#[test]
fn n121_a_pipe_into_what_is_full_waits_first() {
    let (writable, mut readable) = ends(1);
    assert!(writable.write(100).unwrap().is_full());
    let log = Log::default();
    let mut piped = pin!(script(&log, &chunks_of([1])).pipe_to(writable).run());
    assert!(poll_once(piped.as_mut()).is_pending());
    assert_eq!(at_hand(&mut readable), [100]);
    assert!(poll_once(piped.as_mut()).is_pending());
    assert_eq!(at_hand(&mut readable), [1]);
    assert!(poll_once(piped.as_mut()).is_ready());
}

#[test]
fn n122_what_was_not_delivered_is_still_in_the_source() {
    let (one, two) = (Log::default(), Log::default());
    let mut source = script(&Log::default(), &chunks_of([1, 2, 3, 4]));
    let first = source.by_ref().take(2).pipe_to(Recorder::new(&one));
    run_woken(first.run()).unwrap().output.unwrap();
    run_woken(source.pipe_to(Recorder::new(&two)).run()).unwrap().output.unwrap();
    assert_eq!((one.written(), two.written()), (vec![1, 2], vec![3, 4]));
}

#[tokio::test]
async fn n123_several_sources_end_what_they_share_when_all_have_ended() {
    let (writable, readable) = ends(2);
    let write = |upto: u32| {
        let mut mine = writable.clone();
        async move {
            Readable::from_iter(0..upto).pipe_to(&mut mine).keep_open().run().await?;
            mine.done();
            Ok(())
        }
    };
    let (short, long) = (write(3), write(30));
    writable.done();
    let (_, _, all) = tokio::try_join!(short, long, readable.to_vec()).unwrap();
    assert_eq!(all.len(), 33);
}
