//! What the page and the metrics show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use highwater::net::Refused;
use highwater::{PipelineHandle, Report};
use metrics::{counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use serde::Serialize;

use crate::record::Level;
use crate::stats::{Stats, Totals};
use crate::watch::{Look, Shown};

/// What goes on, as it is sent to the page every second.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct View {
    /// Names of the levels, in the order of what is counted by level.
    levels: Vec<&'static str>,
    /// Lines stored in each second, the last one last.
    past: VecDeque<Vec<u64>>,
    /// Lines in the window.
    window: Vec<u64>,
    window_seconds: u64,
    sources: Vec<(String, u64)>,
    alerts: Vec<Shown>,
    errors: Vec<String>,
    connections: usize,
    refused: u64,
    stored: u64,
    troubled: bool,
    /// Stages, with the part of the last second in which they worked.
    stages: Vec<(&'static str, f64)>,
    bottleneck: String,
}

/// Makes the views.
pub(crate) struct Viewer {
    pub(crate) stats: Arc<Stats>,
    pub(crate) refused: Refused,
    pub(crate) pipeline: Arc<PipelineHandle>,
    pub(crate) window: Duration,
    pub(crate) before: Option<(Totals, Report)>,
    pub(crate) past: VecDeque<Vec<u64>>,
}

impl Viewer {
    pub(crate) fn view(&mut self, look: Look) -> View {
        let (totals, report) = (self.stats.totals(), self.pipeline.stats());
        let before = self.before.take().unwrap_or_else(|| (Totals::default(), report.clone()));
        let second = totals.stored.levels.iter().zip(before.0.stored.levels).map(|(a, b)| a - b);
        self.past.push_back(second.collect());
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        let view = View {
            levels: Level::ALL.map(Level::name).to_vec(),
            past: self.past.clone(),
            window: look.window.counts.levels.to_vec(),
            window_seconds: self.window.as_secs(),
            sources: look
                .window
                .top(SOURCES)
                .into_iter()
                .map(|(ip, n)| (ip.to_string(), n))
                .collect(),
            alerts: look.alerts,
            errors: self.stats.errors(),
            connections: totals.connections,
            refused: self.refused.total(),
            stored: totals.stored.lines(),
            troubled: totals.troubled,
            stages: shares(&before.1, &report),
            bottleneck: report.bottleneck().to_string(),
        };
        self.before = Some((totals, report));
        view
    }
}

/// How busy each stage was between two reports, from 0 to 1.
fn shares(before: &Report, now: &Report) -> Vec<(&'static str, f64)> {
    let time = (now.elapsed() - before.elapsed()).as_secs_f64();
    let pairs = before.stages().iter().zip(now.stages());
    let share =
        |busy: Duration| if time > 0.0 { (busy.as_secs_f64() / time).min(1.0) } else { 0.0 };
    pairs.map(|(a, b)| (b.name(), share(b.busy().saturating_sub(a.busy())))).collect()
}

/// The figures for Prometheus: what was counted is handed to a recorder whenever they are asked for.
pub(crate) struct Figures(PrometheusRecorder);

impl Figures {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, describe);
        Self(recorder)
    }

    /// In the text format of Prometheus.
    pub(crate) fn text(&self, totals: &Totals, refused: &Refused, view: &View) -> String {
        with_local_recorder(&self.0, || record(totals, refused, view));
        self.0.handle().render()
    }
}

fn describe() {
    describe_counter!("logserver_lines_total", "Lines stored.");
    for (name, help, _) in counters(&Totals::default(), &Refused::default()) {
        describe_counter!(name, help);
    }
    describe_gauge!("logserver_connections", "Open connections.");
    describe_gauge!("logserver_storing_fails", "1 while lines cannot be stored.");
    describe_gauge!("logserver_alert", "1 while it is raised.");
    describe_gauge!("logserver_stage_busy", "Part of the last second in which the stage worked.");
}

fn record(totals: &Totals, refused: &Refused, view: &View) {
    for level in Level::ALL {
        let lines = counter!("logserver_lines_total", "level" => level.name().to_lowercase());
        lines.absolute(totals.stored.of(level));
    }
    for (name, _, value) in counters(totals, refused) {
        counter!(name).absolute(value);
    }
    gauge!("logserver_connections").set(totals.connections as f64);
    gauge!("logserver_storing_fails").set(f64::from(u8::from(totals.troubled)));
    for alert in &view.alerts {
        gauge!("logserver_alert", "what" => alert.what).set(f64::from(u8::from(alert.raised)));
    }
    for (stage, share) in &view.stages {
        gauge!("logserver_stage_busy", "stage" => *stage).set(*share);
    }
}

/// The counters without labels.
fn counters(totals: &Totals, refused: &Refused) -> [(&'static str, &'static str, u64); 9] {
    let for_address = refused.for_their_address();
    [
        ("logserver_bytes_total", "Bytes of the lines stored.", totals.stored.bytes),
        ("logserver_truncated_lines_total", "Lines cut at the limit.", totals.truncated),
        ("logserver_refused_total", "Connections refused.", refused.total()),
        ("logserver_refused_for_address_total", "Those refused for their address.", for_address),
        ("logserver_idle_total", "Connections closed for silence.", totals.idle),
        ("logserver_slow_lines_total", "Connections closed for a slow line.", totals.slow),
        ("logserver_broken_total", "Connections that broke.", totals.broken),
        ("logserver_unanswered_total", "Clients that took no answer.", totals.unanswered),
        ("logserver_rotations_total", "Files that were full.", totals.rotations),
    ]
}

/// Seconds that the plot shows.
const PAST: usize = 120;
/// Sources that are shown.
const SOURCES: usize = 10;
