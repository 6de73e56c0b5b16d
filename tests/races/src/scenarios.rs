//! The scenarios: what two or three threads do to one buffer at the same time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use highwater_core::{
    Budget, Buffered, Error, HighWaterMark, Readable, Source, Writable, pass_through,
};

use crate::checker::{block_on, check, thread};

pub(crate) fn items(high: usize) -> (Writable<u32>, Readable<Buffered<u32>>) {
    pass_through(HighWaterMark::items(high).with_low(0))
}

/// Everything up to the end.
pub(crate) fn read_all<S: Source + Unpin>(
    mut readable: Readable<S>,
) -> (Vec<S::Chunk>, Option<Error>) {
    block_on(async move {
        let mut chunks = Vec::new();
        while let Some(chunk) = readable.next().await {
            match chunk {
                Ok(chunk) => chunks.push(chunk),
                Err(error) => return (chunks, Some(error)),
            }
        }
        (chunks, None)
    })
}

pub(crate) fn whole<T>(read: (Vec<T>, Option<Error>)) -> Vec<T> {
    assert!(read.1.is_none(), "{:?}", read.1);
    read.0
}

/// I1, I31, I66, I23: what is written arrives, in order, and the end behind it.
#[test]
fn write_beside_read() {
    check("write beside read", || {
        let (writable, readable) = items(4);
        let writer = thread::spawn(move || {
            writable.write(1).map(|_| ())?;
            writable.write(2).map(|_| ())?;
            writable.end();
            Ok::<_, Error>(())
        });
        assert_eq!(whole(read_all(readable)), [1, 2]);
        assert!(writer.join().is_ok_and(|result| result.is_ok()));
    });
}

/// I13, I14: one writer that waits for drain between its chunks.
#[test]
fn drain_beside_read() {
    check("drain beside read", || {
        let (writable, readable) = items(1);
        let writer = thread::spawn(move || {
            block_on(async {
                for x in 1..3 {
                    if writable.write(x)?.is_full() {
                        writable.drain().await?;
                    }
                }
                writable.end();
                Ok::<_, Error>(())
            })
        });
        assert_eq!(whole(read_all(readable)), [1, 2]);
        assert!(writer.join().is_ok_and(|result| result.is_ok()));
    });
}

/// I64, F17, I42: a send is taken, or gives its chunk back; there is no third.
#[test]
fn send_beside_drop_of_the_reader() {
    check("send beside drop of the reader", || {
        let (writable, readable) = items(1);
        let writer = thread::spawn(move || {
            let first = block_on(writable.send(1));
            let second = block_on(writable.send(2));
            (first.map_err(|error| error.into_chunk()), second.map_err(|error| error.into_chunk()))
        });
        drop(readable);
        let Ok((first, second)) = writer.join() else { panic!("the writer panicked") };
        assert!(matches!(first, Ok(()) | Err(1)));
        assert_eq!(second, Err(2), "there is room for one, and nobody reads");
    });
}

/// B18: two writers and room for one.
#[test]
fn two_senders_beside_read() {
    check("two senders beside read", || {
        let (one, readable) = items(1);
        let two = one.clone();
        let first = thread::spawn(move || {
            assert!(block_on(one.send(1)).is_ok());
            one.done();
        });
        let second = thread::spawn(move || {
            assert!(block_on(two.send(2)).is_ok());
            two.done();
        });
        let mut read = whole(read_all(readable));
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
        assert!(first.join().is_ok() && second.join().is_ok());
    });
}

/// I41, F1: a permit that is dropped makes way for the next in line.
#[test]
fn dropped_permit_beside_send() {
    check("dropped permit beside send", || {
        let (one, mut readable) = items(1);
        let two = one.clone();
        let gives_up = thread::spawn(move || drop(block_on(one.reserve())));
        let sends = thread::spawn(move || {
            assert!(block_on(two.send(2)).is_ok());
            two.end();
        });
        assert!(matches!(block_on(readable.next()), Some(Ok(2))));
        assert!(gives_up.join().is_ok() && sends.join().is_ok());
    });
}

/// I44: a turn that was given and is never taken up passes on.
#[test]
fn forgotten_turn_beside_read() {
    check("forgotten turn beside read", || {
        let (one, mut readable) = items(1);
        assert!(one.write(0).is_ok());
        let two = one.clone();
        let waits = thread::spawn(move || {
            let mut forgotten = Box::pin(one.send(1));
            let polled = forgotten.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(block_on(two.send(2)).is_ok());
            let taken = polled.is_ready();
            drop(forgotten);
            taken
        });
        while !matches!(block_on(readable.next()), Some(Ok(2))) {}
        assert!(waits.join().is_ok());
    });
}

