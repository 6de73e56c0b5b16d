//! Gzip between sources that stall and destinations that wait, fail and are kept open.

use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use highwater::gzip::{Flush, Gunzip, Gzip, ParallelGzip, Trailing};
use highwater::prelude::*;
use highwater::{CancellationToken, Error, HighWaterMark, Readable, Result, fs, pass_through};
use highwater_test::{Cue, Event, Log, Recorder, Script, Trouble, When, run_woken};

use super::{noise, text};
use crate::support::{drain, now, poll_once, soon};

fn packed(text: &[u8]) -> Bytes {
    let (given, error) = drain(Readable::once(Bytes::copy_from_slice(text)).pipe(Gzip::new(6)));
    assert!(error.is_none());
    given.concat().into()
}

fn unpacked(bytes: impl Into<Bytes>) -> (Vec<u8>, Option<Error>) {
    let (given, error) = drain(Readable::once(bytes.into()).pipe(Gunzip::new()));
    (given.concat(), error)
}

/// What a destination was given.
fn written(log: &Log<Bytes>) -> Vec<u8> {
    let events = log.events();
    let chunks = events.iter().filter_map(|event| match event {
        Event::Write(chunk) => Some(&chunk[..]),
        _ => None,
    });
    chunks.collect::<Vec<_>>().concat()
}

/// F42, C58: garbage behind the data is an error although the source then stalls for ever.
#[test]
fn garbage_before_a_stall_is_an_error_at_once() {
    let garbage = [&packed(b"data")[..], b"HTTP"].concat();
    let cues = [Cue::Chunk(Bytes::from(garbage)), Cue::Forever];
    let mut readable = Script::new(&Log::default(), cues).readable().pipe(Gunzip::new());
    assert_eq!(now(&mut readable).unwrap().unwrap(), "data");
    let error = now(&mut readable).unwrap().unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!((error.stage(), error.offset()), (Some("gunzip"), Some(24)));
}

/// A single member in front of something else is over at its last byte: the rest need not come.
#[test]
fn a_single_member_does_not_wait_for_what_follows() {
    let cues = [Cue::Chunk(packed(b"data")), Cue::Forever];
    let gunzip = Gunzip::new().single_member().with_trailing(Trailing::Return);
    let mut readable = Script::new(&Log::default(), cues).readable().pipe(gunzip);
    assert_eq!(now(&mut readable).unwrap().unwrap(), "data");
    assert!(now(&mut readable).is_none());
}

/// C61: the destination is kept open behind the end of the data, and two members can follow each other.
#[test]
fn an_end_does_not_close_the_destination() {
    let log = Log::default();
    let mut destination = Recorder::new(&log);
    for text in ["one, ", "two"] {
        let source = Readable::once(Bytes::from(text)).pipe(Gzip::new(6));
        let pipeline = source.pipe_to(&mut destination).keep_open();
        run_woken(pipeline.run()).unwrap().output.unwrap();
    }
    assert_eq!((log.count(Event::Finish), log.count(Event::DestinationDropped)), (0, 0));
    let (text, error) = unpacked(written(&log));
    assert!(error.is_none());
    assert_eq!(text, b"one, two");
}

/// F46: the trailer is written once, wherever the destination waits and the reader is dropped and comes back.
#[test]
fn the_trailer_is_written_once() {
    let text = noise(200_000);
    for pends in 0..4 {
        let log = Log::default();
        let chunks: Vec<_> = text.chunks(70_000).map(Bytes::copy_from_slice).collect();
        let source = Readable::from_iter(chunks).pipe(Gzip::new(6));
        let pipeline = source.pipe_to(Recorder::new(&log).with_pends(pends));
        run_woken(pipeline.run()).unwrap().output.unwrap();
        let (back, error) = unpacked(written(&log));
        assert!(error.is_none() && back == text, "{pends}");
    }
    // A `next` that is dropped while the source waits, before every chunk and before the end.
    let mut cues = Vec::new();
    for chunk in text.chunks(30_000) {
        cues.extend([Cue::Pending, Cue::Chunk(Bytes::copy_from_slice(chunk))]);
    }
    cues.push(Cue::Pending);
    let mut readable = Script::new(&Log::default(), cues).readable().pipe(Gzip::new(6));
    let (mut given, mut dropped) = (Vec::new(), 0);
    loop {
        match poll_once(pin!(readable.next())) {
            Poll::Pending => dropped += 1,
            Poll::Ready(Some(chunk)) => given.extend_from_slice(&chunk.unwrap()),
            Poll::Ready(None) => break,
        }
    }
    assert_eq!(dropped, 8);
    let (back, error) = unpacked(given);
    assert!(error.is_none() && back == text);
}

