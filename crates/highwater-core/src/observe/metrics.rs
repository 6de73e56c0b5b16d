//! What a pipeline does, as counters and gauges for the recorders of the crate `metrics`. The guide lists the names.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, SharedString, counter, gauge};

use super::progress::{Progress, Times};
use super::report::Report;
use crate::error::Result;
use crate::stage::{Place, Plan, Shown, count};

/// Keeps the metrics of all stages while it lives.
pub(super) struct PipelineMetrics {
    name: SharedString,
    running: Shown,
    spent: [Spent; 4],
    how: &'static str,
}

/// Where a part of the time goes.
struct Spent {
    counter: Counter,
    counted: Duration,
    owed: Duration,
}

impl PipelineMetrics {
    pub(super) fn new(name: Option<Arc<str>>, plan: &Plan) -> Self {
        let name = name.map_or_else(|| SharedString::const_str("unnamed"), SharedString::from);
        let last = plan.stages().len() - 1;
        for (index, stage) in plan.stages().iter().enumerate() {
            let place = match index {
                _ if index == last => Place::Destination,
                0 => Place::Source,
                _ => Place::Between,
            };
            stage.meter().metrics().keep(&name, stage, place);
        }
        let mut running = Shown::new(gauge!("highwater_pipelines", "pipeline" => name.clone()));
        running.set(1);
        let spent = ["busy", "source", "destination", "paused"].map(|on| Spent {
            counter: counter!("highwater_time_microseconds_total", "pipeline" => name.clone(), "on" => on),
            counted: Duration::ZERO,
            owed: Duration::ZERO,
        });
        Self { name, running, spent, how: "drop" }
    }

    /// Its task has been polled.
    pub(super) fn publish(&mut self, plan: &Plan, progress: &Progress) {
        if let Some((destination, before)) = plan.stages().split_last() {
            for stage in before.iter().filter(|stage| stage.known_buffer().is_none()) {
                stage.meter().metrics().took(stage.meter().taken(), stage.meter().bytes());
            }
            destination.meter().metrics().took(progress.chunks(), progress.weight());
        }
        let Times { busy, source, destination, paused, .. } = progress.times();
        for (spent, time) in self.spent.iter_mut().zip([busy, source, destination, paused]) {
            let since = time.saturating_sub(std::mem::replace(&mut spent.counted, time));
            count(&spent.counter, &mut spent.owed, since);
        }
    }

    /// It has ended, this way; without this it was dropped.
    pub(super) fn over(&mut self, result: &Result<Report>) {
        self.how = match result {
            Ok(_) => "end",
            Err(error) if error.is_aborted() => "abort",
            Err(error) => {
                let (pipeline, stage) = (self.name.clone(), error.stage().unwrap_or("unknown"));
                counter!("highwater_errors_total", "pipeline" => pipeline, "stage" => stage)
                    .increment(1);
                "error"
            }
        };
    }

    /// Nothing is kept any more.
    pub(super) fn close(&mut self, plan: &Plan) {
        for stage in plan.stages() {
            stage.meter().metrics().close();
        }
        self.running.set(0);
        let (name, how) = (self.name.clone(), self.how);
        counter!("highwater_ends_total", "pipeline" => name, "how" => how).increment(1);
    }
}

debug_fields!(PipelineMetrics, name);