/// oneshot's bug: a reader that has polled, and is dropped while somebody writes.
/// Shows I65.
#[test]
fn polled_and_dropped_reader_beside_write() {
    check("polled and dropped reader beside write", || {
        let (writable, mut readable) = items(2);
        let writer = thread::spawn(move || {
            let written = writable.write(1).is_ok();
            drop(writable);
            written
        });
        let polled = pin!(readable.next()).poll(&mut Context::from_waker(Waker::noop()));
        drop(polled);
        drop(readable);
        assert!(writer.join().is_ok());
    });
}

/// I31, I39, I66: the waker is replaced while it is being woken.
#[test]
fn swapped_waker_beside_write() {
    check("swapped waker beside write", || {
        let (writable, mut readable) = items(2);
        let writer = thread::spawn(move || writable.write(1).is_ok());
        let polled = pin!(readable.next()).poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            assert!(matches!(block_on(readable.next()), Some(Ok(1))));
        }
        assert!(writer.join().is_ok_and(|written| written));
    });
}

/// I67: of an end and a destroy, one counts, and everybody sees the same.
#[test]
fn end_beside_destroy_beside_read() {
    check("end beside destroy beside read", || {
        let (writable, readable) = items(2);
        let control = readable.control();
        let watcher = writable.control();
        let ends = thread::spawn(move || writable.end());
        let destroys = thread::spawn(move || control.destroy(Error::msg("destroyed")));
        let (chunks, error) = read_all(readable);
        assert!(chunks.is_empty() && ends.join().is_ok() && destroys.join().is_ok());
        let outcome = block_on(watcher.finished());
        assert_eq!(outcome.is_err(), error.is_some());
    });
}

/// B15: a pause and a resume while somebody writes lose nothing.
#[test]
fn pause_beside_write() {
    check("pause beside write", || {
        let (writable, readable) = items(2);
        let control = readable.control();
        let pauses = thread::spawn(move || {
            control.pause();
            control.resume();
        });
        let writer = thread::spawn(move || {
            assert!(writable.write(1).is_ok());
            writable.end();
        });
        assert_eq!(whole(read_all(readable)), [1]);
        assert!(pauses.join().is_ok() && writer.join().is_ok());
    });
}

/// B6: what a cork held arrives when it is gone.
#[test]
fn cork_beside_read() {
    check("cork beside read", || {
        let (writable, readable) = items(2);
        let writer = thread::spawn(move || {
            let cork = writable.cork();
            assert!(writable.write(1).is_ok());
            drop(cork);
            writable.done();
        });
        assert_eq!(whole(read_all(readable)), [1]);
        assert!(writer.join().is_ok());
    });
}

/// B6: and when a writer behind the cork waits for room.
#[test]
fn waiter_behind_a_cork_beside_read() {
    check("waiter behind a cork beside read", || {
        let (writable, mut readable) = items(1);
        let writer = thread::spawn(move || {
            let cork = writable.cork();
            assert!(writable.write(1).is_ok());
            assert!(block_on(writable.drain()).is_ok());
            drop(cork);
        });
        assert!(matches!(block_on(readable.next()), Some(Ok(1))));
        assert!(writer.join().is_ok());
    });
}

/// D4: who waits for a budget is woken by room in another buffer.
#[test]
fn budget_beside_another_reader() {
    check("budget beside another reader", || {
        let budget = Budget::new(1);
        let mark = HighWaterMark::items(4).with_low(0).with_budget(&budget);
        let (one, mut first) = pass_through(mark.clone());
        let (two, mut second) = pass_through(mark);
        assert!(one.write(1).is_ok() && two.write(2).is_ok());
        let sends = thread::spawn(move || assert!(block_on(two.send(3)).is_ok()));
        let reads = thread::spawn(move || assert!(matches!(block_on(first.next()), Some(Ok(1)))));
        assert!(matches!(block_on(second.next()), Some(Ok(2))));
        assert!(sends.join().is_ok() && reads.join().is_ok());
        assert!(matches!(block_on(second.next()), Some(Ok(3))));
        assert_eq!(budget.used(), 0);
    });
}

/// D4: room in another buffer is all that it waits for, and comes while it lies down to wait.
#[test]
fn budget_beside_a_waiter() {
    check("budget beside a waiter", || {
        let budget = Budget::new(2);
        let mark = HighWaterMark::items(4).with_low(1).with_budget(&budget);
        let (one, mut first) = pass_through(mark.clone());
        let (two, second) = pass_through(mark);
        assert!(one.write(1).is_ok() && two.write(2).is_ok());
        let sends = thread::spawn(move || assert!(block_on(two.send(3)).is_ok()));
        assert!(matches!(block_on(first.next()), Some(Ok(1))));
        assert!(sends.join().is_ok());
        drop(second);
        assert_eq!(budget.used(), 0);
    });
}

