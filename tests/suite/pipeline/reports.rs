//! What a pipeline says of itself: before it runs, while it runs, and after.

use std::time::Duration;

use bytes::Bytes;
use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::{
    Destination, Error, HighWaterMark, Readable, Report, Result, Source, Transform, destination_fn,
    pass_through,
};
use tokio::time::{Instant, sleep};

use crate::support::{Behaviour, Script, chunks_of, quiet, soon};

const SECOND: Duration = Duration::from_secs(1);

/// A destination of bytes that takes its time in every call.
struct Slow(Duration);

impl Destination for Slow {
    type Chunk = Bytes;

    async fn write(&mut self, _: Bytes) -> Result<()> {
        sleep(self.0).await;
        Ok(())
    }

    fn weight(&self, chunk: &Bytes) -> usize {
        chunk.len()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(100)
    }

    fn name(&self) -> &'static str {
        "slow"
    }
}

fn bytes(count: usize) -> Readable<impl Source<Chunk = Bytes> + Unpin> {
    Readable::from_iter(std::iter::repeat_n(Bytes::from_static(b"four"), count))
}

/// D5: the stages from the source to the destination, where each runs, and the sum of what they hold.
#[test]
fn explain_says_what_it_is_made_of() {
    let holds = Behaviour { holds: 6, ..Behaviour::PLAIN };
    let pipeline = quiet(&[])
        .map(|x| x)
        .pipe(holds.machine("hostile"))
        .map(|_| Bytes::new())
        .stage(
            StageInfo::new("pool").with_runs_on(RunsOn::BlockingPool).with_max_bytes(1000),
            |source| source,
        )
        .pipe_to(Slow(SECOND))
        .with_name("nightly");
    let explained = pipeline.explain();
    assert_eq!(explained.worst_case(), Some(24 + 1000 + 100));
    let stages: Vec<_> = explained.stages().iter().map(|s| (s.name(), s.max_bytes())).collect();
    let expected = [
        ("script", Some(0)),
        ("map", Some(0)),
        ("hostile", Some(24)),
        ("map", Some(0)),
        ("pool", Some(1000)),
        ("slow", Some(100)),
    ];
    assert_eq!(stages, expected);
    assert_eq!(explained.stages()[4].runs_on(), RunsOn::BlockingPool);
    let text = "\
pipeline nightly
  script   fused          <= 0 bytes
  map      fused          <= 0 bytes
  hostile  fused          <= 24 bytes
  map      fused          <= 0 bytes
  pool     blocking pool  <= 1000 bytes
  slow     fused          <= 100 bytes
  holds at the most 1124 bytes beside the chunk in work";
    assert_eq!(explained.to_string(), text);
}

/// A stage that does not say how much it holds leaves the sum unknown, and the text says so.
#[test]
fn explain_does_not_guess() {
    let pipeline = bytes(1).chunks(2).flat_map(|group| group).pipe_to(Slow(SECOND));
    let explained = pipeline.explain();
    assert_eq!(explained.worst_case(), None);
    let text = explained.to_string();
    assert!(text.contains("chunks     fused          not said"), "{text}");
    assert!(text.ends_with("how much it holds is not said by every stage"), "{text}");
}

/// C98: what came in, what went out, and their weight.
#[tokio::test(start_paused = true)]
async fn a_report_counts() -> Result<()> {
    let mut count = 0;
    let odd = bytes(10).filter(move |_| {
        count += 1;
        count % 2 == 1
    });
    let report = odd.pipe_to(Slow(Duration::ZERO)).with_name("counted").run().await?;
    assert_eq!((report.chunks_in(), report.chunks_out()), (10, 5));
    assert_eq!((report.weight_in(), report.weight_out()), (10, 20));
    assert_eq!(report.name(), Some("counted"));
    let taken: Vec<_> = report.stages().iter().map(|stage| (stage.name(), stage.taken())).collect();
    assert_eq!(taken, [("from_iter", 0), ("filter", 10), ("slow", 5)]);
    assert!(report.to_string().starts_with("counted: 10 chunks in, 5 out, "), "{report}");
    Ok(())
}

