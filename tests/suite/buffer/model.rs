//! Random sequences of everything that can be done to a buffer, step by step beside the [`Reference`].
//!
//! What waits is polled again only when it was woken, or to see that a poll without a reason changes nothing. After each
//! step, whatever would be ready must have been woken (I31), what writers and the reader see is as in the reference (I7,
//! I8, B1, B2), and at the end each chunk was dropped exactly once (I3).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures::Stream;
use highwater_core::{
    Buffered, Control, Error, HighWaterMark, Readable, Writable, WriteError, pass_through,
};

use super::reference::{How, Life, Reference, Trouble, Wait};

/// Sequences in an ordinary run; `HIGHWATER_SEQUENCES` asks for another number.
const SEQUENCES: u64 = 200_000;

/// Shows F14, I1, I3, I7, I8, I21, I23, I24, I31, I33.
#[test]
fn a_buffer_does_what_its_reference_does() {
    let sequences = number("HIGHWATER_SEQUENCES").unwrap_or(SEQUENCES);
    let first = number("HIGHWATER_SEED").unwrap_or(0);
    let mut fired = BTreeMap::from(ALL.map(|name| (name, 0)));
    for seed in first..first + sequences {
        let sound = catch_unwind(AssertUnwindSafe(|| World::new(seed, false).run(&mut fired)));
        if sound.is_err() {
            // Once more, to say what led to it.
            World::new(seed, true).run(&mut fired);
        }
    }
    println!("{sequences} sequences from seed {first}:");
    for (name, times) in &fired {
        println!("{times:12} {name}");
    }
    let never: Vec<_> = fired.iter().filter(|(_, times)| **times == 0).collect();
    assert!(never.is_empty() || sequences < 1000, "never happened: {never:?}");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// What must happen somewhere.
const ALL: [&str; 43] = [
    "chunk delivered",
    "cork: begun",
    "cork: ended",
    "destroy: by control",
    "destroy: by reader",
    "destroy: by writer",
    "done",
    "drain: at once",
    "drain: failed",
    "drain: waited, woken",
    "end",
    "fail",
    "finished: failed",
    "finished: well",
    "future dropped while it waits",
    "next: destroyed",
    "next: end",
    "next: failure in order",
    "next: nothing",
    "pause",
    "permit: dropped",
    "permit: granted at once",
    "permit: granted later",
    "permit: refused",
    "permit: used",
    "poll without a reason",
    "read: chunk",
    "read: nothing",
    "readable: end",
    "readable: failure",
    "readable: nothing",
    "readable: there is",
    "reader dropped",
    "resume",
    "send: at once",
    "send: refused",
    "send: waited, woken",
    "try_write: refused",
    "try_write: taken",
    "unshift: taken",
    "unshift: too late",
    "waker swapped",
    "writer dropped",
];

struct Chunk {
    id: u32,
    weight: usize,
    fates: Arc<Mutex<Vec<u8>>>,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.fates.lock().unwrap()[self.id as usize] += 1;
    }
}

/// Random numbers that fit into a few lines (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

#[derive(Default)]
struct Flag {
    up: AtomicBool,
    /// The step at which it went up.
    at: AtomicU64,
    clock: Arc<AtomicU64>,
}

impl Flag {
    fn of(clock: &Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), ..Self::default() })
    }

    fn is_up(&self) -> bool {
        self.up.load(SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        if !self.up.swap(true, SeqCst) {
            self.at.store(self.clock.load(SeqCst), SeqCst);
        }
    }
}

/// Why, and the chunk that came back.
type Refused = (Trouble, Option<u32>);

/// Something that waits, or holds on to something.
struct Task {
    who: usize,
    kind: Kind,
    future: Pin<Box<dyn Future<Output = Result<(), Refused>>>>,
    flag: Arc<Flag>,
    /// The step at which it was polled last.
    polled: u64,
    /// The step since which it may have had a turn, when it is polled.
    woken: u64,
}

#[derive(Clone)]
enum Kind {
    Send(u32, usize),
    /// A permit that is waited for, or held, the chunk to come, and the weight that is reserved.
    Reserve(Rc<Cell<bool>>, u32, usize, usize),
    Drain,
    Outcome,
    Cork,
}