/// I26, I42: finish resolves, whatever becomes of the reader.
#[test]
fn finish_beside_drop_of_the_reader() {
    check("finish beside drop of the reader", || {
        let (writable, mut readable) = items(2);
        let finishes = thread::spawn(move || block_on(writable.finish()));
        let end = block_on(poll_fn(|cx| match pin!(readable.next()).poll(cx) {
            Poll::Ready(end) => Poll::Ready(Some(end.is_none())),
            Poll::Pending => Poll::Ready(None),
        }));
        drop(readable);
        let Ok(finished) = finishes.join() else { panic!("the writer panicked") };
        assert_eq!(finished.is_ok(), end == Some(true));
    });
}

/// I45, I67: so it does beside an abort.
#[test]
fn finish_beside_abort() {
    check("finish beside abort", || {
        let (writable, readable) = items(2);
        let control = readable.control();
        let finishes = thread::spawn(move || block_on(writable.finish()));
        let aborts = thread::spawn(move || control.destroy(Error::aborted()));
        let (_, error) = read_all(readable);
        let Ok(finished) = finishes.join() else { panic!("the writer panicked") };
        assert_eq!(finished.is_err(), error.is_some());
        assert!(aborts.join().is_ok());
    });
}

/// I30, I65: the last writer goes while the reader reads.
#[test]
fn drop_of_the_last_writer_beside_read() {
    check("drop of the last writer beside read", || {
        let (writable, readable) = items(2);
        let two = writable.clone();
        let first = thread::spawn(move || {
            assert!(writable.write(1).is_ok());
            drop(writable);
        });
        let second = thread::spawn(move || drop(two));
        let (chunks, error) = read_all(readable);
        assert_eq!(chunks, [1]);
        assert!(error.is_some_and(|error| error.is_premature_close()));
        assert!(first.join().is_ok() && second.join().is_ok());
    });
}

/// Two that are through: the last of them ends it.
#[test]
fn two_that_are_done() {
    check("two that are done", || {
        let (one, readable) = items(2);
        let two = one.clone();
        let first = thread::spawn(move || one.done());
        let second = thread::spawn(move || two.done());
        assert!(whole(read_all(readable)).is_empty());
        assert!(first.join().is_ok() && second.join().is_ok());
    });
}

/// B11: a sink that waits for a slot.
#[test]
fn sink_beside_read() {
    check("sink beside read", || {
        let (mut writable, readable) = items(1);
        let writer = thread::spawn(move || {
            block_on(async {
                for x in 1..3 {
                    poll_fn(|cx| futures_sink::Sink::poll_ready(Pin::new(&mut writable), cx))
                        .await?;
                    futures_sink::Sink::start_send(Pin::new(&mut writable), x)?;
                }
                writable.end();
                Ok::<_, Error>(())
            })
        });
        assert_eq!(whole(read_all(readable)), [1, 2]);
        assert!(writer.join().is_ok_and(|result| result.is_ok()));
    });
}

/// All of it at once, by seven threads: too much for every interleaving.
#[cfg(hw_shuttle)]
#[test]
fn a_crowd() {
    check("a crowd", || {
        let (writable, readable) = pass_through(HighWaterMark::items(2).with_low(1));
        let control = readable.control();
        let senders: Vec<_> = (0..5_u32)
            .map(|sender| {
                let mine = writable.clone();
                thread::spawn(move || {
                    for n in 0..2 {
                        if sender % 2 == 0 {
                            drop(block_on(mine.reserve()));
                        }
                        assert!(block_on(mine.send(sender * 10 + n)).is_ok());
                    }
                    mine.done();
                })
            })
            .collect();
        writable.done();
        let pauses = thread::spawn(move || {
            control.pause();
            control.resume();
        });
        let read = whole(read_all(readable));
        for sender in 0..5 {
            let of = |x: &&u32| **x / 10 == sender;
            assert!(read.iter().filter(of).eq(&[sender * 10, sender * 10 + 1]), "{read:?}");
        }
        assert!(senders.into_iter().all(|sender| sender.join().is_ok()) && pauses.join().is_ok());
    });
}

/// I1, I64: what one task hands to two branches arrives whole in the one that is read, while the other is dropped; the task
/// waits for neither for ever.
#[test]
fn tee_beside_a_branch_that_goes() {
    check("tee beside a branch that goes", || {
        let ((one, stays), (two, goes)) = (items(1), items(1));
        let tee = thread::spawn(move || {
            block_on(async {
                let mut left = 0;
                for x in 1..3 {
                    assert!(one.send(x).await.is_ok(), "this branch is read to its end");
                    left += u32::from(two.send(x).await.is_err());
                }
                one.end();
                two.end();
                left
            })
        });
        let reader = thread::spawn(move || whole(read_all(stays)));
        drop(goes);
        assert!(tee.join().is_ok_and(|left| (1..=2).contains(&left)), "there is room for one");
        assert!(reader.join().is_ok_and(|read| read == [1, 2]));
    });
}
