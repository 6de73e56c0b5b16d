//! Where chunks go: borrowed, boxed and adapted destinations.

use std::sync::Mutex;

use bytes::Bytes;
use highwater_core::{
    BoxDestination, Destination, Error, Joint, Pipeline, Readable, Result, destination_fn,
    from_sink,
};
use tokio::sync::mpsc;

use crate::support::{
    Event, Log, Op, Recorder, Step, Trouble, When, chunks_of, quiet, run_woken, script, soon,
};

/// A destination that is lent is still there afterwards, with what it took.
#[tokio::test(start_paused = true)]
async fn a_borrowed_destination_is_given_back() -> Result<()> {
    struct Sum(u32);
    impl Destination for Sum {
        type Chunk = u32;

        async fn write(&mut self, chunk: u32) -> Result<()> {
            self.0 += chunk;
            Ok(())
        }
    }
    let (mut sum, limit) = (Sum(0), 3);
    let below = |x: &u32| *x < limit;
    Readable::from_iter(0..9).filter(below).pipe_to(&mut sum).run().await?;
    Readable::from_iter(5..7).pipe_to(&mut sum).run().await?;
    assert_eq!(sum.0, 1 + 2 + 5 + 6);
    Ok(())
}

/// Every call, and what it says of itself, goes through a loan and through a box.
#[test]
fn loans_and_boxes_forward_every_call() {
    /// What a run leaves in the log.
    fn calls(log: &Log, pipeline: Pipeline<impl Joint>) -> String {
        let explained = pipeline.explain().to_string();
        let result = run_woken(pipeline.run()).unwrap().output;
        format!("{}; {:?}; {explained}", log.calls(), result.map(|report| report.weight_out()))
    }

    for steps in [&[Step::Chunk(1), Step::Pending][..], &[Step::Chunk(1), Step::Error]] {
        let log = Log::default();
        let plain = calls(&log, quiet(steps).pipe_to(Heavy(Recorder::new(&log))));
        assert!(plain.contains("heavy") && plain.contains("77 bytes"), "{plain}");
        let log = Log::default();
        let mut lent = Heavy(Recorder::new(&log));
        assert_eq!(calls(&log, quiet(steps).pipe_to(&mut lent)), plain);
        let log = Log::default();
        let boxed = BoxDestination::new(Heavy(Recorder::new(&log)));
        assert_eq!(calls(&log, quiet(steps).pipe_to(boxed)), plain);
    }
}

/// A destination that overrides everything.
struct Heavy(Recorder);

impl Destination for Heavy {
    type Chunk = u32;

    async fn open(&mut self) -> Result<()> {
        self.0.open().await
    }
    async fn write(&mut self, chunk: u32) -> Result<()> {
        self.0.write(chunk).await
    }
    fn accept(&mut self, chunk: u32) -> Result<Option<u32>> {
        Ok((chunk > 1).then_some(chunk + 98))
    }
    async fn flush(&mut self) -> Result<()> {
        self.0.flush().await
    }
    async fn on_idle(&mut self) -> Result<()> {
        self.0.write(77).await
    }
    async fn finish(&mut self) -> Result<()> {
        self.0.finish().await
    }
    async fn abort(&mut self, error: &Error) -> Result<()> {
        self.0.abort(error).await
    }
    fn weight(&self, _: &u32) -> usize {
        50
    }
    fn max_bytes(&self) -> Option<usize> {
        Some(77)
    }
    fn name(&self) -> &'static str {
        "heavy"
    }
}

/// `accept` and `on_idle` are forwarded as well.
#[test]
fn loans_and_boxes_forward_what_does_not_wait() {
    let log = Log::default();
    let mut heavy = Heavy(Recorder::new(&log));
    let lent = &mut heavy;
    assert_eq!((lent.accept(1).unwrap(), lent.accept(2).unwrap()), (None, Some(100)));
    run_woken(lent.on_idle()).unwrap().output.unwrap();
    let mut boxed = BoxDestination::new(heavy);
    assert_eq!((boxed.accept(1).unwrap(), boxed.accept(2).unwrap()), (None, Some(100)));
    run_woken(boxed.on_idle()).unwrap().output.unwrap();
    assert_eq!(log.written(), [77, 77]);
}

/// By default a destination accepts no chunk, and an idle source flushes it.
#[test]
fn by_default_chunks_are_written_and_an_idle_source_flushes() {
    let log = Log::default();
    let mut recorder = Recorder::new(&log);
    assert_eq!(recorder.accept(1).unwrap(), Some(1));
    run_woken(recorder.on_idle()).unwrap().output.unwrap();
    assert_eq!(log.calls(), "flush");
}

