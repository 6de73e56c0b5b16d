//! What goes on, second by second: the window, the alerts, and what the page shows.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::unfold;
use highwater::batch::{Window, Windowed};
use highwater::prelude::*;
use highwater::{Readable, Result, Source};
use serde::Serialize;
use tokio::time::interval;

use crate::lines::Counts;
use crate::record::Level;
use crate::stats::{Stats, Tally};

/// When to raise an alert: at so many lines in a window. 0 is never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    pub(crate) errors: u64,
    pub(crate) lines: u64,
}

/// One rule, and whether it is broken.
#[derive(Debug)]
pub(crate) struct Alert {
    what: &'static str,
    threshold: u64,
    count: fn(&Counts) -> u64,
    raised: bool,
}

/// What an alert says, once per breach and once when that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Raised { what: &'static str, count: u64, threshold: u64 },
    Recovered { what: &'static str, count: u64 },
}

/// An alert as the page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    pub(crate) what: &'static str,
    pub(crate) count: u64,
    pub(crate) threshold: u64,
    pub(crate) raised: bool,
}

impl Thresholds {
    pub(crate) fn alerts(self) -> Vec<Alert> {
        let alert = |what, threshold, count| Alert { what, threshold, count, raised: false };
        let errors = alert("errors", self.errors, |counts| counts.of(Level::Error));
        let lines = alert("lines", self.lines, Counts::lines);
        [errors, lines].into_iter().filter(|alert| alert.threshold > 0).collect()
    }
}

impl Alert {
    /// Looks at a window. What is raised at the threshold is over at four fifths of it, so that a count that goes up and
    /// down around the threshold is one breach.
    fn see(&mut self, counts: &Counts) -> Option<Change> {
        let Self { what, threshold, count, raised } = *self;
        let count = count(counts);
        if !raised && count >= threshold {
            self.raised = true;
            return Some(Change::Raised { what, count, threshold });
        }
        if raised && count <= threshold - threshold.div_ceil(5) {
            self.raised = false;
            return Some(Change::Recovered { what, count });
        }
        None
    }

    fn show(&self, counts: &Counts) -> Shown {
        let Self { what, threshold, count, raised } = *self;
        Shown { what, count: count(counts), threshold, raised }
    }
}

/// A look at the window that has just ended.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) window: Tally,
    pub(crate) changes: Vec<Change>,
    pub(crate) alerts: Vec<Shown>,
}

/// Looks at the window before, every second.
pub(crate) fn looks(
    stats: Arc<Stats>,
    window: Duration,
    mut alerts: Vec<Alert>,
) -> Readable<impl Source<Chunk = Look, Item = Result<Look>> + Unpin> {
    let add = |sum: &mut Tally, (_, fresh): (Duration, Tally)| sum.add(&fresh);
    let window = Window::sliding(window, STEP, Tally::default, add, Tally::add)
        .with_time_of(|(time, _)| *time);
    ticks(stats).window(window).map(move |window: Windowed<Tally>| {
        let counts = &window.value.counts;
        let changes = alerts.iter_mut().filter_map(|alert| alert.see(counts)).collect();
        let alerts = alerts.iter().map(|alert| alert.show(counts)).collect();
        Look { window: window.value, changes, alerts }
    })
}

/// What was counted since the last one, every second, with the time. There is one also if it is nothing: a window moves on.
fn ticks(stats: Arc<Stats>) -> Readable<impl Source<Chunk = (Duration, Tally)> + Unpin> {
    let clock = (interval(STEP), Duration::ZERO);
    let ticks = unfold(clock, move |(mut clock, time)| {
        let stats = Arc::clone(&stats);
        async move {
            clock.tick().await;
            Some(((time, stats.take()), (clock, time + STEP)))
        }
    });
    Readable::from_stream(ticks).pinned()
}

/// How often the window moves, and how exact it is.
pub(crate) const STEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Received;
    use crate::lines::Batch;
    use crate::peer::Peer;
    use bytes::Bytes;
    use std::time::SystemTime;
    use tokio::time::sleep;

    fn store(stats: &Stats, level: &str, lines: usize) {
        let peer = Peer::new(([10, 0, 0, 1], 1).into());
        let blocks = vec![Bytes::from(format!("[1] {level}: x\n").repeat(lines))];
        let received = Received { peer, blocks, lines: lines as u64 };
        stats.stored(&Batch::of(received, SystemTime::UNIX_EPOCH));
    }

    /// What the alerts say in so many seconds, with the second, while `work` goes on.
    async fn changes(
        thresholds: Thresholds,
        seconds: usize,
        work: impl AsyncFnOnce(&Stats),
    ) -> Vec<(u64, Change)> {
        let stats = Arc::new(Stats::default());
        let looks = looks(Arc::clone(&stats), Duration::from_secs(60), thresholds.alerts());
        let looks = looks.take(seconds).enumerate();
        let looks = looks.flat_map(|(second, look)| {
            look.changes.into_iter().map(move |change| (second, change))
        });
        // In the midst of a second.
        let work = async {
            sleep(STEP / 2).await;
            work(&stats).await;
        };
        tokio::join!(async { looks.to_vec().await.expect("it never fails") }, work).0
    }

    /// 100 errors in a minute are a breach, once, and it is over when they have left the window.
    #[tokio::test(start_paused = true)]
    async fn an_alert_is_raised_once_and_recovers_once() {
        let thresholds = Thresholds { errors: 100, lines: 0 };
        let said = changes(thresholds, 300, async |stats| {
            for breach in 0..2 {
                for _ in 0..10 {
                    store(stats, "ERROR", 20);
                    store(stats, "INFO", 1000);
                    sleep(STEP).await;
                }
                sleep(STEP * (110 + breach)).await;
            }
        });
        let what = "errors";
        let raised = Change::Raised { what, count: 100, threshold: 100 };
        let recovered = Change::Recovered { what, count: 80 };
        // Errors of the first half second are in the window that ends with the first whole second. The fifth 20 raise it;
        // in the sixty-sixth there are 80 left.
        assert_eq!(said.await, [(5, raised), (66, recovered), (125, raised), (186, recovered)]);
    }

    /// A count that goes up and down around the threshold is one breach.
    #[tokio::test(start_paused = true)]
    async fn a_count_around_the_threshold_does_not_flap() {
        let thresholds = Thresholds { errors: 0, lines: 600 };
        let said = changes(thresholds, 600, async |stats| {
            for second in 0..300 {
                store(stats, "INFO", if second / 30 % 2 == 0 { 11 } else { 9 });
                sleep(STEP).await;
            }
        });
        let said = said.await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(matches!(said[0].1, Change::Raised { what: "lines", .. }), "{said:?}");
        assert!(matches!(said[1].1, Change::Recovered { count: 470..=480, .. }), "{said:?}");
    }

    /// Errors and volume are two alerts, and neither is raised below its threshold.
    #[tokio::test(start_paused = true)]
    async fn each_rule_is_for_itself() {
        let thresholds = Thresholds { errors: 100, lines: 1000 };
        let said = changes(thresholds, 200, async |stats| {
            store(stats, "ERROR", 99);
            store(stats, "INFO", 900);
            sleep(STEP * 100).await;
            store(stats, "INFO", 1000);
        });
        let said: Vec<Change> = said.await.into_iter().map(|(_, change)| change).collect();
        let raised = Change::Raised { what: "lines", count: 1000, threshold: 1000 };
        assert_eq!(said, [raised, Change::Recovered { what: "lines", count: 0 }]);
    }
}
