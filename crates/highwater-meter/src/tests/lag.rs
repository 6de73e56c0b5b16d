//! `LagMonitor`, under paused time: somebody else moves the clock, as a task that works for long does.

use std::time::Duration;

use highwater_core::task;
use tokio::time::{advance, sleep};

use super::ms;
use crate::{LagMonitor, lag_monitor};

/// Nobody works: each timer is as late as the clock is coarse.
#[tokio::test(start_paused = true)]
async fn an_idle_runtime_is_not_late() {
    let mut lags = lag_monitor().lags();
    let lag = lags.next().await.unwrap().unwrap();
    assert!(lag.count() >= 90 && lag.count() <= 100, "{}", lag.count());
    assert!(lag.max() <= ms(1), "{lag}");
}

/// Once in a second, something takes 400 ms.
#[tokio::test(start_paused = true)]
async fn a_task_that_works_for_long_is_seen() {
    let busy = task::spawn(async {
        sleep(ms(105)).await;
        // A jump of the clock is what other tasks see of one that does not give way.
        advance(ms(400)).await;
    });
    let mut lags = LagMonitor::new().lags();
    let lag = lags.next().await.unwrap().unwrap();
    busy.await.unwrap();
    // Its timer was due at 110, and it is 505.
    assert!(lag.max() >= ms(394) && lag.max() <= ms(396), "{lag}");
    assert!(lag.percentile(98.0) <= ms(1) && lag.min() <= ms(1), "{lag}");
    assert!(lag.mean() >= ms(4) && lag.mean() <= ms(9), "{:?}", lag.mean());
    assert!(lag.count() < 65);
    let quiet = lags.next().await.unwrap().unwrap();
    assert!(quiet.max() <= ms(1), "{quiet}");
}

/// A reader that is slow itself says nothing about the runtime.
#[tokio::test(start_paused = true)]
async fn the_time_between_two_reads_does_not_count() {
    let mut lags = LagMonitor::new().with_every(ms(100)).lags();
    for _ in 0..3 {
        let lag = lags.next().await.unwrap().unwrap();
        assert!(lag.max() <= ms(1), "{lag}");
        advance(ms(5000)).await;
    }
}

/// A read that is dropped loses nothing of what was measured.
#[tokio::test(start_paused = true)]
async fn a_read_that_is_dropped_loses_nothing() {
    let mut lags = LagMonitor::new().with_resolution(ms(10)).with_every(ms(100)).lags();
    assert!(tokio::time::timeout(ms(55), lags.next()).await.is_err());
    let lag = lags.next().await.unwrap().unwrap();
    assert!(lag.count() >= 9, "{}", lag.count());
}

/// Nearest rank.
#[tokio::test(start_paused = true)]
async fn percentiles() {
    // Of ten timers, nine are on time and one is late.
    let lags = LagMonitor::new().with_resolution(ms(10)).with_every(ms(190)).lags();
    let late = async {
        sleep(ms(45)).await;
        advance(ms(95)).await;
    };
    let (lag, ()) = tokio::join!(lags.take(1).to_vec(), late);
    let lag = lag.unwrap().remove(0);
    let share = 100.0 * (lag.count() as f64 - 1.0) / lag.count() as f64;
    assert!(lag.percentile(share - 0.01) <= ms(1), "{lag}");
    assert!(lag.percentile(share + 0.01) > ms(80), "{lag}");
    assert_eq!(lag.percentile(-1.0), lag.min());
    assert_eq!(lag.percentile(f64::NAN), lag.min());
    assert_eq!(lag.percentile(1000.0), lag.max());
    assert!(lag.to_string().starts_with("lag: "), "{lag}");
}

#[test]
#[should_panic = "Tokio's timers count in milliseconds"]
fn a_timer_below_a_millisecond_is_a_mistake() {
    drop(LagMonitor::new().with_resolution(Duration::from_micros(999)).lags());
}

#[test]
#[should_panic = "at most 100,000 timers in a span"]
fn too_many_timers_are_a_mistake() {
    drop(LagMonitor::new().with_resolution(ms(1)).with_every(Duration::from_secs(200)).lags());
}

/// I61's far future.
#[tokio::test(start_paused = true)]
async fn the_longest_times() {
    let monitor = LagMonitor::new().with_resolution(Duration::MAX).with_every(Duration::MAX);
    assert_eq!(monitor.lags().next().await.unwrap().unwrap().count(), 1);
}
