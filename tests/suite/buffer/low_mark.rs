//! The writer task drains at the low mark, so that the writer and the destination work at the same time.

use std::time::Duration;

use highwater_core::{HighWaterMark, Writable, destination_fn};
use highwater_test::{Demand, Log, Recorder};

use super::made::settle;

/// B3, N6: a full buffer in front of a destination is drained when the low mark is reached, not when all is written.
#[tokio::test]
async fn a_writer_task_drains_at_the_low_mark() {
    for (low, at) in [(8, 8), (15, 1), (0, 16)] {
        let (log, demand) = (Log::default(), Demand::new());
        let writable = Writable::new(
            Recorder::new(&log).with_demand(&demand),
            HighWaterMark::items(16).with_low(low),
        );
        assert_eq!((0..16).filter(|n| writable.write(*n).unwrap().is_full()).count(), 1);
        let mut drained_at = None;
        for done in 1..=16 {
            demand.allow(1);
            settle().await;
            if writable.control().stats().drains == 1 {
                drained_at.get_or_insert(done);
            }
        }
        assert_eq!(drained_at, Some(at), "with a low mark of {low}");
        assert_eq!(writable.buffered(), 0);
    }
}

/// The writer makes its next chunks while the destination writes the rest of the last ones.
#[tokio::test(start_paused = true)]
async fn a_low_mark_makes_the_writer_and_the_destination_work_at_the_same_time() {
    const MS: Duration = Duration::from_millis(1);
    let slow = destination_fn(|_: u32| async {
        tokio::time::sleep(MS).await;
        Ok(())
    });
    let writable = Writable::new(slow, HighWaterMark::items(8).with_low(7));
    let begin = tokio::time::Instant::now();
    for burst in 0..10 {
        tokio::time::sleep(8 * MS).await;
        assert_eq!((0..8).filter(|n| writable.write(burst * 8 + n).unwrap().is_full()).count(), 1);
        writable.drain().await.unwrap();
    }
    writable.finish().await.unwrap();
    let took = begin.elapsed();
    assert!(took < 100 * MS, "{took:?} for ten times 8 ms on each side");
}
