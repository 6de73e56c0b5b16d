//! Large objects that are written: all of it, or nothing, and nothing left behind.

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;

use futures::poll;
use highwater::{CancellationToken, Destination};

use super::*;

const MIB: usize = 1024 * 1024;

/// An object of two parts, in chunks that do not fit into them.
fn chunks() -> impl Iterator<Item = Bytes> {
    let object = Bytes::from(bytes(OBJECT));
    (0..OBJECT).step_by(CHUNK).map(move |start| object.slice(start..OBJECT.min(start + CHUNK)))
}

const OBJECT: usize = 5 * MIB + 12_345;
const CHUNK: usize = 700_000;

/// Writes the object in parts of 5 MiB, the least that S3 takes.
async fn upload(rig: &Rig) -> Result<()> {
    let put = rig.store.put("large")?.with_part_size(5 * MIB);
    Readable::from_iter(chunks()).pipe_to(put).await.map(drop)
}

impl Rig {
    /// Nothing can be seen of the object, and nothing is left of the upload.
    async fn assert_nothing_left(&self, why: &str) {
        assert_eq!(self.s3.store().info("large").await.unwrap(), None, "{why}");
        assert_eq!(self.s3.uploads().len(), 0, "{why}");
    }

    async fn assert_whole(&self, why: &str) {
        assert!(is_whole(read(&self.s3.store(), "large").await, &bytes(OBJECT)), "{why}");
        assert_eq!(self.s3.uploads().len(), 0, "{why}");
    }
}

#[tokio::test]
async fn what_fits_into_a_part_is_one_request() {
    let rig = Rig::start().await;
    for length in [0, 1, 5 * MIB] {
        rig.chaos.play(|_| Fault::None);
        let put = rig.store.put("a").unwrap().with_part_size(5 * MIB);
        Readable::once(Bytes::from(bytes(length))).pipe_to(put).await.unwrap();
        assert_eq!((rig.count(kind::put), rig.count(kind::any)), (1, 1));
        assert!(is_whole(read(&rig.store, "a").await, &bytes(length)));
    }
}

#[tokio::test]
async fn an_object_of_unknown_length_is_whole() {
    let rig = Rig::start().await;
    let object = Bytes::from(bytes(21 * MIB));
    let put = rig.store.put("large").unwrap().with_part_size(5 * MIB);
    let chunks = [object.slice(..1), object.slice(1..1), object.slice(1..)];
    let report = Readable::from_iter(chunks).pipe_to(put).await.unwrap();
    assert_eq!(report.weight_out(), 21 * MIB as u64);
    let count = |kind| rig.count(kind);
    assert_eq!((count(kind::begin), count(kind::part), count(kind::complete)), (1, 5, 1));
    assert!(is_whole(read(&rig.s3.store(), "large").await, &object));
    assert!(rig.s3.uploads().is_empty());
}

/// F96: every request of an upload may fail for now.
#[tokio::test]
async fn what_fails_for_now_is_done_again() {
    let rig = Rig::start().await;
    for kind in [kind::begin, kind::part, kind::complete] {
        for fault in [
            || Fault::Instead(Answer::new(500, "<Code>InternalError</Code>")),
            || Fault::Instead(Answer::new(503, "<Code>SlowDown</Code>")),
            || Fault::Drop(Ending::Reset),
        ] {
            rig.break_first(kind, fault);
            upload(&rig).await.unwrap();
            rig.assert_whole("").await;
        }
    }
    // A complete that says 200 and then that it was not done is done again.
    rig.break_first(kind::complete, || Fault::Instead(Answer::new(200, INTERNAL)));
    upload(&rig).await.unwrap();
    assert_eq!(rig.count(kind::complete), 2);
    rig.assert_whole("").await;
}

const INTERNAL: &str = "<Error><Code>InternalError</Code><Message>again</Message></Error>";

