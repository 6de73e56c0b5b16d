//! How operators end: at once, for good, and without touching a source that they are through with.

use std::pin::pin;
use std::task::Poll;

use futures::Stream;
use highwater_core::{Error, Readable, Result};

use crate::support::{
    Event, Log, Script, Step, chunks_of, given, now, poll_once, run_woken, script,
};

type Item = Result<u32>;

/// Every operator behind a script, boxed to one type.
fn every_operator(log: &Log, steps: &[Step]) -> Vec<(&'static str, Readable<BoxSource>)> {
    let source = || script(log, steps);
    vec![
        ("map", source().map(|x| x).boxed()),
        ("try_map", source().try_map(Ok).boxed()),
        ("filter", source().filter(|_| true).boxed()),
        ("filter_map", source().filter_map(Some).boxed()),
        ("flat_map", source().flat_map(Some).boxed()),
        ("inspect", source().inspect(|_| ()).boxed()),
        ("take", source().take(9).boxed()),
        ("skip", source().skip(0).boxed()),
        ("take_while", source().take_while(|_| true).boxed()),
        ("skip_while", source().skip_while(|_| false).boxed()),
        ("scan", source().scan((), |(), x| Some(x)).boxed()),
        ("enumerate", source().enumerate().map(|(_, x)| x).boxed()),
        ("chunks", source().chunks(1).flat_map(|group| group).boxed()),
        ("then", source().then(|x| async move { Ok(x) }).boxed()),
        ("chain", source().chain(Readable::empty()).boxed()),
        ("zip", source().zip(Readable::from_iter(0..)).map(|(x, _)| x).boxed()),
        ("take_until", source().take_until(std::future::pending::<()>()).boxed()),
        ("from_results", Readable::from_results(Script::new(log, steps.iter().copied())).boxed()),
    ]
}

type BoxSource = std::pin::Pin<Box<dyn Stream<Item = Item> + Send>>;

/// I38, N94: after the end, and after an error, 10 polls give `None` and none of them reaches the source.
/// Shows F7, I11, I17.
#[test]
fn the_end_is_final() {
    for (end, items) in [(None, 2), (Some(Step::Error), 3)] {
        let log = Log::default();
        let mut steps = chunks_of([1, 2]);
        steps.extend(end);
        for (name, mut readable) in every_operator(&log, &steps) {
            let dropped = log.count(Event::SourceDropped);
            for number in 0..items {
                let item = now(&mut readable).expect("it has not ended");
                assert_eq!(item.is_err(), number == 2, "{name}");
            }
            for _ in 0..10 {
                assert!(now(&mut readable).is_none(), "{name}");
            }
            assert_eq!(log.count(Event::PollAfterEnd), 0, "{name}");
            assert_eq!(log.count(Event::SourceDropped), dropped + 1, "{name} keeps its source");
        }
    }
}

/// The same for a failure of the operator's own: the source is dropped with it, and not asked again.
/// Shows F7, I38.
#[test]
fn an_operators_own_error_is_final() {
    let log = Log::default();
    let steps = chunks_of([1, 2, 3]);
    let fails = |x: u32| if x == 2 { Err(Error::msg("bad")) } else { Ok(x) };
    let push = move |(): &mut (), x: u32, out: &mut highwater_core::stage::Out<u32>| {
        out.push(fails(x)?);
        Ok(())
    };
    let readables = [
        script(&log, &steps).try_map(fails).boxed(),
        script(&log, &steps).then(move |x| async move { fails(x) }).boxed(),
        script(&log, &steps).transform((), push).boxed(),
    ];
    for (number, mut readable) in readables.into_iter().enumerate() {
        assert!(now(&mut readable).unwrap().is_ok() && now(&mut readable).unwrap().is_err());
        assert_eq!(log.count(Event::SourceDropped), number + 1);
        for _ in 0..10 {
            assert!(now(&mut readable).is_none());
        }
        assert_eq!(log.count(Event::Poll), 2 * (number + 1));
    }
}

/// N158: take(n) completes on the n-th item: the source is dropped with it and not polled again, though it is open.
/// Shows I16.
#[test]
fn take_drops_the_source_with_its_last_item() {
    let log = Log::default();
    let mut readable = script(&log, &[Step::Chunk(1), Step::Chunk(2), Step::Forever]).take(2);
    assert!(now(&mut readable).is_some());
    assert_eq!(log.count(Event::SourceDropped), 0);
    assert!(now(&mut readable).is_some());
    assert_eq!((log.count(Event::Poll), log.count(Event::SourceDropped)), (2, 1));
    assert!(now(&mut readable).is_none());
    assert_eq!(log.count(Event::Poll), 2);
}

/// N158: take(0) is empty, and never asks.
#[test]
fn take_of_none_never_polls_the_source() {
    let log = Log::default();
    assert!(now(&mut script(&log, &[Step::Panic]).take(0)).is_none());
    assert_eq!(log.events(), [Event::SourceDropped]);
}