struct World {
    seed: u64,
    random: Random,
    model: Reference,
    fates: Arc<Mutex<Vec<u8>>>,
    weights: Vec<usize>,
    writers: Vec<Rc<Writable<Chunk>>>,
    /// Every handle there was: those that tasks hold live on.
    handles: Vec<Weak<Writable<Chunk>>>,
    reader: Option<Readable<Buffered<Chunk>>>,
    control: Control,
    reader_flag: Arc<Flag>,
    /// What the reader waits for: a chunk even while paused?
    reader_waits: Option<bool>,
    tasks: Vec<Task>,
    next_who: usize,
    /// Whether the steps are written down, which takes longer than doing them.
    traced: bool,
    /// Whether all who write wait for room, so that the mark and a chunk is a bound.
    polite: bool,
    clock: Arc<AtomicU64>,
    trace: Vec<String>,
    fired: BTreeMap<&'static str, u64>,
}

impl World {
    fn new(seed: u64, traced: bool) -> Self {
        let mut random = Random(seed);
        let high = random.one_of(&[0, 1, 2, 3, 16, 16_384, usize::MAX]);
        let low = random.one_of(&[0, high / 2, high]);
        let hard = random.one_of(&[high, high.saturating_add(2), high.saturating_mul(64)]);
        let weights =
            [1, 1, 1, high.saturating_sub(1), high, high.saturating_add(1), hard, usize::MAX];
        let weights: Vec<usize> = match random.below(3) {
            0 => vec![1],
            1 => weights[..6].iter().map(|weight| *weight.max(&1)).collect(),
            _ => weights.iter().map(|weight| *weight.max(&1)).collect(),
        };
        let mark = HighWaterMark::items(high).low(low).hard(hard);
        let (writable, readable) = pass_through(mark.weigh(|chunk: &Chunk| chunk.weight));
        let writable = Rc::new(writable);
        Self {
            seed,
            random,
            handles: vec![Rc::downgrade(&writable)],
            model: Reference::new(high, low, hard),
            fates: Arc::default(),
            weights,
            writers: vec![writable],
            control: readable.control(),
            reader: Some(readable),
            reader_flag: Arc::default(),
            reader_waits: None,
            tasks: Vec::new(),
            next_who: 0,
            traced,
            clock: Arc::default(),
            polite: seed.is_multiple_of(2),
            trace: vec![format!("high {high} low {low} hard {hard}")],
            fired: BTreeMap::new(),
        }
    }

    fn run(mut self, fired: &mut BTreeMap<&'static str, u64>) {
        let steps = match self.random.below(10) {
            0..5 => self.random.below(32),
            5..9 => self.random.below(256),
            _ => self.random.below(1024),
        };
        for _ in 0..steps {
            self.model.gave = false;
            self.clock.fetch_add(1, SeqCst);
            self.step();
            self.check();
        }
        self.tear_down();
        for (name, times) in self.fired {
            *fired.get_mut(name).unwrap_or_else(|| panic!("{name:?} is not in the list")) += times;
        }
    }

    fn step(&mut self) {
        match self.random.below(64) {
            0..9 => self.write(How::Write),
            9..12 => self.write(How::TryWrite),
            12..16 => self.start_send(),
            16..19 => self.start_reserve(),
            19..22 => self.start(Kind::Drain),
            22 => self.start(Kind::Outcome),
            23 => self.start(Kind::Cork),
            24..34 => self.poll_tasks(true),
            34..36 => self.poll_tasks(false),
            36..38 => self.drop_task(),
            38..48 => self.poll_next(),
            48..50 => self.poll_readable(),
            50..53 => self.read(),
            53 => self.unshift(),
            54 => self.pause(true),
            55..57 => self.pause(false),
            57..59 => self.clone_writer(),
            59 => self.drop_writer(),
            60 => self.swap_waker(),
            61..64 => self.rarely(),
            _ => unreachable!("64 choices"),
        }
    }

