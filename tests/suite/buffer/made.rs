//! What is made of the buffer: the writer task, read-ahead, async stages, events, time limits.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use highwater::fs::ReadOptions;
use highwater_core::observe::Event;
use highwater_core::{
    Destination, Error, HighWaterMark, Readable, Result, Writable, destination_fn, pass_through,
};
use highwater_test::{Cue, Demand, Log, Op, Recorder, Script, Tokens, Trouble, When, poll_once};
use tokio::runtime::Handle;

/// Lets every task of a runtime of one thread go on until none can.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// A destination that accepts every chunk, and sends what it has accepted together when its source is idle.
#[derive(Clone, Default)]
pub(crate) struct Pieces {
    pub(crate) sent: Arc<Mutex<Vec<Vec<u32>>>>,
    pub(crate) demand: Demand,
    held: Vec<u32>,
}

impl Destination for Pieces {
    type Chunk = u32;

    fn accept(&mut self, chunk: u32) -> Result<Option<u32>> {
        self.held.push(chunk);
        Ok(None)
    }

    async fn write(&mut self, chunk: u32) -> Result<()> {
        self.accept(chunk).map(drop)
    }

    async fn flush(&mut self) -> Result<()> {
        if !self.held.is_empty() {
            self.demand.take().await;
            self.sent.lock().unwrap().push(std::mem::take(&mut self.held));
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.flush().await
    }
}

/// N21, N22: the chunks that pile up while the destination sends are sent together next; a single chunk by itself.
#[tokio::test]
async fn a_writer_task_writes_what_has_piled_up_in_one_call() {
    let pieces = Pieces::default();
    let writable = Writable::new(pieces.clone(), HighWaterMark::items(4).with_low(0));
    assert!(!writable.write(0).unwrap().is_full());
    settle().await;
    assert_eq!(writable.buffered(), 0, "it was accepted");
    assert!((1..5).map(|x| writable.write(x).unwrap().is_full()).eq([false, false, false, true]));
    settle().await;
    assert_eq!(writable.buffered(), 4, "the destination is sending");
    pieces.demand.allow(1);
    settle().await;
    assert_eq!(writable.buffered(), 0);
    pieces.demand.allow(1);
    writable.finish().await.unwrap();
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![0], vec![1, 2, 3, 4]]);
    assert!(writable.is_finished());
}

/// N15, N17: a cork makes one piece of many writes, even while nothing is being written.
#[tokio::test]
async fn a_cork_makes_one_piece_of_many_writes() {
    let pieces = Pieces::default();
    pieces.demand.allow(10);
    let writable = Writable::new(pieces.clone(), HighWaterMark::items(16));
    let cork = writable.cork();
    for x in 0..3 {
        writable.send(x).await.unwrap();
        settle().await;
    }
    drop(cork);
    writable.finish().await.unwrap();
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![0, 1, 2]]);
}

/// I29, N33, N46: an error of the destination is everybody's, and at once; `finished` waits until it is closed.
#[tokio::test]
async fn an_error_of_the_destination_reaches_everybody() {
    let log = Log::default();
    let recorder = Recorder::new(&log).with_trouble(When::Every(Op::Write), Trouble::Error);
    let writable = Writable::new(recorder, HighWaterMark::items(1));
    assert!(writable.write(1).unwrap().is_full());
    let error = writable.drain().await.unwrap_err();
    assert_eq!((error.stage(), error.chunk()), (Some("Recorder"), Some(0)));
    assert_eq!(writable.write(2).unwrap_err().into_chunk(), 2);
    assert!(writable.finish().await.is_err());
    assert_eq!(log.calls(), "open, write 1, abort");
}

/// B13, I54: so is a panic in it.
#[tokio::test]
async fn a_panic_of_the_destination_is_an_error() {
    let log = Log::default();
    let recorder = Recorder::new(&log).with_trouble(When::Every(Op::Write), Trouble::Panic);
    let writable = Writable::new(recorder, HighWaterMark::items(4));
    writable.write(1).map(|_| ()).unwrap();
    assert!(writable.finish().await.unwrap_err().is_panic());
    assert_eq!(log.calls(), "open, write 1, abort");
}