/// N160, N134: those that decide to stop drop an open source at once.
#[test]
fn those_that_stop_drop_an_open_source() {
    let steps = [Step::Chunk(1), Step::Chunk(2), Step::Forever];
    let log = Log::default();
    assert_eq!(given(script(&log, &steps).take_while(|x| *x < 2)), [1]);
    assert_eq!(given(script(&log, &steps).scan((), |(), x| Some(x).filter(|x| *x < 2))), [1]);
    assert_eq!(given(script(&log, &steps).zip(Readable::once(9))), [(1, 9)]);
    assert_eq!(given(Readable::once(9).zip(script(&log, &steps))), [(9, 1)]);
    assert_eq!(log.count(Event::SourceDropped), 4);
}

/// The future of `take_until` ends an idle source, which is dropped before the end is given.
#[test]
fn take_until_drops_an_idle_source() {
    let log = Log::default();
    let (stop, stopped) = futures::channel::oneshot::channel::<()>();
    let mut readable = script(&log, &[Step::Chunk(1), Step::Forever]).take_until(stopped);
    assert_eq!(now(&mut readable).unwrap().unwrap(), 1);
    assert!(poll_once(pin!(readable.next())).is_pending());
    stop.send(()).unwrap();
    assert!(matches!(poll_once(pin!(readable.next())), Poll::Ready(None)));
    assert_eq!(log.count(Event::SourceDropped), 1);
    assert!(now(&mut readable).is_none());
}

/// N58: nothing is read before somebody asks, and chain asks its second source only behind the end of its first.
#[test]
fn nothing_is_read_before_it_is_asked_for() {
    let (first, second) = (Log::default(), Log::default());
    let mut both = script(&first, &chunks_of([1])).chain(script(&second, &chunks_of([2])));
    assert_eq!((first.count(Event::Poll), second.count(Event::Poll)), (0, 0));
    assert_eq!(now(&mut both).unwrap().unwrap(), 1);
    assert_eq!((first.count(Event::Poll), second.count(Event::Poll)), (1, 0));
    assert_eq!(now(&mut both).unwrap().unwrap(), 2);
    assert_eq!((first.count(Event::SourceDropped), second.count(Event::Poll)), (1, 1));
}

/// N90: dropping a readable drops its source.
#[test]
fn a_dropped_readable_drops_its_source() {
    let log = Log::default();
    for (name, readable) in every_operator(&log, &chunks_of([1])) {
        let before = log.count(Event::SourceDropped);
        drop(readable);
        assert_eq!(log.count(Event::SourceDropped), before + 1, "{name}");
    }
}

/// What `until_error` hides is told once, behind the chunks before it, and the source is dropped before that.
#[test]
fn until_error_tells_it_once_and_drops_the_source() {
    let log = Log::default();
    let mut steps = chunks_of([1, 2]);
    steps.push(Step::Error);
    let mut told = 0;
    let dropped = log.clone();
    let readable = script(&log, &steps).until_error(|error| {
        assert_eq!(dropped.count(Event::SourceDropped), 1, "{error}");
        told += 1;
    });
    assert_eq!(given(readable), [1, 2]);
    assert_eq!(told, 1);
    let clean = script(&Log::default(), &chunks_of([3]));
    assert_eq!(given(clean.until_error(|error| panic!("{error}"))), [3]);
}

/// Inner readables are read one after the other, each only when the one before it has ended.
#[test]
fn flatten_reads_one_readable_after_the_other() {
    let log = Log::default();
    let make = |n: u32| script(&log, &chunks_of(0..n));
    let all = Readable::from_iter([2, 0, 3]).map(make).flatten();
    let all = run_woken(all.to_vec()).unwrap().output.unwrap();
    assert_eq!(all, [0, 1, 0, 1, 2]);
    assert_eq!(log.count(Event::SourceDropped), 3);
    // An error ends both; a readable that has failed before is no empty one.
    let log = Log::default();
    let inner = script(&log, &[Step::Chunk(7), Step::Error]);
    let both = [inner, script(&log, &[Step::Chunk(8)])];
    let mut flat = Readable::from_iter(both).flatten();
    let read = async {
        assert_eq!(flat.next().await.unwrap().unwrap(), 7);
        assert!(flat.next().await.unwrap().is_err());
        assert!(flat.next().await.is_none());
    };
    run_woken(read).unwrap();
    assert_eq!(log.count(Event::SourceDropped), 2);
    let mut failed = Readable::from_iter([1]).try_map(|_| Err::<u32, _>(Error::msg("bad")));
    assert!(run_woken(failed.next()).unwrap().output.unwrap().is_err());
    let again = run_woken(Readable::once(failed).flatten().to_vec()).unwrap().output;
    assert!(again.unwrap_err().is_premature_close());
}