/// The same without a stage that counts, with one that multiplies, and with none that passes.
#[tokio::test]
async fn a_report_counts_whatever_the_stages_do() -> Result<()> {
    let to = || destination_fn(|_: u32| async { Ok(()) });
    let counts = |report: Report| (report.chunks_in(), report.chunks_out());
    assert_eq!(counts(quiet(&chunks_of(0..4)).pipe_to(to()).await?), (4, 4));
    let many = quiet(&chunks_of(0..4)).flat_map(|x| 0..x);
    assert_eq!(counts(many.pipe_to(to()).await?), (4, 6));
    assert_eq!(counts(quiet(&chunks_of(0..4)).filter(|_| false).pipe_to(to()).await?), (4, 0));
    assert_eq!(counts(quiet(&chunks_of(0..4)).take(2).pipe_to(to()).await?), (2, 2));
    assert_eq!(counts(quiet(&[]).map(|x| x).pipe_to(to()).await?), (0, 0));
    Ok(())
}

/// A chain of two sources counts what both gave.
#[tokio::test]
async fn a_report_counts_both_sources_of_a_chain() -> Result<()> {
    let first = quiet(&chunks_of(0..3)).map(|x| x);
    let both = first.chain(quiet(&chunks_of(0..4)));
    let report = both.pipe_to(destination_fn(|_| async { Ok(()) })).await?;
    assert_eq!((report.chunks_in(), report.chunks_out()), (7, 7));
    Ok(())
}

/// D6: a source that takes a second per chunk is what the pipeline waits for.
#[tokio::test(start_paused = true)]
async fn a_slow_source_is_the_bottleneck() -> Result<()> {
    let slow = futures::stream::unfold(0_u32, |x| async move {
        sleep(SECOND).await;
        Some((x, x + 1)).filter(|(x, _)| *x < 5)
    });
    let source = Readable::from_stream(slow).map(|_| Bytes::from_static(b"x"));
    let report = source.pipe_to(Slow(Duration::ZERO)).run().await?;
    assert_eq!(report.waiting_for_source(), 6 * SECOND);
    assert_eq!(report.elapsed(), 6 * SECOND);
    let rest = [report.waiting_for_destination(), report.busy(), report.paused()];
    assert_eq!(rest, [Duration::ZERO; 3]);
    let bottleneck = report.bottleneck();
    assert!(bottleneck.is_source());
    assert_eq!(bottleneck.name(), Some("from_stream"));
    assert_eq!(bottleneck.to_string(), "the source from_stream (100 % of the time)");
    Ok(())
}

/// D6: a destination that takes a second per chunk is what the pipeline waits for.
#[tokio::test(start_paused = true)]
async fn a_slow_destination_is_the_bottleneck() -> Result<()> {
    let report = bytes(4).pipe_to(Slow(SECOND)).run().await?;
    assert_eq!(report.waiting_for_destination(), 4 * SECOND);
    assert_eq!((report.waiting_for_source(), report.elapsed()), (Duration::ZERO, 4 * SECOND));
    assert!(report.bottleneck().is_destination());
    assert_eq!(report.bottleneck().name(), Some("slow"));
    assert!((report.bottleneck().share() - 1.0).abs() < 1e-9);
    Ok(())
}

/// The four times add up to the whole.
#[tokio::test(start_paused = true)]
async fn the_times_add_up() -> Result<()> {
    let source = bytes(3).then(|chunk| async move {
        sleep(3 * SECOND).await;
        Ok(chunk)
    });
    let running = source.pipe_to(Slow(SECOND)).spawn();
    sleep(SECOND / 2).await;
    running.pause();
    sleep(10 * SECOND).await;
    running.resume();
    let report = soon(running.join()).await?;
    let sum = report.busy() + report.waiting_for_source() + report.waiting_for_destination();
    assert_eq!(sum + report.paused(), report.elapsed());
    assert_eq!(
        (report.waiting_for_source(), report.waiting_for_destination()),
        (9 * SECOND, 3 * SECOND)
    );
    assert!(report.paused() > Duration::ZERO && !report.bottleneck().is_stage());
    Ok(())
}

/// Lets time pass for each chunk, as work would: the clock moves in the first poll of `advance`.
struct Works(Duration);

impl Works {
    fn work(&self) {
        let advance = std::pin::pin!(tokio::time::advance(self.0));
        assert!(crate::support::poll_once(advance).is_pending());
    }
}

impl Transform for Works {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.work();
        Ok(Some(chunk))
    }
}

impl Destination for Works {
    type Chunk = Bytes;

    async fn write(&mut self, _: Bytes) -> Result<()> {
        self.work();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "worker"
    }
}