/// B9, I46, I51: without an end the last handle takes the task with it, and the destination is aborted.
#[tokio::test]
async fn dropping_the_last_handle_aborts_the_destination() {
    let (log, demand) = (Log::default(), Demand::default());
    let tasks = Handle::current().metrics().num_alive_tasks();
    let writable = Writable::new(Recorder::new(&log).with_demand(&demand), HighWaterMark::items(4));
    writable.send(1).await.unwrap();
    settle().await;
    drop(writable);
    settle().await;
    assert_eq!(log.calls(), "open, write 1, abort");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// After `end` the task goes on, whoever is left.
/// Shows I26.
#[tokio::test]
async fn after_the_end_the_task_goes_on_without_a_handle() {
    let log = Log::default();
    let writable = Writable::new(Recorder::new(&log).with_pends(3), HighWaterMark::items(4));
    let control = writable.control();
    writable.send(1).await.unwrap();
    writable.done();
    control.finished().await.unwrap();
    assert_eq!(log.calls(), "open, write 1, finish");
}

/// I26, N35: an error of `finish` is the outcome.
#[tokio::test]
async fn an_error_of_finish_is_the_outcome() {
    let log = Log::<u32>::default();
    let recorder = Recorder::new(&log).with_trouble(When::Every(Op::Finish), Trouble::Error);
    let writable = Writable::new(recorder, HighWaterMark::items(4));
    writable.end();
    for _ in 0..2 {
        assert_eq!(writable.finished().await.unwrap_err().stage(), Some("Recorder"));
    }
    assert_eq!(log.calls(), "open, finish, abort");
}

/// A pipeline may write into a `Writable`; what is ended already is refused before a chunk moves.
#[tokio::test]
async fn a_writable_is_a_destination() {
    let (writable, readable) = pass_through(HighWaterMark::items(2));
    let (written, read) =
        tokio::join!(Readable::from_iter(0..100).pipe_to(writable).run(), readable.to_vec());
    assert_eq!(written.unwrap().chunks_out(), 100);
    assert!(read.unwrap().into_iter().eq(0..100));

    let (writable, _readable) = pass_through(HighWaterMark::items(2));
    writable.end();
    let log = Log::default();
    let script = Script::new(&log, Cue::chunks([1]));
    let error = script.readable().pipe_to(writable).run().await.unwrap_err();
    assert!(error.is_write_after_end());
    assert_eq!(log.events().len(), 1, "the source was only dropped");
}

/// N58, N60, I11, I52: nothing is read before the first poll; then up to the mark, and again from the low mark.
/// Shows F23, I9.
#[tokio::test]
async fn a_buffer_reads_ahead_to_its_mark_and_no_further() {
    let produced = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&produced);
    let source = Readable::from_iter((0..100_u32).inspect(move |_| {
        count.fetch_add(1, SeqCst);
    }));
    let mut ahead = source.buffer(HighWaterMark::items(10).with_low(4));
    settle().await;
    assert_eq!(produced.load(SeqCst), 0);
    assert_eq!(ahead.next().await.unwrap().unwrap(), 0);
    settle().await;
    assert!((10..=11).contains(&produced.load(SeqCst)), "{produced:?}");
    for x in 1..100 {
        assert_eq!(ahead.next().await.unwrap().unwrap(), x);
        settle().await;
        let ahead_by = produced.load(SeqCst) - x as usize;
        assert!(ahead_by <= 11, "{ahead_by} ahead");
    }
    assert!(ahead.next().await.is_none());
}