    /// What ends the sequence, or nearly.
    fn rarely(&mut self) {
        match self.random.below(24) {
            0 => self.end(None),
            1 => self.end(Some(7)),
            2 => self.destroy_by_writer(),
            3 => self.destroy_by_control(),
            4 => self.drop_reader(),
            5 => self.destroy_by_reader(),
            _ => {}
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.fired.entry(what).or_default() += 1;
    }

    fn log(&mut self, text: impl FnOnce() -> String) {
        if self.traced {
            self.trace.push(text());
        }
    }

    #[track_caller]
    fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, real: T, expected: T) {
        assert!(
            real == expected,
            "{what}: {real:?}, expected {expected:?}; seed {}\n{}\n{:?}",
            self.seed,
            self.trace.join("\n"),
            self.model
        );
    }

    fn writer(&mut self) -> Option<Rc<Writable<Chunk>>> {
        if self.writers.is_empty() {
            return None;
        }
        let at = self.random.below(self.writers.len());
        Some(Rc::clone(&self.writers[at]))
    }

    fn chunk(&mut self) -> Chunk {
        let mut fates = self.fates.lock().unwrap();
        let id = u32::try_from(fates.len()).unwrap();
        fates.push(0);
        drop(fates);
        let weight = {
            let weights = self.weights.clone();
            self.random.one_of(&weights)
        };
        Chunk { id, weight, fates: Arc::clone(&self.fates) }
    }

    fn write(&mut self, how: How) {
        let Some(writer) = self.writer() else { return };
        let how = if self.polite { How::TryWrite } else { how };
        let chunk = self.chunk();
        let told = (chunk.id, chunk.weight);
        self.log(|| format!("{how:?} {told:?}"));
        let real = match how {
            How::TryWrite => writer.try_write(chunk).map(|()| None),
            _ => writer.write(chunk).map(|room| Some(room.is_full())),
        };
        let real = real.map_err(refused);
        let full = matches!(&real, Err((Trouble::Overflow, _)));
        let expected = self.model.put(told, how, full).map_err(|trouble| (trouble, Some(told.0)));
        if how == How::TryWrite {
            self.note(if real.is_ok() { "try_write: taken" } else { "try_write: refused" });
            self.same("try_write", real.map(|_| ()), expected.map(|_| ()));
        } else {
            self.same("write", real.map(|full| full == Some(true)), expected);
        }
    }

    fn start_send(&mut self) {
        let Some(writer) = self.writer() else { return };
        let chunk = self.chunk();
        let kind = Kind::Send(chunk.id, chunk.weight);
        let future = async move { writer.send(chunk).await.map_err(refused) };
        self.begin(kind, Box::pin(future));
    }

    fn start_reserve(&mut self) {
        let Some(writer) = self.writer() else { return };
        let chunk = self.chunk();
        let held = Rc::new(Cell::new(false));
        let granted = Rc::clone(&held);
        let weight = if self.random.below(4) == 0 { 1 } else { chunk.weight };
        let kind = Kind::Reserve(held, chunk.id, chunk.weight, weight);
        let future = async move {
            let permit =
                writer.reserve_weight(weight).await.map_err(|error| (trouble(&error), None))?;
            granted.set(true);
            pause_once().await;
            permit.send(chunk).map_err(refused)
        };
        self.begin(kind, Box::pin(future));
    }

    fn start(&mut self, kind: Kind) {
        let Some(writer) = self.writer() else { return };
        let simple = |result: Result<(), Error>| result.map_err(|error| (trouble(&error), None));
        match kind {
            Kind::Drain => self.begin(kind, Box::pin(async move { simple(writer.drain().await) })),
            Kind::Outcome => {
                self.begin(kind, Box::pin(async move { simple(writer.finished().await) }));
            }
            _ => {
                self.note("cork: begun");
                let future = async move {
                    let _cork = writer.cork();
                    std::future::pending().await
                };
                self.begin(Kind::Cork, Box::pin(future));
            }
        }
    }

    fn begin(&mut self, kind: Kind, future: Pin<Box<dyn Future<Output = Result<(), Refused>>>>) {
        if self.tasks.len() > 12 {
            return;
        }
        self.next_who += 1;
        let who = self.next_who;
        let flag = Flag::of(&self.clock);
        self.tasks.push(Task { who, kind, future, flag, polled: 0, woken: 0 });
        self.poll_task(self.tasks.len() - 1, true);
    }

