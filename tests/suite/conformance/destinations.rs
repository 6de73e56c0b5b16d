//! The destinations of core and of highwater-io: I22, I26 to I28, I40, I47, N126, N127.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::SinkExt;
use highwater::{
    BoxDestination, Error, HighWaterMark, Writable, destination_fn, from_sink, fs, io,
    pass_through, task,
};
use highwater_test::io::{Act, Writer};
use highwater_test::{
    Log, Moment, Recorder, conformance_destination, conformance_destination_bytes,
};
use tempfile::TempDir;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

/// What is in the file `out` of a folder.
fn content(folder: &TempDir) -> Vec<u8> {
    std::fs::read(folder.path().join("out")).unwrap_or_default()
}

#[test]
fn fs_write() {
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        (fs::write(folder.path().join("out")), folder)
    };
    conformance_destination_bytes(make, |folder, _| Some(content(folder)));
}

#[test]
fn fs_write_synced() {
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        (fs::write(folder.path().join("out")).sync(), folder)
    };
    conformance_destination_bytes(make, |folder, _| Some(content(folder)));
}

#[test]
fn fs_append() {
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("out"), OLD).unwrap();
        (fs::append(folder.path().join("out")), folder)
    };
    conformance_destination_bytes(make, |folder, _| {
        Some(content(folder).strip_prefix(OLD).expect("the old is there").to_vec())
    });
}

/// I71: before the end nothing of it is seen; afterwards nothing but the file is there.
#[test]
fn fs_replace() {
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("out"), OLD).unwrap();
        (fs::replace(folder.path().join("out")), folder)
    };
    conformance_destination_bytes(make, |folder, moment| {
        if matches!(moment, Moment::Finished | Moment::Aborted) {
            let files = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files, 1, "a temporary file is left");
        }
        let content = content(folder);
        match moment {
            Moment::Flushed => {
                assert_eq!(content, OLD);
                None
            }
            // The old file: nothing has arrived.
            _ if content == OLD => Some(Vec::new()),
            _ => Some(content),
        }
    });
}

/// A writer that two can look at.
#[derive(Clone)]
struct Shared(Arc<Mutex<Writer>>);

impl Shared {
    fn with<T>(&self, work: impl FnOnce(Pin<&mut Writer>) -> T) -> T {
        work(Pin::new(&mut self.0.lock().unwrap()))
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.with(|writer| writer.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.with(|writer| writer.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.with(|writer| writer.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.with(|writer| writer.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.with(|writer| writer.poll_shutdown(cx))
    }
}

/// F9, F11: a writer that takes little at a time, waits, and is interrupted.
#[test]
fn io_write() {
    let script = [Act::Pend, Act::Bytes(1), Act::Fail(ErrorKind::Interrupted), Act::Pend];
    for vectored in [false, true] {
        let make = || {
            let writer = Writer::new(50_000, vectored, script.repeat(3));
            let shared = Shared(Arc::new(Mutex::new(writer)));
            (io::write(shared.clone()), shared)
        };
        conformance_destination_bytes(make, |shared, moment| {
            let writer = shared.0.lock().unwrap();
            match moment {
                Moment::Finished => assert_eq!(writer.shutdowns, 1),
                Moment::Flushed => assert_eq!(writer.shutdowns, 0),
                // A `finish` that was dropped may have come so far.
                Moment::Aborted | Moment::Dropped => {}
            }
            Some(writer.taken.clone())
        });
    }
}

#[test]
fn channels() {
    let make = || {
        let (sender, receiver) = mpsc::channel(8);
        (sender, (receiver, Vec::new()))
    };
    conformance_destination(make, 0..5, |(receiver, all), _| {
        all.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
        Some(all.clone())
    });
}

/// A sink with a buffer in front of it, so that a flush and an end have something to do.
#[test]
fn sinks() {
    let make = || {
        let (sender, receiver) = futures::channel::mpsc::channel(8);
        (from_sink(sender.buffer(3).sink_map_err(Error::from)), (receiver, Vec::new()))
    };
    conformance_destination(make, 0..5, |(receiver, all), _| {
        all.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
        Some(all.clone())
    });
}

/// A buffer whose reader is another task, and one whose writer is.
#[test]
fn writables() {
    let collect = |list: &List| {
        let list = Arc::clone(list);
        destination_fn(move |chunk: u32| {
            list.lock().unwrap().push(chunk);
            async { Ok(()) }
        })
    };
    for mark in [0, 1, 2, 16] {
        let make = || {
            let (writable, reading) = pass_through(HighWaterMark::items(mark));
            let list = List::default();
            let reader = task::spawn(reading.pipe_to(collect(&list)).run());
            (writable, (list, reader))
        };
        conformance_destination(make, 0..5, |(list, _), _| Some(list.lock().unwrap().clone()));
        let make = || with(|list| Writable::new(collect(list), HighWaterMark::items(mark)));
        conformance_destination(make, 0..5, |list, _| Some(list.lock().unwrap().clone()));
    }
}

type List = Arc<Mutex<Vec<u32>>>;

#[test]
fn closures_boxed_and_not() {
    let collect = |list: &List| {
        let list = Arc::clone(list);
        destination_fn(move |chunk: u32| {
            let list = Arc::clone(&list);
            async move {
                tokio::task::yield_now().await;
                list.lock().unwrap().push(chunk);
                Ok(())
            }
        })
    };
    let arrived = |list: &mut List, _: Moment| Some(list.lock().unwrap().clone());
    conformance_destination(|| with(collect), 0..5, arrived);
    conformance_destination(|| with(|list| BoxDestination::new(collect(list))), 0..5, arrived);
}

fn with<D>(make: impl Fn(&List) -> D) -> (D, List) {
    let list = List::default();
    (make(&list), list)
}

/// The one that the other tests record with, pending in every call.
#[test]
fn recorders() {
    let make = || {
        let log = Log::default();
        (Recorder::new(&log).with_pends(1), log)
    };
    conformance_destination(make, [Bytes::from("a"), Bytes::new()], |log, _| Some(log.written()));
}

/// What is in a file before.
const OLD: &[u8] = b"old";