/// What a buffer is for: the source of each chunk works while the destination takes the one before, and the report says so.
#[tokio::test(start_paused = true)]
async fn a_buffer_raises_the_throughput_of_a_file_and_a_slow_destination() {
    const TURN: Duration = Duration::from_millis(10);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    let parsed = || {
        let file = ReadOptions::new().with_chunk_size(1000).read(&path);
        file.then(|chunk| async move {
            tokio::time::sleep(TURN).await;
            Ok(chunk)
        })
        .boxed()
    };
    let slow = || {
        destination_fn(|_: Bytes| async {
            tokio::time::sleep(TURN).await;
            Ok(())
        })
    };
    let bare = parsed().pipe_to(slow()).run().await.unwrap();
    let ahead = parsed().buffer(HighWaterMark::items(4)).pipe_to(slow()).run().await.unwrap();
    for report in [&bare, &ahead] {
        assert_eq!((report.chunks_out(), report.weight_out()), (100, 100));
    }
    assert_eq!(bare.elapsed(), 200 * TURN, "{bare}");
    assert_eq!(ahead.elapsed(), 101 * TURN, "{ahead}");
    assert_eq!((bare.waiting_for_source(), ahead.waiting_for_source()), (100 * TURN, TURN));
    assert!(ahead.bottleneck().is_destination(), "{ahead}");
}

/// I2, A3: chunks before an error come before it, and a panic of the source is its error.
#[tokio::test]
async fn a_buffer_passes_errors_and_panics_on_in_order() {
    for (cue, is) in [(Cue::Error, false), (Cue::Panic, true)] {
        let cues = Cue::chunks(0..5).into_iter().chain([cue]);
        let mut ahead =
            Script::new(&Log::default(), cues).readable().buffer(HighWaterMark::items(2));
        for x in 0..5 {
            assert_eq!(ahead.next().await.unwrap().unwrap(), x);
        }
        assert_eq!(ahead.next().await.unwrap().unwrap_err().is_panic(), is);
        assert!(ahead.next().await.is_none());
    }
}

/// I42, I51: the task and the source end with the readable.
#[tokio::test]
async fn the_task_of_a_buffer_ends_with_it() {
    let tokens = Tokens::new();
    let tasks = Handle::current().metrics().num_alive_tasks();
    let source = Readable::from_iter((0..1000).map(move |x| tokens.token(x)));
    let mut ahead = source.buffer(HighWaterMark::items(8)).buffer(HighWaterMark::items(8));
    drop(ahead.next().await);
    drop(ahead);
    settle().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// I51: when a pipeline resolves, the tasks of its stages are gone.
#[tokio::test]
async fn a_pipeline_waits_for_the_tasks_of_its_stages() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let numbers = Readable::from_iter(0..1000).buffer(HighWaterMark::items(8)).take(10);
    let report = numbers.for_each(|_| async { Ok(()) }).await;
    report.unwrap();
    let failing =
        destination_fn(
            |x: u32| async move { if x < 5 { Ok(()) } else { Err(Error::msg("enough")) } },
        );
    let numbers = Readable::from_iter(0..1000_u32).buffer(HighWaterMark::items(8));
    assert!(numbers.pipe_to(failing).run().await.is_err());
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// N107, N133: an async stage may end its output early, and its error comes behind what it has written.
#[tokio::test]
async fn an_async_stage_ends_and_fails_behind_what_it_has_written() {
    let first = Readable::from_iter(0..10).through(
        HighWaterMark::items(2),
        |mut input, output| async move {
            while let Some(x) = input.next().await.transpose()? {
                if x == 3 {
                    return Err(Error::msg("three"));
                }
                output.send(x).await?;
            }
            Ok(())
        },
    );
    let mut first = Box::pin(first);
    for x in 0..3 {
        assert_eq!(first.next().await.unwrap().unwrap(), x);
    }
    let error = first.next().await.unwrap().unwrap_err();
    assert_eq!((error.stage(), first.next().await.is_none()), (Some("through"), true));

    let panics =
        Readable::from_iter(0..10).through(HighWaterMark::items(2), |_, output| async move {
            output.send(1).await?;
            panic!("a stage")
        });
    let mut panics = Box::pin(panics);
    assert_eq!(panics.next().await.unwrap().unwrap(), 1);
    let error = panics.next().await.unwrap().unwrap_err();
    assert!(error.is_panic());
    assert_eq!(error.stage(), Some("through"));
}

/// I22, N22, N50: pause, resume and drain as they come; one terminal event; close is the last.
#[tokio::test]
async fn events_come_in_order_and_close_is_the_last() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_low(0));
    let control = readable.control();
    let mut events = control.events();
    control.pause();
    control.pause();
    control.resume();
    assert!(writable.write(1).unwrap().is_full());
    readable.next().await.unwrap().unwrap();
    writable.end();
    assert!(readable.next().await.is_none());
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        seen.push(format!("{event:?}"));
    }
    assert_eq!(seen, ["Pause", "Resume", "Drain", "End", "Finish", "Close"]);

    let (writable, readable) = pass_through::<u32>(HighWaterMark::items(1));
    let mut events = writable.control().events();
    drop(readable);
    assert!(matches!(events.next().await, Some(Event::Error(_))));
    assert!(matches!(events.next().await, Some(Event::Close)));
    assert!(events.next().await.is_none());
}