    /// Polls one that was woken, or one that was not.
    fn poll_tasks(&mut self, woken: bool) {
        if self.tasks.is_empty() {
            return;
        }
        let from = self.random.below(self.tasks.len());
        let all = self.tasks.len();
        let found = (0..all).map(|at| (from + at) % all).find(|at| {
            let task = &self.tasks[*at];
            let held = task.kind.holds_permit();
            task.flag.is_up() == woken || (woken && held)
        });
        if let Some(at) = found {
            if !woken {
                self.note("poll without a reason");
            }
            self.poll_task(at, false);
        }
    }

    fn poll_task(&mut self, at: usize, first: bool) {
        let mut task = self.tasks.swap_remove(at);
        task.polled = self.clock.load(SeqCst);
        let woken = task.flag.up.swap(false, SeqCst);
        task.woken = if woken { task.flag.at.load(SeqCst) } else { task.polled };
        let held = task.kind.holds_permit();
        let waker = Waker::from(Arc::clone(&task.flag));
        let real = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        let expected = self.expect_task(&task, first, held, &real);
        let (who, name) = (task.who, task.kind.name());
        self.log(|| format!("poll {name} {who}: {real:?}"));
        self.same(name, real, expected);
        self.note_task(&task.kind, &real, first, held);
        if real.is_pending() {
            self.tasks.push(task);
        } else {
            // Dropping the future drops its handle, which may be the last.
            drop(task);
            self.count_writers(false);
        }
    }

    /// What a poll gives by the reference, which is asked with what was seen.
    fn expect_task(
        &mut self,
        task: &Task,
        first: bool,
        held: bool,
        real: &Poll<Result<(), Refused>>,
    ) -> Poll<Result<(), Refused>> {
        let simple = |trouble| (trouble, None);
        let full = matches!(real, Poll::Ready(Err((Trouble::Overflow, _))));
        match &task.kind {
            Kind::Send(id, weight) => {
                let refused = |trouble| (trouble, Some(*id));
                if first {
                    match self.model.put((*id, *weight), How::Send, real.is_pending()) {
                        Err(Trouble::Overflow) => {}
                        result => {
                            if result.is_ok() {
                                self.nobody_is_overtaken(task);
                            }
                            return Poll::Ready(result.map(|_| ()).map_err(refused));
                        }
                    }
                }
                self.expect_turn(task, *weight, real.is_ready()).map(|turn| {
                    turn.and_then(|()| self.model.put((*id, *weight), How::Turn(task.who), false))
                        .map(|_| ())
                        .map_err(refused)
                })
            }
            Kind::Reserve(_, id, weight, _) if held => {
                let put = self.model.put((*id, *weight), How::Turn(task.who), full);
                Poll::Ready(put.map(|_| ()).map_err(|trouble| (trouble, Some(*id))))
            }
            Kind::Reserve(.., kept) => {
                let granted = task.kind.holds_permit();
                match self.expect_turn(task, *kept, granted) {
                    Poll::Ready(Err(trouble)) => Poll::Ready(Err(simple(trouble))),
                    _ => Poll::Pending,
                }
            }
            Kind::Drain => self.model.wait(task.who, Wait::Drain, true).map_err(simple),
            Kind::Outcome => self.model.wait(task.who, Wait::Outcome, true).map_err(simple),
            Kind::Cork => {
                if first {
                    self.model.corks += 1;
                }
                Poll::Pending
            }
        }
    }

    /// B18: a turn was given to nobody who came later than one who sleeps.
    fn expect_turn(&mut self, task: &Task, weight: usize, seen: bool) -> Poll<Result<(), Trouble>> {
        let open = self.model.life == Life::Open;
        let answer = self.model.wait(task.who, Wait::Turn(weight), seen);
        if answer.is_ready() && open {
            self.nobody_is_overtaken(task);
        }
        answer
    }

    /// Nobody who came before slept already when this one was woken, and sleeps still.
    fn nobody_is_overtaken(&self, task: &Task) {
        let mut others = self.tasks.iter().filter(|other| other.waits_for_turn());
        let overtaken = others
            .find(|other| other.who < task.who && !other.flag.is_up() && other.polled < task.woken);
        self.same("overtaken", overtaken.map(|other| other.who), None);
    }

