//! What blocks or vanishes on the blocking pool: temporary files are removed there, and a job that is gone is no end.

use std::pin::Pin;
use std::sync::mpsc;

use futures::FutureExt;
use highwater::{CancellationToken, Destination, Readable, Report, fs};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::{names, now, poll_once};

/// A runtime whose pool has one thread: jobs run one after the other.
fn runtime() -> Runtime {
    Builder::new_current_thread().max_blocking_threads(1).build().unwrap()
}

/// The only thread of the pool, which does nothing else until this is freed.
struct Held {
    free: mpsc::Sender<()>,
    job: JoinHandle<()>,
}

impl Held {
    fn new() -> Self {
        let (free, held) = mpsc::channel();
        Self { free, job: spawn_blocking(move || held.recv().unwrap()) }
    }

    fn free(self) -> JoinHandle<()> {
        self.free.send(()).unwrap();
        self.job
    }
}

/// Waits for all jobs that were sent before.
async fn settle() {
    spawn_blocking(|| ()).await.unwrap();
}

/// How a pipeline is stopped.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Drop,
    Abort,
    /// The task that runs it is aborted.
    Task,
    /// The task that holds it panics.
    Panic,
}

/// I46, I51: a temporary file is removed on the blocking pool, never on a thread of the runtime, whatever stops the
/// pipeline at whichever poll: with the pool held, nothing is removed.
#[test]
fn a_temporary_file_is_removed_off_the_runtime() {
    for stop in [Stop::Drop, Stop::Abort, Stop::Task, Stop::Panic] {
        let mut temporaries = 0;
        // With a job that waits for the pool, and without one.
        for queued in [false, true] {
            for polls in 0.. {
                assert!(polls < 500, "it never finishes");
                match runtime().block_on(stop_after(polls, queued, stop)) {
                    Some(removed) => temporaries += usize::from(removed),
                    None => break,
                }
            }
        }
        // How many polls see it depends on what the disk has done by then.
        assert!(temporaries > 0, "{stop:?}: there never was one");
    }
}

type Running = Pin<Box<dyn Future<Output = highwater::Result<Report>> + Send>>;

/// Whether there was a temporary file to be removed. `None` if the pipeline was over by then.
async fn stop_after(polls: usize, queued: bool, stop: Stop) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let token = CancellationToken::new();
    let source = Readable::from_iter(vec![vec![b'n'; 700 * 1024]; 2]);
    let replace = source.pipe_to(fs::replace(&path)).abort_on(token.clone());
    let mut running: Running = Box::pin(replace.run());
    for _ in 0..polls {
        if poll_once(running.as_mut()).is_ready() {
            return None;
        }
        settle().await;
    }
    let held = Held::new();
    if queued && poll_once(running.as_mut()).is_ready() {
        drop(held.free());
        return None;
    }
    let before = names(folder.path());
    let aborted = stop_it(running, &token, stop).await;
    let what = format!("{stop:?} after {polls} polls, queued: {queued}");
    assert_eq!(names(folder.path()), before, "{what}");
    held.free().await.unwrap();
    if let Some(aborted) = aborted {
        // An abort beside the commit may come too late.
        drop(aborted.await);
    }
    settle().await;
    settle().await;
    assert_eq!(names(folder.path()), ["out"], "{what}");
    Some(before.len() > 1)
}

/// Stops it; one that is aborted has still to come to its end.
async fn stop_it(mut running: Running, token: &CancellationToken, stop: Stop) -> Option<Running> {
    match stop {
        Stop::Drop => drop(running),
        Stop::Abort => {
            token.cancel();
            return poll_once(running.as_mut()).is_pending().then_some(running);
        }
        Stop::Task => {
            let task = highwater::task::spawn(running);
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        Stop::Panic => {
            let panics = async move {
                let _held = running;
                panic!("on purpose");
            };
            assert!(highwater::task::spawn(panics).await.is_err());
        }
    }
    None
}

/// I46: a reader whose job vanishes, because the runtime was shut down, fails; it does not end.
#[test]
fn a_reader_whose_job_has_vanished_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, vec![b'x'; 40_000]).unwrap();
    for chunks in [0, 1, 5] {
        let mut file = fs::ReadOptions::new().with_chunk_size(4096).with_read_ahead(1).read(&path);
        let runtime = runtime();
        runtime.block_on(async {
            for _ in 0..chunks {
                assert_eq!(file.next().await.unwrap().unwrap().len(), 4096);
            }
            settle().await;
        });
        let gone = runtime.handle().clone();
        runtime.shutdown_background();
        // Jobs of this thread go to its pool, which drops them.
        let _entered = gone.enter();
        let mut next = || now(&mut file);
        let failed = std::iter::from_fn(&mut next).find_map(Result::err);
        let failed = failed.expect("a part of a file is no whole file");
        assert!(failed.is_premature_close(), "after {chunks} chunks: {failed}");
        assert!(next().is_none());
    }
}

/// I46: the same for a writer. The old file stays, alone.
#[test]
fn a_writer_whose_job_has_vanished_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let (mut file, runtime) = (fs::replace(&path), runtime());
    runtime.block_on(Destination::open(&mut file)).unwrap();
    assert_eq!(names(folder.path()).len(), 2);
    let gone = runtime.handle().clone();
    runtime.shutdown_background();
    // Jobs of this thread go to its pool, which drops them.
    let _entered = gone.enter();
    file.write("new").now_or_never().unwrap().unwrap();
    let finished = Destination::finish(&mut file).now_or_never();
    let error = finished.expect("nothing is waited for").unwrap_err();
    assert!(error.is_premature_close(), "{error}");
    Destination::abort(&mut file, &error).now_or_never().unwrap().unwrap();
    assert_eq!(names(folder.path()), ["out"]);
    assert_eq!(std::fs::read(path).unwrap(), b"old");
}