/// A slow listener is told how much it has missed, and holds no more than 64 events.
#[tokio::test]
async fn a_slow_listener_learns_how_much_it_has_missed() {
    let (writable, _readable) = pass_through::<u32>(HighWaterMark::items(1));
    let control = writable.control();
    let mut events = control.events();
    for _ in 0..50 {
        control.pause();
        control.resume();
    }
    assert!(matches!(events.next().await, Some(Event::Missed(36))));
    for _ in 0..64 {
        assert!(matches!(events.next().await, Some(Event::Pause | Event::Resume)));
    }
    assert!(events.next().now_or_never().is_none());
}

/// Time limits start anew with every chunk, and count only the time in which the source is waited for.
#[tokio::test(start_paused = true)]
async fn an_idle_limit_starts_anew_and_leaves_a_slow_consumer_alone() {
    let second = Duration::from_secs(1);
    let (writable, readable) = pass_through(HighWaterMark::items(8));
    let mut readable = readable.idle_timeout(10 * second);
    let produce = async {
        for x in 0..5 {
            tokio::time::sleep(9 * second).await;
            writable.send(x).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    let consume = async {
        for x in 0..5 {
            assert_eq!(readable.next().await.unwrap().unwrap(), x);
            tokio::time::sleep(30 * second).await;
        }
        let started = tokio::time::Instant::now();
        assert!(readable.next().await.unwrap().unwrap_err().is_timeout());
        assert_eq!(started.elapsed(), 10 * second);
        assert!(readable.next().await.is_none());
    };
    tokio::select! { () = produce => {}, () = consume => {} }
}

/// The first chunk, and all of it.
#[tokio::test(start_paused = true)]
async fn first_and_total_limits_do_what_they_say() {
    let second = Duration::from_secs(1);
    let (writable, readable) = pass_through::<u32>(HighWaterMark::items(8));
    let mut readable = readable.first_timeout(5 * second);
    writable.send(1).await.unwrap();
    assert_eq!(readable.next().await.unwrap().unwrap(), 1);
    let mut waits = pin!(readable.next());
    assert!(poll_once(waits.as_mut()).is_pending());
    tokio::time::advance(60 * second).await;
    assert!(poll_once(waits.as_mut()).is_pending(), "the first has come");

    let (_writable, readable) = pass_through::<u32>(HighWaterMark::items(8));
    let started = tokio::time::Instant::now();
    let error = readable.first_timeout(5 * second).to_vec().await.unwrap_err();
    assert_eq!((error.is_timeout(), started.elapsed()), (true, 5 * second));

    let endless = Readable::from_iter(0..).then(|x: u64| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(x)
    });
    let mut endless = Box::pin(endless.total_timeout(10 * second));
    let mut given = 0;
    while endless.next().await.unwrap().is_ok() {
        given += 1;
    }
    assert!((9..=10).contains(&given), "{given}");
}