    fn note_task(
        &mut self,
        kind: &Kind,
        real: &Poll<Result<(), Refused>>,
        first: bool,
        held: bool,
    ) {
        let what = match (kind, real) {
            (Kind::Reserve(..), Poll::Pending) if kind.holds_permit() && first => {
                "permit: granted at once"
            }
            (Kind::Reserve(..), Poll::Pending) if kind.holds_permit() => "permit: granted later",
            (_, Poll::Pending) => return,
            (Kind::Send(..), Poll::Ready(Ok(()))) if first => "send: at once",
            (Kind::Send(..), Poll::Ready(Ok(()))) => "send: waited, woken",
            (Kind::Send(..), Poll::Ready(Err(_))) => "send: refused",
            (Kind::Reserve(..), Poll::Ready(Ok(()))) => "permit: used",
            (Kind::Reserve(..), Poll::Ready(Err(_))) if held => "permit: used",
            (Kind::Reserve(..), Poll::Ready(Err(_))) => "permit: refused",
            (Kind::Drain, Poll::Ready(Ok(()))) if first => "drain: at once",
            (Kind::Drain, Poll::Ready(Ok(()))) => "drain: waited, woken",
            (Kind::Drain, Poll::Ready(Err(_))) => "drain: failed",
            (Kind::Outcome, Poll::Ready(Ok(()))) => "finished: well",
            (Kind::Outcome, Poll::Ready(Err(_))) => "finished: failed",
            (Kind::Cork, Poll::Ready(_)) => return,
        };
        self.note(what);
    }

    fn drop_task(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let at = self.random.below(self.tasks.len());
        let task = self.tasks.swap_remove(at);
        self.log(|| format!("drop {} {}", task.kind.name(), task.who));
        self.note(match &task.kind {
            Kind::Cork => "cork: ended",
            kind if kind.holds_permit() => "permit: dropped",
            _ => "future dropped while it waits",
        });
        if matches!(task.kind, Kind::Cork) {
            self.model.corks -= 1;
        } else {
            self.model.leave(task.who);
        }
        drop(task);
        self.count_writers(false);
    }

    fn poll_next(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        let waker = Waker::from(Arc::clone(&self.reader_flag));
        self.reader_flag.up.store(false, SeqCst);
        let real = Pin::new(reader).poll_next(&mut Context::from_waker(&waker));
        let real = real.map(|next| next.map(|result| result.map(|chunk| chunk.id)));
        let real = real.map(|next| next.map(|result| result.map_err(|error| trouble(&error))));
        let expected = self.model.next(real.is_ready());
        self.log(|| format!("next: {real:?}"));
        self.same("next", real, expected);
        self.reader_waits = real.is_pending().then_some(false);
        self.note(match real {
            Poll::Ready(Some(Ok(_))) => "chunk delivered",
            Poll::Ready(Some(Err(_))) if self.model.life == Life::Destroyed => "next: destroyed",
            Poll::Ready(Some(Err(_))) => "next: failure in order",
            Poll::Ready(None) => "next: end",
            Poll::Pending => "next: nothing",
        });
    }

    fn poll_readable(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        let waker = Waker::from(Arc::clone(&self.reader_flag));
        self.reader_flag.up.store(false, SeqCst);
        let real = pin!(reader.readable()).poll(&mut Context::from_waker(&waker));
        let real = real.map_err(|error| trouble(&error));
        let expected = self.model.readable(true, real.is_ready());
        self.log(|| format!("readable: {real:?}"));
        self.same("readable", real, expected);
        self.reader_waits = real.is_pending().then_some(true);
        self.note(match real {
            Poll::Ready(Ok(true)) => "readable: there is",
            Poll::Ready(Ok(false)) => "readable: end",
            Poll::Ready(Err(_)) => "readable: failure",
            Poll::Pending => "readable: nothing",
        });
    }

    fn read(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        let real = reader.read().map(|chunk| chunk.id);
        let expected = self.model.read(real.is_some());
        self.log(|| format!("read: {real:?}"));
        self.same("read", real, expected);
        self.note(if real.is_some() { "read: chunk" } else { "read: nothing" });
    }

