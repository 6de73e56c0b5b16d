//! Counters and gauges, as a recorder for Prometheus shows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use highwater::prelude::*;
use highwater_core::{
    Error, HighWaterMark, Readable, Result, Writable, destination_fn, pass_through,
};
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, LocalRecorderGuard, Metadata, Recorder,
    SharedString, Unit, set_default_local_recorder, with_local_recorder,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::time::sleep;

use crate::support::soon;

const SECOND: Duration = Duration::from_secs(1);

/// Records what happens on this thread.
struct Recorded<'a> {
    handle: PrometheusHandle,
    _guard: LocalRecorderGuard<'a>,
}

fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().build_recorder()
}

impl<'a> Recorded<'a> {
    fn by(recorder: &'a PrometheusRecorder) -> Self {
        Self { handle: recorder.handle(), _guard: set_default_local_recorder(recorder) }
    }

    /// The value with this name and these labels, `name{label="value"}`.
    fn value(&self, name: &str) -> f64 {
        let text = self.handle.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).trim().parse().unwrap()
    }

    /// Every gauge that is not zero.
    fn left(&self) -> Vec<String> {
        let text = self.handle.render();
        let gauges = ["highwater_buffered", "highwater_in_flight", "highwater_pipelines"];
        let of_gauges = |line: &&str| gauges.iter().any(|gauge| line.starts_with(gauge));
        let lines: Vec<_> = text.lines().filter(of_gauges).collect();
        assert!(lines.len() >= 2, "there are gauges: {text}");
        lines.into_iter().filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn chunks_are_counted_per_stage() -> Result<()> {
    let recorder = recorder();
    let recorded = Recorded::by(&recorder);
    for _ in 0..2 {
        let odd = Readable::from_iter(0..100_u32).filter(|x| x % 2 == 1);
        let ahead = odd.buffer(HighWaterMark::items(8)).map(|x| x);
        ahead.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("odd").await?;
    }
    for (stage, chunks) in
        [("filter", 200.0), ("buffer", 100.0), ("map", 100.0), ("destination_fn", 100.0)]
    {
        let name = format!("highwater_chunks_total{{pipeline=\"odd\",stage=\"{stage}\"}}");
        assert_eq!(recorded.value(&name), chunks, "{stage}");
    }
    let weight = "highwater_weight_total{pipeline=\"odd\",stage=\"buffer\"}";
    assert_eq!(recorded.value(weight), 100.0);
    assert_eq!(recorded.value("highwater_ends_total{pipeline=\"odd\",how=\"end\"}"), 2.0);
    assert_eq!(recorded.left(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn errors_aborts_and_pauses_are_counted() -> Result<()> {
    let recorder = recorder();
    let recorded = Recorded::by(&recorder);
    let bad = Readable::from_iter(0..9).try_map(|_: u32| Err::<u32, _>(Error::msg("bad")));
    assert!(bad.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("bad").await.is_err());
    assert_eq!(recorded.value("highwater_errors_total{pipeline=\"bad\",stage=\"try_map\"}"), 1.0);
    assert_eq!(recorded.value("highwater_ends_total{pipeline=\"bad\",how=\"error\"}"), 1.0);

    let (writable, readable) = pass_through::<u32>(HighWaterMark::items(8));
    let control = readable.control();
    let running = readable.pipe_to(destination_fn(|_| async { Ok(()) })).spawn();
    tokio::task::yield_now().await;
    control.pause();
    control.pause();
    control.resume();
    running.pause();
    let _room = writable.write(1)?;
    tokio::task::yield_now().await;
    for stage in ["pass_through", "destination_fn"] {
        let pauses = format!("highwater_pauses_total{{pipeline=\"unnamed\",stage=\"{stage}\"}}");
        assert_eq!(recorded.value(&pauses), 1.0, "{stage}");
    }
    running.abort();
    assert!(soon(running.join()).await.is_err());
    assert_eq!(recorded.value("highwater_ends_total{pipeline=\"unnamed\",how=\"abort\"}"), 1.0);
    assert_eq!(recorded.left(), [""; 0]);
    drop(writable);
    Ok(())
}

/// How a pipeline comes to its end.
#[derive(Debug, Clone, Copy)]
enum Way {
    End,
    Abort,
    Drop,
    Panic,
}

/// What is buffered and in flight is shown while it is, and is gone afterwards, whichever way.
#[tokio::test(start_paused = true)]
async fn gauges_come_back_to_zero() {
    for way in [Way::End, Way::Abort, Way::Drop, Way::Panic] {
        let recorder = recorder();
        let recorded = Recorded::by(&recorder);
        let (open, gate) = tokio::sync::watch::channel(false);
        let slow = move |x: u32| {
            let mut gate = gate.clone();
            async move {
                gate.wait_for(|open| *open).await?;
                Ok(x)
            }
        };
        let (writable, readable) = pass_through(HighWaterMark::items(4));
        let working = readable.parallel_map(3, slow).map(move |x| match way {
            Way::Panic => panic!("asked for"),
            _ => x,
        });
        let pipeline =
            working.pipe_to(destination_fn(|_: u32| async { Ok(()) })).with_name("gauged");
        let running = pipeline.spawn();
        tokio::task::yield_now().await;
        let writer = highwater_core::task::spawn(async move {
            for x in 0..6 {
                writable.send(x).await?;
            }
            writable.finish().await
        });
        sleep(SECOND).await;
        let flight = "highwater_in_flight{pipeline=\"gauged\",stage=\"parallel_map\"}";
        assert_eq!(recorded.value(flight), 3.0, "{way:?}");
        let buffered = "highwater_buffered{pipeline=\"gauged\",stage=\"pass_through\"}";
        assert_eq!(recorded.value(buffered), 3.0, "{way:?}");
        assert_eq!(recorded.value("highwater_pipelines{pipeline=\"gauged\"}"), 1.0);

        let how = match way {
            Way::Drop => {
                drop(running);
                sleep(SECOND).await;
                "drop"
            }
            Way::Abort => {
                running.abort();
                assert!(soon(running.join()).await.unwrap_err().is_aborted());
                "abort"
            }
            Way::End | Way::Panic => {
                open.send_replace(true);
                let result = soon(running.join()).await;
                assert_eq!(result.is_ok(), matches!(way, Way::End), "{result:?}");
                if result.is_ok() { "end" } else { "error" }
            }
        };
        let ends = format!("highwater_ends_total{{pipeline=\"gauged\",how=\"{how}\"}}");
        assert_eq!(recorded.value(&ends), 1.0, "{way:?}");
        drop(soon(writer).await);
        assert_eq!(recorded.left(), [""; 0], "{way:?}");
    }
}

/// A producer that waits for room, and a consumer that waits for data, each for as long as it does.
#[tokio::test(start_paused = true)]
async fn waits_are_timed_per_buffer() -> Result<()> {
    let recorder = recorder();
    let recorded = Recorded::by(&recorder);
    let pace = |x: u32| async move {
        sleep(SECOND).await;
        Ok(x)
    };
    let blocked = |waits_for: &str| {
        let labels = format!("pipeline=\"paced\",stage=\"buffer\",waits_for=\"{waits_for}\"");
        recorded.value(&format!("highwater_blocked_microseconds_total{{{labels}}}"))
    };
    let one = || HighWaterMark::items(1).with_low(0);
    // The source is slow: ten seconds of waiting for data.
    let source = Readable::from_iter(0..10).then(pace).buffer(one());
    source.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("paced").await?;
    assert_eq!((blocked("data"), blocked("room")), (1e7, 0.0));
    assert_eq!(
        recorded.value("highwater_time_microseconds_total{pipeline=\"paced\",on=\"source\"}"),
        1e7
    );

    // The destination is slow: the producer has room at once for the first, and for the second when that is taken.
    let slow = destination_fn(move |x| async move { pace(x).await.map(|_| ()) });
    Readable::from_iter(0..10).buffer(one()).pipe_to(slow).with_name("paced").await?;
    assert_eq!(blocked("data"), 1e7, "no more than before");
    assert!((7e6..=9e6).contains(&blocked("room")), "{}", blocked("room"));
    let destination = "highwater_time_microseconds_total{pipeline=\"paced\",on=\"destination\"}";
    assert_eq!(recorded.value(destination), 1e7);
    Ok(())
}

/// A recorder that remembers how low its gauges were.
#[derive(Default)]
struct Lowest(Arc<Level>);

#[derive(Default)]
struct Level {
    now: AtomicI64,
    least: AtomicI64,
    changes: AtomicI64,
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "small and whole")]
        let after = self.now.fetch_add(value as i64, SeqCst) + value as i64;
        self.least.fetch_min(after, SeqCst);
        self.changes.fetch_add(1, SeqCst);
    }

    fn decrement(&self, value: f64) {
        self.increment(-value);
    }

    fn set(&self, _: f64) {
        panic!("a gauge that several share is not set");
    }
}

impl Recorder for Lowest {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match key.name() {
            "highwater_buffered" => Gauge::from_arc(Arc::clone(&self.0)),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Several pipelines with the same labels, each with two buffers, on several threads, some of them dropped: the sum is
/// never below zero, and zero in the end.
#[test]
fn the_sum_of_many_is_never_negative() {
    let recorder = Lowest::default();
    let level = Arc::clone(&recorder.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    // Registered in the first poll, which is here; what follows is on the workers.
    with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let mut writers: Vec<highwater_core::task::Task<Result<()>>> = Vec::new();
            for round in 0..50 {
                let (writable, readable) = pass_through(HighWaterMark::items(8));
                let ahead = readable.map(|x: u32| x).buffer(HighWaterMark::items(4));
                let mut running = std::pin::pin!(
                    ahead.take(500).pipe_to(destination_fn(|_| async { Ok(()) })).run()
                );
                let first = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(running.as_mut().poll(cx).is_pending())
                });
                assert!(first.await, "nothing was written yet");
                writers.push(highwater_core::task::spawn(write_on(writable)));
                if round % 5 > 0 {
                    assert_eq!(running.await.unwrap().chunks_out(), 500);
                }
            }
            for writer in writers {
                assert!(writer.await.unwrap().is_err(), "its reader is gone");
            }
        });
    });
    assert!(level.changes.load(SeqCst) > 10_000, "{}", level.changes.load(SeqCst));
    assert_eq!((level.least.load(SeqCst), level.now.load(SeqCst)), (0, 0));
}

async fn write_on(writable: Writable<u32>) -> Result<()> {
    for x in 0.. {
        writable.send(x).await?;
    }
    Ok(())
}