/// F100, C99: whichever request of an upload fails for good, it is an error, the upload is undone, and the object that
/// was there before still is.
#[tokio::test]
async fn what_fails_for_good_is_undone() {
    let rig = Rig::start().await;
    let denied = || Fault::Instead(Answer::new(403, "<Code>AccessDenied</Code>"));
    for failing in 0..2 {
        rig.break_each(kind::part, move |n| if n == failing { denied() } else { Fault::None });
        let error = upload(&rig).await.unwrap_err();
        assert_eq!(error.stage(), Some("object::put"));
        assert!(error.to_string().contains("cannot write part"), "{error}");
        assert!(error.suppressed().is_empty(), "{error:?}");
        rig.assert_nothing_left(&format!("part {failing}")).await;
    }

    rig.break_each(kind::begin, move |_| denied());
    assert!(upload(&rig).await.unwrap_err().to_string().contains("cannot begin to write"));
    assert_eq!(rig.count(kind::undo), 0);
    rig.assert_nothing_left("begin").await;

    write(&rig.s3.store(), "large", "before").await;
    let bad = [
        (403, "<Code>AccessDenied</Code>"),
        (200, INTERNAL),
        (200, "<Error><Code>AccessDenied</Code></Error>"),
        (200, ""),
    ];
    for (status, body) in bad {
        rig.break_each(kind::complete, move |_| Fault::Instead(Answer::new(status, body)));
        let error = upload(&rig).await.unwrap_err();
        assert!(error.to_string().contains("cannot complete"), "{status} {body}: {error}");
        assert_eq!((rig.count(kind::undo), rig.s3.uploads().len()), (1, 0), "{status} {body}");
        assert!(is_whole(read(&rig.s3.store(), "large").await, b"before"), "{status} {body}");
    }
}

/// C99: a source that fails in the middle.
#[tokio::test]
async fn a_source_that_fails_is_undone() {
    let rig = Rig::start().await;
    let unplugged = || Err(Error::msg("unplugged"));
    for before in [0, 3, 8] {
        let source = chunks().take(before).map(Ok).chain(std::iter::once_with(unplugged));
        let put = rig.store.put("large").unwrap().with_part_size(5 * MIB);
        let error =
            Readable::from_results(futures::stream::iter(source)).pipe_to(put).await.unwrap_err();
        assert!(
            error.to_string().starts_with("unplugged") && error.suppressed().is_empty(),
            "{error:?}"
        );
        rig.assert_nothing_left(&format!("after {before} chunks")).await;
    }
}

/// C99, F101: cancelled at every request, before it is passed on and before its answer comes: the pipeline resolves when
/// all is undone.
#[tokio::test]
async fn an_abort_is_undone_wherever_it_comes() {
    let rig = Rig::start().await;
    for (at, passed_on) in (0..3).flat_map(|at| [(at, false), (at, true)]) {
        let token = CancellationToken::new();
        let cancel = token.clone();
        let mut number = 0;
        rig.chaos.play(move |request| {
            number += 1;
            if number - 1 != at || kind::undo(request) {
                return Fault::None;
            }
            cancel.cancel();
            // What is not answered by its request is answered when it is sent again.
            if passed_on { Fault::Cut(0, Ending::Reset) } else { Fault::Drop(Ending::Reset) }
        });
        let put = rig.store.put("large").unwrap().with_part_size(5 * MIB);
        let error = Readable::from_iter(chunks()).pipe_to(put).abort_on(token).await.unwrap_err();
        assert!(error.is_aborted() && error.suppressed().is_empty(), "{at} {passed_on}: {error:?}");
        if (at, passed_on) == (0, true) {
            // Nobody knows the name of an upload whose first answer got lost; it has no parts.
            assert_eq!(rig.s3.uploads().len(), 1);
            rig.s3.forget_uploads();
        }
        rig.assert_nothing_left(&format!("request {at}, passed on: {passed_on}")).await;
    }
}