/// `destination_fn`: one call at a time, borrowing, and its error ends the pipeline.
#[tokio::test(start_paused = true)]
async fn a_closure() {
    let taken = Mutex::new(Vec::new());
    let to = destination_fn(|x: u32| {
        taken.lock().unwrap().push(x);
        async move { if x == 2 { Err(Error::msg("full")) } else { Ok(()) } }
    });
    let error = Readable::from_iter(0..9).pipe_to(to).run().await.unwrap_err();
    assert_eq!(error.to_string(), "full (in destination_fn, chunk 2)");
    assert_eq!(taken.into_inner().unwrap(), [0, 1, 2]);
}

/// N26: `from_sink` waits for the sink, and closes it at the end: the receiver ends.
#[tokio::test(start_paused = true)]
async fn a_sink() -> Result<()> {
    use futures::StreamExt as _;
    let (sender, receiver) = futures::channel::mpsc::channel::<u32>(0);
    let pipeline = Readable::from_iter(0..100).pipe_to(from_sink(sender)).run();
    let both = async { tokio::join!(pipeline, receiver.collect::<Vec<_>>()) };
    let (report, received) = soon(both).await;
    assert_eq!(report?.chunks_out(), 100);
    assert_eq!(received, (0..100).collect::<Vec<_>>());
    Ok(())
}

/// The error of a sink ends the pipeline, and is still there to be asked.
#[tokio::test(start_paused = true)]
async fn a_sink_that_fails() {
    let (sender, receiver) = futures::channel::mpsc::channel::<u32>(0);
    drop(receiver);
    let error = Readable::from_iter(0..).pipe_to(from_sink(sender)).run().await.unwrap_err();
    assert_eq!((error.stage(), error.chunk()), (Some("from_sink"), Some(0)));
    assert!(error.downcast_ref::<futures::channel::mpsc::SendError>().unwrap().is_disconnected());
}

/// N117: a channel holds the source back, and its receiver ends behind the last chunk.
#[tokio::test(start_paused = true)]
async fn a_channel() -> Result<()> {
    let (sender, mut receiver) = mpsc::channel(2);
    let log = Log::default();
    let running = script(&log, &chunks_of(0..9)).pipe_to(sender).spawn();
    for _ in 0..9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.count(Event::Poll), 3, "two in the channel, one in hand");
    let mut received = Vec::new();
    while let Some(chunk) = soon(receiver.recv()).await {
        received.push(chunk);
    }
    assert_eq!(received, (0..9).collect::<Vec<_>>());
    assert_eq!(soon(running.join()).await?.chunks_out(), 9);
    Ok(())
}

/// C17, N129: a receiver that is gone is a premature close before a chunk moves.
#[tokio::test(start_paused = true)]
async fn a_closed_channel_is_refused_before_anything_is_read() {
    let (sender, receiver) = mpsc::channel::<u32>(2);
    drop(receiver);
    let log = Log::default();
    let error = script(&log, &chunks_of(0..9)).pipe_to(sender).run().await.unwrap_err();
    assert!(error.is_premature_close());
    assert_eq!(error.stage(), Some("mpsc::Sender"));
    assert_eq!(log.events(), [Event::SourceDropped]);
}

/// N128, F22: a receiver that goes away in the middle is a premature close.
#[tokio::test(start_paused = true)]
async fn a_channel_that_closes_is_a_premature_close() {
    let (sender, mut receiver) = mpsc::channel::<u32>(1);
    let reader = async {
        assert_eq!(receiver.recv().await, Some(0));
        drop(receiver);
    };
    let both = async { tokio::join!(Readable::from_iter(0..).pipe_to(sender).run(), reader) };
    let (result, ()) = soon(both).await;
    assert!(result.unwrap_err().is_premature_close());
}

/// `BoxDestination` makes one type of two, chosen at run time, and keeps errors and chunks as they are.
#[tokio::test(start_paused = true)]
async fn a_boxed_destination() -> Result<()> {
    let (sender, mut receiver) = mpsc::channel(9);
    for (number, to) in [
        BoxDestination::new(sender),
        BoxDestination::new(destination_fn(|chunk: Bytes| async move {
            if chunk.is_empty() { Ok(()) } else { Err(Error::corrupt("not empty")) }
        })),
    ]
    .into_iter()
    .enumerate()
    {
        let result = Readable::once(Bytes::from_static(b"abc")).pipe_to(to).await;
        assert_eq!(result.is_err_and(|error| error.is_corrupt()), number == 1);
    }
    assert_eq!(receiver.recv().await.as_deref(), Some(&b"abc"[..]));
    Ok(())
}

/// A destination that fails to open is aborted, and never asked again.
#[test]
fn a_destination_that_does_not_open() {
    let log = Log::default();
    let boxed = BoxDestination::new(
        Recorder::new(&log).with_trouble(When::Every(Op::Open), Trouble::Error),
    );
    let error = run_woken(quiet(&[]).pipe_to(boxed).run()).unwrap().output.unwrap_err();
    assert_eq!(error.stage(), Some("Recorder"));
    assert_eq!(log.calls(), "open, abort");
}
