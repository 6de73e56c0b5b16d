//! Errors travel in order: behind the chunks before them, held ones included, with the place where they happened.

use highwater_core::stage::StageInfo;
use highwater_core::{Error, Readable, destination_fn};
use proptest::prelude::*;

use crate::support::{
    Behaviour, Blame, Event, Log, Op, Point, Recorder, Script, Step, Trouble, When, chunks_of,
    drain, quiet, run_woken, script, scripts, values,
};

/// "bad" for this chunk.
fn refuse(bad: u32) -> impl FnMut(u32) -> highwater_core::Result<u32> {
    move |x| if x == bad { Err(Error::msg("bad")) } else { Ok(x) }
}

fn failing(mut steps: Vec<Step>) -> Vec<Step> {
    steps.push(Step::Error);
    steps
}

proptest! {
    /// N157, I49: all chunks before the error are given, a part of a group as well, in order; then the error.
    #[test]
    fn held_chunks_come_before_an_error(steps in scripts().prop_map(failing), n in 1..6_usize) {
        let all: Vec<_> = values(&steps).collect();
        let (groups, error) = drain(quiet(&steps).chunks(n));
        let expected: Vec<_> = all.chunks(n).map(<[u32]>::to_vec).collect();
        prop_assert_eq!(groups, expected);
        prop_assert_eq!(error.and_then(|error| error.stage()), Some("script"));
    }

    /// The same through several stages that hold, in one pipeline.
    #[test]
    fn held_chunks_pass_every_stage_behind(steps in scripts().prop_map(failing)) {
        let log = Log::default();
        let source = script(&log, &steps).chunks(3).chunks(2);
        let flat = source.flat_map(|groups| groups.into_iter().flatten());
        let result = run_woken(flat.pipe_to(Recorder::new(&log)).run()).unwrap().output;
        prop_assert_eq!(result.unwrap_err().stage(), Some("script"));
        prop_assert_eq!(log.written(), values(&steps).collect::<Vec<_>>());
    }
}

/// I50: an error of the source is attributed to the source, whatever stands behind it.
#[test]
fn a_source_error_names_the_source() {
    let steps = [Step::Chunk(1), Step::Error];
    let named = |error: Option<Error>| Blame::of(&error.unwrap());
    let expected = Blame { text: "source failed".to_owned(), stage: Some("script"), chunk: None };
    assert_eq!(named(drain(quiet(&steps)).1), expected);
    assert_eq!(named(drain(quiet(&steps).map(|x| x).chunks(3)).1), expected);
    assert_eq!(named(drain(quiet(&steps).then(|x| async move { Ok(x) })).1), expected);
    assert_eq!(named(drain(quiet(&steps).boxed()).1), expected);
    assert_eq!(named(drain(quiet(&steps).map(|x| x).by_ref()).1), expected);
    let to = destination_fn(|_| async { Ok(()) });
    let result = run_woken(quiet(&steps).skip(1).pipe_to(to).run()).unwrap().output;
    assert_eq!(named(result.err()), expected);
}

/// I50: an error of the second source of a chain or a zip is attributed to that source.
#[test]
fn an_error_of_a_second_source_names_that_source() {
    let second = || {
        let source = Script::new(&Log::default(), [Step::Error]);
        Readable::from_source(StageInfo::new("second"), source)
    };
    let chain = drain(Readable::once(1).chain(second())).1.unwrap();
    assert_eq!(chain.stage(), Some("second"), "chain");
    let zip = drain(Readable::once(1).zip(second())).1.unwrap();
    assert_eq!(zip.stage(), Some("second"), "zip");
}

/// I50: an error of a stage names the stage and its chunk, counted in the stage's own input, from 0.
#[test]
fn a_stage_error_names_the_stage_and_its_chunk() {
    let steps = chunks_of(0..20);
    let blame = |error: Option<Error>| {
        let error = error.unwrap();
        (error.stage().unwrap(), error.chunk())
    };
    assert_eq!(blame(drain(quiet(&steps).try_map(refuse(0))).1), ("try_map", Some(0)));
    assert_eq!(blame(drain(quiet(&steps).try_map(refuse(7))).1), ("try_map", Some(7)));
    let behind = quiet(&steps).filter(|x| x % 2 == 0).try_map(refuse(8)).chunks(3);
    assert_eq!(blame(drain(behind).1), ("try_map", Some(4)));
    let mut check = refuse(3);
    let then = quiet(&steps).skip(1).then(move |x| std::future::ready(check(x)));
    assert_eq!(blame(drain(then).1), ("then", Some(2)));
    let mut check = refuse(5);
    let push = quiet(&steps).transform((), move |(), x, out| {
        out.push(check(x)?);
        Ok(())
    });
    assert_eq!(blame(drain(push).1), ("transform", Some(5)));
}