/// An abort that comes when the last request is under way waits for its answer: the object is there, and the pipeline says
/// so; or it is not, and the upload is undone.
/// Shows F101.
#[tokio::test]
async fn an_abort_beside_the_last_request_tells_its_outcome() {
    let rig = Rig::start().await;
    for (last, bytes) in [(kind::complete as fn(&Request) -> bool, 21 * MIB), (kind::put, 1000)] {
        for denied in [false, true] {
            let token = CancellationToken::new();
            let cancel = token.clone();
            rig.break_first(last, move || {
                cancel.cancel();
                let answer = || Answer::new(403, "<Error><Code>AccessDenied</Code></Error>");
                if denied { Fault::Instead(answer()) } else { Fault::None }
            });
            let put = rig.store.put("large").unwrap().with_part_size(5 * MIB);
            let object = Readable::once(Bytes::from(super::bytes(bytes)));
            let result = object.pipe_to(put).abort_on(token).await;
            rig.chaos.idle().await;
            assert!(rig.s3.uploads().is_empty());
            let there = rig.s3.store().info("large").await.unwrap().map(|info| info.size);
            match result {
                Ok(report) => {
                    assert!(!denied && there == Some(report.weight_out()), "{there:?}");
                    rig.s3.remove("large");
                }
                Err(error) => {
                    assert!(denied && there.is_none(), "{error}");
                    assert!(!error.is_aborted() && error.to_string().contains("cannot"), "{error}");
                }
            }
        }
    }
}

/// F101: dropped at every step of its work, it is undone by the store.
#[tokio::test]
async fn a_drop_is_undone_wherever_it_comes() {
    let rig = Rig::start().await;
    let (mut steps, mut undone) = (0, 0);
    loop {
        rig.chaos.play(|_| Fault::None);
        let mut work = Box::pin(upload(&rig));
        let mut polled = 0;
        let done = loop {
            if let Poll::Ready(result) = poll!(&mut work) {
                result.unwrap();
                break true;
            }
            polled += 1;
            if polled > steps {
                break false;
            }
            // Until something has happened.
            tokio::task::yield_now().await;
        };
        if done {
            break;
        }
        drop(work);
        rig.store.settled().await;
        rig.chaos.idle().await;
        undone += rig.count(kind::undo);
        // The last request may have been the one that completes it.
        match rig.s3.store().info("large").await.unwrap() {
            None => rig.assert_nothing_left(&format!("after {steps} steps")).await,
            Some(_) => {
                rig.assert_whole(&format!("after {steps} steps")).await;
                rig.s3.remove("large");
            }
        }
        steps = steps * 5 / 4 + 1;
    }
    assert!(undone >= 3, "{undone} of {steps} steps were undone");
}

/// What a write has accepted is kept: a write that is dropped half-way loses and doubles nothing.
#[tokio::test]
async fn a_dropped_write_loses_nothing() {
    let rig = Rig::start().await;
    let mut put =
        rig.store.put("large").unwrap().with_part_size(5 * MIB).with_concurrency(at_once(1));
    Destination::open(&mut put).await.unwrap();
    let mut dropped = 0;
    for chunk in chunks() {
        if poll!(pin!(put.write(chunk))).is_pending() {
            dropped += 1;
        }
    }
    assert!(dropped > 0);
    Destination::finish(&mut put).await.unwrap();
    rig.assert_whole("").await;
    let again = Destination::write(&mut put, Bytes::from("more")).await;
    assert!(again.unwrap_err().is_write_after_end());
}

/// No more than so many bytes are under way.
#[tokio::test]
async fn uploads_are_bounded() {
    let rig = Rig::start().await;
    rig.break_each(kind::part, |_| Fault::Drop(Ending::Silence));
    let mut put =
        rig.store.put("large").unwrap().with_part_size(5 * MIB).with_concurrency(at_once(2));
    let (written, chunk) = (Cell::new(0), Bytes::from(vec![0; MIB]));
    let mut work = Box::pin(async {
        loop {
            put.write(chunk.clone()).await.unwrap();
            written.set(written.get() + 1);
        }
    });
    // Two parts under way, and a third that waits for room.
    while written.get() < 15 || rig.count(kind::part) < 2 {
        assert!(poll!(&mut work).is_pending());
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        assert!(poll!(&mut work).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!((written.get(), rig.count(kind::part)), (15, 2));
    drop(work);
    rig.chaos.play(|_| Fault::None);
    Destination::abort(&mut put, &Error::aborted()).await.unwrap();
    rig.assert_nothing_left("").await;
}

#[test]
fn the_size_of_a_part_is_checked() {
    let put = |bytes| {
        std::panic::catch_unwind(|| {
            Store::memory().put::<Bytes>("a").unwrap().with_part_size(bytes)
        })
    };
    assert!(put(5 * MIB).is_ok() && put(512 * MIB).is_ok());
    assert!(put(5 * MIB - 1).is_err() && put(512 * MIB + 1).is_err());
}