    fn unshift(&mut self) {
        if self.polite {
            return;
        }
        let chunk = self.chunk();
        let Some(reader) = &mut self.reader else { return };
        let told = (chunk.id, chunk.weight);
        let real = reader.unshift(chunk).map_err(|error| error.into_chunk().id);
        let expected = self.model.unshift(told).map_err(|_| told.0);
        self.log(|| format!("unshift {told:?}: {real:?}"));
        self.same("unshift", real, expected);
        self.note(if real.is_ok() { "unshift: taken" } else { "unshift: too late" });
    }

    fn pause(&mut self, paused: bool) {
        self.log(|| format!("pause {paused}"));
        if paused {
            self.control.pause();
        } else {
            self.control.resume();
        }
        self.model.paused = paused;
        self.note(if paused { "pause" } else { "resume" });
    }

    fn clone_writer(&mut self) {
        let Some(writer) = self.writer().filter(|_| self.writers.len() < 4) else { return };
        self.log(|| "clone a writer".to_owned());
        let writer = Rc::new(Writable::clone(&writer));
        self.handles.push(Rc::downgrade(&writer));
        self.writers.push(writer);
        self.model.writers += 1;
    }

    fn drop_writer(&mut self) {
        if self.writers.is_empty() || (self.writers.len() == 1 && self.random.below(8) > 0) {
            return;
        }
        let at = self.random.below(self.writers.len());
        let writer = self.writers.swap_remove(at);
        let done = self.random.below(2) == 0;
        self.log(|| format!("drop a writer, done {done}"));
        self.note(if done { "done" } else { "writer dropped" });
        match Rc::try_unwrap(writer) {
            Ok(writer) if done => {
                writer.done();
                self.count_writers(true);
            }
            writer => {
                drop(writer);
                self.count_writers(false);
            }
        }
    }

    /// Tells the reference of the handles that are gone.
    fn count_writers(&mut self, done: bool) {
        self.handles.retain(|handle| handle.strong_count() > 0);
        while self.model.writers > self.handles.len() {
            self.model.drop_writer(done);
        }
    }

    fn swap_waker(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let at = self.random.below(self.tasks.len());
        let old = &self.tasks[at].flag;
        let (up, woken) = (old.is_up(), old.at.load(SeqCst));
        let flag = Flag::of(&self.clock);
        flag.up.store(up, SeqCst);
        flag.at.store(woken, SeqCst);
        self.tasks[at].flag = flag;
        self.note("waker swapped");
        self.poll_task(at, false);
    }

    fn end(&mut self, failure: Option<u32>) {
        let Some(writer) = self.writer() else { return };
        self.log(|| format!("end {failure:?}"));
        match failure {
            None => writer.end(),
            Some(n) => writer.fail(told(n)),
        }
        self.model.end(failure.map(Trouble::Told));
        self.note(if failure.is_some() { "fail" } else { "end" });
    }

    fn destroy_by_writer(&mut self) {
        let Some(writer) = self.writer() else { return };
        self.log(|| "destroy by a writer".to_owned());
        writer.destroy(told(8));
        self.model.destroy(Trouble::Told(8));
        self.note("destroy: by writer");
    }

    fn destroy_by_control(&mut self) {
        self.log(|| "destroy by control".to_owned());
        self.control.destroy(None);
        self.model.destroy(Trouble::PrematureClose);
        self.note("destroy: by control");
    }

    fn destroy_by_reader(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.log(|| "destroy by the reader".to_owned());
        reader.destroy(told(9));
        self.model.destroy(Trouble::Told(9));
        self.reader_waits = None;
        self.note("destroy: by reader");
    }

    fn drop_reader(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.log(|| "drop the reader".to_owned());
        drop(reader);
        self.model.destroy(Trouble::PrematureClose);
        self.reader_waits = None;
        self.note("reader dropped");
    }

