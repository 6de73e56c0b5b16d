//! N98 to N111: transforms.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use futures::FutureExt;
use highwater_core::stage::Out;
use highwater_core::{HighWaterMark, Readable, Result, pass_through, transform_fn};
use highwater_test::poll_once;

use super::ends;
use crate::support::{Log, Recorder, chunks_of, run_woken, script};

/// Passes everything on.
fn pass<S>(_: &mut S, x: u32, out: &mut Out<u32>) -> Result<()> {
    out.push(x);
    Ok(())
}

#[test]
fn n099_without_a_reader_nothing_is_transformed_and_the_writer_is_held() {
    let transformed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&transformed);
    let (writable, readable) = ends(4);
    let mut doubled = readable.map(move |x| {
        count.fetch_add(1, SeqCst);
        x * 2
    });
    let full = (0..4).map(|x| writable.write(x).unwrap().is_full());
    assert!(full.eq([false, false, false, true]));
    assert_eq!(transformed.load(SeqCst), 0, "a machine has no buffer of its own");
    assert!(matches!(poll_once(pin!(doubled.next())), Poll::Ready(Some(Ok(0)))));
    assert_eq!(transformed.load(SeqCst), 1);
}

#[tokio::test]
async fn n100_one_chunk_may_give_any_number() {
    let spread = transform_fn((), |(), chunk: u32, out| {
        (0..chunk).for_each(|x| out.push(x));
        Ok(())
    });
    let all = Readable::from_iter([10, 0, 2]).pipe(spread).to_vec().await.unwrap();
    assert!(all.into_iter().eq((0..10).chain(0..2)));
}

#[tokio::test]
async fn n102_the_flush_runs_once_also_without_any_chunk() {
    for chunks in [0..0, 0..3_u32] {
        let expected = chunks.len() + 1;
        let flushed = transform_fn(0, pass).flush(|n, out| {
            *n += 1_u32;
            pass(&mut (), 100 + *n, out)
        });
        let all = Readable::from_iter(chunks).pipe(flushed).to_vec().await.unwrap();
        assert_eq!((all.len(), *all.last().unwrap()), (expected, 101));
    }
}

#[test]
fn n103_what_the_flush_gives_comes_before_the_finish() {
    let log = Log::default();
    let last = transform_fn((), pass).flush(|(), out| pass(&mut (), 9, out));
    let pipeline = script(&log, &chunks_of([1])).pipe(last).pipe_to(Recorder::new(&log));
    run_woken(pipeline.run()).unwrap().output.unwrap();
    assert_eq!(log.calls(), "open, write 1, write 9, finish");
}

#[test]
fn n105_the_writing_side_finishes_when_the_output_was_read() {
    let (writable, readable) = ends(4);
    let mut mapped = readable.map(|x| x + 1);
    assert!(!writable.write(1).unwrap().is_full());
    let mut finish = pin!(writable.finish());
    assert!(poll_once(finish.as_mut()).is_pending());
    assert!(matches!(poll_once(pin!(mapped.next())), Poll::Ready(Some(Ok(2)))));
    assert!(poll_once(finish.as_mut()).is_pending(), "the end was not read");
    assert!(matches!(poll_once(pin!(mapped.next())), Poll::Ready(None)));
    assert!(finish.now_or_never().unwrap().is_ok());
}

#[test]
fn n108_what_is_dropped_is_not_flushed() {
    let flushed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&flushed);
    let machine = transform_fn((), pass).flush(move |(), _| {
        flag.store(true, SeqCst);
        Ok(())
    });
    let mut readable = script(&Log::default(), &chunks_of(0..9)).pipe(machine);
    run_woken(async { drop(readable.next().await) }).unwrap();
    drop(readable);
    assert!(!flushed.load(SeqCst));
}

/// Shows F15.
#[test]
fn n110_with_a_mark_of_zero_one_goes_in_and_one_comes_out() {
    let (writable, readable) = ends(0);
    let mut mapped = readable.map(|x| x * 10);
    for x in 0..5 {
        assert!(writable.write(x).unwrap().is_full());
        let mut drain = pin!(writable.drain());
        assert!(poll_once(drain.as_mut()).is_pending());
        let expected = x * 10;
        assert!(
            matches!(poll_once(pin!(mapped.next())), Poll::Ready(Some(Ok(y))) if y == expected)
        );
        assert!(poll_once(drain).is_ready());
    }
}

#[tokio::test]
async fn n111_each_side_has_its_own_type_and_its_own_mark() {
    let (writable, readable) = pass_through(HighWaterMark::items(2).with_weight(String::len));
    let mut lengths = readable.map(|text| text.len()).buffer(HighWaterMark::items(8));
    assert!(writable.write("four".to_owned()).unwrap().is_full());
    writable.end();
    assert_eq!(lengths.next().await.unwrap().unwrap(), 4);
    assert!(lengths.next().await.is_none());
}

#[test]
fn n107_an_end_from_within_drops_the_source_and_refuses_the_writer() {
    let (writable, readable) = ends(4);
    let mut first = readable.take(1);
    assert!((0..2).all(|x| !writable.write(x).unwrap().is_full()));
    assert!(matches!(poll_once(pin!(first.next())), Poll::Ready(Some(Ok(0)))));
    assert!(matches!(poll_once(pin!(first.next())), Poll::Ready(None)));
    assert!(writable.write(2).unwrap_err().error().is_premature_close());
}