/// `with_stage_timing`: the work of each stage of chunks that have something to drop is its own; without it nothing is timed.
#[tokio::test(start_paused = true)]
async fn a_measured_pipeline_times_its_stages() -> Result<()> {
    let chain = || bytes(4).pipe(Works(SECOND)).map(|chunk| chunk).pipe(Works(3 * SECOND));
    let began = Instant::now();
    let report = chain().pipe_to(Slow(Duration::ZERO)).with_stage_timing().run().await?;
    assert_eq!(began.elapsed(), 16 * SECOND);
    let busy: Vec<_> = report.stages().iter().map(|stage| (stage.name(), stage.busy())).collect();
    let expected = [
        ("from_iter", Duration::ZERO),
        ("Works", 4 * SECOND),
        ("map", Duration::ZERO),
        ("Works", 12 * SECOND),
        ("slow", Duration::ZERO),
    ];
    assert_eq!(busy, expected);
    assert_eq!(report.busy(), 16 * SECOND);
    assert!(report.bottleneck().is_stage());
    assert_eq!(report.bottleneck().name(), Some("Works"));

    let report = chain().pipe_to(Slow(Duration::ZERO)).run().await?;
    assert!(report.stages().iter().all(|stage| stage.busy().is_zero()));
    assert_eq!(report.busy(), 16 * SECOND);
    Ok(())
}

/// D6: in a measured pipeline, a source or a destination that works the longest is not called a stage.
#[tokio::test(start_paused = true)]
async fn a_measured_pipeline_tells_its_ends_from_its_stages() -> Result<()> {
    let run = |source: u32, stage: u32, destination: u32| {
        let [source, stage, destination] = [source, stage, destination].map(|n| Works(n * SECOND));
        let chunks = (0..4).map(move |_| {
            source.work();
            Bytes::from_static(b"four")
        });
        let chain = Readable::from_iter(chunks).pipe(stage).map(|chunk| chunk);
        chain.pipe_to(destination).with_stage_timing()
    };
    let bottleneck = run(1, 1, 3).await?.bottleneck();
    assert!(bottleneck.is_destination() && !bottleneck.is_stage());
    assert_eq!(bottleneck.to_string(), "the destination worker (60 % of the time)");
    let bottleneck = run(3, 1, 1).await?.bottleneck();
    assert!(bottleneck.is_source());
    assert_eq!(bottleneck.to_string(), "the source from_iter (60 % of the time)");
    let bottleneck = run(1, 3, 1).await?.bottleneck();
    assert!(bottleneck.is_stage());
    assert_eq!(bottleneck.to_string(), "the stage Works (60 % of the time)");
    Ok(())
}

/// The error of a pipeline has its report: what it had done until then.
#[tokio::test]
async fn the_error_of_a_pipeline_has_its_report() -> Result<()> {
    let source = || {
        Readable::from_iter(0..5).try_map(|x| if x < 3 { Ok(x) } else { Err(Error::msg("three")) })
    };
    let to = || destination_fn(|_| async { Ok(()) });
    let error = source().pipe_to(to()).with_name("numbers").await.unwrap_err();
    let report = error.report().expect("it is the error of a pipeline");
    assert_eq!((report.name(), report.chunks_out()), (Some("numbers"), 3));
    assert_eq!(report.stages().len(), 3);
    assert!(source().to_vec().await.unwrap_err().report().is_none());
    // The error of a pipeline that another one reads is the other's, and so is the report.
    let (writable, readable) = pass_through(HighWaterMark::items(8));
    let (inner, outer) =
        tokio::join!(source().pipe_to(writable).run(), readable.skip(1).pipe_to(to()).run());
    let of = |result: Result<_>| result.unwrap_err().report().map(Report::chunks_out);
    assert_eq!((of(inner), of(outer)), (Some(3), Some(2)));
    Ok(())
}

/// A source of bytes says how many it gave.
#[tokio::test]
async fn a_source_of_bytes_weighs_in_bytes() -> Result<()> {
    let info = StageInfo::new("file");
    let meter = info.meter().clone();
    meter.publish_bytes(4096);
    let source = Script::new(&crate::support::Log::default(), chunks_of(0..3));
    let readable = Readable::from_source(info, source);
    let report = readable.pipe_to(destination_fn(|_| async { Ok(()) })).await?;
    assert_eq!((report.chunks_in(), report.weight_in(), report.weight_out()), (3, 4096, 3));
    Ok(())
}