/// F47: a pipeline that is dropped before its end leaves no file; one that was aborted neither.
#[tokio::test]
async fn what_has_no_end_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.gz");
    let source = || {
        let cues = [Cue::Chunk(Bytes::from(text(500_000))), Cue::Forever];
        Script::new(&Log::default(), cues).readable()
    };
    let mut pipeline = Box::pin(source().gzip(6).pipe_to(fs::replace(&path)).run());
    for _ in 0..20 {
        assert!(futures::poll!(&mut pipeline).is_pending());
        tokio::task::yield_now().await;
    }
    drop(pipeline);
    assert!(!path.exists());

    let token = CancellationToken::new();
    let running = source()
        .parallel_gzip(ParallelGzip::threads(2))
        .pipe_to(fs::replace(&path))
        .abort_on(token.clone())
        .spawn();
    tokio::task::yield_now().await;
    token.cancel();
    assert!(running.join().await.unwrap_err().is_aborted());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// C64: a checksum that is wrong at the very end keeps the output from being committed.
#[tokio::test]
async fn what_fails_its_check_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    std::fs::write(&path, "the old one").unwrap();
    let mut broken = packed(&text(300_000)).to_vec();
    let end = broken.len();
    broken[end - 5] ^= 1;
    for offloaded in [true, false] {
        let source = Readable::once(Bytes::from(broken.clone()));
        let source =
            if offloaded { source.gunzip().boxed() } else { source.pipe(Gunzip::new()).boxed() };
        let error = source.pipe_to(fs::replace(&path)).await.unwrap_err();
        assert!(error.is_corrupt());
        assert_eq!((error.stage(), error.offset()), (Some("gunzip"), Some(end as u64 - 8)));
        assert_eq!(std::fs::read(&path).unwrap(), b"the old one");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// C67: a destination that fails while blocks are in flight ends the pipeline, and all jobs with it.
#[tokio::test(start_paused = true)]
async fn a_failing_destination_does_not_lock_up() {
    for call in 0..6 {
        let log = Log::default();
        let destination = Recorder::new(&log).with_trouble(When::Call(call), Trouble::Error);
        let chunks = vec![Bytes::from(noise(100_000)); 30];
        let settings = ParallelGzip::threads(4).with_block_size(32 * 1024);
        let pipeline = Readable::from_iter(chunks).parallel_gzip(settings).pipe_to(destination);
        let error = soon(pipeline.run()).await.unwrap_err();
        assert!(error.to_string().contains("destination failed"), "{error}");
    }
}

/// A live stream: what is written can be read at once, without an end and without another chunk.
#[tokio::test(start_paused = true)]
async fn a_live_stream_is_flushed_when_it_is_idle() {
    for offloaded in [false, true] {
        let (writable, readable) = pass_through(HighWaterMark::bytes(64 * 1024));
        let gzip = Gzip::new(6).with_flush(Flush::WhenIdle);
        let mut live = if offloaded {
            readable.gzip_with(gzip).pipe(Gunzip::new()).boxed()
        } else {
            readable.pipe(gzip).pipe(Gunzip::new()).boxed()
        };
        for message in ["hello", "are you there?", "yes"] {
            writable.send(Bytes::from(message)).await.unwrap();
            assert_eq!(soon(live.next()).await.unwrap().unwrap(), message);
        }
        writable.end();
        assert!(soon(live.next()).await.is_none());
    }
}

/// The error of a machine that works elsewhere names it, behind what was made before.
#[tokio::test]
async fn an_offloaded_machine_fails_in_its_place() {
    let text = text(1_000_000);
    let whole = packed(&text);
    let short = whole.slice(..whole.len() - 1);
    let mut readable = Readable::once(short).gunzip();
    let mut given = Vec::new();
    let error = loop {
        match readable.next().await.expect("an error") {
            Ok(chunk) => given.extend_from_slice(&chunk),
            Err(error) => break error,
        }
    };
    assert!(given == text && error.is_truncated());
    assert_eq!((error.stage(), error.offset()), (Some("gunzip"), Some(whole.len() as u64 - 1)));
}

#[tokio::test]
async fn what_stages_hold_is_explained() -> Result<()> {
    let pipeline = Readable::once(Bytes::new())
        .pipe(Gunzip::new())
        .parallel_gzip(ParallelGzip::threads(2))
        .pipe_to(Recorder::new(&Log::default()));
    let explained = pipeline.explain().to_string();
    for stage in ["gunzip", "parallel_gzip"] {
        assert!(explained.contains(stage), "{explained}");
    }
    Ok(())
}
