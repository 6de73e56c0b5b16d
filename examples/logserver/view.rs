//! What the page and the metrics show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use highwater::net::Refused;
use highwater::{Report, Running};
use serde::Serialize;

use crate::lines::Counts;
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
    pub(crate) pipeline: Arc<Running>,
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

/// The figures in the text format of Prometheus.
pub(crate) fn metrics(totals: &Totals, refused: &Refused, view: &View) -> String {
    let mut text = Metrics(String::new());
    text.by_level("lines_total", "counter", "Lines stored.", &totals.stored);
    let own = refused.for_their_address();
    let plain = [
        ("bytes_total", "counter", "Bytes of the lines stored.", totals.stored.bytes),
        ("truncated_lines_total", "counter", "Lines cut at the limit.", totals.truncated),
        ("connections", "gauge", "Open connections.", totals.connections as u64),
        ("refused_total", "counter", "Connections refused.", refused.total()),
        ("refused_for_address_total", "counter", "Those refused for their address.", own),
        ("idle_total", "counter", "Connections closed for silence.", totals.idle),
        ("slow_lines_total", "counter", "Connections closed for a slow line.", totals.slow),
        ("broken_total", "counter", "Connections that broke.", totals.broken),
        ("unanswered_total", "counter", "Clients that took no answer.", totals.unanswered),
        ("rotations_total", "counter", "Files that were full.", totals.rotations),
        ("storing_fails", "gauge", "1 while lines cannot be stored.", totals.troubled.into()),
    ];
    for (name, kind, help, value) in plain {
        text.head(name, kind, help);
        text.line(name, "", value as f64);
    }
    text.head("alert", "gauge", "1 while it is raised.");
    for alert in &view.alerts {
        text.line(
            "alert",
            &format!("{{what=\"{}\"}}", alert.what),
            f64::from(u8::from(alert.raised)),
        );
    }
    text.head("stage_busy", "gauge", "Part of the last second in which the stage worked.");
    for (name, share) in &view.stages {
        text.line("stage_busy", &format!("{{stage=\"{name}\"}}"), *share);
    }
    text.0
}

struct Metrics(String);

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0
            .push_str(&format!("# HELP logserver_{name} {help}\n# TYPE logserver_{name} {kind}\n"));
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        self.0.push_str(&format!("logserver_{name}{labels} {value}\n"));
    }

    fn by_level(&mut self, name: &str, kind: &str, help: &str, counts: &Counts) {
        self.head(name, kind, help);
        for level in Level::ALL {
            let label = format!("{{level=\"{}\"}}", level.name().to_lowercase());
            self.line(name, &label, counts.of(level) as f64);
        }
    }
}

/// Seconds that the plot shows.
const PAST: usize = 120;
/// Sources that are shown.
const SOURCES: usize = 10;