/// I50: the position that a machine itself gives stays, and its name as well.
#[test]
fn a_position_said_by_the_stage_stays() {
    let readable = quiet(&chunks_of([1])).try_map(|_| {
        Err::<u32, _>(Error::corrupt("bad").in_stage("decoder").at_offset(17).at_line(3))
    });
    let error = drain(readable.chunks(2)).1.unwrap();
    assert!(error.is_corrupt());
    let place = (error.stage(), error.offset(), error.line(), error.chunk());
    assert_eq!(place, (Some("decoder"), Some(17), Some(3), None));
    assert_eq!(error.to_string(), "bad (in decoder, line 3, byte 17)");
}

/// I50: an error of the destination names it, and the chunk it was given; the name of the pipeline is added.
#[test]
fn a_destination_error_names_the_destination_and_its_chunk() {
    let run = |when| {
        let log = Log::default();
        let recorder = Recorder::new(&log).with_trouble(when, Trouble::Error);
        let pipeline = quiet(&chunks_of([4, 5, 6])).pipe_to(recorder).with_name("numbers");
        run_woken(pipeline.run()).unwrap().output.unwrap_err()
    };
    let error = run(When::Call(2));
    assert_eq!((error.stage(), error.chunk()), (Some("Recorder"), Some(1)));
    assert_eq!(error.pipeline(), Some("numbers"));
    let text = "destination failed at Write (in Recorder, chunk 1, pipeline numbers)";
    assert_eq!(error.to_string(), text);
    for op in [Op::Open, Op::Finish] {
        let error = run(When::Every(op));
        assert_eq!((error.stage(), error.chunk()), (Some("Recorder"), None));
    }
}

/// N125, I25, F21, I50: the first real error is reported; what came later, on its way out, is kept.
#[test]
fn the_first_error_wins_and_later_ones_are_kept() {
    let late =
        Behaviour { holds: 5, trouble: Some((Point::Release, Trouble::Error)), ..Behaviour::PLAIN };
    let log = Log::default();
    let recorder = Recorder::new(&log)
        .with_trouble(When::Every(Op::Flush), Trouble::Error)
        .with_trouble(When::Every(Op::Abort), Trouble::Error);
    let source = script(&log, &[Step::Chunk(1), Step::Error]).pipe(late.machine("late"));
    let error = run_woken(source.pipe_to(recorder).run()).unwrap().output.unwrap_err();
    assert_eq!(Blame::of(&error).text, "source failed");
    let later: Vec<_> = error.suppressed().iter().map(|e| (Blame::of(e).text, e.stage())).collect();
    let expected = [
        ("late failed at Release".to_owned(), Some("late")),
        ("destination failed at Flush".to_owned(), Some("Recorder")),
        ("destination failed at Abort".to_owned(), Some("Recorder")),
    ];
    assert_eq!(later, expected);
    assert_eq!(log.calls(), "open, flush, abort");
}

/// N125, I25: a premature close gives way to the real error that caused it, and is kept beside it.
#[test]
fn a_premature_close_gives_way_to_a_real_error() {
    let readable =
        Readable::from_results(futures::stream::iter([Ok(1), Err(Error::premature_close())]));
    let fails = Behaviour { trouble: Some((Point::Release, Trouble::Error)), ..Behaviour::PLAIN };
    let error = drain(readable.pipe(fails.machine("real"))).1.unwrap();
    assert_eq!(error.stage(), Some("real"));
    assert!(error.suppressed()[0].is_premature_close());
}

/// I2: behind an error there is nothing, also for a consumer that goes on asking. The source is not asked.
#[test]
fn nothing_behind_an_error() {
    let log = Log::default();
    let mut steps = failing(chunks_of([1, 2]));
    steps.extend(chunks_of([3]));
    let (given, error) = drain(script(&log, &steps).chunks(5).map(|group| group.len()));
    assert_eq!((given, error.is_some()), (vec![2], true));
    assert_eq!((log.count(Event::Poll), log.count(Event::PollAfterEnd)), (3, 0));
}

/// N102: an end is not told to a machine whose input failed: half a group at the end is given by `release` alone.
#[test]
fn no_end_behind_an_error() {
    let fails = Behaviour { trouble: Some((Point::End, Trouble::Error)), ..Behaviour::PLAIN };
    let (given, error) = drain(quiet(&[Step::Chunk(1), Step::Error]).pipe(fails.machine("end")));
    assert_eq!((given, Blame::of(&error.unwrap()).text), (vec![1], "source failed".to_owned()));
}
