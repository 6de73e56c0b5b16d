//! What a machine holds for the sake of later chunks goes out when the source has nothing at hand, if it says so.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use highwater_core::operators::Chain;
use highwater_core::stage::Coop;
use highwater_core::{Error, Readable, Result, Source, Transform};
use highwater_test::{Cue, Log, Script};

use crate::support::{drain, now};

/// Gathers ten numbers; fewer when it is released.
#[derive(Debug, Default)]
struct ChunkWriter {
    held: Vec<u32>,
    ready: bool,
    when_idle: bool,
    fails: bool,
}

impl ChunkWriter {
    fn when_idle() -> Self {
        Self { when_idle: true, ..Self::default() }
    }
}

impl Transform for ChunkWriter {
    type Input = u32;
    type Output = Vec<u32>;

    fn write(&mut self, number: u32) -> Result<Option<Vec<u32>>> {
        self.held.push(number);
        self.ready = self.held.len() == 10;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Vec<u32>>> {
        let gives = std::mem::take(&mut self.ready) && !self.held.is_empty();
        Ok(gives.then(|| std::mem::take(&mut self.held)))
    }

    fn end(&mut self) -> Result<()> {
        self.release()
    }

    fn release(&mut self) -> Result<()> {
        self.ready = true;
        if self.fails { Err(Error::msg("it cannot be released")) } else { Ok(()) }
    }

    /// Also when it holds nothing: the driver must cope with that.
    fn flush_when_idle(&self) -> bool {
        self.when_idle
    }
}

const CUES: [Cue<u32>; 6] =
    [Cue::Chunk(1), Cue::Chunk(2), Cue::Pending, Cue::Pending, Cue::Chunk(3), Cue::Pending];

#[test]
fn what_is_held_goes_out_when_the_source_is_idle() {
    let (given, error) =
        drain(Script::new(&Log::default(), CUES).readable().pipe(ChunkWriter::when_idle()));
    assert_eq!(given, [vec![1, 2], vec![3]]);
    assert!(error.is_none());
}

#[test]
fn it_waits_unless_the_machine_says_so() {
    let (given, _) =
        drain(Script::new(&Log::default(), CUES).readable().pipe(ChunkWriter::default()));
    assert_eq!(given, [[1, 2, 3]]);
}

/// Nobody has to wake the task for what is held.
#[test]
fn it_comes_before_the_wait() {
    let cues = [Cue::Chunk(1), Cue::Forever];
    let mut readable = Script::new(&Log::default(), cues).readable().pipe(ChunkWriter::when_idle());
    assert_eq!(now(&mut readable).unwrap().unwrap(), [1]);
}

#[test]
fn an_error_of_the_release_ends_the_stream() {
    let machine = ChunkWriter { fails: true, ..ChunkWriter::when_idle() };
    let (given, error) = drain(Script::new(&Log::default(), CUES).readable().pipe(machine));
    assert!(given.is_empty());
    assert_eq!(error.unwrap().to_string(), "it cannot be released (in ChunkWriter, chunk 1)");
}

/// Behind a pointer and in a chain it is the same.
#[test]
fn wrappers_pass_the_wish_on() {
    let boxed: highwater_core::BoxTransform<u32, Vec<u32>> = Box::new(ChunkWriter::when_idle());
    let (given, _) = drain(Script::new(&Log::default(), CUES).readable().pipe(boxed));
    assert_eq!(given, [vec![1, 2], vec![3]]);
    let same = || highwater_core::operators::Map::new(|x| x);
    let (given, _) = drain(
        Script::new(&Log::default(), CUES)
            .readable()
            .pipe(Chain::new(same(), ChunkWriter::when_idle())),
    );
    assert_eq!(given, [vec![1, 2], vec![3]]);
}

/// Always has a number, and gives way to other tasks.
#[derive(Default)]
struct Busy {
    coop: Coop,
    given: u32,
    gave_way: u32,
}

impl Stream for Busy {
    type Item = Result<u32>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<u32>>> {
        if self.given == 100_000 {
            assert!(self.gave_way > 0, "it was to be tried");
            return Poll::Ready(None);
        }
        let ready = self.coop.poll_ready(cx);
        self.gave_way += u32::from(ready.is_pending());
        ready!(ready);
        // Each is a unit of the budget, so that it is not always the pipe that finds nothing left of it.
        self.coop.spend(32);
        self.given += 1;
        Poll::Ready(Some(Ok(self.given)))
    }
}

impl Source for Busy {
    type Chunk = u32;
}

/// A pause for the sake of other tasks is not an idle source.
#[tokio::test]
async fn giving_way_is_not_being_idle() {
    let source = Readable::from_results(Busy::default());
    let groups = source.pipe(ChunkWriter::when_idle()).to_vec().await.unwrap();
    assert!(groups.iter().all(|group| group.len() == 10), "all of them are whole");
}