    /// Everything that can be seen, and whether whatever would be ready was woken.
    fn check(&mut self) {
        let buffered = self.control.stats().buffered;
        let counts = self.model.counts(buffered);
        self.same("what counts as gone", counts.then_some(buffered), Some(buffered));
        self.check_turns();
        if let Some(writer) = self.writers.first() {
            let real = (writer.buffered(), writer.needs_drain(), writer.corks());
            let ended = (writer.is_ended(), writer.is_destroyed());
            let model = &self.model;
            self.same("seen by a writer", real, (model.buffered, model.closed, model.seen_corks()));
            let over = matches!(model.life, Life::Ending | Life::Ended);
            self.same("the life", ended, (over, model.life == Life::Destroyed));
        }
        if let Some(reader) = &self.reader {
            let expected = self.model.buffered.saturating_sub(self.model.given);
            self.same("seen by the reader", reader.buffered(), expected);
        }
        let stats = self.control.stats();
        self.same("writers", stats.writers, self.model.writers);
        for task in &self.tasks {
            let wait = match &task.kind {
                Kind::Cork => continue,
                kind if kind.holds_permit() => continue,
                Kind::Send(_, weight) | Kind::Reserve(.., weight) => Wait::Turn(*weight),
                Kind::Drain => Wait::Drain,
                Kind::Outcome => Wait::Outcome,
            };
            let woken = task.flag.is_up();
            if !woken && self.model.clone().wait(task.who, wait, false).is_ready() {
                self.same(task.kind.name(), (task.who, woken), (task.who, true));
            }
        }
        let mut waiting = self.tasks.iter().filter(|task| task.waits_for_turn());
        let asleep = waiting.any(|task| !task.flag.is_up());
        let ready = match self.reader_waits {
            _ if self.reader_flag.is_up() => false,
            None => false,
            Some(true) => self.model.clone().readable(true, asleep).is_ready(),
            Some(false) => self.model.clone().next(asleep).is_ready(),
        };
        if ready {
            self.same("the reader was woken", self.reader_flag.is_up(), true);
        }
    }

    /// I8, I31, I44: while there is room, somebody of those who wait for it was woken; what is kept stays within the mark.
    fn check_turns(&self) {
        if self.polite {
            let heaviest = self.weights.iter().copied().max().unwrap_or(1);
            let most = (self.model.high.max(1) - 1).saturating_add(heaviest);
            self.same(
                "within the mark and a chunk",
                self.model.promised().min(most),
                self.model.promised(),
            );
        }
        let mut waiting = self.tasks.iter().filter(|task| task.waits_for_turn()).peekable();
        if self.model.has_room() && waiting.peek().is_some() {
            self.same(
                "somebody was woken for the room",
                waiting.any(|task| task.flag.is_up()),
                true,
            );
        }
    }

    /// I3: each chunk was dropped exactly once.
    fn tear_down(&mut self) {
        self.tasks.clear();
        self.writers.clear();
        self.reader = None;
        let fates = self.fates.lock().unwrap().clone();
        let wrong = fates.iter().position(|drops| *drops != 1);
        self.same("a chunk that was not dropped once", wrong, None);
    }
}

impl Task {
    fn waits_for_turn(&self) -> bool {
        matches!(self.kind, Kind::Send(..) | Kind::Reserve(..)) && !self.kind.holds_permit()
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Send(..) => "send",
            Self::Reserve(..) => "reserve",
            Self::Drain => "drain",
            Self::Outcome => "finished",
            Self::Cork => "cork",
        }
    }

    fn holds_permit(&self) -> bool {
        matches!(self, Self::Reserve(held, ..) if held.get())
    }
}

fn refused(refused: WriteError<Chunk>) -> Refused {
    let (error, chunk) = refused.into_parts();
    (trouble(&error), Some(chunk.id))
}

fn told(n: u32) -> Error {
    Error::msg(format!("told {n}"))
}

fn trouble(error: &Error) -> Trouble {
    if error.is_overflow() {
        Trouble::Overflow
    } else if error.is_write_after_end() {
        Trouble::WriteAfterEnd
    } else if error.is_premature_close() {
        Trouble::PrematureClose
    } else {
        let text = error.to_string();
        let number = text.trim_start_matches("told ").split(' ').next();
        Trouble::Told(number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{text}")))
    }
}

/// Pending once, and not woken.
async fn pause_once() {
    let mut paused = false;
    poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}
